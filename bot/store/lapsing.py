"""Messages that mean something only for a while, as they are stored, and what becomes of those that are held."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, literal, select, update

from bot.replies.passing import Passing, StillLeft
from bot.replies.template import Template
from bot.store.tables import is_held_passing, messages
from kit.columns import UtcTime
from kit.db import Tx

OUTSIDE_WINDOW = "outside_24h"
"""Why a message is held, or sent as a template: the customer has not written for a day."""

TOO_LATE = "too_late"
"""Why a message expired: the time until which it meant something is over."""


@dataclass(frozen=True, slots=True)
class HeldPassing:
    """A message that is held because only its template could be sent."""

    seq: int
    template: Template


_m = messages.c
_now = bindparam("now", type_=UtcTime)
_ANY_HELD = select(literal(1)).select_from(messages).where(is_held_passing).limit(1)
_EXPIRE_HELD = update(messages).where(is_held_passing, _m.not_after <= _now).values(status="expired", reason=TOO_LATE)
_HELD_PASSING = (
    select(_m.seq, _m.template)
    .where(is_held_passing, _m.reason == OUTSIDE_WINDOW, _m.template.is_not(None))
    .order_by(_m.not_after)
    .limit(bindparam("limit"))
)
_RELEASED = (
    update(messages)
    .where(_m.seq == bindparam("which"), _m.status == "held", _m.not_after > _now)
    .values(status="queued", next_at=_now)
)


def columns_of(passing: Passing | None) -> dict[str, Any]:
    """What of a message's row says so."""
    left = passing.while_left if passing is not None else None
    return {
        "not_after": passing.not_after if passing is not None else None,
        "while_left": left.to_json() if left is not None else None,
    }


def passing_of(row: Row[Any]) -> Passing | None:
    """Of a row with those columns."""
    if row.not_after is None:
        return None
    return Passing(row.not_after, StillLeft.from_json(row.while_left) if row.while_left is not None else None)


def is_any_held(tx: Tx) -> bool:
    """Whether anything is held that will mean nothing soon, or does already."""
    return tx.execute(_ANY_HELD).first() is not None


def expire_held(tx: Tx, now: datetime) -> int:
    """What is held, and means nothing any more, has expired. Returns how many did."""
    return tx.execute(_EXPIRE_HELD, {"now": now}).rowcount


def held_passing(tx: Tx, *, limit: int) -> list[HeldPassing]:
    """What waits for its template to be approved and will mean nothing soon, the most urgent first."""
    rows = tx.execute(_HELD_PASSING, {"limit": limit})
    return [HeldPassing(row.seq, Template.from_json(row.template)) for row in rows]


def released(tx: Tx, seq: int, now: datetime) -> None:
    """What was held may be sent after all: it is queued again, and looked at again before it leaves."""
    tx.execute(_RELEASED, {"which": seq, "now": now})
