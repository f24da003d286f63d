"""Versions that were replaced or removed, and when."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select, tuple_

from kit.db import Tx
from payment_adapter.vault.models import sets
from payment_adapter.vault.service import Origin


@dataclass(frozen=True, slots=True)
class Replaced:
    """A version that counted from `since` until `until`, and still holds its fields."""

    vendor_id: str
    provider: str
    version: int
    since: datetime
    until: datetime


def replaced(
    tx: Tx, before: datetime, *, after: tuple[str, str, int] = ("", "", 0), limit: int = 100
) -> list[Replaced]:
    """Versions that were replaced before that moment, and those that were removed, whenever that was: in the order of
    vendor, provider and version, beyond `after`."""
    successor = sets.alias("successor")
    follows = and_(
        successor.c.vendor_id == sets.c.vendor_id,
        successor.c.provider == sets.c.provider,
        successor.c.version == sets.c.version + 1,
    )
    place = (sets.c.vendor_id, sets.c.provider, sets.c.version)
    statement = (
        select(*place, sets.c.stored_at, successor.c.stored_at.label("until"))
        .select_from(sets.join(successor, follows))
        .where(sets.c.erased_at.is_(None), sets.c.origin != Origin.REMOVED)
        .where(or_(successor.c.stored_at <= before, successor.c.origin == Origin.REMOVED))
        .where(tuple_(*place) > tuple_(*after))
        .order_by(*place)
        .limit(limit)
    )
    return [
        Replaced(row.vendor_id, row.provider, row.version, row.stored_at, row.until) for row in tx.execute(statement)
    ]
