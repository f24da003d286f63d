"""`python -m tests.support.zygote <process>`: imports what that process imports, then forks one for whoever asks.

A request is a line of JSON on standard input, answered by a line on standard output; the end of input is the end of
this program, and then of its children, who are told whose children they are. What is forked lives as if it had been
started as `python -m dukani …`: its own arguments, environment, folder and log, the signals as Python sets them at a
start, the interpreter's own way out. As in `kit/serve.py` nothing with a thread exists before a fork: that is checked.

    {"do": "fork", "arguments": ["serve", …], "environ": {…}, "folder": "…", "log": "…"}   → {"pid": 123}
    {"do": "poll", "pid": 123}   → {"exit_code": null}, or the code, or minus the signal, once it ended"""

import gc
import json
import os
import runpy
import signal
import sys
from pathlib import Path
from typing import Any

from dukani.processes import Process, builder

_TASKS = Path("/proc/self/task")  # Linux; threads that Python does not know of are counted, too


def _import(process: Process) -> None:
    # As `dukani serve` does, in its order: the rooms first.
    builder(process)
    for module in ("dukani.cli", "kit.logging", "kit.serve", "kit.signing"):
        __import__(module)
    gc.collect()
    gc.freeze()


def _check_nothing_runs_beside() -> None:
    threads = len(list(_TASKS.iterdir())) if _TASKS.is_dir() else 1
    if threads != 1:
        sys.exit(f"{threads} threads after the imports: a fork would be without them, and may hold their locks")


def _answer(words: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


def _fork_or_poll() -> dict[str, Any] | None:
    """Answers until it is the child, who gets the request it was made for; None at the end of input."""
    unreaped: set[int] = set()
    while line := sys.stdin.readline():
        request: dict[str, Any] = json.loads(line)
        if request["do"] == "poll":
            pid: int = request["pid"]
            assert pid in unreaped, f"{pid} is no child of this one, or its end was told already"
            ended, status = os.waitpid(pid, os.WNOHANG)
            unreaped -= {ended}
            _answer({"exit_code": os.waitstatus_to_exitcode(status) if ended else None})
            continue
        pid = os.fork()
        if pid == 0:
            return request
        unreaped.add(pid)
        _answer({"pid": pid})
    return None


def _become(request: dict[str, Any]) -> None:
    """What a start by the command line would have found."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    # Over the pipes to whoever asked, so that these end with the parent, whatever its children do.
    for there, here in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(there, here)
    os.close(nothing)
    os.close(log)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environ"])
    sys.path[0] = os.getcwd()
    sys.argv[1:] = request["arguments"]


def _main() -> None:
    # Ctrl-C reaches the whole group; who asked decides what ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _import(Process(sys.argv[1]))
    _check_nothing_runs_beside()
    request = _fork_or_poll()
    if request is not None:
        _become(request)
        runpy.run_module("dukani", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main()
