"""e-Kwanza's own API: tickets, made and looked up by the merchant's notification token, which stands in the path."""

from flask import Blueprint, Response, request

from simulators import faults, slow, wire
from simulators.cut import cut_answer
from simulators.ekwanza import amounts, book, charges, gateway, merchants, qr
from simulators.ekwanza.amounts import BadAmount
from simulators.ekwanza.book import Charge, Kind, UnknownCharge
from simulators.ekwanza.charges import LEAST_MINOR, MOST_MINOR, Account, Wanted
from simulators.fault_names import Fault
from simulators.jobs import Jobs
from simulators.moments import SECOND_US, moment_of
from simulators.problems import JsonObject
from simulators.prompts import PromptState
from simulators.store import Store, Transaction

PENDING, PROCESSED, EXPIRED, CANCELLED = 0, 1, 2, 3

_BAD_TOKEN = 36
_MISSING = 1
_MOST_REFERENCE = 50

_STATUS = {
    PromptState.WAITING: PENDING,
    PromptState.PAID: PROCESSED,
    PromptState.EXPIRED: EXPIRED,
    PromptState.CANCELLED: CANCELLED,
}


def create_blueprint(store: Store, jobs: Jobs) -> Blueprint:
    blueprint = Blueprint("ekwanza_native", __name__, url_prefix="/ekwanza/native")
    native = _Native(store, jobs)
    blueprint.add_url_rule("/Ticket/<token>", "create", native.create, methods=["POST"])
    blueprint.add_url_rule("/Ticket/<token>/<code>", "look_up", native.look_up, methods=["GET"])
    return blueprint


class _Native:
    def __init__(self, store: Store, jobs: Jobs) -> None:
        self._store = store
        self._jobs = jobs

    def create(self, token: str) -> Response:
        slow.wait(self._store, Fault.EKWANZA_DELAY_S)
        response = gateway.outage(self._store) or self._create(token)
        # Neither the path nor the content that is kept holds the token: it is a secret.
        content = {name: request.args.get(name) for name in ("amount", "referenceCode", "mobileNumber")}
        with self._store.transaction() as tx:
            wire.remember(tx, "ekwanza", "/ekwanza/native/Ticket", content, response.status_code)
        return response

    def look_up(self, token: str, code: str) -> Response:
        slow.wait(self._store, Fault.EKWANZA_DELAY_S)
        with self._store.transaction() as tx:
            if faults.takes(tx, Fault.EKWANZA_LOOKUP_HTML):
                return slow.html_error(502, "Bad Gateway")
            try:
                ticket = book.get(tx, code)
            except UnknownCharge:
                return _json({"Message": "Not found"}, 404)
            account = _account(tx, token)
            is_own = account is not None and ticket.account == account.key and ticket.kind is Kind.TICKET
            if not is_own or faults.takes(tx, Fault.EKWANZA_LOOKUP_MISSING):
                return _json({"Message": "Not found"}, 404)
            status = _STATUS[ticket.state]
            if faults.takes(tx, Fault.EKWANZA_LOOKUP_PENDING):
                status = PENDING
            elif faults.takes(tx, Fault.EKWANZA_LOOKUP_SAYS_FAILED):
                status = CANCELLED
            is_iso = faults.takes(tx, Fault.EKWANZA_ISO_DATES)
        return _json(
            {
                "Amount": amounts.text(ticket.amount_minor),
                "Code": ticket.id,
                "CreationDate": _date(ticket.at_us, is_iso=is_iso),
                "ExpirationDate": _date(ticket.expires_us, is_iso=is_iso),
                "Status": status,
            },
            200,
        )

    def _create(self, token: str) -> Response:
        amount, reference = request.args.get("amount", ""), request.args.get("referenceCode", "")
        mobile = request.args.get("mobileNumber", "")
        with self._store.transaction() as tx:
            account = _account(tx, token)
            if account is None:
                return _refusal(_BAD_TOKEN, 400)
            if not reference or len(reference) > _MOST_REFERENCE:
                return _refusal(_MISSING, 500)
            if not amount:
                return _refusal(_MISSING, 400)
            try:
                amount_minor = amounts.minor_of(amount)
            except BadAmount:
                return _refusal(_MISSING, 400)
            if not LEAST_MINOR <= amount_minor <= MOST_MINOR:
                limits: JsonObject = {"MaxValue": amounts.number(MOST_MINOR), "MinValue": amounts.number(LEAST_MINOR)}
                return _refusal(PENDING, 400, limits)
            wanted = Wanted(Kind.TICKET, reference, amount_minor)
            ticket = charges.add(tx, self._jobs, account, wanted)
            if faults.takes(tx, Fault.EKWANZA_WEBHOOK_BEFORE_REPLY):
                charges.pay_by_hand(tx, self._jobs, ticket.id, None, None)
            is_cut, is_empty = faults.takes(tx, Fault.EKWANZA_TIMEOUT), faults.takes(tx, Fault.EKWANZA_EMPTY)
            cut_after_s = faults.seconds(tx, Fault.CUT_AFTER_S)
            is_iso = faults.takes(tx, Fault.EKWANZA_ISO_DATES)
        gateway.await_webhook(self._jobs, ticket)
        if is_cut:
            return cut_answer(cut_after_s)
        if is_empty:
            return Response(b"", 201, content_type="application/json")
        return _json(
            {
                "Code": ticket.id,
                # A picture is drawn only where a number says whose.
                "QRCode": qr.png_base64(_qr_text(ticket)) if mobile else None,
                "Range": None,
                "Status": PENDING,
                "ExpirationDate": _date(ticket.expires_us, is_iso=is_iso),
            },
            201,
        )


def _account(tx: Transaction, token: str) -> Account | None:
    """None for a token that is nobody's."""
    merchant = merchants.by_notification_token(tx, token)
    if merchant is not None:
        return Account(merchant.merchant, merchant.merchant)
    return Account(f"token:{token}", None) if merchants.fits(None, token) else None


def _refusal(status: int, http_status: int, limits: JsonObject | None = None) -> Response:
    body: JsonObject = {"Code": None, "QRCode": None, "Range": limits, "Status": status, "ExpirationDate": None}
    return _json(body, http_status)


def _qr_text(ticket: Charge) -> str:
    return f"EKZ:{ticket.id}:{amounts.text(ticket.amount_minor)}"


def _date(at_us: int, *, is_iso: bool) -> str:
    """`/Date(1760873332995)/`, as seen on the wire; ISO, as in the samples."""
    if is_iso:
        return moment_of(at_us).strftime("%Y-%m-%dT%H:%M:%S")
    return f"/Date({at_us // (SECOND_US // 1000)})/"


def _json(body: JsonObject, http_status: int) -> Response:
    return Response(amounts.dumps(body), http_status, content_type="application/json; charset=utf-8")
