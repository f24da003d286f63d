"""Stores and opens a vendor's credentials. A new set is a new version, so that what was claimed with the old one still
knows which it used."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select

from kit.db import Tx, insert_new
from payment_adapter.vault.envelope import Key, MasterKeys, bind, new_key, seal, unseal
from payment_adapter.vault.models import credentials, data_keys
from payment_adapter.vault.secret import Secret

_DATA_KEY_ID = "k1"


class Origin(StrEnum):
    PLANTED = "planted"
    """Put there at a first local start, so that a newcomer can buy."""
    VENDOR = "vendor"


@dataclass(frozen=True, slots=True)
class Credentials:
    """One vendor's newest set for one provider, by field."""

    vendor_id: str
    provider: str
    version: int
    origin: Origin
    fields: Mapping[str, Secret]


class Vault:
    def __init__(self, master: MasterKeys) -> None:
        self._master = master

    def store(
        self, tx: Tx, vendor_id: str, provider: str, fields: Mapping[str, Secret], *, origin: Origin, now: datetime
    ) -> int:
        """Store a whole set; returns its version, one above the last."""
        key = self._data_key(tx, vendor_id, now)
        mine = (credentials.c.vendor_id == vendor_id) & (credentials.c.provider == provider)
        last: int | None = tx.execute(select(func.max(credentials.c.version)).where(mine)).scalar()
        version = (last or 0) + 1
        for name, value in fields.items():
            place = bind(vendor_id, provider, name, str(version))
            row = {
                "vendor_id": vendor_id,
                "provider": provider,
                "field": name,
                "version": version,
                "key_id": key.id,
                "sealed": seal(key, value.reveal().encode(), place),
                "origin": origin,
                "created_at": now,
            }
            tx.execute(credentials.insert().values(**row))
        return version

    def load(self, tx: Tx, vendor_id: str, provider: str) -> Credentials | None:
        """The newest set, or None where the vendor has none: nobody else's stands in. Raises CannotOpen."""
        mine = (credentials.c.vendor_id == vendor_id) & (credentials.c.provider == provider)
        newest = select(func.max(credentials.c.version)).where(mine).scalar_subquery()
        rows = tx.execute(select(credentials).where(mine, credentials.c.version == newest)).all()
        if not rows:
            return None
        keys = self._open_data_keys(tx, vendor_id)
        version = int(rows[0].version)
        fields: dict[str, Secret] = {}
        for row in rows:
            place = bind(vendor_id, provider, row.field, str(version))
            fields[row.field] = Secret(unseal(keys, row.sealed, place).decode())
        return Credentials(vendor_id, provider, version, Origin(rows[0].origin), fields)

    def _data_key(self, tx: Tx, vendor_id: str, now: datetime) -> Key:
        """The vendor's data key, made on first use and locked: versions of one vendor are given out one at a time."""
        fresh = new_key(_DATA_KEY_ID)
        row = {
            "vendor_id": vendor_id,
            "key_id": fresh.id,
            "wrapped": seal(self._master.current, fresh.material, _key_place(vendor_id, fresh.id)),
            "created_at": now,
        }
        insert_new(tx, data_keys, row, conflict=["vendor_id", "key_id"])
        lock = select(data_keys.c.key_id).where(data_keys.c.vendor_id == vendor_id).with_for_update()
        tx.execute(lock)
        return self._open_data_keys(tx, vendor_id)[_DATA_KEY_ID]

    def _open_data_keys(self, tx: Tx, vendor_id: str) -> dict[str, Key]:
        rows = tx.execute(select(data_keys).where(data_keys.c.vendor_id == vendor_id)).all()
        masters = self._master.by_id
        return {
            row.key_id: Key(row.key_id, unseal(masters, row.wrapped, _key_place(vendor_id, row.key_id))) for row in rows
        }


def _key_place(vendor_id: str, key_id: str) -> bytes:
    return bind(vendor_id, "data-key", key_id)
