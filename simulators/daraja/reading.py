"""Reading Daraja's requests as Daraja does: field by field, each with its own refusal."""

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from simulators.moments import EAT
from simulators.problems import JsonObject

PAYBILL = "CustomerPayBillOnline"
TILL = "CustomerBuyGoodsOnline"

MOST_AMOUNT_WHOLE = 250_000
MOST_REFERENCE = 12
MOST_DESCRIPTION = 13
MOST_TEXT = 182
"""Longer than this nothing passes, whatever the documentation says of 12 and 13."""

FORBIDDEN_IN_URL = ("m-pesa", "mpesa", "safaricom", "exe", "cmd", "sql", "query")
"""Daraja refuses callback addresses with these words, in any case (C2B page and FAQ of its portal)."""

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
SHORTCODE = re.compile(r"[0-9]{5,7}")
MSISDN = re.compile(r"254[17][0-9]{8}")
DIGITS = re.compile(r"[0-9]{1,12}")


class InvalidField(ValueError):
    """The field with that name, as Daraja calls it, is missing or unusable."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


@dataclass(frozen=True, slots=True)
class Signed:
    """Who asks. `passkey` is what the Password holds between the shortcode and the timestamp; None if it holds
    something else."""

    shortcode: str
    passkey: str | None


@dataclass(frozen=True, slots=True)
class PushRequest:
    shortcode: str
    transaction_type: str
    amount_whole: int
    party_b: str
    msisdn: str
    callback_url: str
    account_reference: str
    description: str


def read_signed(body: JsonObject) -> Signed:
    """Raises InvalidField. Only the form of the timestamp is checked: nobody saw Daraja compare it with a clock."""
    shortcode = text(body, "BusinessShortCode", SHORTCODE)
    timestamp = text(body, "Timestamp", re.compile(r"[0-9]{14}"))
    try:
        datetime.strptime(timestamp, "%Y%m%d%H%M%S").replace(tzinfo=EAT)
    except ValueError:
        raise InvalidField("Timestamp") from None
    password = body.get("Password")
    if not isinstance(password, str) or not password:
        raise InvalidField("Password")
    try:
        clear = base64.b64decode(password, validate=True).decode()
    except (binascii.Error, ValueError):
        return Signed(shortcode, None)
    inner = clear.removeprefix(shortcode).removesuffix(timestamp)
    is_whole = clear == f"{shortcode}{inner}{timestamp}" and bool(inner)
    return Signed(shortcode, inner if is_whole else None)


def read_push(body: JsonObject, *, is_strict: bool) -> PushRequest:
    """Raises InvalidField. Long references pass, as they were seen to on the wire; `is_strict` holds them to 12 and
    13 characters, as documented."""
    kind = body.get("TransactionType")
    if kind not in (PAYBILL, TILL):
        raise InvalidField("TransactionType")
    amount = text(body, "Amount", DIGITS)
    if not 1 <= int(amount) <= MOST_AMOUNT_WHOLE:
        raise InvalidField("Amount")
    text(body, "PartyA", MSISDN)
    party_b = text(body, "PartyB", SHORTCODE)
    msisdn = text(body, "PhoneNumber", MSISDN)
    callback_url = body.get("CallBackURL")
    if not isinstance(callback_url, str) or not is_callback_url(callback_url):
        raise InvalidField("CallBackURL")
    return PushRequest(
        shortcode=text(body, "BusinessShortCode", SHORTCODE),
        transaction_type=str(kind),
        amount_whole=int(amount),
        party_b=party_b,
        msisdn=msisdn,
        callback_url=callback_url,
        account_reference=_words(
            body, "AccountReference", "AccountReference", MOST_REFERENCE if is_strict else MOST_TEXT
        ),
        # Documented as optional, yet leaving it out was answered with this very name.
        description=_words(body, "TransactionDesc", "Remarks", MOST_DESCRIPTION if is_strict else MOST_TEXT),
    )


def is_callback_url(url: str) -> bool:
    """https anywhere, http on this machine only; no blanks, none of the forbidden words."""
    if re.search(r"\s", url) or any(word in url.lower() for word in FORBIDDEN_IN_URL):
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        is_usable = parts.port is None or parts.port > 0
    except ValueError:
        return False
    if not is_usable or not host:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)


def text(body: JsonObject, field: str, shape: re.Pattern[str]) -> str:
    """Daraja takes whole numbers as numbers or as text; a fraction, also 10.0, is neither. Raises InvalidField."""
    value = body.get(field)
    given = str(value) if isinstance(value, str) or type(value) is int else ""
    if not shape.fullmatch(given):
        raise InvalidField(field)
    return given


def _words(body: JsonObject, field: str, called: str, most: int) -> str:
    value = body.get(field)
    if not isinstance(value, str) or not 1 <= len(value) <= most:
        raise InvalidField(called)
    return value
