"""POST /callbacks/<secret>: answered after the callback is stored and before it is understood.

The provider signs nothing; that it knows the charge's secret is what tells it from a stranger."""

import re
import threading
from datetime import datetime, timedelta

import structlog
from flask import Flask, Response, request

from contracts.errors import ErrorCode
from kit.clock import Clock
from kit.db import Database
from kit.problems import Problem
from kit.web import answer
from payment_adapter.callbacks.service import Callbacks

_log = structlog.get_logger()

_SECRET = re.compile(r"[0-9a-f]{64}")
_ACCEPTED = {"ResultCode": 0, "ResultDesc": "Accepted"}
_SAY_EVERY = timedelta(minutes=1)


class Strangers:
    """Counts callbacks with a secret that no charge has. Nothing else is kept of them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._said_at: datetime | None = None
        self.count = 0

    def note(self) -> None:
        with self._guard:
            self.count += 1
            now = self._clock.now()
            if self._said_at is not None and now < self._said_at + _SAY_EVERY:
                return
            self._said_at = now
        _log.warning("callbacks with unknown secrets", count=self.count)


def add_routes(app: Flask, db: Database, callbacks: Callbacks, strangers: Strangers) -> None:
    def take_callback(secret: str) -> Response:
        is_known = False
        if _SECRET.fullmatch(secret):
            with db.read() as tx:  # a stranger costs no write
                is_known = callbacks.is_known(tx, secret)
        if not is_known:
            strangers.note()
            raise Problem(404, ErrorCode.NOT_FOUND, "nothing is expected here")
        body = request.get_data(cache=False)
        headers = {name.lower(): value for name, value in request.headers.items()}
        with db.write() as tx:
            callbacks.store(tx, secret, body, headers)
        return answer(_ACCEPTED)

    app.add_url_rule("/callbacks/<secret>", "take_callback", take_callback, methods=["POST"])
