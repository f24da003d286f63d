"""Stores and opens a vendor's credentials. A new set is a new version, so that what was claimed with the old one still
knows which it used; removing one is a version, too, which holds nothing.

Set, fields and data keys are read in one statement: whoever reads while keys are exchanged sees them as they were
before or after, never a mixture."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, insert, select, update

from kit.db import Tx, insert_new
from payment_adapter.vault.envelope import CannotOpen, Key, MasterKeys, bind, new_key, seal, unseal
from payment_adapter.vault.models import credentials, data_keys, sets
from payment_adapter.vault.secret import Secret

_LOCK_TRIES = 10


class Origin(StrEnum):
    PLANTED = "planted"
    """Put there at a first local start, so that a newcomer can buy."""
    VENDOR = "vendor"
    REMOVED = "removed"
    """Not a set but the end of one."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """One vendor's set for one provider, by field."""

    vendor_id: str
    provider: str
    version: int
    origin: Origin
    fields: Mapping[str, Secret]


@dataclass(frozen=True, slots=True)
class StoredSet:
    """What may be told of a set: when it was stored, by whom, and the names of its fields; never a value."""

    vendor_id: str
    provider: str
    version: int
    origin: Origin
    stored_by: str
    stored_at: datetime
    erased_at: datetime | None
    fields: tuple[str, ...]
    is_newest: bool


class NothingStored(LookupError):
    """This vendor has nothing in the vault."""


class Vault:
    """Thread-safe. Services of it never commit."""

    def __init__(self, master: MasterKeys) -> None:
        self._master = master

    def store(
        self,
        tx: Tx,
        vendor_id: str,
        provider: str,
        fields: Mapping[str, Secret],
        *,
        origin: Origin,
        now: datetime,
        by: str = "",
    ) -> int:
        """Store a whole set; returns its version, one above the last. Raises CannotOpen where the vendor has sets that
        can't be opened: whoever wants to begin anew removes them first."""
        if not fields:
            raise ValueError("a set of credentials holds something; to end one, remove it")
        key = self._locked_key(tx, vendor_id, now)
        version = self._next_set(tx, vendor_id, provider, origin, now, by)
        rows = [
            {
                "vendor_id": vendor_id,
                "provider": provider,
                "field": name,
                "version": version,
                "key_id": key.id,
                "sealed": seal(key, value.reveal().encode(), bind(vendor_id, provider, name, str(version))),
            }
            for name, value in fields.items()
        ]
        tx.execute(insert(credentials), rows)
        return version

    def remove(self, tx: Tx, vendor_id: str, provider: str, *, now: datetime, by: str = "") -> int | None:
        """End the newest set; returns the version that says so, or None where there is none to end.

        The fields go when no live charge needs them any more (`erase`)."""
        ends = select(sets.c.origin).where(_of(vendor_id, provider)).order_by(sets.c.version.desc()).limit(1)
        if tx.execute(ends).scalar() in (None, Origin.REMOVED):
            return None
        self.lock(tx, vendor_id, now)
        if tx.execute(ends).scalar() == Origin.REMOVED:
            return None
        return self._next_set(tx, vendor_id, provider, Origin.REMOVED, now, by)

    def load(self, tx: Tx, vendor_id: str, provider: str, *, as_of: datetime | None = None) -> Credentials | None:
        """The newest set, or the one that was the newest at that moment; None where the vendor has none: nobody else's
        stands in. Raises CannotOpen."""
        meant = _of(vendor_id, provider)
        if as_of is not None:
            meant &= sets.c.stored_at <= as_of
        newest = select(func.max(sets.c.version)).where(meant).scalar_subquery()
        statement = (
            select(
                sets.c.version,
                sets.c.origin,
                credentials.c.field,
                credentials.c.sealed,
                credentials.c.key_id,
                data_keys.c.wrapped,
            )
            .select_from(sets.join(credentials, _fields_of_set()).join(data_keys, _key_of_field()))
            .where(_of(vendor_id, provider), sets.c.version == newest)
        )
        rows = tx.execute(statement).all()
        if not rows:
            return None
        version = int(rows[0].version)
        keys = {row.key_id: row.wrapped for row in rows}
        opened = {key_id: self._unwrap(vendor_id, key_id, wrapped) for key_id, wrapped in keys.items()}
        fields = {
            row.field: Secret(unseal(opened, row.sealed, bind(vendor_id, provider, row.field, str(version))).decode())
            for row in rows
        }
        return Credentials(vendor_id, provider, version, Origin(rows[0].origin), fields)

    def lock(self, tx: Tx, vendor_id: str, now: datetime) -> None:
        """Whoever stores, removes or exchanges keys of this vendor takes turns until the transaction ends."""
        self._lock(tx, vendor_id, now)

    # --- what may be told -----------------------------------------------------------------------------------------

    def stored(
        self, tx: Tx, vendor_id: str | None = None, provider: str | None = None, *, only_newest: bool = True
    ) -> list[StoredSet]:
        """Sets by vendor, provider and version, the newest of each first; of one vendor, one provider, or of all."""
        last = select(sets.c.vendor_id, sets.c.provider, func.max(sets.c.version).label("version")).group_by(
            sets.c.vendor_id, sets.c.provider
        )
        newest = last.subquery("newest")
        same = and_(newest.c.vendor_id == sets.c.vendor_id, newest.c.provider == sets.c.provider)
        statement = (
            select(sets, newest.c.version.label("newest_version"), credentials.c.field)
            .select_from(sets.join(newest, same).outerjoin(credentials, _fields_of_set()))
            .order_by(sets.c.vendor_id, sets.c.provider, sets.c.version.desc(), credentials.c.field)
        )
        if vendor_id is not None:
            statement = statement.where(sets.c.vendor_id == vendor_id)
        if provider is not None:
            statement = statement.where(sets.c.provider == provider)
        if only_newest:
            statement = statement.where(sets.c.version == newest.c.version)
        found: dict[tuple[str, str, int], list[Any]] = {}
        for row in tx.execute(statement):
            found.setdefault((row.vendor_id, row.provider, row.version), []).append(row)
        return [_stored_set(rows) for rows in found.values()]

    # --- exchanging and ending ------------------------------------------------------------------------------------

    def rotate(self, tx: Tx, vendor_id: str, now: datetime) -> int:
        """Give the vendor a new data key and seal its newest sets with it; returns how many sets. Older versions stay
        under the key that they have. Raises NothingStored, CannotOpen."""
        if tx.execute(select(data_keys.c.key_id).where(data_keys.c.vendor_id == vendor_id)).first() is None:
            raise NothingStored(vendor_id)
        before = self._locked_key(tx, vendor_id, now)
        after = self._add_key(tx, vendor_id, new_key(f"k{_number(before.id) + 1}"), now)
        newest = self.stored(tx, vendor_id)
        for each in newest:
            self._seal_again(tx, each, after)
        self._drop_unused_keys(tx, vendor_id)
        return sum(1 for each in newest if each.fields)

    def erase(self, tx: Tx, vendor_id: str, provider: str, versions: Collection[int], now: datetime) -> None:
        """Delete the fields of these versions, which nobody needs any more; that they were there stays known."""
        which = and_(
            credentials.c.vendor_id == vendor_id,
            credentials.c.provider == provider,
            credentials.c.version.in_(versions),
        )
        tx.execute(delete(credentials).where(which))
        tx.execute(
            update(sets)
            .where(_of(vendor_id, provider), sets.c.version.in_(versions), sets.c.erased_at.is_(None))
            .values(erased_at=now)
        )
        self._drop_unused_keys(tx, vendor_id)

    def _seal_again(self, tx: Tx, which: StoredSet, key: Key) -> None:
        found = self.load(tx, which.vendor_id, which.provider)
        if found is None:
            return
        for name, value in found.fields.items():
            place = bind(which.vendor_id, which.provider, name, str(found.version))
            tx.execute(
                update(credentials)
                .where(
                    credentials.c.vendor_id == which.vendor_id,
                    credentials.c.provider == which.provider,
                    credentials.c.version == found.version,
                    credentials.c.field == name,
                )
                .values(key_id=key.id, sealed=seal(key, value.reveal().encode(), place))
            )

    def _drop_unused_keys(self, tx: Tx, vendor_id: str) -> None:
        """Never the newest, which the next set is sealed with."""
        ids = tx.execute(select(data_keys.c.key_id).where(data_keys.c.vendor_id == vendor_id)).scalars().all()
        current = max(ids, key=_number, default="")
        used = select(credentials.c.key_id).where(credentials.c.vendor_id == vendor_id)
        tx.execute(
            delete(data_keys).where(
                data_keys.c.vendor_id == vendor_id, data_keys.c.key_id != current, data_keys.c.key_id.not_in(used)
            )
        )

    # --- keys and versions ----------------------------------------------------------------------------------------

    def _next_set(self, tx: Tx, vendor_id: str, provider: str, origin: Origin, now: datetime, by: str) -> int:
        """The vendor is locked."""
        last: int | None = tx.execute(select(func.max(sets.c.version)).where(_of(vendor_id, provider))).scalar()
        version = (last or 0) + 1
        row = {
            "vendor_id": vendor_id,
            "provider": provider,
            "version": version,
            "origin": origin,
            "stored_by": by,
            "stored_at": now,
        }
        tx.execute(insert(sets).values(**row))
        return version

    def _locked_key(self, tx: Tx, vendor_id: str, now: datetime) -> Key:
        """The vendor's newest data key, made on first use. One that can't be opened is followed by another, unless
        something that counts is sealed with it."""
        self._lock(tx, vendor_id, now)
        rows = tx.execute(
            select(data_keys.c.key_id, data_keys.c.wrapped).where(data_keys.c.vendor_id == vendor_id)
        ).all()
        newest = max(rows, key=lambda row: _number(row.key_id))
        try:
            return self._unwrap(vendor_id, newest.key_id, newest.wrapped)
        except CannotOpen:
            if any(each.fields for each in self.stored(tx, vendor_id)):
                raise
            return self._add_key(tx, vendor_id, new_key(f"k{_number(newest.key_id) + 1}"), now)

    def _lock(self, tx: Tx, vendor_id: str, now: datetime) -> None:
        """Lock the vendor's data keys, so that versions of one vendor are given out one at a time."""
        mine = data_keys.c.vendor_id == vendor_id
        lock = select(data_keys.c.key_id).where(mine).with_for_update()
        for _ in range(_LOCK_TRIES):
            if tx.execute(lock).first() is not None:
                break
            # None yet; or the one that was waited for is gone, and another has come since.
            if tx.execute(select(data_keys.c.key_id).where(mine)).first() is None:
                self._add_key(tx, vendor_id, new_key("k1"), now)

    def _add_key(self, tx: Tx, vendor_id: str, key: Key, now: datetime) -> Key:
        row = {
            "vendor_id": vendor_id,
            "key_id": key.id,
            "wrapped": self._master.wrap(key, key_place(vendor_id, key.id)),
            "created_at": now,
        }
        insert_new(tx, data_keys, row, conflict=["vendor_id", "key_id"])
        return key

    def _unwrap(self, vendor_id: str, key_id: str, wrapped: str) -> Key:
        return self._master.unwrap(key_id, wrapped, key_place(vendor_id, key_id))


def key_place(vendor_id: str, key_id: str) -> bytes:
    """The associated data that a data key is wrapped with."""
    return bind(vendor_id, "data-key", key_id)


def _number(key_id: str) -> int:
    """Data keys are k1, k2, …"""
    return int(key_id.removeprefix("k"))


def _of(vendor_id: str, provider: str) -> ColumnElement[bool]:
    return and_(sets.c.vendor_id == vendor_id, sets.c.provider == provider)


def _fields_of_set() -> ColumnElement[bool]:
    return and_(
        credentials.c.vendor_id == sets.c.vendor_id,
        credentials.c.provider == sets.c.provider,
        credentials.c.version == sets.c.version,
    )


def _key_of_field() -> ColumnElement[bool]:
    return and_(data_keys.c.vendor_id == credentials.c.vendor_id, data_keys.c.key_id == credentials.c.key_id)


def _stored_set(rows: Sequence[Any]) -> StoredSet:
    first = rows[0]
    return StoredSet(
        vendor_id=first.vendor_id,
        provider=first.provider,
        version=first.version,
        origin=Origin(first.origin),
        stored_by=first.stored_by,
        stored_at=first.stored_at,
        erased_at=first.erased_at,
        fields=tuple(row.field for row in rows if row.field is not None),
        is_newest=first.version == first.newest_version,
    )
