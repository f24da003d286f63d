"""What the router was not told yet of conversations, shop by shop: customers' messages whose turn is over, messages
that left and what became of them, and those that a customer will not get."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, bindparam, exists, select, update

from bot.store.tables import MessageStatus, conversations, inbox, is_lost, is_untold, is_untold_item, messages
from kit.columns import UtcTime, is_one_of
from kit.db import Tx

_i, _m, _c = inbox.c, messages.c, conversations.c


@dataclass(frozen=True, slots=True)
class HeardItem:
    """A customer's message, as the channel stored it."""

    seq: int
    item_id: str
    content: str
    received_at: datetime
    address: str
    profile_name: str


@dataclass(frozen=True, slots=True)
class SentItem:
    """A message to a customer. `known_as` is None where it has no other name at the router than `out:<seq>`;
    `told_status` None where the router has not heard of it. `is_superseded`: it was said once more, another way."""

    seq: int
    known_as: str | None
    recipient: str
    body: str
    status: MessageStatus
    reason: str | None
    error_code: int | None
    media: str | None
    created_at: datetime
    told_status: str | None
    is_superseded: bool


def _next_shop(table: Table, condition: ColumnElement[bool]) -> Any:
    """One step through an index: as quick with a hundred thousand rows of one shop as with one."""
    vendor = table.c.vendor_id
    return select(vendor).where(condition, vendor > bindparam("after")).order_by(vendor).limit(1)


_NEXT_WITH_ITEMS = _next_shop(inbox, is_untold_item)
_NEXT_WITH_SENT = _next_shop(messages, is_untold)
_NEXT_WITH_LOST = _next_shop(messages, is_lost)

_HEARD = (
    select(_i.seq, _i.item_id, _i.content, _i.received_at, _c.address, _c.profile_name)
    .join_from(inbox, conversations, _c.id == _i.conversation_id)
    .where(is_untold_item, _i.vendor_id == bindparam("vendor"))
    .order_by(_i.seq)
    .limit(bindparam("limit"))
)
_later = messages.alias("later")
_is_superseded = exists().where(
    _later.c.inbox_seq == _m.inbox_seq, _later.c.purpose.in_(("plain", "again")), _later.c.seq > _m.seq
)


def _sent(condition: ColumnElement[bool]) -> Any:
    columns = (_m.seq, _m.known_as, _m.recipient, _m.body, _m.status, _m.reason, _m.error_code, _m.media)
    return (
        select(*columns, _m.created_at, _m.told_status, _is_superseded.label("is_superseded"))
        .where(condition, _m.vendor_id == bindparam("vendor"))
        .order_by(_m.seq)
        .limit(bindparam("limit"))
    )


_SENT, _LOST = _sent(is_untold), _sent(is_lost)

_ITEMS_TOLD = update(inbox).where(is_one_of(_i.seq, "seqs")).values(told_at=bindparam("now", type_=UtcTime))
_STATUS_TOLD = (
    update(messages).where(is_one_of(_m.seq, "seqs")).values(told_status=bindparam("told", type_=_m.status.type))
)


def _some(table: Table, condition: ColumnElement[bool]) -> Any:
    """So many that a writer need not wait long for them."""
    of_vendor = table.c.vendor_id == bindparam("vendor")
    return select(table.c.seq).where(condition, of_vendor).order_by(table.c.seq).limit(bindparam("limit"))


_LEAVE_ITEMS = (
    update(inbox).where(_i.seq.in_(_some(inbox, is_untold_item))).values(told_at=bindparam("now", type_=UtcTime))
)
_LEAVE_SENT = update(messages).where(_m.seq.in_(_some(messages, is_untold))).values(told_status=_m.status)


def next_shop(tx: Tx, after: str) -> str | None:
    """The next vendor beyond `after` of whose conversations something is to be told."""
    found = (tx.execute(step, {"after": after}).scalar() for step in (_NEXT_WITH_ITEMS, _NEXT_WITH_SENT))
    return min((vendor for vendor in found if vendor is not None), default=None)


def next_with_lost(tx: Tx, after: str) -> str | None:
    """The next vendor beyond `after` with messages that did not arrive, which it was not told."""
    return tx.execute(_NEXT_WITH_LOST, {"after": after}).scalar()


def heard(tx: Tx, vendor_id: str, *, limit: int) -> list[HeardItem]:
    """Oldest first, as are the others."""
    rows = tx.execute(_HEARD, {"vendor": vendor_id, "limit": limit})
    return [
        HeardItem(row.seq, row.item_id, row.content, row.received_at, row.address, row.profile_name) for row in rows
    ]


def sent(tx: Tx, vendor_id: str, *, limit: int) -> list[SentItem]:
    """Messages that left, and of which the router was told another status, or nothing."""
    return [_sent_of(row) for row in tx.execute(_SENT, {"vendor": vendor_id, "limit": limit})]


def lost(tx: Tx, vendor_id: str, *, limit: int) -> list[SentItem]:
    """Messages that their customer did not get, and of which the router was not told so."""
    return [_sent_of(row) for row in tx.execute(_LOST, {"vendor": vendor_id, "limit": limit})]


def items_told(tx: Tx, seqs: Sequence[int], now: datetime) -> None:
    if seqs:
        tx.execute(_ITEMS_TOLD, {"seqs": list(seqs), "now": now})


def status_told(tx: Tx, told: Sequence[SentItem]) -> None:
    """The router knows them as they were when they were read here; what has moved since is told again."""
    for status in {item.status for item in told}:
        tx.execute(_STATUS_TOLD, {"seqs": [item.seq for item in told if item.status is status], "told": status})


def leave_out(tx: Tx, vendor_id: str, now: datetime, *, limit: int) -> int:
    """The router needs nothing of this shop's conversations: at most so many of each are as good as told. Returns how
    many were. What did not arrive is told all the same."""
    values = {"vendor": vendor_id, "limit": limit}
    items = tx.execute(_LEAVE_ITEMS, {**values, "now": now}).rowcount
    return max(items, tx.execute(_LEAVE_SENT, values).rowcount)


def _sent_of(row: Row[Any]) -> SentItem:
    return SentItem(
        row.seq,
        row.known_as,
        row.recipient,
        row.body,
        MessageStatus(row.status),
        row.reason,
        row.error_code,
        row.media,
        row.created_at,
        row.told_status,
        bool(row.is_superseded),
    )
