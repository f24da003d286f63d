"""Callbacks on arrival: whose they are, whether they are forged, and kept, several requests in one commit.

The secret says whose: one charge's, or a shop's for one provider. What a shop's address gets is read here already, for
its signature and its event id; what it means is found out afterwards, from the bytes as they came. What a charge's
address gets is applied in the transaction that stores it, if it can be: one commit, and nobody has to find it."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import structlog
from sqlalchemy import select

from contracts.ids import new_id
from contracts.states import InboxStatus
from kit.batches import Batches
from kit.clock import Clock
from kit.columns import is_one_of
from kit.db import Database, Tx, insert_all_new
from kit.metrics import callback_came
from payment_adapter.callbacks.addresses import Addresses, ShopAddress
from payment_adapter.callbacks.models import inbox
from payment_adapter.callbacks.notices import Done
from payment_adapter.callbacks.service import Told
from payment_adapter.charges.service import Charges
from payment_adapter.providers.base import CallbackForged, CallbackUnreadable, NoticeReader, SecretEchoer
from payment_adapter.vault.envelope import CannotOpen
from payment_adapter.vault.service import Credentials, Vault

_log = structlog.get_logger()

ACCEPTED: Mapping[str, object] = {"ResultCode": 0, "ResultDesc": "Accepted"}
"""The answer to a charge's own callback, and to a provider that says nothing of its own about it."""

MAX_BATCH = 128

_KEPT_HEADERS = ("content-type", "user-agent", "x-forwarded-for", "x-signature")
_MAX_HEADER = 300


@dataclass(frozen=True, slots=True)
class Arrived:
    secret_hash: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    """By lower-case name."""


class Fate(StrEnum):
    KEPT = "kept"
    """Committed."""
    STRANGER = "stranger"
    FORGED = "forged"


@dataclass(frozen=True, slots=True)
class Answer:
    fate: Fate
    provider: str = ""
    vendor_id: str = ""
    acknowledgement: Mapping[str, object] = field(default_factory=dict[str, object])


_KNOWN = select(inbox.c.vendor_id, inbox.c.sent_to, inbox.c.body_hash).where(
    is_one_of(inbox.c.vendor_id, "vendors"),
    is_one_of(inbox.c.sent_to, "places"),
    is_one_of(inbox.c.body_hash, "hashes"),
)

Apply = Callable[[Tx, Sequence[Told]], Sequence[Done]]


class Arrivals:
    """Thread-safe."""

    def __init__(
        self,
        db: Database,
        charges: Charges,
        addresses: Addresses,
        vault: Vault,
        clock: Clock,
        wake: Callable[[], None],
        *,
        apply: Apply | None = None,
        wait_s: float = 10.0,
    ) -> None:
        """`apply` is that of `payment_adapter.callbacks.service`; without it everything is applied later."""
        self._db = db
        self._charges = charges
        self._addresses = addresses
        self._vault = vault
        self._clock = clock
        self._wake = wake
        self._apply = apply
        self._batches: Batches[Arrived, Answer] = Batches(
            self._keep, key=lambda arrived: arrived.secret_hash, most=MAX_BATCH, wait_s=wait_s
        )

    def take(self, arrived: Arrived) -> Answer:
        """What became of it, which is committed. Raises TimeoutError, kit.batches.Closed, and whatever kept this one
        from being stored."""
        return self._batches.submit(arrived)

    def close(self) -> None:
        self._batches.close()

    def address_of(self, tx: Tx, secret_hash: str) -> ShopAddress | None:
        return self._addresses.find(tx, [secret_hash]).get(secret_hash)

    def credentials_of(self, tx: Tx, address: ShopAddress) -> Credentials | None:
        """None, too, where they can't be opened, which an operator is told."""
        try:
            return self._vault.load(tx, address.vendor_id, address.provider)
        except CannotOpen:
            _log.error("credentials can't be opened: is DUKANI_VAULT_KEY the right one?", vendor=address.vendor_id)
            return None

    def acknowledgement(self, provider_name: str) -> Mapping[str, object]:
        provider = self._charges.providers.get(provider_name)
        return provider.acknowledgement(is_kept=True) if isinstance(provider, NoticeReader) else ACCEPTED

    def _keep(self, batch: Sequence[Arrived]) -> list[Answer]:
        hashes = {arrived.secret_hash for arrived in batch}
        with self._db.read() as tx:  # strangers cost no write
            of_charges = self._charges.with_secrets(tx, hashes)
            of_shops = self._addresses.find(tx, hashes - of_charges.keys())
            credentials = {address: self.credentials_of(tx, address) for address in of_shops.values()}
        answers: list[Answer] = []
        rows: list[dict[str, Any]] = []
        for arrived in batch:
            charge, address = of_charges.get(arrived.secret_hash), of_shops.get(arrived.secret_hash)
            if charge is not None:
                rows.append(self._row(arrived, charge.vendor_id, charge.provider, charge.charge_id, None))
            elif address is not None:
                try:
                    event_id = self._event_id(arrived, address.provider, credentials[address])
                except CallbackForged:
                    answers.append(Answer(Fate.FORGED, address.provider, address.vendor_id))
                    continue
                clean = self._without_secrets(arrived, address.provider, credentials[address])
                rows.append(self._row(clean, address.vendor_id, address.provider, None, event_id))
            else:
                answers.append(Answer(Fate.STRANGER))
                continue
            row = rows[-1]
            said = ACCEPTED if charge is not None else self.acknowledgement(row["provider"])
            answers.append(Answer(Fate.KEPT, row["provider"], row["vendor_id"], said))
        if rows:
            self._store(rows)
        return answers

    def _store(self, rows: list[dict[str, Any]]) -> None:
        """Those of charges are applied in the same transaction. Where that fails they are stored all the same, and
        applied later, one by one if need be."""
        # In the order in which charges are locked when callbacks are applied: a row that names a charge locks it.
        rows.sort(key=lambda row: row["sent_to"])
        try:
            self._insert(rows, apply=self._apply)
        except Exception as error:
            if self._apply is None:
                raise
            _log.warning(
                "callbacks are stored first and applied later", callbacks=len(rows), error=type(error).__name__
            )
            self._insert(rows, apply=None)
        for row in rows:
            callback_came(row["provider"], Fate.KEPT.value)

    def _insert(self, rows: Sequence[dict[str, Any]], apply: Apply | None) -> None:
        now = self._clock.now()
        done: dict[int, Done] = {}
        with self._db.write() as tx:
            if apply is not None:
                rows = _new_of(tx, rows)
                of_charges = [at for at, row in enumerate(rows) if row["charge_id"] is not None]
                told = [Told(rows[at]["charge_id"], rows[at]["body"], rows[at]["headers"]) for at in of_charges]
                done = dict(zip(of_charges, apply(tx, told), strict=True))
            stored = [{**row, **_became(done.get(at), now)} for at, row in enumerate(rows)]
            insert_all_new(tx, inbox, stored, conflict=["vendor_id", "sent_to", "body_hash"])
            if len(done) < len(rows):
                tx.after_commit(self._wake)

    def _without_secrets(self, arrived: Arrived, provider_name: str, credentials: Credentials | None) -> Arrived:
        """The shop's own secrets stand in no table but the vault's, even where its provider repeats them."""
        provider = self._charges.providers.get(provider_name)
        if credentials is None or not isinstance(provider, SecretEchoer):
            return arrived
        return replace(arrived, body=provider.without_secrets(arrived.body, credentials))

    def _event_id(self, arrived: Arrived, provider_name: str, credentials: Credentials | None) -> str | None:
        """None for what can't be read, which is kept for a person to look at. Raises CallbackForged."""
        provider = self._charges.providers.get(provider_name)
        if credentials is None or not isinstance(provider, NoticeReader):
            return None  # it is judged when it is applied
        try:
            return provider.read_notice(arrived.body, arrived.headers, credentials).event_id
        except CallbackForged:
            raise
        except CallbackUnreadable:
            return None
        except Exception as error:
            _log.error("a mistake of ours while reading a callback", provider=provider_name, error=type(error).__name__)
            return None

    def _row(
        self, arrived: Arrived, vendor_id: str, provider: str, charge_id: str | None, event_id: str | None
    ) -> dict[str, Any]:
        now = self._clock.now()
        headers = arrived.headers
        return {
            "vendor_id": vendor_id,
            "callback_id": new_id(now),
            "provider": provider,
            "charge_id": charge_id,
            "sent_to": charge_id or provider,
            "event_id": event_id,
            "body_hash": hashlib.sha256(arrived.body).hexdigest(),
            "body": arrived.body,
            "headers": {name: headers[name][:_MAX_HEADER] for name in _KEPT_HEADERS if name in headers},
            "received_at": now,
            "next_at": now,
        }


def _new_of(tx: Tx, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without those that came before, to the byte: whatever they said is done, and asks nobody anything again."""
    names = {"vendors": "vendor_id", "places": "sent_to", "hashes": "body_hash"}
    which = {name: sorted({row[column] for row in rows}) for name, column in names.items()}
    known = {(row.vendor_id, row.sent_to, row.body_hash) for row in tx.execute(_KNOWN, which)}
    return [row for row in rows if (row["vendor_id"], row["sent_to"], row["body_hash"]) not in known]


def _became(done: Done | None, now: datetime) -> dict[str, Any]:
    if done is None:
        return {"status": InboxStatus.RECEIVED, "outcome": None, "attempts": 0, "processed_at": None}
    return {"status": done.status, "outcome": done.outcome, "attempts": 1, "processed_at": now}
