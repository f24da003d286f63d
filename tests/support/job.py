"""A process to supervise: `python -m tests.support.job <port> <how>`. Standard library only, so that it starts fast."""

import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import FrameType
from typing import NoReturn


class _Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/die":
            sys.stdout.write("a last word\n")
            sys.stdout.flush()
            os._exit(3)
        self.send_response(503 if HOW == "unready" else 200)
        self.end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Says nothing: its lines are what the tests look at."""


def _drain(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.stdout.write("drained\n")
    sys.stdout.flush()
    os._exit(0)


PORT, HOW = int(sys.argv[1]), sys.argv[2]

if __name__ == "__main__":
    sys.stdout.write("hello\n")
    sys.stdout.flush()
    if HOW == "dies":
        sys.stdout.write("no settings\n")
        sys.exit(2)
    signal.signal(signal.SIGTERM, signal.SIG_IGN if HOW == "stubborn" else _drain)
    server = HTTPServer(("127.0.0.1", PORT), _Ready)
    if HOW == "slow":
        time.sleep(0.5)
    server.serve_forever()
