"""Keeping a vendor's writers out while it is moved, and for good once it has left.

Whoever writes holds the vendor's lock shared; who moves it takes it alone, so that no write is under way and new ones
wait. A fence, once committed, turns every later write away. See `kit.db`."""

import json
import os
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from datetime import datetime

from sqlalchemy import delete, insert, select, text
from sqlalchemy.exc import DBAPIError

from contracts.ids import VendorId
from kit.clock import Clock
from kit.db import Database, Scope, Tx, is_lock_timeout, lock_key
from router.databases import RELAY_ROLE, ops_metadata, vendor_fences

TRIES = 8
LOCK_WAIT_S = 3
"""How long to wait for writers at a time. While it waits, the vendor's other writers wait behind it."""
PAUSE_S = 1.0
DELIVERIES_WAIT_S = 3.0
"""How long deliveries under way may take to be recorded. One that takes longer is repeated from the new home."""

Pause = Callable[[float], None]


class Busy(Exception):
    """The vendor could not be had alone."""

    def __init__(self) -> None:
        super().__init__(
            "the vendor's rows are in use: by another move, or by a transaction that does not end; try again"
        )


@contextmanager
def alone(db: Database, vendor_id: VendorId, pause: Pause = time.sleep) -> Generator[Tx]:
    """A transaction beside which nobody else writes this vendor's rows in `db`. Raises Busy.

    `db` must have one connection only. On PostgreSQL it keeps the vendor's lock until `let_go`, or until it is closed:
    writers who waited then find the vendor in its new home. On SQLite they may try when the transaction ends."""
    with ExitStack() as stack:
        yield _begun(db, vendor_id, stack, pause)


def let_go(db: Database) -> None:
    """End what `alone` keeps after its transaction."""
    if db.is_postgres:
        with db.write() as tx:
            tx.execute(text("SELECT pg_advisory_unlock_all()"))


def fence_of(tx: Tx, vendor_id: VendorId) -> str | None:
    """The id of the move that fenced this vendor here; empty for a fence that was made by hand; None without one."""
    fence = tx.execute(select(vendor_fences.c.note).where(vendor_fences.c.vendor_id == vendor_id)).first()
    if fence is None:
        return None
    try:
        return str(json.loads(fence.note or "{}").get("move", ""))
    except (ValueError, AttributeError):
        return ""


def put_fence(tx: Tx, vendor_id: VendorId, move_id: str, now: datetime) -> None:
    """From the commit on, nobody writes this vendor's rows here, and no loop delivers from them."""
    if tx.is_postgres:
        # A claim that began before the commit would not see the fence: those under way end first, new ones wait.
        tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": lock_key(RELAY_ROLE)})
    note = json.dumps({"move": move_id})
    tx.execute(insert(vendor_fences).values(vendor_id=vendor_id, state="moved", since=now, note=note))


def take_fence_away(tx: Tx, vendor_id: VendorId) -> None:
    tx.execute(delete(vendor_fences).where(vendor_fences.c.vendor_id == vendor_id))


def hold_deliveries(tx: Tx, vendor_id: VendorId, clock: Clock, pause: Pause = time.sleep) -> None:
    """Let deliveries under way be recorded, and keep any other from being claimed until the transaction ends.

    Relays see across vendors, so the vendor's lock does not hold them up; the locks of its events do. On SQLite the
    transaction itself does, and a delivery that is under way is repeated from the new home."""
    if not tx.is_postgres:
        return
    outbox = ops_metadata.tables["outbox"]
    pending = select(outbox.c.seq).where(outbox.c.vendor_id == vendor_id, outbox.c.status == "pending")
    give_up_at = time.monotonic() + DELIVERIES_WAIT_S
    while True:
        now = clock.now()
        is_leased = outbox.c.lease_until >= now
        tx.execute(pending.where(~is_leased | outbox.c.lease_until.is_(None)).with_for_update()).all()
        if tx.execute(pending.where(is_leased).limit(1)).first() is None or time.monotonic() > give_up_at:
            break
        pause(0.02)
    tx.execute(pending.with_for_update()).all()


def see_one_moment(tx: Tx, vendor_id: VendorId) -> None:
    """Make a reading transaction that has read nothing yet show this vendor's rows as they are now, whatever is written
    while it reads. On SQLite every transaction does."""
    if tx.is_postgres:
        tx.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    tx.enter(Scope(vendor_id))


def is_one_database(one: Database, other: Database) -> bool:
    """Whether both lead to the same place, whatever they call it."""
    if one.is_postgres != other.is_postgres:
        return False
    if not one.is_postgres:
        return os.path.samefile(_file(one), _file(other))
    # An advisory lock belongs to one database of one server.
    probe = {"key": lock_key("dukani: is it the same database?")}
    with one.write() as tx:
        tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), probe)
        with other.write() as tried:
            return not tried.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), probe).scalar_one()


def _begun(db: Database, vendor_id: VendorId, stack: ExitStack, pause: Pause) -> Tx:
    for attempt in range(1, TRIES + 1):
        try:
            if db.is_postgres:
                with db.write() as tx:
                    _lock(tx, "pg_advisory_lock", vendor_id)
            tx = stack.enter_context(db.write(Scope(vendor_id, past_fence=True)))
            if tx.is_postgres:
                # Held already, unless the connection broke just now.
                _lock(tx, "pg_advisory_xact_lock", vendor_id)
                tx.execute(text("SET LOCAL statement_timeout = 0"))
            return tx
        except DBAPIError as error:
            stack.close()
            if not is_lock_timeout(error):
                raise
            if attempt == TRIES:
                raise Busy from error
        pause(PAUSE_S)
    raise AssertionError("the last try returns or raises")


def _lock(tx: Tx, function: str, vendor_id: VendorId) -> None:
    tx.execute(text(f"SET LOCAL lock_timeout = '{LOCK_WAIT_S}s'"))
    tx.execute(text(f"SELECT {function}(:key)"), {"key": lock_key(vendor_id)})


def _file(db: Database) -> str:
    with db.read() as tx:
        return tx.execute(text("SELECT file FROM pragma_database_list WHERE name = 'main'")).scalar_one()
