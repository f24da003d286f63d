"""A server program as a child of this process, which it never outlives."""

import ctypes
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

START_WITHIN_S = 60.0
_POLL_S = 0.02
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class CannotRun(RuntimeError):
    """A server can't be started here; the text is for a person and says what to do."""


@dataclass(frozen=True, slots=True)
class Program:
    """A running server. `how_to_stop` is the signal that it takes for an orderly end."""

    name: str
    process: "subprocess.Popen[bytes]"
    how_to_stop: signal.Signals

    def stop(self) -> None:
        self.process.send_signal(self.how_to_stop)
        self.process.wait()

    def kill(self) -> None:
        """As the kernel would."""
        self.process.kill()
        self.process.wait()


def start(
    name: str,
    command: Sequence[str | Path],
    *,
    folder: Path,
    log: Path,
    answers: Callable[[], bool],
    how_to_stop: signal.Signals,
    user: int | None = None,
) -> Program:
    """Start it in `folder` and wait until it answers. Call in a thread that lives as long as the server is to.

    Raises CannotRun with the last of what it wrote to `log`."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            user=user,
            cwd=folder,
            process_group=0,  # Ctrl-C in a terminal is not for it: whoever started it stops it, after its users
            # Runs after the change of user, which would forget it.
            preexec_fn=lambda: _stop_with_parent(how_to_stop),  # noqa: PLW1509 - one system call, no lock
        )
    program = Program(name, process, how_to_stop)
    try:
        deadline = time.monotonic() + START_WITHIN_S
        while not answers():
            if process.poll() is not None or time.monotonic() > deadline:
                last = log.read_text(errors="replace").splitlines()[-20:]
                raise CannotRun(f"{name} did not start. Its last lines, from {log}:\n" + "\n".join(last))
            time.sleep(_POLL_S)
    except BaseException:
        program.kill()
        raise
    return program


def package_folder(package: str) -> Path:
    """Where that package of the test requirements lies. Raises CannotRun when it is not installed."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise CannotRun(
            f"The package {package} is not installed: start with ./dev up --production-like, which installs it, "
            "or give servers of your own by the four *_DATABASE_URL and REDIS_URL."
        )
    return Path(spec.origin).parent


def _stop_with_parent(how: signal.Signals) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, how, 0, 0, 0)
