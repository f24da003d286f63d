"""POST /callbacks/<secret>: answered after the callback is stored and before it is understood. With `/check` behind it,
a provider asks whether money that somebody pays by hand may come.

Most providers sign nothing; that they know the secret is what tells them from a stranger."""

import re

from flask import Flask, Response, request

from contracts.errors import ErrorCode
from kit.batches import Closed
from kit.db import Database
from kit.problems import Problem
from kit.web import answer
from payment_adapter.callbacks.arrivals import Arrivals, Arrived, Fate
from payment_adapter.callbacks.sources import caller, is_foreign
from payment_adapter.callbacks.watch import Suspicion, Watch
from payment_adapter.charges.service import Charges, hash_secret
from payment_adapter.providers.base import NoticeChecker

_SECRET = re.compile(r"[0-9a-f]{64}")


def add_routes(app: Flask, db: Database, arrivals: Arrivals, charges: Charges, watch: Watch) -> None:
    def not_expected() -> Problem:
        watch.note(Suspicion.STRANGER)
        return Problem(404, ErrorCode.NOT_FOUND, "nothing is expected here")

    def take_callback(secret: str) -> Response:
        if not _SECRET.fullmatch(secret):
            raise not_expected()
        headers = {name.lower(): value for name, value in request.headers.items()}
        arrived = Arrived(hash_secret(secret), request.get_data(cache=False), headers)
        try:
            taken = arrivals.take(arrived)
        except Closed as error:
            raise Problem(503, ErrorCode.UNAVAILABLE, "stopping: send it again", retry_after_s=1) from error
        if taken.fate is Fate.STRANGER:
            raise not_expected()
        if taken.fate is Fate.FORGED:
            watch.note(Suspicion.FORGED, taken.provider, taken.vendor_id)
            raise Problem(401, ErrorCode.UNAUTHENTICATED, "the signature is missing or wrong")
        source = caller(request.remote_addr, headers.get("x-forwarded-for"))
        if is_foreign(taken.provider, source):
            watch.note(Suspicion.OTHER_SOURCE, taken.provider, taken.vendor_id, source or "")
        return answer(taken.acknowledgement)

    def check_callback(secret: str) -> Response:
        if not _SECRET.fullmatch(secret):
            raise not_expected()
        with db.read() as tx:
            address = arrivals.address_of(tx, hash_secret(secret))
            credentials = None if address is None else arrivals.credentials_of(tx, address)
        if address is None:
            raise not_expected()
        provider = charges.providers.get(address.provider)
        if credentials is None or not isinstance(provider, NoticeChecker):
            # Nothing speaks against it: money that nobody expected is put before the shop afterwards.
            return answer(arrivals.acknowledgement(address.provider))
        headers = {name.lower(): value for name, value in request.headers.items()}
        return answer(provider.check_notice(request.get_data(cache=False), headers, credentials))

    app.add_url_rule("/callbacks/<secret>", "take_callback", take_callback, methods=["POST"])
    app.add_url_rule("/callbacks/<secret>/check", "check_callback", check_callback, methods=["POST"])
