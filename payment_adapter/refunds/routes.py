"""POST /v1/refunds, by which the router asks for one; POST /callbacks/refunds/<secret>, where providers say what became
of it. What they send is answered after it is stored and before it is understood."""

import re
from collections.abc import Callable

from flask import Flask, Response, request

from contracts.errors import ErrorCode
from contracts.payment_api import NewRefund
from kit.clock import Clock
from kit.db import Database
from kit.idempotency import REPLAYED_HEADER
from kit.problems import Problem
from kit.signing import VENDOR_HEADER, KeyRing, verify_request
from kit.web import answer, read_body, require_idempotency_key
from payment_adapter.refunds.results import Results
from payment_adapter.refunds.send import RESULT_PATH
from payment_adapter.refunds.service import Refunds

_SECRET = re.compile(r"[0-9a-f]{64}")
_ACCEPTED = {"ResultCode": 0, "ResultDesc": "Accepted"}


def add_routes(app: Flask, db: Database, refunds: Refunds, clock: Clock, *, callers: KeyRing) -> None:
    def create_refund() -> Response:
        verify_request(callers, clock.now())
        key = require_idempotency_key()
        wish = read_body(NewRefund)
        if request.headers.get(VENDOR_HEADER, wish.vendor_id) != wish.vendor_id:
            raise Problem(403, ErrorCode.VENDOR_MISMATCH, f"the refund is not of the vendor that {VENDOR_HEADER} names")
        if key != wish.refund_id:
            # The refund is what may happen once, so its id is the only key that can keep that promise.
            raise Problem(422, ErrorCode.INVALID_REQUEST, "the Idempotency-Key of a refund is its id")
        if wish.receipt is None and wish.provider_transaction_id is None:
            raise Problem(422, ErrorCode.INVALID_REQUEST, "name the payment: provider_transaction_id or receipt")
        with db.write() as tx:
            opened = refunds.open(tx, wish)
        return answer(opened.view, 202, {REPLAYED_HEADER: "true"} if opened.is_replay else None)

    app.add_url_rule("/v1/refunds", "create_refund", create_refund, methods=["POST"])


def add_result_routes(app: Flask, db: Database, results: Results, note_stranger: Callable[[], None]) -> None:
    """`note_stranger` hears of each secret that no refund has."""

    def take(secret: str, *, is_timeout: bool) -> Response:
        address = None
        if _SECRET.fullmatch(secret):
            with db.read() as tx:  # a stranger costs no write
                address = results.find_address(tx, secret)
        if address is None:
            note_stranger()
            raise Problem(404, ErrorCode.NOT_FOUND, "nothing is expected here")
        body = request.get_data(cache=False)
        headers = {name.lower(): value for name, value in request.headers.items()}
        with db.write() as tx:
            results.store(tx, address, secret, body, headers, is_timeout=is_timeout)
        return answer(_ACCEPTED)

    def take_result(secret: str) -> Response:
        return take(secret, is_timeout=False)

    def take_timeout(secret: str) -> Response:
        return take(secret, is_timeout=True)

    app.add_url_rule(f"{RESULT_PATH}<secret>", "take_refund_result", take_result, methods=["POST"])
    app.add_url_rule(f"{RESULT_PATH}<secret>/timeout", "take_refund_timeout", take_timeout, methods=["POST"])
