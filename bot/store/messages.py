"""Messages to customers: queued by a turn, sent in order within a conversation, and what became of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, and_, bindparam, case, exists, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.replies.passing import Passing
from bot.replies.tappable import Tappable
from bot.replies.template import Template
from bot.store.conversations import LeaseLost
from bot.store.lapsing import columns_of, passing_of
from bot.store.once_more import TOLD_NOTHING
from bot.store.tables import MessageStatus, Purpose, conversations, is_open_message, messages
from kit.columns import BigInt, Code, UtcTime, is_one_of
from kit.db import Database, Tx

LEASE = timedelta(seconds=60)
"""From claim to outcome: longer than Twilio is waited for, look-up included."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A message as a turn writes it."""

    conversation_id: str
    inbox_seq: int
    purpose: Purpose
    sender: str
    recipient: str
    body: str
    answers_customer: bool
    vendor_id: str | None = None
    """Whose shop it is about. None: nobody's, and nobody pays for it."""
    media: str | None = None
    """The file that goes with it, as `bot.store.media` names it."""
    tappable: Tappable | None = None
    template: Template | None = None
    """What may be sent in its place when free text may not."""
    due: datetime | None = None
    """Not before then; None: at once."""
    known_as: str | None = None
    """Its id at the router, where a person of the shop wrote it."""
    is_for_staff: bool = False
    """For one of the shop's own people: no part of a conversation that the router hears of."""
    passing: Passing | None = None
    """Until when it may be sent, and while what is so. None: it keeps its meaning."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message under lease. `status` is `sending` for a first try, `uncertain` where Twilio may have it already."""

    seq: int
    conversation_id: str
    sender: str
    recipient: str
    body: str
    answers_customer: bool
    status: MessageStatus
    attempts: int
    tried_at: datetime
    """Since when Twilio may have it."""
    media: str | None = None
    tappable: Tappable | None = None
    template: Template | None = None
    reason: str | None = None
    """Why it has not left yet."""
    is_fresh: bool = False
    """Written a moment ago, by the turn that leased it."""
    passing: Passing | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message that Twilio took."""

    seq: int
    sid: str
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class Gate:
    """What decides whether a message may be sent now."""

    opted_out: bool
    last_message_at: datetime


_m = messages.c
_INSERT = {
    is_postgres: insert_(messages).on_conflict_do_nothing(index_elements=["inbox_seq", "purpose"]).returning(_m.seq)
    for is_postgres, insert_ in ((True, postgresql.insert), (False, sqlite.insert))
}

_now = bindparam("now", type_=UtcTime)
_me = bindparam("me", type_=Code)
_earlier = messages.alias("earlier")
_is_first_of_its_conversation = ~exists().where(
    _earlier.c.conversation_id == _m.conversation_id, is_open_message(_earlier), _earlier.c.seq < _m.seq
)
_is_due = and_(
    is_open_message(messages),
    _m.next_at <= _now,
    or_(_m.lease_until.is_(None), _m.lease_until <= _now, _m.lease_owner == _me),
    ~is_one_of(_m.seq, "held"),
    _is_first_of_its_conversation,
)
_PEEK = select(literal(1)).select_from(messages).where(_is_due).limit(1)
_CLAIM = (
    update(messages)
    .where(
        _m.seq
        == select(_m.seq)
        .where(_is_due)
        .order_by(_m.next_at, _m.seq)
        .limit(1)
        .with_for_update(skip_locked=True, of=messages)
        .scalar_subquery()
    )
    .values(
        # One that was being sent when its owner vanished may have reached Twilio.
        status=case((_m.status == "queued", "sending"), else_="uncertain"),
        attempts=_m.attempts + 1,
        tried_at=case((_m.status == "queued", _now), else_=_m.tried_at),
        lease_owner=_me,
        lease_until=bindparam("until", type_=UtcTime),
    )
    .returning(
        _m.seq,
        _m.conversation_id,
        _m.sender,
        _m.recipient,
        _m.body,
        _m.answers_customer,
        _m.status,
        _m.attempts,
        _m.tried_at,
        _m.media,
        _m.tappable,
        _m.template,
        _m.reason,
        _m.not_after,
        _m.while_left,
    )
)
_GATE = select(conversations.c.opted_out, conversations.c.blocked_at, conversations.c.last_message_at).where(
    conversations.c.id == bindparam("which")
)
_is_mine = and_(_m.seq == bindparam("which"), _m.lease_owner == _me, _m.status.in_(("sending", "uncertain")))
_OUTCOME = (
    update(messages)
    .where(_is_mine)
    .values(
        status=bindparam("new_status"),
        reason=bindparam("why"),
        error_code=bindparam("code", type_=_m.error_code.type),
        lease_owner=None,
        lease_until=None,
    )
)
_SENT = _OUTCOME.values(sid=bindparam("new_sid"), sent_at=_now)
_LATER = _OUTCOME.values(next_at=bindparam("due", type_=UtcTime))
_KNOWN_SIDS = select(_m.sid).where(_m.sid.in_(bindparam("sids", expanding=True, type_=Code)))

_owned = and_(_m.lease_owner == _me, _m.status.in_(("sending", "uncertain")))
_ABANDONED = (
    update(messages)
    .where(_owned)
    .values(status="uncertain", next_at=bindparam("due", type_=UtcTime), lease_owner=None, lease_until=None)
)
_NOT_BEGUN = (
    update(messages)
    .where(_owned, _m.status == "sending", _m.seq.in_(bindparam("seqs", expanding=True, type_=BigInt)))
    .values(status="queued", tried_at=None, lease_owner=None, lease_until=None)
)
_is_unreported = and_(_m.sid.is_not(None), _m.vendor_id.is_not(None), _m.reported_at.is_(None))
_SHOPS_WITH_UNREPORTED = (
    select(_m.vendor_id)
    .where(_is_unreported, _m.vendor_id > bindparam("after"))
    .distinct()
    .order_by(_m.vendor_id)
    .limit(bindparam("limit"))
)
_UNREPORTED = (
    select(_m.seq, _m.sid, _m.sent_at)
    .where(_is_unreported, _m.vendor_id == bindparam("vendor"))
    .order_by(_m.seq)
    .limit(bindparam("limit"))
)
_REPORTED = update(messages).where(_m.seq.in_(bindparam("seqs", expanding=True, type_=BigInt))).values(reported_at=_now)


def enqueue(tx: Tx, draft: Draft, now: datetime, direct_owner: str | None) -> int | None:
    """Put a message into the transaction: to be claimed, or already leased to `direct_owner` (only if no earlier one
    of its conversation is unsent). None, and nothing changes, if that item has such a message already."""
    return tx.execute(
        _INSERT[tx.is_postgres],
        {
            "conversation_id": draft.conversation_id,
            "inbox_seq": draft.inbox_seq,
            "purpose": draft.purpose,
            "sender": draft.sender,
            "recipient": draft.recipient,
            "body": draft.body,
            "answers_customer": draft.answers_customer,
            "status": MessageStatus.SENDING if direct_owner else MessageStatus.QUEUED,
            "attempts": 1 if direct_owner else 0,
            "next_at": draft.due or now,
            "tried_at": now if direct_owner else None,
            "lease_owner": direct_owner,
            "lease_until": now + LEASE if direct_owner else None,
            "created_at": now,
            "vendor_id": draft.vendor_id,
            "media": draft.media,
            "tappable": draft.tappable.to_json() if draft.tappable else None,
            "template": draft.template.to_json() if draft.template else None,
            "known_as": draft.known_as,
            "told_status": TOLD_NOTHING if draft.is_for_staff else None,
            **columns_of(draft.passing),
        },
    ).scalar()


def leased(seq: int, draft: Draft, now: datetime) -> Outgoing:
    """The message that `enqueue` has just leased."""
    return Outgoing(
        seq,
        draft.conversation_id,
        draft.sender,
        draft.recipient,
        draft.body,
        draft.answers_customer,
        MessageStatus.SENDING,
        attempts=1,
        tried_at=now,
        media=draft.media,
        tappable=draft.tappable,
        template=draft.template,
        is_fresh=True,
        passing=draft.passing,
    )


def is_any_due(tx: Tx, *, me: str, held: Sequence[int], now: datetime) -> bool:
    return tx.execute(_PEEK, {"me": me, "held": list(held), "now": now}).first() is not None


def claim(tx: Tx, *, me: str, held: Sequence[int], now: datetime) -> Outgoing | None:
    """Lease the next message that is due and first of its conversation. `held` are those `me` is sending now."""
    row = tx.execute(_CLAIM, {"me": me, "held": list(held), "now": now, "until": now + LEASE}).first()
    return None if row is None else _outgoing_of(row)


def gate(tx: Tx, conversation_id: str) -> Gate:
    row = tx.execute(_GATE, {"which": conversation_id}).one()
    return Gate(row.opted_out or row.blocked_at is not None, row.last_message_at)


def sent(db: Database, seq: int, *, me: str, sid: str, now: datetime) -> None:
    """Twilio has it: a transaction of its own. Raises LeaseLost."""
    values = {"which": seq, "me": me, "new_status": MessageStatus.SENT, "why": None, "code": None}
    _require_one(db.write_alone(_SENT, {**values, "new_sid": sid, "now": now}).rowcount)


def ended(tx: Tx, seq: int, *, me: str, status: MessageStatus, why: str, code: int | None = None) -> None:
    """It will not be sent: `failed`, `held` or `expired`. Raises LeaseLost."""
    values = {"which": seq, "me": me, "new_status": status, "why": why, "code": code}
    _require_one(tx.execute(_OUTCOME, values).rowcount)


def later(tx: Tx, seq: int, *, me: str, status: MessageStatus, why: str, due: datetime) -> None:
    """It is still to be sent (`queued`), or to be looked up first (`uncertain`), not before `due`. Raises LeaseLost."""
    values = {"which": seq, "me": me, "new_status": status, "why": why, "code": None, "due": due}
    _require_one(tx.execute(_LATER, values).rowcount)


def known_sids(tx: Tx, sids: Sequence[str]) -> set[str]:
    """Which of these belong to messages of ours that were recorded as sent."""
    return set(tx.execute(_KNOWN_SIDS, {"sids": list(sids)}).scalars())


def abandoned(tx: Tx, owner: str, due: datetime) -> int:
    """The owner ended while sending: what it had under lease is uncertain, to be looked up not before `due`."""
    return tx.execute(_ABANDONED, {"me": owner, "due": due}).rowcount


def not_begun(tx: Tx, owner: str, seqs: Sequence[int]) -> None:
    """Leased to `owner`, who never called Twilio for them."""
    tx.execute(_NOT_BEGUN, {"me": owner, "seqs": list(seqs)})


def shops_with_unreported(tx: Tx, *, after: str, limit: int) -> list[str]:
    """Vendors of messages that Twilio took and that their usage does not contain yet, in order, beyond `after`."""
    return list(tx.execute(_SHOPS_WITH_UNREPORTED, {"after": after, "limit": limit}).scalars())


def unreported(tx: Tx, vendor_id: str, *, limit: int) -> list[Accepted]:
    """Oldest first."""
    rows = tx.execute(_UNREPORTED, {"vendor": vendor_id, "limit": limit})
    return [Accepted(row.seq, row.sid, row.sent_at) for row in rows]


def reported(tx: Tx, seqs: Sequence[int], now: datetime) -> None:
    """Their usage contains them."""
    tx.execute(_REPORTED, {"seqs": list(seqs), "now": now})


def _require_one(rowcount: int) -> None:
    if rowcount != 1:
        raise LeaseLost


def _outgoing_of(row: Row[Any]) -> Outgoing:
    return Outgoing(
        row.seq,
        row.conversation_id,
        row.sender,
        row.recipient,
        row.body,
        row.answers_customer,
        MessageStatus(row.status),
        row.attempts,
        row.tried_at,
        row.media,
        Tappable.from_json(row.tappable) if row.tappable is not None else None,
        Template.from_json(row.template) if row.template is not None else None,
        row.reason,
        passing=passing_of(row),
    )
