"""Reading the gateway's requests as the gateway does: field by field, each with its own refusal."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import cast

from simulators.ekwanza import amounts, codes
from simulators.ekwanza.amounts import BadAmount
from simulators.ekwanza.book import Kind
from simulators.moments import us_of
from simulators.problems import JsonObject

_OUR_REFERENCE = re.compile(r"[a-zA-Z0-9]{1,15}")
_METHOD = re.compile(r"(GPO|REF)_[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PHONE = re.compile(r"[0-9]{9,15}")
_REFERENCE = re.compile(r"[0-9]{9,15}")
_DESCRIPTION = re.compile(r"[A-Za-z0-9_ .\-]{1,100}")
_MOST_OPTIONS = 2


class Refusal(ValueError):
    """Refused with that code. `about` is the field or the id that the message names."""

    def __init__(self, code: int, about: str = "", http_status: int = 400) -> None:
        super().__init__(f"{code} {about}".strip())
        self.code = code
        self.about = about
        self.http_status = http_status


@dataclass(frozen=True, slots=True)
class ChargeRequest:
    kind: Kind
    our_reference: str
    amount_minor: int
    description: str
    payment_method: str
    options: dict[str, str]
    msisdn: str | None
    due_us: int | None
    reference: str | None


def read_charge(body: JsonObject | None, now_us: int) -> ChargeRequest:
    """Raises Refusal."""
    if body is None:
        raise Refusal(codes.BAD_FORMAT)
    for name in ("amount", "currency", "merchantTransactionId", "paymentMethod"):
        if body.get(name) in (None, ""):
            raise Refusal(codes.FIELD_MISSING, name)
    amount_minor = _amount(body["amount"])
    our_reference, method = body["merchantTransactionId"], body["paymentMethod"]
    description = body.get("description", "")
    is_fine = (
        body["currency"] == "AOA"
        and isinstance(our_reference, str)
        and _OUR_REFERENCE.fullmatch(our_reference) is not None
        and isinstance(method, str)
        and _METHOD.fullmatch(method) is not None
        and isinstance(description, str)
        # "No special characters": colons and accents were seen refused.
        and (not description or _DESCRIPTION.fullmatch(description) is not None)
    )
    if not is_fine:
        raise Refusal(codes.BAD_FORMAT)
    info = _object(body.get("paymentInfo"))
    kind = Kind.GPO if str(method).startswith("GPO_") else Kind.EMIS_REF
    return ChargeRequest(
        kind=kind,
        our_reference=str(our_reference),
        amount_minor=amount_minor,
        description=str(description),
        payment_method=str(method),
        options=_options(body.get("options")),
        msisdn=_phone(info) if kind is Kind.GPO else None,
        due_us=_due(info, now_us) if kind is Kind.EMIS_REF else None,
        reference=_reference(info) if kind is Kind.EMIS_REF else None,
    )


def read_refund(body: JsonObject | None) -> int:
    """The amount in cêntimos. Raises Refusal."""
    if body is None:
        raise Refusal(codes.BAD_FORMAT)
    for name in ("amount", "description"):
        if body.get(name) in (None, ""):
            raise Refusal(codes.FIELD_MISSING, name)
    return _amount(body["amount"])


def options_text(options: dict[str, str]) -> str:
    """To keep: without the merchant's key, which nobody needs to see again."""
    return json.dumps({name: value for name, value in options.items() if name != "ApiKey"})


def _amount(value: object) -> int:
    """A number, at least 1 kwanza; text is no number here."""
    try:
        if not isinstance(value, (int, Decimal)):
            raise BadAmount
        amount_minor = amounts.minor_of(value)
    except BadAmount:
        raise Refusal(codes.BAD_AMOUNT) from None
    if amount_minor < amounts.MINOR_PER_WHOLE:
        raise Refusal(codes.BAD_AMOUNT)
    return amount_minor


def _phone(info: JsonObject) -> str:
    """With or without the country's code: nine digits get Angola's."""
    phone = info.get("phoneNumber")
    if not phone:
        raise Refusal(codes.PHONE_MISSING)
    if not isinstance(phone, str) or not _PHONE.fullmatch(phone):
        raise Refusal(codes.BAD_FORMAT)
    return phone if len(phone) > 9 else f"244{phone}"


def _due(info: JsonObject, now_us: int) -> int | None:
    due = info.get("dueDate")
    if due is None:
        return None
    try:
        moment = datetime.fromisoformat(str(due))
    except ValueError:
        raise Refusal(codes.BAD_FORMAT) from None
    due_us = us_of(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    if due_us <= now_us:
        raise Refusal(codes.BAD_DUE_DATE)
    return due_us


def _reference(info: JsonObject) -> str | None:
    reference = info.get("referenceNumber")
    if reference is None:
        return None
    if not isinstance(reference, str) or not _REFERENCE.fullmatch(reference):
        raise Refusal(codes.BAD_FORMAT)
    return reference


def _options(value: object) -> dict[str, str]:
    options = _object(value)
    if len(options) > _MOST_OPTIONS or not all(isinstance(one, str) for one in options.values()):
        raise Refusal(codes.BAD_OPTIONS)
    return {name: str(one) for name, one in options.items()}


def _object(value: object) -> JsonObject:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refusal(codes.BAD_FORMAT)
    return cast(JsonObject, value)
