"""What did not arrive is said once more, another way or a little later: once of each, because an inbox item has one
message of each purpose. A picture with buttons becomes a picture above its text, and that a text alone."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, case, cast, func, literal, null, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.store.lapsing import OUTSIDE_WINDOW
from bot.store.tables import Purpose, messages
from kit.columns import BigInt, Code, UtcTime
from kit.db import Tx

TOLD_NOTHING = "-"
"""In place of the status that the router was told: it hears nothing of this message."""

_m = messages.c
_COPIED = (
    *(_m.conversation_id, _m.inbox_seq, _m.sender, _m.recipient, _m.body, _m.answers_customer, _m.vendor_id),
    *(_m.not_after, _m.while_left),
)
_TOLD_AS = (
    # What is said once more is the same message to the shop.
    func.coalesce(_m.known_as, literal("out:", Code) + cast(_m.seq, Code)).label("known_as"),
    case((_m.told_status == TOLD_NOTHING, TOLD_NOTHING), else_=null()).label("told_status"),
)
_ADORNMENTS = (_m.media, _m.tappable, _m.template)


def _once_more(purpose: Purpose, copied: Sequence[Any], *conditions: Any) -> Any:
    """A failed message is queued once more; once, because an item has one message of each purpose."""
    copy = (
        select(
            *copied,
            *_TOLD_AS,
            literal(purpose.value, Code).label("purpose"),
            literal("queued", Code).label("status"),
            bindparam("due", type_=UtcTime).label("next_at"),
            bindparam("now", type_=UtcTime).label("created_at"),
        )
        .where(_m.status == "failed", *conditions)
        .where(or_(_m.seq == bindparam("which", type_=BigInt), _m.sid == bindparam("which_sid", type_=Code)))
    )
    return {
        is_postgres: insert_(messages)
        .from_select([column.name for column in copy.selected_columns], copy)
        .on_conflict_do_nothing(index_elements=["inbox_seq", "purpose"])
        for is_postgres, insert_ in ((True, postgresql.insert), (False, sqlite.insert))
    }


_UNTAPPED = _once_more(
    Purpose.PLAIN, (*_COPIED, _m.media), _m.media.is_not(None), _m.tappable.is_not(None), _m.purpose != "plain"
)
_PLAIN = (
    _once_more(Purpose.PLAIN, _COPIED, or_(_m.media.is_not(None), _m.tappable.is_not(None))),
    _once_more(Purpose.AGAIN, _COPIED, _m.media.is_not(None), _m.purpose == "plain"),
)
_AGAIN = _once_more(Purpose.AGAIN, (*_COPIED, *_ADORNMENTS), _m.purpose.in_(("reply", "notice")))
_AGAIN_AS_TEMPLATE = _once_more(
    Purpose.AGAIN,
    (*_COPIED, *_ADORNMENTS, literal(OUTSIDE_WINDOW, _m.reason.type).label("reason")),
    _m.template.is_not(None),
    _m.purpose.in_(("reply", "notice")),
    or_(_m.reason.is_(None), _m.reason != OUTSIDE_WINDOW),
)


def again_plain(tx: Tx, now: datetime, *, seq: int | None = None, sid: str | None = None) -> bool:
    """A message that failed with a file or options is queued once more as its text alone. Returns whether it was."""
    values = {"which": seq, "which_sid": sid, "now": now, "due": now}
    return any(tx.execute(statement[tx.is_postgres], values).rowcount == 1 for statement in _PLAIN)


def again_untapped(tx: Tx, now: datetime, *, seq: int | None = None, sid: str | None = None) -> bool:
    """As `again_plain`, but a picture that had buttons stays above the text."""
    values = {"which": seq, "which_sid": sid, "now": now, "due": now}
    return tx.execute(_UNTAPPED[tx.is_postgres], values).rowcount == 1 or again_plain(tx, now, seq=seq, sid=sid)


def again_later(tx: Tx, now: datetime, due: datetime, *, sid: str) -> bool:
    """A message that failed is queued once more as it was, not before `due`. Returns whether it was."""
    values = {"which": None, "which_sid": sid, "now": now, "due": due}
    return tx.execute(_AGAIN[tx.is_postgres], values).rowcount == 1


def again_as_template(tx: Tx, now: datetime, *, sid: str | None = None, seq: int | None = None) -> bool:
    """A message that failed because free text may not be sent is queued once more, for its template to go in its
    place. Returns whether it was: it has one."""
    values = {"which": seq, "which_sid": sid, "now": now, "due": now}
    return tx.execute(_AGAIN_AS_TEMPLATE[tx.is_postgres], values).rowcount == 1
