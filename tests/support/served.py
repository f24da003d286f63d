"""A small service for the tests of `kit.serve`: `python -m tests.support.served <port> <folder> <how> <workers>`.

It speaks with its test through files in the folder, so that neither has to guess how long the other takes."""

import sys
import time
from pathlib import Path

from flask import Flask

from kit import serve as serving
from kit.background import Loop
from kit.service import Service
from kit.settings import SettingsError

WITHIN_S = 20.0


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
    app = Flask("served")

    def ready() -> str:
        return "ready"

    def slow() -> str:
        (folder / "asked").touch()
        await_file(folder / "answer")
        return "slow answer"

    def turn() -> bool:
        if how == "busy":
            (folder / "turning").touch()
            await_file(folder / "answer")
            (folder / "turned").touch()
        return False

    def close() -> None:
        (folder / "closed").write_text("after the turn" if (folder / "turned").exists() else "before the turn")

    app.add_url_rule("/ready", view_func=ready)
    app.add_url_rule("/slow", view_func=slow)
    return Service("served", app, [Loop("served", turn, idle_s=60)], [close])


if __name__ == "__main__":
    port, folder, how, workers = sys.argv[1:]
    if how == "impatient":
        serving.STOP_WITHIN_S = 0.5
    serving.serve("served", lambda: build(Path(folder), how), port=int(port), threads=4, workers=int(workers))
