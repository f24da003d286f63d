"""The gateway AppyPay (`/v2.0/charges`, `/v2.0/refunds`): Multicaixa Express and EMIS references."""

import time
import uuid

from flask import Blueprint, Response, request

from simulators import faults, slow, wire
from simulators.cut import cut_answer
from simulators.ekwanza import amounts, bodies, book, charges, codes, merchants, reading, token
from simulators.ekwanza.book import Charge, Kind, UnknownCharge
from simulators.ekwanza.charges import Account, Wanted
from simulators.ekwanza.codes import Status
from simulators.ekwanza.reading import ChargeRequest, Refusal
from simulators.fault_names import Fault
from simulators.jobs import Jobs
from simulators.problems import JsonObject
from simulators.prompts import PromptState
from simulators.store import Store, Transaction

ASYNC = "application/vnd.appypay.asyncapi+json"

_LOOK_S = 0.02
_WEBHOOK_FIRST_WAIT_S = 8.0
_SYNC_WAIT_S = 95.0
"""Of real time, where nobody moves the clock: the prompt itself lives for 90 s."""

_MOST_LISTED = 50


class Unauthorized(Exception):
    @staticmethod
    def response() -> Response:
        return _json({"statusCode": 401, "message": "Unauthorized. Access token is missing or invalid."}, 401)


def create_blueprint(store: Store, jobs: Jobs) -> Blueprint:
    blueprint = Blueprint("ekwanza_gateway", __name__, url_prefix="/ekwanza/gateway/v2.0")
    gateway = _Gateway(store, jobs)
    blueprint.add_url_rule("/charges", "create", gateway.create, methods=["POST"])
    blueprint.add_url_rule("/charges", "list", gateway.list_charges, methods=["GET"])
    blueprint.add_url_rule("/charges/<charge_id>", "look_up", gateway.look_up, methods=["GET"])
    blueprint.add_url_rule("/refunds/<charge_id>", "refund", gateway.refund, methods=["POST"])
    blueprint.register_error_handler(Refusal, refuse)
    blueprint.register_error_handler(Unauthorized, lambda error: Unauthorized.response())
    blueprint.after_request(gateway.remember)
    return blueprint


def refuse(refusal: Refusal) -> Response:
    status = bodies.response_status(refusal.code, "APPY", _language(), status=Status.FAILED, about=refusal.about)
    return _json({"id": None, "responseStatus": status}, refusal.http_status)


class _Gateway:
    def __init__(self, store: Store, jobs: Jobs) -> None:
        self._store = store
        self._jobs = jobs

    def create(self) -> Response:
        client_id = self._authenticate()
        slow.wait(self._store, Fault.EKWANZA_DELAY_S)
        broken = outage(self._store)
        if broken is not None:
            return broken
        is_async = ASYNC in request.headers.get("Accept", "")
        body = amounts.loads(request.get_data()) if request.mimetype == "application/json" else None
        with self._store.transaction() as tx:
            wanted = reading.read_charge(body, tx.now_us)
            account = _account(tx, client_id, wanted)
            self._refuse_twins(tx, client_id, wanted)
            if wanted.kind is Kind.GPO and faults.takes(tx, Fault.EKWANZA_REFUSED):
                failed = bodies.response_status(
                    codes.NOT_REACHED, "GPO", _language(), has_status=not faults.is_on(tx, Fault.EKWANZA_NO_STATUS)
                )
                return _json({"id": str(uuid.uuid4()), "responseStatus": failed, "reference": None}, 200)
            charge, is_unknown, waits_for_webhook = self._add(tx, account, wanted)
            is_cut, is_empty = faults.takes(tx, Fault.EKWANZA_TIMEOUT), faults.takes(tx, Fault.EKWANZA_EMPTY)
            cut_after_s = faults.seconds(tx, Fault.CUT_AFTER_S)
        if waits_for_webhook:
            await_webhook(self._jobs, charge)
        if is_cut:
            return cut_answer(cut_after_s)
        if is_empty:
            return Response(b"", 200, content_type="application/json")
        if charge.kind is Kind.GPO and not is_async and not is_unknown:
            charge = self._await_decision(charge)
        return self._answer(charge, is_async=is_async, is_unknown=is_unknown)

    def look_up(self, charge_id: str) -> Response:
        client_id = self._authenticate()
        slow.wait(self._store, Fault.EKWANZA_DELAY_S)
        with self._store.transaction() as tx:
            is_html = faults.takes(tx, Fault.EKWANZA_LOOKUP_HTML)
            is_missing = not is_html and faults.takes(tx, Fault.EKWANZA_LOOKUP_MISSING)
        if is_html:
            return slow.html_error(502, "Bad Gateway")
        if is_missing:
            raise Refusal(codes.NOT_FOUND, charge_id, 404)
        with self._store.transaction() as tx:
            return _json({"payment": self._payment(tx, self._own(tx, client_id, charge_id))}, 200)

    def list_charges(self) -> Response:
        """By merchantTransactionId. A name that nobody used gives an empty list, not an error."""
        client_id = self._authenticate()
        slow.wait(self._store, Fault.EKWANZA_DELAY_S)
        limit, skip = _number("limit", _MOST_LISTED), _number("skip", 0)
        with self._store.transaction() as tx:
            if faults.takes(tx, Fault.EKWANZA_LOOKUP_HTML):
                return slow.html_error(502, "Bad Gateway")
            found = book.named(tx, client_id, request.args.get("merchantTransactionId"))
            if faults.takes(tx, Fault.EKWANZA_LOOKUP_MISSING):
                found = []
            shown = [self._payment(tx, charge) for charge in found[skip : skip + limit]]
        has_more = skip + limit < len(found)
        return _json({"payments": shown, "totalCount": len(found), "hasMorePages": has_more}, 200)

    def refund(self, charge_id: str) -> Response:
        client_id = self._authenticate()
        slow.wait(self._store, Fault.EKWANZA_DELAY_S)
        amount_minor = reading.read_refund(amounts.loads(request.get_data()))
        with self._store.transaction() as tx:
            charge = self._own(tx, client_id, charge_id)
            if charge.kind is not Kind.GPO:
                raise Refusal(codes.UNKNOWN)  # refunds are for GPO and UMM only
            if charge.state is not PromptState.PAID:
                raise Refusal(codes.NOT_FOUND, charge_id, 404)
            if faults.takes(tx, Fault.EKWANZA_REFUND_REFUSED):
                code = codes.REFUSED_BY_ISSUER
            elif charges.give_back(tx, charge, amount_minor):
                code = codes.SUCCESS
            else:
                raise Refusal(codes.REFUND_TOO_MUCH)
            is_cut, cut_after_s = (
                faults.takes(tx, Fault.EKWANZA_REFUND_TIMEOUT),
                faults.seconds(tx, Fault.CUT_AFTER_S),
            )
        if is_cut:
            return cut_answer(cut_after_s)
        status = bodies.response_status(code, "GPO", _language())
        return _json({"id": str(uuid.uuid4()), "responseStatus": status}, 200)

    def remember(self, response: Response) -> Response:
        if request.method == "POST":
            content = amounts.loads(request.get_data()) or {}
            kept = {name: str(value) for name, value in content.items() if name != "options"}
            with self._store.transaction() as tx:
                wire.remember(tx, "ekwanza", request.path, kept, response.status_code)
        return response

    def _add(self, tx: Transaction, account: Account, wanted: ChargeRequest) -> tuple[Charge, bool, bool]:
        """The charge, whether its first answer is 319, and whether its webhook comes before the reply."""
        is_gpo = wanted.kind is Kind.GPO
        is_dropped = is_gpo and faults.takes(tx, Fault.EKWANZA_DROPPED)
        charge = charges.add(
            tx,
            self._jobs,
            account,
            Wanted(
                wanted.kind,
                wanted.our_reference,
                wanted.amount_minor,
                wanted.description,
                wanted.payment_method,
                reading.options_text(wanted.options),
                wanted.msisdn,
                wanted.due_us,
                wanted.reference,
            ),
            is_shown=not is_dropped,
        )
        if is_dropped:
            charges.settle(tx, self._jobs, charge, PromptState.FAILED, codes.NOT_REACHED)
            # Accepted all the same: what became of it is told afterwards.
            return charge, True, False
        is_unknown = is_gpo and faults.takes(tx, Fault.EKWANZA_PENDING_319)
        if faults.takes(tx, Fault.EKWANZA_WEBHOOK_BEFORE_REPLY):
            if is_gpo:
                charges.pay_prompt(tx, self._jobs, charge)
            else:
                charges.pay_by_hand(tx, self._jobs, charge.id, None, None)
            return charge, is_unknown, True
        return charge, is_unknown, False

    def _answer(self, charge: Charge, *, is_async: bool, is_unknown: bool) -> Response:
        with self._store.transaction() as tx:
            has_status = not faults.takes(tx, Fault.EKWANZA_NO_STATUS)
            is_inside = faults.takes(tx, Fault.EKWANZA_REFERENCE_INSIDE)
        code, status = bodies.now_of(charge)
        if is_unknown and not is_async:
            code, status = codes.PROVIDER_UNKNOWN, Status.PENDING
        elif is_async:
            code, status = codes.ACCEPTED, Status.PENDING
        said = bodies.response_status(code, bodies.source_of(charge), _language(), status=status, has_status=has_status)
        body: JsonObject = {"id": charge.id, "responseStatus": said}
        # Asked to answer later, the gateway says no more than that it took the charge.
        reference = None if is_async else bodies.reference(charge)
        if is_inside:
            said["reference"] = reference
        else:
            body["reference"] = reference
        return _json(body, 202 if is_async else 200)

    def _payment(self, tx: Transaction, charge: Charge) -> JsonObject:
        code, status = bodies.now_of(charge)
        if faults.takes(tx, Fault.EKWANZA_LOOKUP_PENDING):
            code, status = codes.ACCEPTED, Status.PENDING
        elif faults.takes(tx, Fault.EKWANZA_LOOKUP_SAYS_FAILED):
            code, status = codes.NOT_IN_TIME, Status.FAILED
        return bodies.payment(charge, code, status, _language())

    def _refuse_twins(self, tx: Transaction, client_id: str, wanted: ChargeRequest) -> None:
        if book.named(tx, client_id, wanted.our_reference):
            raise Refusal(codes.DUPLICATE, wanted.our_reference)
        if wanted.reference is not None and book.is_reference_taken(tx, wanted.reference):
            raise Refusal(codes.REFERENCE_TAKEN, wanted.reference)

    def _own(self, tx: Transaction, client_id: str, charge_id: str) -> Charge:
        try:
            charge = book.get(tx, charge_id)
        except UnknownCharge:
            raise Refusal(codes.NOT_FOUND, charge_id, 404) from None
        if charge.client_id != client_id or charge.kind is Kind.TICKET:
            raise Refusal(codes.NOT_FOUND, charge_id, 404)
        return charge

    def _authenticate(self) -> str:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        with self._store.transaction() as tx:
            client_id = token.client_of(tx, given.strip()) if scheme.lower() == "bearer" else None
            if client_id is not None and faults.takes(tx, Fault.EKWANZA_TOKEN_DEAD):
                token.forget(tx, given.strip())
                client_id = None
        if client_id is None:
            raise Unauthorized
        return client_id

    def _await_decision(self, charge: Charge) -> Charge:
        """A synchronous client waits for the person at the phone, or for the prompt to run out."""
        deadline = time.monotonic() + _SYNC_WAIT_S
        while charge.code is None and time.monotonic() < deadline:
            time.sleep(_LOOK_S)
            with self._store.transaction() as tx:
                try:
                    charge = book.get(tx, charge.id)
                except UnknownCharge:
                    break  # the phones were cleared meanwhile
        return charge


def await_webhook(jobs: Jobs, charge: Charge) -> None:
    """Hold the reply back until the shop has heard of the payment, or for so long that it never will."""
    deadline = time.monotonic() + _WEBHOOK_FIRST_WAIT_S
    while time.monotonic() < deadline and not jobs.is_lane_empty(charge.webhook_lane):
        time.sleep(_LOOK_S)


def outage(store: Store) -> Response | None:
    """A charge or a ticket that is not even looked at."""
    with store.transaction() as tx:
        if faults.takes(tx, Fault.EKWANZA_BUSY):
            busy = _json({"statusCode": 429, "message": "Rate limit is exceeded. Try again in 12 seconds."}, 429)
            busy.headers["Retry-After"] = "12"
            return busy
        if faults.takes(tx, Fault.EKWANZA_ERROR_HTML):
            return slow.html_error(502, "Bad Gateway")
        if faults.takes(tx, Fault.EKWANZA_ERROR_EMPTY):
            return Response(b"", 503)
    return None


def _account(tx: Transaction, client_id: str, wanted: ChargeRequest) -> Account:
    """Whom the options name; else the only merchant that this client acts for. Raises Refusal."""
    named = wanted.options.get("MerchantIdentifier")
    if named is not None:
        merchant = merchants.by_identifier(tx, named)
        is_known_key = merchants.fits(merchant.api_key if merchant else None, wanted.options.get("ApiKey", ""))
        if not is_known_key or not merchants.fits(named if merchant else None, named):
            raise Refusal(codes.BAD_OPTIONS)
        if merchant is not None and not merchants.fits(merchant.client_id, client_id):
            raise Refusal(codes.BAD_OPTIONS)
    else:
        own = merchants.by_client(tx, client_id)
        if len(own) > 1:
            raise Refusal(codes.BAD_OPTIONS)
        merchant = own[0] if own else None
    if merchant is not None:
        method = merchant.gpo_payment_method if wanted.kind is Kind.GPO else merchant.ref_payment_method
        if method is not None and method != wanted.payment_method:
            raise Refusal(codes.BAD_FORMAT)
        return Account(merchant.merchant, merchant.merchant, client_id)
    return Account(named or f"client:{client_id}", None, client_id)


def _language() -> str:
    asked = request.args.get("culture") or request.headers.get("Accept-Language", "pt-BR")
    return "en" if asked.lower().startswith("en") else "pt-BR"


def _number(name: str, default: int) -> int:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else default


def _json(body: JsonObject, http_status: int) -> Response:
    return Response(amounts.dumps(body), http_status, content_type="application/json; charset=utf-8")
