"""e-Kwanza itself: tickets, which a customer pays in the e-Kwanza app by code or QR. The notification token stands in
the address, so no address may reach a log or a text.

From "Pagamento Integrado v2.7", as integrators transcribed it: PascalCase names, `/Date(ms)/` on the wire where the
samples have ISO dates, and the two bounds of `Range` under each other's labels. Whether the telephone number goes
without 244 is not said; it is sent as we have it, and only where we have it, since only the QR needs it."""

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from contracts.money import Currency
from contracts.payment_api import PaymentInstructions
from contracts.states import FailureReason, PaymentEventStatus, Rail
from kit.clock import Clock
from payment_adapter.providers.amounts import decimal_of, minor_of
from payment_adapter.providers.base import (
    Accepted,
    ChargeOrder,
    ChargeRef,
    Failure,
    NoAnswer,
    Outcome,
    Refused,
    Report,
    Unclear,
)
from payment_adapter.providers.ekwanza import codes, reading
from payment_adapter.providers.ekwanza.answers import throttled
from payment_adapter.providers.ekwanza.credentials import EkwanzaCredentials, Environment, Hosts
from payment_adapter.providers.wire import Http, JsonObject, NoReply, NotSent, Reply

TICKET_PATH = "/Ticket/"

_NO_SUCH_TOKEN = "36"  # noqa: S105 (a status, no secret)
_NOT_OURS = frozenset({401, 403, 404})
_PARAMETER_MISSING = "1"
_NO_TICKET = "TRYINGTHETOKEN"
_PNG = b"\x89PNG\r\n\x1a\n"
_BAD_TOKEN = Failure(FailureReason.SHOP_SETUP, False, _NO_SUCH_TOKEN, "e-Kwanza does not know the notification token")


class Native:
    """Thread-safe."""

    def __init__(self, http: Http, hosts: Mapping[Environment, Hosts], clock: Clock) -> None:
        self._http = http
        self._hosts = hosts
        self._clock = clock

    def charge(self, order: ChargeOrder, ekwanza: EkwanzaCredentials) -> Outcome:
        if self._clock.now() >= order.send_before:
            detail = "the grant ran out before the ticket was asked for"
            return Refused(Failure(FailureReason.NOT_SENT, True, "too_late", detail))
        wanted = {"amount": format(decimal_of(order.amount), "f"), "referenceCode": order.our_reference}
        if order.payer_msisdn:
            wanted["mobileNumber"] = order.payer_msisdn
        url = f"{self._ticket_url(ekwanza)}?{urlencode(wanted)}"
        try:
            reply = self._http.send("POST", url, is_repeatable=False, body=b"")
        except NotSent as error:
            detail = f"e-Kwanza can't be reached: {error}"
            return Refused(Failure(FailureReason.NOT_SENT, True, "unreachable", detail))
        except NoReply as error:
            return Unclear(f"no answer to the ticket: {error}")
        return read_ticket(reply)

    def look_up(self, charge: ChargeRef, ekwanza: EkwanzaCredentials) -> Report | NoAnswer:
        """By the ticket's code alone: e-Kwanza finds nothing by our own reference."""
        if charge.transaction_id is None:
            return NoAnswer("e-Kwanza gave this ticket no code that we know of")
        try:
            reply = self._ask(charge.transaction_id, ekwanza)
        except (NotSent, NoReply) as error:
            return NoAnswer(f"no answer to the look-up: {error}")
        return read_state(reply, charge.transaction_id)

    def probe(self, ekwanza: EkwanzaCredentials) -> Failure | None:
        """Ask for a ticket without an amount, which there can be none of: None where e-Kwanza misses the amount, and so
        knows the notification token. (A look-up would not do: 404 is the answer to a wrong token as well.)"""
        url = f"{self._ticket_url(ekwanza)}?{urlencode({'referenceCode': _NO_TICKET})}"
        try:
            reply = self._http.send("POST", url, is_repeatable=False, body=b"")
        except (NotSent, NoReply) as error:
            return Failure(FailureReason.NOT_SENT, True, "unreachable", f"e-Kwanza can't be reached: {error}")
        status = reading.text(reply.json_object() or {}, "Status")
        if status == _NO_SUCH_TOKEN:
            return _BAD_TOKEN
        if status == _PARAMETER_MISSING:
            return None
        detail = f"not proven: e-Kwanza answers with HTTP {reply.status}"
        return Failure(FailureReason.PROVIDER_ERROR, True, str(reply.status), detail)

    def _ask(self, code: str, ekwanza: EkwanzaCredentials) -> Reply:
        return self._http.send("GET", f"{self._ticket_url(ekwanza)}/{quote(code, safe='')}", is_repeatable=True)

    def _ticket_url(self, ekwanza: EkwanzaCredentials) -> str:
        token = quote(ekwanza.reveal("notification_token"), safe="")
        return f"{self._hosts[ekwanza.environment].native}{TICKET_PATH}{token}"


def read_ticket(reply: Reply) -> Outcome:
    """What the answer to a request for a ticket says of it."""
    body = reply.json_object()
    if reply.is_throttled:
        return Refused(throttled(reply, "e-Kwanza turns requests away"))
    if body is None:
        return Unclear(f"HTTP {reply.status} without a body that can be read")
    code, status = reading.text(body, "Code"), reading.text(body, "Status")
    if reply.status in (200, 201):
        if code is None or status not in (None, "0"):
            return Unclear(f"HTTP {reply.status} with status {status}, and no ticket that can be paid")
        instructions = PaymentInstructions(
            reference=code,
            qr_png=_png(reading.field(body, "QRCode")),
            expires_at=reading.moment(reading.field(body, "ExpirationDate")),
        )
        return Accepted(code, None, instructions)
    if code is not None or status is None:
        return Unclear(f"HTTP {reply.status} in a shape that is not documented")
    if status == _NO_SUCH_TOKEN:
        return Refused(_BAD_TOKEN)
    bounds = _bounds(reading.inner(body, "Range"))
    if bounds is not None:
        return Refused(Failure(FailureReason.AMOUNT_REFUSED, False, status, bounds))
    if status == _PARAMETER_MISSING:  # under 400 and under 500
        return Refused(Failure(FailureReason.NOT_SENT, False, status, "e-Kwanza misses a parameter"))
    if 400 <= reply.status < 500:
        return Refused(Failure(FailureReason.PROVIDER_ERROR, True, status, f"HTTP {reply.status}"))
    return Unclear(f"HTTP {reply.status} with status {status}")


def read_state(reply: Reply, code: str) -> Report | NoAnswer:
    """What a look-up says of the ticket with this code."""
    body = reply.json_object()
    if reply.status != 200 or body is None:
        # Of another merchant's ticket, and to a wrong token, it says the same as of none.
        is_refused = reply.status in _NOT_OURS or reading.text(body or {}, "Status") == _NO_SUCH_TOKEN
        return NoAnswer(f"HTTP {reply.status}", is_throttled=reply.is_throttled, is_refused=is_refused)
    if reading.text(body, "Code") not in (None, code):
        return NoAnswer("the answer names another ticket")
    raw = reading.text(body, "Status")
    if raw is None:
        return NoAnswer("an answer without a status")
    status = codes.ticket_status(raw)
    amount = reading.field(body, "Amount")
    amount_minor = minor_of(amount, Currency.AOA)
    if status is PaymentEventStatus.PAID and amount is not None and amount_minor is None:
        status = PaymentEventStatus.UNKNOWN  # an amount that can't be read is not the amount that was asked
    return Report(
        status,
        codes.failure_by_status(status, raw, Rail.TICKET),
        amount_minor=amount_minor,
        receipt=code if status is PaymentEventStatus.PAID else None,
        transaction_id=code,
    )


def _bounds(limits: JsonObject | None) -> str | None:
    """The lower bound is the smaller of the two, whatever they are called."""
    if limits is None:
        return None
    ends = [minor_of(reading.field(limits, name), Currency.AOA) for name in ("MinValue", "MaxValue")]
    known = sorted(end // Currency.AOA.minor_per_whole for end in ends if end is not None)
    if len(known) != len(ends):
        return "the amount is out of e-Kwanza's range"
    return f"e-Kwanza takes tickets from {known[0]} to {known[1]} kwanzas"


def _png(value: object) -> str | None:
    """The picture, if it is one that a phone shows: base64 of a PNG, with or without a data: address before it."""
    if not isinstance(value, str):
        return None
    encoded = value.strip().removeprefix("data:image/png;base64,")
    try:
        picture = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        return None
    return encoded if picture.startswith(_PNG) else None
