"""In which database each vendor lives, as the platform says. Nobody else decides it."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Text, cast, or_, select, update

from contracts.ids import VendorId
from kit.db import Tx
from router.databases import IsolationLevel
from router.vendors.models import vendors


@dataclass(frozen=True, slots=True)
class Home:
    """`target` is `vendors.db_target` as it was written, text where it is no JSON: whoever opens it must check it."""

    isolation: IsolationLevel
    target: Any

    @property
    def is_shared(self) -> bool:
        return self.isolation is IsolationLevel.SHARED_DB


# As text: a document that was broken by hand must not keep the others from being read.
_TARGET = cast(vendors.c.db_target, Text).label("db_target")


def find_vendor(tx: Tx, id_or_word: str) -> VendorId | None:
    """The id of the vendor that an operator means. `tx` is of the platform database, here and below."""
    row = tx.execute(
        select(vendors.c.id)
        .where(or_(vendors.c.id == id_or_word, vendors.c.word == id_or_word.casefold()))
        .order_by(vendors.c.id != id_or_word)
    ).first()
    return None if row is None else VendorId(row.id)


def home_of(tx: Tx, vendor_id: VendorId, *, lock: bool = False) -> Home | None:
    """With `lock`, nobody else changes it until this transaction ends."""
    statement = select(vendors.c.isolation_level, _TARGET).where(vendors.c.id == vendor_id)
    row = tx.execute(statement.with_for_update() if lock else statement).first()
    return None if row is None else Home(IsolationLevel(row.isolation_level), _read(row.db_target))


def dedicated_homes(tx: Tx) -> list[tuple[VendorId, Home]]:
    """Every vendor with a database of its own, oldest first."""
    rows = tx.execute(
        select(vendors.c.id, _TARGET)
        .where(vendors.c.isolation_level == IsolationLevel.DEDICATED_DB)
        .order_by(vendors.c.created_at, vendors.c.id)
    )
    return [(VendorId(row.id), Home(IsolationLevel.DEDICATED_DB, _read(row.db_target))) for row in rows]


def rehome(tx: Tx, vendor_id: VendorId, old: Home, new: Home) -> bool:
    """Say that the vendor lives in `new` from now on, if it lives in `old`. Returns whether it did."""
    if home_of(tx, vendor_id, lock=True) != old:
        return False
    tx.execute(
        update(vendors).where(vendors.c.id == vendor_id).values(isolation_level=new.isolation, db_target=new.target)
    )
    return True


def _read(text: str | None) -> Any:
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text
