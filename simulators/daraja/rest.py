"""Daraja's HTTP side: the token, the push, the query, and its many ways to refuse."""

import time

from flask import Blueprint, Response, request

from simulators import faults, slow
from simulators.cut import cut_answer
from simulators.daraja import edge, identifiers, pushes, reading, rest_by_hand
from simulators.daraja.edge import DarajaError, Edge, SpikeArrest
from simulators.daraja.pushes import Push, UnknownPush
from simulators.daraja.reading import InvalidField, Signed
from simulators.fault_names import Fault
from simulators.jobs import Jobs
from simulators.moments import SECOND_US
from simulators.problems import JsonObject
from simulators.prompts import PhoneBusy
from simulators.store import Store, Transaction

TOKEN_LIVES_S = 3599

_CALLBACK_FIRST_WAIT_S = 8.0
_CALLBACK_FIRST_LOOK_S = 0.005


def create_blueprint(store: Store, jobs: Jobs) -> Blueprint:
    blueprint = Blueprint("daraja", __name__, url_prefix="/daraja")
    rest = _Rest(store, jobs)
    blueprint.add_url_rule("/oauth/v1/generate", "token", rest.token, methods=["GET"])
    blueprint.add_url_rule("/mpesa/stkpush/v1/processrequest", "push", rest.push, methods=["POST"])
    blueprint.add_url_rule("/mpesa/stkpushquery/v1/query", "query", rest.query, methods=["POST"])
    rest_by_hand.add_routes(blueprint, store, jobs)
    blueprint.register_error_handler(DarajaError, DarajaError.response)
    blueprint.register_error_handler(SpikeArrest, lambda _: SpikeArrest.response())
    blueprint.after_request(Edge(store).remember)
    return blueprint


class _Rest:
    def __init__(self, store: Store, jobs: Jobs) -> None:
        self._store = store
        self._jobs = jobs
        self._edge = Edge(store)

    def token(self) -> Response:
        slow.wait(self._store, Fault.DARAJA_DELAY_S)
        with self._store.transaction() as tx:
            is_html = faults.takes(tx, Fault.TOKEN_ERROR_HTML)
            is_refused_empty = faults.takes(tx, Fault.CREDENTIALS_EMPTY_400)
            is_refused_coded = faults.takes(tx, Fault.CREDENTIALS_400_008_01)
        given = request.authorization
        if is_html:
            return slow.html_error(503, "Service Unavailable")
        if is_refused_coded or given is None or given.type != "basic" or not given.username or not given.password:
            raise DarajaError(400, "400.008.01", "Invalid Authentication passed")
        if request.args.get("grant_type") != "client_credentials":
            raise DarajaError(400, "400.008.02", "Invalid grant type passed")
        if is_refused_empty or "wrong" in given.username or "wrong" in given.password:
            # Wrong credentials were seen answered with 400 and no body at all.
            return Response(b"", 400)
        token = identifiers.access_token()
        with self._store.transaction() as tx:
            tx.run("DELETE FROM tokens WHERE expires_us <= ?", tx.now_us)
            tx.run("INSERT INTO tokens VALUES (?, ?)", token, tx.now_us + TOKEN_LIVES_S * SECOND_US)
        return edge.answer({"access_token": token, "expires_in": str(TOKEN_LIVES_S)}, 200)

    def push(self) -> Response:
        # Each endpoint words a dead token in its own way; both mean the same.
        self._edge.admit(DarajaError(404, "404.001.03", "Invalid Access Token"))
        broken = self._outage()
        if broken is not None:
            return broken
        body = edge.body()
        with self._store.transaction() as tx:
            push, is_paid_first = self._accept(tx, body)
            is_cut, is_empty = faults.takes(tx, Fault.PUSH_TIMEOUT), faults.takes(tx, Fault.PUSH_EMPTY)
            cut_after_s = faults.seconds(tx, Fault.CUT_AFTER_S)
        if is_paid_first:
            self._await_callbacks(push)
        if is_cut:
            return cut_answer(cut_after_s)
        if is_empty:
            return Response(b"", 200, content_type="application/json")
        return edge.answer(
            {
                "MerchantRequestID": push.merchant_request_id,
                "CheckoutRequestID": push.id,
                "ResponseCode": "0",
                "ResponseDescription": "Success. Request accepted for processing",
                "CustomerMessage": "Success. Request accepted for processing",
            },
            200,
        )

    def query(self) -> Response:
        self._edge.admit(DarajaError(400, "400.003.01", "Invalid Access Token"))
        body = edge.body()
        with self._store.transaction() as tx:
            push = self._asked_about(tx, body)
            is_empty, is_html = faults.takes(tx, Fault.QUERY_EMPTY), faults.takes(tx, Fault.QUERY_ERROR_HTML)
            is_bare = faults.takes(tx, Fault.QUERY_NO_RESULT_CODE)
            is_pending_500 = faults.takes(tx, Fault.QUERY_PENDING_500)
            is_pending = faults.takes(tx, Fault.QUERY_4999) or push.result_code is None
            is_denied = faults.takes(tx, Fault.QUERY_SAYS_FAILED)
        if is_empty:
            return Response(b"", 200, content_type="application/json")
        if is_html:
            return slow.html_error(502, "Bad Gateway")
        if is_pending_500:
            pending: JsonObject = {
                "requestId": push.id,
                "errorCode": "500.001.1001",
                "errorMessage": "The transaction is being processed",
            }
            return edge.answer(pending, 500)
        if is_pending:
            code, text = "4999", "The transaction is still under processing"
        elif is_denied:
            code, text = str(pushes.UNREACHABLE), "No response from user."
        else:
            assert push.result_code is not None
            code, text = str(push.result_code), pushes.RESULT_TEXT[push.result_code]
        found: JsonObject = {
            "ResponseCode": "0",
            "ResponseDescription": "The service request has been accepted successfully",
            "MerchantRequestID": push.merchant_request_id,
            "CheckoutRequestID": push.id,
        }
        return edge.answer(found if is_bare else {**found, "ResultCode": code, "ResultDesc": text}, 200)

    def _outage(self) -> Response | None:
        """A push that is not even looked at. Raises DarajaError."""
        with self._store.transaction() as tx:
            is_busy = faults.takes(tx, Fault.PUSH_BUSY)
            is_html = not is_busy and faults.takes(tx, Fault.PUSH_ERROR_HTML)
            is_empty = not is_busy and not is_html and faults.takes(tx, Fault.PUSH_ERROR_EMPTY)
        if is_busy:
            raise DarajaError(500, "500.003.02", "System is busy. Please try again in few minutes.")
        if is_html:
            return slow.html_error(502, "Bad Gateway")
        return Response(b"", 503) if is_empty else None

    def _accept(self, tx: Transaction, body: JsonObject) -> tuple[Push, bool]:
        """The push, and whether it was paid at once so that its callback comes before the reply."""
        try:
            signed = reading.read_signed(body)
            wanted = reading.read_push(body, is_strict=faults.is_on(tx, Fault.STRICT_LENGTHS))
        except InvalidField as error:
            raise edge.invalid(error.field) from error
        self._check_passkey(tx, signed, is_learning=True)
        try:
            push = pushes.accept(tx, self._jobs, wanted)
        except PhoneBusy as error:
            raise DarajaError(
                500,
                "500.001.1001",
                "Unable to lock subscriber, a transaction is already in process for the current subscriber",
            ) from error
        if push.result_code is not None or not faults.takes(tx, Fault.CALLBACK_BEFORE_REPLY):
            return push, False
        pushes.pay(tx, self._jobs, push)
        return push, True

    def _asked_about(self, tx: Transaction, body: JsonObject) -> Push:
        try:
            signed = reading.read_signed(body)
        except InvalidField as error:
            raise edge.invalid(error.field) from error
        # Who asks is looked at first: a wrong passkey is told also to who asks about nothing.
        self._check_passkey(tx, signed, is_learning=False)
        try:
            push = pushes.get(tx, str(body.get("CheckoutRequestID")))
        except UnknownPush as error:
            raise edge.invalid("CheckoutRequestID") from error
        if push.shortcode != signed.shortcode:
            raise edge.invalid("CheckoutRequestID")
        return push

    def _check_passkey(self, tx: Transaction, signed: Signed, *, is_learning: bool) -> None:
        """A shortcode's passkey is the one that its first accepted push used, and from then on no other. So no
        account has to be registered here, and a wrong passkey is noticed all the same; one that contains `wrong`
        is never right, and `POST /sim/reset` forgets them all."""
        known = tx.row("SELECT passkey FROM passkeys WHERE shortcode = ?", signed.shortcode)
        is_right = signed.passkey is not None and "wrong" not in signed.passkey
        if known is not None:
            is_right = is_right and signed.passkey == known["passkey"]
        if not is_right:
            raise DarajaError(500, "500.001.1001", "[MerchantValidate] - Wrong credentials")
        if known is None and is_learning:
            tx.run("INSERT INTO passkeys VALUES (?, ?)", signed.shortcode, signed.passkey)

    def _await_callbacks(self, push: Push) -> None:
        """Hold the reply back until the shop has heard of the result, or for so long that it never will."""
        deadline = time.monotonic() + _CALLBACK_FIRST_WAIT_S
        while time.monotonic() < deadline and not self._jobs.is_lane_empty(push.callback_lane):
            time.sleep(_CALLBACK_FIRST_LOOK_S)
