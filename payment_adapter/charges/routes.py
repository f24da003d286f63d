"""POST /v1/charges: the bot hands on a grant; the answer comes before anything is sent to a provider."""

from flask import Flask, Response, request

from contracts.errors import ErrorCode
from contracts.payment_api import NewCharge
from kit.clock import Clock
from kit.db import Database
from kit.grants import GrantInvalid, open_grant
from kit.problems import Problem
from kit.signing import VENDOR_HEADER, KeyRing, verify_request
from kit.web import answer, read_body, require_idempotency_key
from payment_adapter.charges.service import Charges

REPLAYED_HEADER = "idempotent-replayed"


def add_routes(app: Flask, db: Database, charges: Charges, clock: Clock, *, callers: KeyRing, grants: KeyRing) -> None:
    def create_charge() -> Response:
        verify_request(callers, clock.now())
        key = require_idempotency_key()
        wish = read_body(NewCharge)
        try:
            grant = open_grant(grants, wish.grant)
        except GrantInvalid as error:
            raise Problem(403, ErrorCode.GRANT_INVALID, f"{error}; nothing was charged") from error
        if request.headers.get(VENDOR_HEADER, grant.vendor_id) != grant.vendor_id:
            raise Problem(403, ErrorCode.VENDOR_MISMATCH, f"the grant is not for the vendor that {VENDOR_HEADER} names")
        if key != grant.intent_id:
            # The intent is what a charge may happen once for, so it is the only key that can keep that promise.
            raise Problem(422, ErrorCode.INVALID_REQUEST, "the Idempotency-Key of a charge is the id of its intent")
        with db.write() as tx:
            opened = charges.open(tx, grant)
        return answer(opened.view, 202, {REPLAYED_HEADER: "true"} if opened.is_replay else None)

    app.add_url_rule("/v1/charges", "create_charge", create_charge, methods=["POST"])
