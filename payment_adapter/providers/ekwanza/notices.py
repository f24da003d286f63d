"""Reads what e-Kwanza and AppyPay send to a shop's address: three bodies, told apart by their fields.

1. A ticket (e-Kwanza), under `x-signature`: HMAC-SHA256 with the merchant's API key over code + operationCode +
   company registration number + notification token. Missing or wrong, or a vendor who can't check it: forged. It is
   taken at its word, also where the answer to our request for the ticket was lost and nothing could be asked by; its
   signature covers neither status nor amount, though, so an odd amount is worth a look-up. Sources disagree on the
   encoding (hex, and one base64: by the vendor's setting) and on the third field, which some code takes to be the
   account number: both are accepted, since neither can be made without the API key.
2. GPO or an EMIS reference, told by e-Kwanza: unsigned.
3. The same, told by AppyPay: unsigned; may come again when the day's compensation file does.

What is unsigned is a hint, whatever it says, and is believed when a look-up says the same."""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Iterator, Mapping

from contracts.money import Currency
from contracts.states import PaymentEventStatus, Rail
from payment_adapter.providers.amounts import minor_of
from payment_adapter.providers.base import CallbackForged, CallbackUnreadable, Failure, Notice, Report
from payment_adapter.providers.ekwanza import codes, reading
from payment_adapter.providers.ekwanza.credentials import SignatureEncoding
from payment_adapter.providers.wire import JsonObject, read_object
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials

SIGNATURE_HEADER = "x-signature"

_SHORTEST_SECRET = 6
"""A shorter one can't be told from the words around it."""
_REMOVED = b"(removed)"
_NAME = re.compile(r"[0-9A-Za-z_.-]{1,64}")
_RAILS = {"GPO": Rail.GPO, "REF": Rail.EMIS_REF}


def read(body: bytes, headers: Mapping[str, str], credentials: Credentials) -> Notice:
    """Raises CallbackForged, CallbackUnreadable."""
    content = read_object(body)
    if content is None:
        raise CallbackUnreadable("not a JSON object")
    # What looks like a ticket is held to the ticket's signature, whatever else it has.
    if reading.field(content, "operationCode") is not None:
        return _ticket(content, headers, credentials)
    if reading.field(content, "operationStatus") is not None:
        return _operation(content, credentials)
    if reading.inner(content, "responseStatus") is not None:
        return _gateway(content, credentials)
    raise CallbackUnreadable("none of the three bodies that e-Kwanza sends")


def without_secrets(body: bytes, secrets: Iterable[Secret]) -> bytes:
    """The gateway's own news repeats the `options` of the charge, and with them the merchant's API key."""
    for secret in secrets:
        value = secret.reveal()
        if len(value) >= _SHORTEST_SECRET:
            for written in {value, json.dumps(value)[1:-1]}:
                body = body.replace(written.encode(), _REMOVED)
    return body


def _ticket(content: JsonObject, headers: Mapping[str, str], credentials: Credentials) -> Notice:
    code, our_reference = _name(content, "code"), _name(content, "operationCode")
    _check_signature(code + our_reference, headers, credentials)
    raw = reading.text(content, "status")
    if raw is None:
        raise CallbackUnreadable("status is missing")
    status = codes.ticket_status(raw)
    report = _report(
        status,
        codes.failure_by_status(status, raw, Rail.TICKET),
        reading.field(content, "amount"),
        receipt=code,
        transaction_id=code,
    )
    event_id = f"ekwanza-ticket:{our_reference}:{code}:{_last_part(status, raw)}"
    return Notice(event_id, report, our_reference)


def _operation(content: JsonObject, credentials: Credentials) -> Notice:
    our_reference = _name(content, "merchantTransactionId")
    raw = reading.text(content, "operationStatus")
    if raw is None:
        raise CallbackUnreadable("operationStatus is neither a number nor a word")
    data = reading.inner(content, "operationData") or {}
    _check_merchant(reading.text(data, "merchantIdentifier"), credentials)
    rail = _RAILS.get((reading.text(data, "referenceType") or "").upper())
    status = codes.operation_status(raw)
    report = _report(
        status,
        codes.failure_by_status(status, raw, rail),
        reading.field(data, "amount"),
        receipt=reading.text(content, "ekwanzaTransactionId"),
    )
    return Notice(_event_id(our_reference, status, raw), report, our_reference, must_be_confirmed=True)


def _gateway(content: JsonObject, credentials: Credentials) -> Notice:
    our_reference = _name(content, "merchantTransactionId")
    said = reading.inner(content, "responseStatus") or {}
    _check_merchant(reading.text(reading.inner(content, "options") or {}, "MerchantIdentifier"), credentials)
    status, failure = reading.verdict(said, _RAILS.get((reading.text(said, "source") or "").upper()))
    report = _report(status, failure, reading.field(content, "amount"), transaction_id=reading.text(content, "id"))
    raw = reading.text(said, "code") or reading.text(said, "status") or ""
    return Notice(_event_id(our_reference, status, raw), report, our_reference, must_be_confirmed=True)


def _report(
    status: PaymentEventStatus,
    failure: Failure | None,
    amount: object,
    *,
    receipt: str | None = None,
    transaction_id: str | None = None,
) -> Report:
    """A success that does not say its amount is UNKNOWN: it is asked about, not guessed."""
    amount_minor = minor_of(amount, Currency.AOA)
    is_paid = status is PaymentEventStatus.PAID
    return Report(
        PaymentEventStatus.UNKNOWN if is_paid and amount_minor is None else status,
        failure,
        amount_minor=amount_minor,
        receipt=receipt if is_paid else None,
        transaction_id=transaction_id,
    )


def _event_id(our_reference: str, status: PaymentEventStatus, raw: str) -> str:
    return f"ekwanza:{our_reference}:{_last_part(status, raw)}"


def _last_part(status: PaymentEventStatus, raw: str) -> str:
    """Two unknown statuses are two facts."""
    return f"{status}-{raw[:20]}" if status is PaymentEventStatus.UNKNOWN else status


def _name(content: JsonObject, name: str) -> str:
    value = reading.text(content, name)
    if value is None or not _NAME.fullmatch(value):
        raise CallbackUnreadable(f"{name} is missing or holds odd characters")
    return value


def _check_merchant(named: str | None, credentials: Credentials) -> None:
    account = credentials.fields.get("merchant_account")
    if named is not None and account is not None and Secret(named) != account:
        raise CallbackUnreadable("it names another merchant's account")


def _check_signature(names: str, headers: Mapping[str, str], credentials: Credentials) -> None:
    given = next((value for name, value in headers.items() if name.lower() == SIGNATURE_HEADER), None)
    fields = credentials.fields
    key, token = fields.get("api_key"), fields.get("notification_token")
    if not given or key is None or token is None or not (key.reveal() and token.reveal()):
        raise CallbackForged("the signature is missing, or can't be checked with this vendor's settings")
    decoded = _decode(given.strip(), fields.get("signature_encoding"))
    # All candidates are compared, so that the time it takes says nothing.
    matches = [
        hmac.compare_digest(
            decoded, hmac.digest(key.reveal().encode(), f"{names}{third}{token.reveal()}".encode(), hashlib.sha256)
        )
        for third in _third_fields(fields)
    ]
    if not any(matches):
        raise CallbackForged("the signature is wrong")


def _third_fields(fields: Mapping[str, Secret]) -> Iterator[str]:
    for name in ("company_registration", "merchant_account"):
        value = fields.get(name)
        if value is not None and value.reveal():
            yield value.reveal()


def _decode(given: str, encoding: Secret | None) -> bytes:
    """Raises CallbackForged for what is no signature in the vendor's encoding."""
    is_base64 = encoding is not None and encoding.reveal() == SignatureEncoding.BASE64
    try:
        return base64.b64decode(given, validate=True) if is_base64 else bytes.fromhex(given)
    except (ValueError, binascii.Error):
        raise CallbackForged("the signature is not written in the encoding of the settings") from None
