"""The merchant accounts at e-Kwanza. Merchants register at its portal, where they also say which address hears of
payments; here the control API does it (POST /sim/ekwanza/merchants).

An account that nobody registered is taken as it comes, as long as nothing in its credentials contains `wrong`; but it
has no address, so nothing of it is ever reported."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import cast
from urllib.parse import urlsplit

from simulators.problems import JsonObject
from simulators.store import Transaction

_MOST_TEXT = 300


class WebhookShape(StrEnum):
    """In which shape news of GPO and EMIS references comes; of tickets there is only one."""

    EKWANZA = "ekwanza"
    """merchantTransactionId, ekwanzaTransactionId, operationStatus, operationData."""
    APPYPAY = "appypay"
    """The gateway's own: id, merchantTransactionId, amount, options, reference, responseStatus."""
    BOTH = "both"


class BadMerchant(ValueError):
    """Nothing was registered. The text says what would be accepted."""


@dataclass(frozen=True, slots=True)
class Merchant:
    """Where a field is None, whatever a request says there is taken, unless it contains `wrong`."""

    merchant: str
    """The MerchantIdentifier."""
    webhook_url: str | None = None
    name: str | None = None
    """As the payer sees it."""
    api_key: str | None = None
    """Also the key that ticket webhooks are signed with."""
    notification_token: str | None = None
    registration_number: str | None = None
    """The company's number, part of what is signed."""
    client_id: str | None = None
    client_secret: str | None = None
    resource: str | None = None
    gpo_payment_method: str | None = None
    ref_payment_method: str | None = None
    shape: WebhookShape = WebhookShape.EKWANZA


def register(tx: Transaction, body: JsonObject) -> Merchant:
    """A merchant that is known already gets what is named here, and keeps the rest. Raises BadMerchant."""
    names = {field.name for field in fields(Merchant)}
    unknown = sorted(set(body) - names)
    if unknown:
        raise BadMerchant(f"unknown: {', '.join(unknown)}; expected some of {', '.join(sorted(names))}")
    for name, value in body.items():
        if name != "merchant" and value is None:
            continue
        if not isinstance(value, str) or not 1 <= len(value) <= _MOST_TEXT or not value.isprintable():
            raise BadMerchant(f"{name}: expected a text of 1 to {_MOST_TEXT} characters")
    key = body.get("merchant")
    if not isinstance(key, str):
        raise BadMerchant("merchant: expected the MerchantIdentifier")
    known = by_identifier(tx, key)
    kept: dict[str, object] = {} if known is None else {name: getattr(known, name) for name in names}
    merchant = _merchant({**kept, **body})
    if merchant.webhook_url is not None and not _is_address(merchant.webhook_url):
        raise BadMerchant("webhook_url: expected an http or https address")
    if merchant.notification_token is not None:
        other = by_notification_token(tx, merchant.notification_token)
        if other is not None and other.merchant != merchant.merchant:
            raise BadMerchant("notification_token: another merchant has that one")
    values = [cast(str | None, getattr(merchant, field.name)) for field in fields(Merchant)]
    tx.run(
        f"INSERT OR REPLACE INTO ekwanza_merchants ({', '.join(field.name for field in fields(Merchant))})"  # noqa: S608 (our own field names)
        f" VALUES ({', '.join('?' for _ in values)})",
        *values,
    )
    tx.next_seq()
    return merchant


def all_of_them(tx: Transaction) -> list[Merchant]:
    return [_of_row(row) for row in tx.rows("SELECT * FROM ekwanza_merchants ORDER BY merchant")]


def by_identifier(tx: Transaction, merchant: str) -> Merchant | None:
    row = tx.row("SELECT * FROM ekwanza_merchants WHERE merchant = ?", merchant)
    return _of_row(row) if row else None


def by_notification_token(tx: Transaction, token: str) -> Merchant | None:
    row = tx.row("SELECT * FROM ekwanza_merchants WHERE notification_token = ?", token)
    return _of_row(row) if row else None


def by_client(tx: Transaction, client_id: str) -> list[Merchant]:
    """One client may act for several merchants, which it then names in the options."""
    rows = tx.rows("SELECT * FROM ekwanza_merchants WHERE client_id = ? ORDER BY merchant", client_id)
    return [_of_row(row) for row in rows]


def fits(expected: str | None, given: str) -> bool:
    return given == expected if expected is not None else bool(given) and "wrong" not in given


def _of_row(row: sqlite3.Row) -> Merchant:
    return _merchant({name: row[name] for name in row.keys()})  # noqa: SIM118 (a Row iterates over its values)


def _merchant(content: Mapping[str, object]) -> Merchant:
    named = {name: value for name, value in content.items() if value is not None}
    try:
        shape = WebhookShape(str(named.pop("shape", WebhookShape.EKWANZA)))
    except ValueError:
        raise BadMerchant(f"shape: expected one of {', '.join(WebhookShape)}") from None
    return Merchant(shape=shape, **{name: str(value) for name, value in named.items()})


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
