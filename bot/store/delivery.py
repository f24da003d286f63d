"""What Twilio reports of messages it took: statuses that only climb, kept even when they come before our commit.

Twilio promises no order of status callbacks, and one may arrive before the answer to the request that made the
message: such a status waits under its sid until the sid is known."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import bindparam, case, delete, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.channels.remedies import Remedy
from bot.store import consents
from bot.store.once_more import again_as_template, again_later, again_plain, again_untapped
from bot.store.tables import MessageStatus, early_statuses, messages
from kit.db import Database, Tx

RemedyFor = Callable[[int | None], Remedy]
"""What the channel's error codes mean for us."""

PAUSE = timedelta(seconds=30)
"""Before a message that was too much, or met a fault that passes, is sent once more."""

MAY_FOLLOW: dict[MessageStatus, tuple[MessageStatus, ...]] = {
    MessageStatus.DELIVERED: (MessageStatus.SENT, MessageStatus.FAILED),
    MessageStatus.READ: (MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.FAILED),
    MessageStatus.FAILED: (MessageStatus.SENT,),
}
"""Which statuses each may follow. What was delivered did not fail, whatever was said before or is said later."""

_m, _e = messages.c, early_statuses.c
_APPLY = {
    status: update(messages)
    .where(_m.sid == bindparam("which"), _m.status.in_(before))
    .values(
        status=status,
        error_code=bindparam("code", type_=_m.error_code.type),
        reason=bindparam("why"),
    )
    for status, before in MAY_FOLLOW.items()
}
_IS_KNOWN = select(literal(1)).where(_m.sid == bindparam("which"))
_RANK = case((_e.status == "failed", 1), (_e.status == "delivered", 2), else_=3)
_NEW_RANK = bindparam("rank", type_=_m.attempts.type)
_KEEP = {
    is_postgres: insert(early_statuses)
    .values(
        sid=bindparam("which"),
        status=bindparam("new_status"),
        error_code=bindparam("code", type_=_m.error_code.type),
        received_at=bindparam("now", type_=_e.received_at.type),
    )
    .on_conflict_do_update(
        index_elements=["sid"],
        set_={"status": bindparam("new_status"), "error_code": bindparam("code", type_=_m.error_code.type)},
        where=_RANK < _NEW_RANK,
    )
    for is_postgres, insert in ((True, postgresql.insert), (False, sqlite.insert))
}
_RANKS = {MessageStatus.FAILED: 1, MessageStatus.DELIVERED: 2, MessageStatus.READ: 3}
_KNOWN_EARLY = select(_e.sid, _e.status, _e.error_code).join(messages, _m.sid == _e.sid).limit(100)
_FORGET = delete(early_statuses).where(_e.sid == bindparam("which"))


def arrived(db: Database, sid: str, status: MessageStatus) -> bool:
    """Apply that a message was delivered or read, in a transaction of its own. Returns False where that changes
    nothing: `report` knows whether the message is known at all."""
    return db.write_alone(_APPLY[status], {"which": sid, "code": None, "why": None}).rowcount == 1


def report(tx: Tx, sid: str, status: MessageStatus, code: int | None, now: datetime, remedy_for: RemedyFor) -> bool:
    """Apply a status, or keep it for a sid that is not known yet. Returns False in that case."""
    if _apply(tx, sid, status, code, now, remedy_for) or tx.execute(_IS_KNOWN, {"which": sid}).first() is not None:
        return True
    tx.execute(
        _KEEP[tx.is_postgres],
        {"which": sid, "new_status": status, "code": code, "now": now, "rank": _RANKS[status]},
    )
    return False


def has_known_early(tx: Tx) -> bool:
    """Whether a status that came early can be applied now."""
    return tx.execute(_KNOWN_EARLY).first() is not None


def apply_early(tx: Tx, now: datetime, remedy_for: RemedyFor) -> int:
    """Apply what came before its message was recorded as sent. Returns how many were."""
    rows = tx.execute(_KNOWN_EARLY).all()
    for row in rows:
        _apply(tx, row.sid, MessageStatus(row.status), row.error_code, now, remedy_for)
        tx.execute(_FORGET, {"which": row.sid})
    return len(rows)


def _apply(tx: Tx, sid: str, status: MessageStatus, code: int | None, now: datetime, remedy_for: RemedyFor) -> bool:
    why = "it could not be delivered" if status is MessageStatus.FAILED else None
    is_applied = tx.execute(_APPLY[status], {"which": sid, "code": code, "why": why}).rowcount == 1
    if is_applied and status is MessageStatus.FAILED:
        _mend(tx, sid, remedy_for(code), now)
    return is_applied


def _mend(tx: Tx, sid: str, remedy: Remedy, now: datetime) -> None:
    """Do what can be done about a message that did not arrive."""
    match remedy:
        case Remedy.AS_TEXT:
            # A picture that can't be fetched takes its text down with it.
            again_plain(tx, now, sid=sid)
        case Remedy.UNTAPPED:
            again_untapped(tx, now, sid=sid)
        case Remedy.LATER:
            again_later(tx, now, now + PAUSE, sid=sid)
        case Remedy.WINDOW_CLOSED:
            again_as_template(tx, now, sid=sid)
        case Remedy.STOP:
            consents.withdrawn_at_channel(tx, sid, now)
        case Remedy.NOBODY | Remedy.OUR_SETTINGS | Remedy.GIVE_UP:
            pass  # kept as failed, with the code: its shop is told (`bot.store.telling`)
