"""What a vendor's Daraja credentials consist of, and the demo set that a newcomer starts with."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from kit.settings import Settings, SettingsError
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials

PROVIDER = "mpesa"
"""As it stands in event ids and in the vault."""

SANDBOX_SHORTCODE = "174379"
SANDBOX_PASSKEY = "bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919"
"""Safaricom's public sandbox pair, printed in its own portal."""

_EAT = timedelta(hours=3)
_ENVIRONMENT = ("DARAJA_CONSUMER_KEY", "DARAJA_CONSUMER_SECRET", "DARAJA_SHORTCODE", "DARAJA_PASSKEY")


NEEDED = ("consumer_key", "consumer_secret", "shortcode", "passkey", "party_b", "transaction_type")


class TransactionType(StrEnum):
    PAYBILL = "CustomerPayBillOnline"
    TILL = "CustomerBuyGoodsOnline"


class CredentialsUnusable(ValueError):
    """The vendor's set lacks a field or holds one that can't be right. The text names the field, never its value."""


def fault_of(name: str, fields: Mapping[str, Secret]) -> str | None:
    """What is wrong with a setting that a push needs, without its value; None where nothing can be seen to be."""
    given = fields.get(name)
    value = "" if given is None else given.reveal()
    if not value:
        return f"{name} is missing"
    if name in ("shortcode", "party_b") and not (value.isascii() and value.isdigit() and len(value) <= 10):
        return f"{name} is not a short code"
    if name == "transaction_type" and value not in tuple(TransactionType):
        return "transaction_type is neither paybill nor till"
    return None


@dataclass(frozen=True, slots=True)
class DarajaCredentials:
    """`shortcode` is a till's store (head office) number, and `party_b` the till's own; for a paybill they agree."""

    consumer_key: Secret
    consumer_secret: Secret
    shortcode: str
    passkey: Secret
    party_b: str
    transaction_type: TransactionType

    @classmethod
    def of(cls, credentials: Credentials) -> Self:
        """Raises CredentialsUnusable."""

        for name in NEEDED:
            fault = fault_of(name, credentials.fields)
            if fault is not None:
                raise CredentialsUnusable(fault)
        fields = credentials.fields
        return cls(
            consumer_key=fields["consumer_key"],
            consumer_secret=fields["consumer_secret"],
            shortcode=fields["shortcode"].reveal(),
            passkey=fields["passkey"],
            party_b=fields["party_b"].reveal(),
            transaction_type=TransactionType(fields["transaction_type"].reveal()),
        )

    @property
    def is_paybill(self) -> bool:
        """A payer types an account number at a paybill, and none at a till."""
        return self.transaction_type is TransactionType.PAYBILL

    def password(self, timestamp: str) -> str:
        """base64(shortcode + passkey + timestamp), the same timestamp as in the request."""
        return base64.b64encode(f"{self.shortcode}{self.passkey.reveal()}{timestamp}".encode()).decode()


def timestamp_of(now: datetime) -> str:
    """`YYYYMMDDHHmmss` in East Africa Time, which is what Daraja's own times are in."""
    return (now + _EAT).strftime("%Y%m%d%H%M%S")


def from_environment(settings: Settings) -> dict[str, Secret] | None:
    """A paybill's set from DARAJA_*, or None where neither key nor secret is set. Raises SettingsError for a half."""
    given = {name: settings.optional_secret(name) for name in _ENVIRONMENT}
    key, secret = given["DARAJA_CONSUMER_KEY"], given["DARAJA_CONSUMER_SECRET"]
    shortcode = given["DARAJA_SHORTCODE"] or SANDBOX_SHORTCODE
    passkey = given["DARAJA_PASSKEY"] or (SANDBOX_PASSKEY if shortcode == SANDBOX_SHORTCODE else None)
    if not any(given.values()):
        return None
    missing = [name for name, value in (("DARAJA_CONSUMER_KEY", key), ("DARAJA_CONSUMER_SECRET", secret)) if not value]
    if passkey is None:
        missing.append("DARAJA_PASSKEY")
    if not (shortcode.isascii() and shortcode.isdigit() and len(shortcode) <= 10):
        raise SettingsError("DARAJA_SHORTCODE: expected the digits of a paybill number")
    if missing or key is None or secret is None or passkey is None:
        raise SettingsError(f"{', '.join(missing)}: set it too, or none of {', '.join(_ENVIRONMENT)}")
    return _paybill(key, secret, shortcode, passkey)


def invented(shortcode: str | None = None) -> dict[str, Secret]:
    """A set that only the simulator accepts: the sandbox's public short code, or that one, with a key, a secret and an
    initiator for refunds of its own."""
    is_sandbox = shortcode in (None, SANDBOX_SHORTCODE)
    passkey = SANDBOX_PASSKEY if is_sandbox else secrets.token_hex(32)
    paybill = _paybill(secrets.token_urlsafe(24), secrets.token_urlsafe(36), shortcode or SANDBOX_SHORTCODE, passkey)
    # As long as what encrypting a password gives; nobody here could decrypt it.
    credential = base64.b64encode(secrets.token_bytes(256)).decode()
    return {**paybill, "initiator_name": Secret("demo"), "security_credential": Secret(credential)}


def _paybill(key: str, secret: str, shortcode: str, passkey: str) -> dict[str, Secret]:
    fields: Mapping[str, str] = {
        "consumer_key": key,
        "consumer_secret": secret,
        "shortcode": shortcode,
        "passkey": passkey,
        "party_b": shortcode,
        "transaction_type": TransactionType.PAYBILL,
    }
    return {name: Secret(value) for name, value in fields.items()}
