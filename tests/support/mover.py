"""`python -m tests.support.mover <vendor> <step> <json>`: moves a vendor as the command line does, and is killed there.

The environment says which shop."""

import os
import signal
import sys

from contracts.ids import VendorId
from dukani.moving import destination, ends_of
from kit.settings import load_settings
from router.moving.service import Step, move


class _Doomed:
    def __init__(self, last: Step) -> None:
        self._last = last

    def reached(self, step: Step) -> None:
        if step is self._last:
            os.kill(os.getpid(), signal.SIGKILL)

    def did(self, what: str, rows: int) -> None:
        """Nobody looks."""


if __name__ == "__main__":
    vendor_id, step, target = VendorId(sys.argv[1]), Step(sys.argv[2]), sys.argv[3]
    settings = load_settings(dotenv=None)
    move(vendor_id, destination(settings, vendor_id, target), ends_of(settings), _Doomed(step))
