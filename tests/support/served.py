"""A small service for the tests of `kit.serve`: `python -m tests.support.served <port> <folder> <how> <workers>`.

With port 0 it only works, and listens nowhere.

It speaks with its test through files in the folder, so that neither has to guess how long the other takes."""

import os
import sys
import time
from pathlib import Path

from kit import serve as serving
from kit.background import Loop
from kit.metrics import share_through
from kit.service import Service
from kit.settings import SettingsError
from kit.web import add_metrics, add_readiness, make_app

WITHIN_S = 20.0

LOOPS = {"counting": serving.LoopsIn.FIRST_WORKER, "resting": serving.LoopsIn.NO_WORKER}


def await_file(path: Path) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not path.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{path} did not appear")
        time.sleep(0.01)


def build(folder: Path, how: str) -> Service:
    if how == "unset":
        raise SettingsError("SOME_SETTING is not set")
    if how == "broken":
        raise RuntimeError("can't be built")
    app = make_app("served")
    add_readiness(app, {})
    add_metrics(app, None)

    def slow() -> str:
        (folder / "asked").touch()
        await_file(folder / "answer")
        return "slow answer"

    def who(name: str) -> str:
        return f"{os.getpid()} {name}"

    def turn() -> bool:
        if how in ("counting", "spread", "resting"):
            (folder / f"loop-{os.getpid()}").touch()
        if how == "busy":
            (folder / "turning").touch()
            await_file(folder / "answer")
            (folder / "turned").touch()
        return False

    def close() -> None:
        (folder / "closed").write_text("after the turn" if (folder / "turned").exists() else "before the turn")

    app.add_url_rule("/slow", view_func=slow)
    app.add_url_rule("/who/<name>", view_func=who)
    return Service("served", app, [Loop("served", turn, idle_s=60)], [close])


if __name__ == "__main__":
    port, folder, how, workers = sys.argv[1:]
    if how == "impatient":
        serving.STOP_WITHIN_S = 0.5
    if port == "0":
        serving.work(lambda: build(Path(folder), how))
    if int(workers) > 1:
        share_through(Path(folder) / "metrics")
    serving.serve(
        "served",
        lambda: build(Path(folder), how),
        port=int(port),
        threads=4,
        workers=int(workers),
        loops=LOOPS.get(how, serving.LoopsIn.EVERY_WORKER),
    )
