"""Conversations: what is remembered of each, and the lease under which one turn at a time is taken.

The lease lies on the conversation, not on the inbox item: STOP may overtake what waits, but never runs beside it.
`waiting` counts what is received and not yet done, so that finding work is one look at a small index."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from sqlalchemy import Row, and_, bindparam, case, exists, literal, or_, select, true, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.store.tables import ItemKind, conversations, inbox, is_open_item, is_open_message, is_waiting, messages
from contracts.ids import new_id
from kit.columns import Code, Flag, JsonDoc, UtcTime, is_one_of
from kit.db import Tx

LEASE = timedelta(seconds=30)
"""From claim to commit. A turn that takes longer renews it before each command; a call takes at most 5 s."""


MAX_BURST = 10
"""Items of one turn."""


class LeaseLost(Exception):
    """Another process has taken this job over: roll back, it does the work again with the same keys."""


@dataclass(frozen=True, slots=True)
class Conversation:
    id: str
    shop_number: str
    address: str
    profile_name: str
    state: dict[str, Any] | None
    """None before the first turn."""
    lease_until: datetime | None
    paced_until: datetime | None = None
    """How far what was sent reaches at the pace that lasts (`bot.pace`)."""


@dataclass(frozen=True, slots=True)
class Item:
    """One inbox item."""

    seq: int
    item_id: str
    kind: ItemKind
    content: str
    received_at: datetime
    attempts: int = 0
    """That found another process unreachable."""
    errors: int = 0
    """That ended in an exception of our own."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A leased conversation and the item whose turn it is; `others` are the messages that are read together with it."""

    conversation: Conversation
    item: Item
    others: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrival:
    conversation: Conversation
    is_leased: bool
    """By `direct_owner`, for this item: nothing else was waiting."""


_c = conversations.c
_COLUMNS = (_c.id, _c.shop_number, _c.address, _c.profile_name, _c.state, _c.lease_until, _c.paced_until)

# An arrival takes the lease at once if the conversation is at rest and a thread is free for it (`direct_owner`).
_is_at_rest = and_(_c.waiting == 0, _c.lease_owner.is_(None))
_direct_owner = bindparam("direct_owner", type_=Code)
_direct_until = bindparam("direct_until", type_=UtcTime)
_now = bindparam("now", type_=UtcTime)
_arrival = {
    "waiting": _c.waiting + 1,
    "next_at": case((or_(_c.waiting == 0, bindparam("is_urgent", type_=Flag) == true()), _now), else_=_c.next_at),
    "lease_owner": case((_is_at_rest, _direct_owner), else_=_c.lease_owner),
    "lease_until": case((_is_at_rest, _direct_until), else_=_c.lease_until),
}
_ARRIVED = (*_COLUMNS, _c.waiting, _c.lease_owner)


def _message_arrived(insert: Any) -> Any:
    return (
        insert(conversations)
        .values(
            id=bindparam("new_id"),
            shop_number=bindparam("shop_number"),
            address=bindparam("address"),
            profile_name=bindparam("profile_name"),
            opted_out=False,
            last_message_at=_now,
            waiting=1,
            next_at=_now,
            lease_owner=_direct_owner,
            lease_until=_direct_until,
            created_at=_now,
        )
        .on_conflict_do_update(
            index_elements=["shop_number", "address"],
            set_={
                **_arrival,
                "last_message_at": _now,
                "profile_name": bindparam("profile_name"),
                "blocked_at": None,
            },
        )
        .returning(*_ARRIVED)
    )


_MESSAGE_ARRIVED = {True: _message_arrived(postgresql.insert), False: _message_arrived(sqlite.insert)}

_NEWS_ARRIVED = update(conversations).where(_c.id == bindparam("which")).values(**_arrival).returning(*_ARRIVED)

_LATEST_OF = (
    select(_c.id)
    .where(_c.address == bindparam("address"))
    .order_by(_c.last_message_at.desc())
    .limit(1)
    .with_for_update()
)

_me = bindparam("me", type_=Code)
_is_due = and_(
    is_waiting,
    _c.next_at <= _now,
    or_(_c.lease_until.is_(None), _c.lease_until <= _now, _c.lease_owner == _me),
    ~is_one_of(_c.id, "held"),
)
_PEEK = select(literal(1)).where(_is_due).limit(1)
_CLAIM = (
    update(conversations)
    .where(
        _c.id
        == select(_c.id)
        .where(_is_due)
        .order_by(_c.next_at)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    .values(lease_owner=_me, lease_until=bindparam("until", type_=UtcTime))
    .returning(*_COLUMNS)
)

_OPEN_ITEMS = (
    select(
        *(inbox.c[name] for name in ("seq", "item_id", "kind", "content", "received_at", "attempts", "errors")),
        *(inbox.c[name] for name in ("is_urgent", "status", "burst")),
    )
    .where(inbox.c.conversation_id == bindparam("which"), is_open_item)
    .order_by(inbox.c.is_urgent.desc(), inbox.c.seq)
    .limit(MAX_BURST)
)
_TAKE = (
    update(inbox)
    .where(is_one_of(inbox.c.seq, "taken"))
    .values(status="processing", burst=bindparam("in_burst", type_=inbox.c.burst.type))
)

_is_mine = and_(_c.id == bindparam("which"), _c.lease_owner == _me)
_RENEW = update(conversations).where(_is_mine).values(lease_until=bindparam("until", type_=UtcTime))
_PUT_BACK = (
    update(conversations)
    .where(_is_mine)
    .values(lease_owner=None, lease_until=None, next_at=bindparam("due", type_=UtcTime))
)
_GIVE_UP = update(conversations).where(_c.lease_owner == _me).values(lease_owner=None, lease_until=None)

_has_unsent = exists().where(messages.c.conversation_id == _c.id, is_open_message(messages)).correlate(conversations)
_DONE = (
    update(conversations)
    .where(_is_mine)
    .values(
        waiting=_c.waiting - bindparam("ended", type_=_c.waiting.type),
        next_at=_now,
        lease_owner=None,
        lease_until=None,
        paced_until=bindparam("new_paced_until", type_=UtcTime),
    )
    .returning(_has_unsent.label("has_unsent"))
)
_DONE_WITH_STATE = _DONE.values(
    state=bindparam("new_state", type_=JsonDoc), opted_out=bindparam("is_opted_out", type_=Flag)
)


def message_arrived(
    tx: Tx,
    *,
    shop_number: str,
    address: str,
    profile_name: str,
    is_urgent: bool,
    now: datetime,
    direct_owner: str | None,
) -> Arrival:
    """Count one more waiting item, and make the conversation if it is new. Locks it until the commit."""
    row = tx.execute(
        _MESSAGE_ARRIVED[tx.is_postgres],
        {
            "new_id": new_id(now),
            "shop_number": shop_number,
            "address": address,
            "profile_name": profile_name,
            "is_urgent": is_urgent,
            "now": now,
            "direct_owner": direct_owner,
            "direct_until": now + LEASE if direct_owner else None,
        },
    ).one()
    return _arrival_of(row, direct_owner)


def lock_latest_of(tx: Tx, address: str) -> str | None:
    """The conversation in which this customer wrote last, locked until the commit; None for somebody who never did."""
    return tx.execute(_LATEST_OF, {"address": address}).scalar()


def news_arrived(tx: Tx, conversation_id: str, now: datetime, direct_owner: str | None) -> Arrival:
    """Count one more waiting item. The customer did not write: the 24 hours go on from where they were."""
    row = tx.execute(
        _NEWS_ARRIVED,
        {
            "which": conversation_id,
            "is_urgent": False,
            "now": now,
            "direct_owner": direct_owner,
            "direct_until": now + LEASE if direct_owner else None,
        },
    ).one()
    return _arrival_of(row, direct_owner)


def is_any_due(tx: Tx, *, me: str, held: Sequence[str], now: datetime) -> bool:
    return tx.execute(_PEEK, {"me": me, "held": list(held), "now": now}).first() is not None


Together = Callable[[Conversation, Sequence[Item]], int]
"""How many of these messages, the oldest first, are one burst. Says the same for the same, and at least 1."""


def claim(tx: Tx, *, me: str, held: Sequence[str], now: datetime, together: Together) -> Turn | None:
    """Lease the conversation that is due longest, with its oldest item (STOP first) and the messages behind it that
    are read together with it. None if nothing is due.

    `held` are those that `me` works on now; what else is leased to `me` was left over from a failed commit."""
    row = tx.execute(_CLAIM, {"me": me, "held": list(held), "now": now, "until": now + LEASE}).first()
    if row is None:
        return None
    conversation = _conversation_of(row)
    rows = tx.execute(_OPEN_ITEMS, {"which": conversation.id}).all()
    taken = _burst(conversation, rows, together)
    seqs = [row.seq for row in taken]
    in_burst = seqs[0] if len(seqs) > 1 else None
    tx.execute(_TAKE, {"taken": seqs, "in_burst": in_burst})
    items = [_item_of(row) for row in taken]
    return Turn(conversation, items[0], tuple(items[1:]))


def _burst(conversation: Conversation, rows: Sequence[Row[Any]], together: Together) -> Sequence[Row[Any]]:
    """The first of the open items and those of its turn. What a turn was begun with is what it is taken again with:
    its commands are known by the first message's id."""
    head = rows[0]
    if head.burst is not None:
        return [row for row in rows if row.burst == head.burst]
    was_begun = head.status != "received" or head.attempts or head.errors
    if was_begun or head.is_urgent or len(rows) == 1:
        return rows[:1]
    fresh = list(takewhile(lambda row: row.kind == ItemKind.MESSAGE and row.burst is None, rows))
    return fresh[: together(conversation, [_item_of(row) for row in fresh])] if fresh else rows[:1]


def renew(tx: Tx, conversation_id: str, *, me: str, now: datetime) -> None:
    """Raises LeaseLost."""
    _require_one(tx.execute(_RENEW, {"which": conversation_id, "me": me, "until": now + LEASE}).rowcount)


def put_back(tx: Tx, conversation_id: str, *, me: str, due: datetime) -> None:
    """Give up the lease; the item under it stays first in line, not before `due`. Raises LeaseLost."""
    _require_one(tx.execute(_PUT_BACK, {"which": conversation_id, "me": me, "due": due}).rowcount)


def done(
    tx: Tx,
    conversation_id: str,
    *,
    me: str,
    now: datetime,
    state: dict[str, Any] | None,
    is_opted_out: bool,
    paced_until: datetime | None = None,
    items: int = 1,
) -> bool:
    """End the turn of so many items, and the lease; a `state` of None leaves what is stored. Returns whether messages
    wait to be sent.

    Raises LeaseLost."""
    values: dict[str, Any] = {
        "which": conversation_id,
        "me": me,
        "now": now,
        "new_paced_until": paced_until,
        "ended": items,
    }
    if state is None:
        row = tx.execute(_DONE, values).first()
    else:
        row = tx.execute(_DONE_WITH_STATE, {**values, "new_state": state, "is_opted_out": is_opted_out}).first()
    if row is None:
        raise LeaseLost
    return bool(row.has_unsent)


def give_up_leases(tx: Tx, owner: str) -> int:
    """Of an owner that has ended. Returns how many."""
    return tx.execute(_GIVE_UP, {"me": owner}).rowcount


def _require_one(rowcount: int) -> None:
    if rowcount != 1:
        raise LeaseLost


def _conversation_of(row: Row[Any]) -> Conversation:
    return Conversation(
        row.id, row.shop_number, row.address, row.profile_name, row.state, row.lease_until, row.paced_until
    )


def _item_of(row: Row[Any]) -> Item:
    return Item(row.seq, row.item_id, ItemKind(row.kind), row.content, row.received_at, row.attempts, row.errors)


def _arrival_of(row: Row[Any], direct_owner: str | None) -> Arrival:
    # One waiting item is this one, so a lease was taken with it and for it.
    is_leased = direct_owner is not None and row.waiting == 1 and row.lease_owner == direct_owner
    return Arrival(_conversation_of(row), is_leased)
