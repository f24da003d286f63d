"""Live pushes, in the platform database: a number has one prompt at a time and at most ten in 24 hours, from all shops
together. This protects the owner of the phone and knows nothing of payments."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from contracts.errors import ErrorCode
from contracts.ids import PaymentIntentId, VendorId
from kit.db import Tx
from kit.problems import Problem
from router.payments.models import live_pushes
from router.payments.rules import MAX_PUSHES_PER_DAY, RESERVATION_LIFETIME

_DAY = timedelta(hours=24)

_RELEASE = (
    update(live_pushes)
    .where(live_pushes.c.intent_id == bindparam("intent"), live_pushes.c.released_at.is_(None))
    .values(
        released_at=bindparam("now", type_=live_pushes.c.released_at.type),
        was_used=bindparam("used", type_=live_pushes.c.was_used.type),
    )
)


def reserve_push(
    platform_tx: Tx, *, intent_id: PaymentIntentId, vendor_id: VendorId, payer_msisdn: str, now: datetime
) -> datetime:
    """Reserve the one prompt that this number may have, and return when that was: `start_intent` wants it at most 30 s
    old. Commit before the ops transaction begins. Reserving for the same intent again renews it.

    Raises Problem 429 payer_busy: the number has a live prompt, or had ten in the last 24 hours. A reservation
    that nobody releases ends by itself after 10 minutes."""
    _release(platform_tx, (live_pushes.c.payer_msisdn == payer_msisdn) & (live_pushes.c.expires_at <= now), now)
    expires_at = now + RESERVATION_LIFETIME
    # The unique index decides between two at once: the later statement waits for the earlier transaction.
    values = {
        "intent_id": intent_id,
        "vendor_id": vendor_id,
        "payer_msisdn": payer_msisdn,
        "reserved_at": now,
        "expires_at": expires_at,
    }
    insert = postgresql.insert if platform_tx.is_postgres else sqlite.insert
    inserted = platform_tx.execute(insert(live_pushes).values(**values).on_conflict_do_nothing())
    if inserted.rowcount != 1:
        _renew(platform_tx, intent_id, vendor_id, payer_msisdn, now)
    # After the insert, not before: whoever reserved this number earlier has committed by now.
    counted = platform_tx.execute(
        select(func.count()).where(
            live_pushes.c.payer_msisdn == payer_msisdn,
            live_pushes.c.reserved_at > now - _DAY,
            live_pushes.c.was_used,
        )
    ).scalar_one()
    if counted > MAX_PUSHES_PER_DAY:
        raise Problem(429, ErrorCode.PAYER_BUSY, f"this number had {MAX_PUSHES_PER_DAY} payment prompts in 24 hours")
    return now


def release_push(platform_tx: Tx, *, intent_id: PaymentIntentId, now: datetime, was_used: bool = True) -> None:
    """The prompt is gone, or (`was_used=False`) never left: then it is not counted. Harmless to repeat."""
    platform_tx.execute(_RELEASE, {"intent": intent_id, "now": now, "used": was_used})


def expired_reservations(platform_tx: Tx, *, now: datetime, limit: int) -> list[tuple[PaymentIntentId, VendorId]]:
    """Reservations that nobody released in their time."""
    rows = platform_tx.execute(
        select(live_pushes.c.intent_id, live_pushes.c.vendor_id)
        .where(live_pushes.c.released_at.is_(None), live_pushes.c.expires_at <= now)
        .order_by(live_pushes.c.expires_at)
        .limit(limit)
    )
    return [(row.intent_id, row.vendor_id) for row in rows]


def _renew(platform_tx: Tx, intent_id: PaymentIntentId, vendor_id: VendorId, payer_msisdn: str, now: datetime) -> None:
    """The insert met a row: this intent's own from an earlier try at the same command, or another's live prompt."""
    try:
        renewed = platform_tx.execute(
            update(live_pushes)
            .where(
                live_pushes.c.intent_id == intent_id,
                live_pushes.c.vendor_id == vendor_id,
                live_pushes.c.payer_msisdn == payer_msisdn,
            )
            .values(reserved_at=now, expires_at=now + RESERVATION_LIFETIME, released_at=None, was_used=True)
        )
    except IntegrityError as error:
        raise _busy() from error
    if renewed.rowcount != 1:
        raise _busy()


def _release(platform_tx: Tx, which: ColumnElement[bool], now: datetime) -> None:
    platform_tx.execute(update(live_pushes).where(which, live_pushes.c.released_at.is_(None)).values(released_at=now))


def _busy() -> Problem:
    return Problem(429, ErrorCode.PAYER_BUSY, "this number has a payment prompt open; finish or ignore it first")
