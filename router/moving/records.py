"""What operators asked for: the moves of vendors, in the platform database. It is here that a move is decided."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select, update

from contracts.ids import VendorId, new_id
from kit.db import Tx
from router.databases import IsolationLevel
from router.moving.models import MoveStatus, vendor_moves
from router.vendors.service import Home


@dataclass(frozen=True, slots=True)
class Move:
    id: str
    vendor_id: VendorId
    status: MoveStatus
    origin: Home
    destination: Home


def latest_move(tx: Tx, vendor_id: VendorId) -> Move | None:
    """`tx` is of the platform database, here and below."""
    row = tx.execute(
        select(vendor_moves)
        .where(vendor_moves.c.vendor_id == vendor_id)
        .order_by(vendor_moves.c.number.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    return Move(
        id=row.id,
        vendor_id=vendor_id,
        status=MoveStatus(row.status),
        origin=Home(IsolationLevel(row.from_isolation), row.from_target),
        destination=Home(IsolationLevel(row.to_isolation), row.to_target),
    )


def begin_move(tx: Tx, vendor_id: VendorId, origin: Home, destination: Home, now: datetime) -> Move:
    """Raises IntegrityError where one is under way."""
    move = Move(new_id(now), vendor_id, MoveStatus.MOVING, origin, destination)
    highest = select(func.max(vendor_moves.c.number)).where(vendor_moves.c.vendor_id == vendor_id)
    tx.execute(
        insert(vendor_moves).values(
            id=move.id,
            vendor_id=vendor_id,
            number=(tx.execute(highest).scalar_one() or 0) + 1,
            status=move.status,
            from_isolation=origin.isolation,
            from_target=origin.target,
            to_isolation=destination.isolation,
            to_target=destination.target,
            started_at=now,
        )
    )
    return move


def decide(tx: Tx, move: Move, status: MoveStatus, now: datetime) -> bool:
    """Say how a move that is under way ends. Returns False for one that has ended: nothing is changed then."""
    changed = tx.execute(
        update(vendor_moves)
        .where(vendor_moves.c.id == move.id, vendor_moves.c.status == MoveStatus.MOVING)
        .values(status=status, finished_at=now)
    )
    return changed.rowcount == 1


def note_purge(tx: Tx, move: Move, now: datetime) -> None:
    tx.execute(update(vendor_moves).where(vendor_moves.c.id == move.id).values(purged_at=now))
