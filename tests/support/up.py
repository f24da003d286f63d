"""A running `dukani up`, for tests that start the whole shop as a person does."""

import os
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.support.processes import ROOT, eventually, free_ports

NAMES = ("DUKANI_BOT_PORT", "DUKANI_ROUTER_PORT", "DUKANI_ADAPTER_PORT", "DUKANI_SIMULATORS_PORT")
OPEN = "Your shop is open"


class Up:
    """A running `dukani up`, as a terminal without a keyboard sees it."""

    def __init__(self, folder: Path, *options: str, **environ: str) -> None:
        self.folder = folder
        self.ports = dict(zip(NAMES, free_ports(4), strict=True))
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dukani", "up", *options],
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                "DUKANI_DATA_DIR": str(folder / "var"),
                **{name: str(port) for name, port in self.ports.items()},
                **environ,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def await_open(self) -> None:
        def is_open() -> bool:
            assert self.process.poll() is None, self.text
            return OPEN in self.text and "Ctrl-C stops" in self.text

        eventually(is_open, "the shop opens", within_s=90)

    def ended(self) -> int:
        exit_code = self.process.wait(60)
        self._reader.join(10)
        return exit_code

    @property
    def text(self) -> str:
        return "".join(self.lines)

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, name: str) -> psutil.Process:
        (found,) = [child for child in psutil.Process(self.process.pid).children() if name in child.cmdline()]
        return found

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.lines.append(line)


@contextmanager
def up(folder: Path, *options: str, **environ: str) -> Generator[Up]:
    run = Up(folder, *options, **environ)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.process.terminate()
        run.ended()
