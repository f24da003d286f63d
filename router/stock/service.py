"""How many of an item can be had, and holds on them: held for an order, then sold or given back, exactly once.

Every change of a count is one conditional UPDATE, taken in the order of item ids, so that nothing is sold twice and
two baskets never wait for each other. An item without a row here is not counted. Knows no orders, only their ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import and_, bindparam, func, insert, literal_column, select, update

from contracts.ids import ItemId, OrderId, VendorId
from kit.columns import is_one_of
from kit.db import Tx, insert_new
from router.databases import has_stayed
from router.stock.models import stock, stock_holds


class HoldStatus(StrEnum):
    HELD = "held"
    SOLD = "sold"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class Held:
    """Everything that was asked for is held."""


@dataclass(frozen=True, slots=True)
class SoldOut:
    """Not enough is left of this item; nothing is held. `available` is what could be had."""

    item_id: ItemId
    available: int


@dataclass(frozen=True, slots=True)
class DueHold:
    """An order whose held stock should be given back by now."""

    vendor_id: VendorId
    order_id: OrderId


_AVAILABLE = select(stock.c.item_id, (stock.c.on_hand - stock.c.reserved).label("free")).where(
    stock.c.vendor_id == bindparam("vendor"), is_one_of(stock.c.item_id, "items")
)
# Written out, so that both databases recognise the partial index.
_IS_HELD = literal_column("stock_holds.status") == literal_column("'held'")

_until = bindparam("until", type_=stock_holds.c.expires_at.type)
_IS_ITEM = and_(stock.c.vendor_id == bindparam("vendor"), stock.c.item_id == bindparam("item"))
_IS_OF_ORDER = and_(stock_holds.c.vendor_id == bindparam("vendor"), stock_holds.c.order_id == bindparam("order"))
_sold, _freed, _wanted = (bindparam(name, type_=stock.c.on_hand.type) for name in ("sold", "freed", "wanted"))
_SELL = update(stock).where(_IS_ITEM).values(on_hand=stock.c.on_hand - _sold, reserved=stock.c.reserved - _sold)
_GIVE_BACK = update(stock).where(_IS_ITEM).values(reserved=stock.c.reserved - _freed)
_RESERVE = (
    update(stock)
    .where(_IS_ITEM, stock.c.on_hand - stock.c.reserved >= _wanted)
    .values(reserved=stock.c.reserved + _wanted)
)
_INSERT_HOLD = insert(stock_holds)
_OF_ORDER = select(stock_holds).where(_IS_OF_ORDER)
_EXTEND = update(stock_holds).where(_IS_OF_ORDER, _IS_HELD, stock_holds.c.expires_at < _until).values(expires_at=_until)
_CLOSE = (
    update(stock_holds)
    .where(_IS_OF_ORDER, _IS_HELD)
    .values(status=bindparam("became"), closed_at=bindparam("now", type_=stock_holds.c.closed_at.type))
    .returning(stock_holds.c.item_id, stock_holds.c.quantity)
)
_HELD_UNTIL = (
    select(stock_holds.c.order_id, func.min(stock_holds.c.expires_at).label("until"))
    .where(stock_holds.c.vendor_id == bindparam("vendor"), is_one_of(stock_holds.c.order_id, "orders"), _IS_HELD)
    .group_by(stock_holds.c.order_id)
)


def available(tx: Tx, vendor_id: VendorId, item_ids: Sequence[ItemId]) -> dict[ItemId, int]:
    """How many of each counted item can be had now; items that are not counted are left out."""
    if not item_ids:
        return {}
    rows = tx.execute(_AVAILABLE, {"vendor": vendor_id, "items": list(item_ids)})
    return {ItemId(row.item_id): row.free for row in rows}


def counts(tx: Tx, vendor_id: VendorId, item_ids: Sequence[ItemId]) -> dict[ItemId, tuple[int, int]]:
    """(on the shelf, held of these) of each counted item; items that are not counted are left out."""
    if not item_ids:
        return {}
    rows = tx.execute(
        select(stock.c.item_id, stock.c.on_hand, stock.c.reserved).where(
            stock.c.vendor_id == vendor_id, stock.c.item_id.in_(item_ids)
        )
    )
    return {ItemId(row.item_id): (row.on_hand, row.reserved) for row in rows}


def put_on_shelf(tx: Tx, vendor_id: VendorId, item_id: ItemId, on_hand: int) -> bool:
    """Begin to count an item. Returns False, and changes nothing, if it is counted already."""
    row = {"vendor_id": vendor_id, "item_id": item_id, "on_hand": on_hand, "reserved": 0}
    return insert_new(tx, stock, row, conflict=["vendor_id", "item_id"])


def count_anew(tx: Tx, vendor_id: VendorId, item_id: ItemId, on_hand: int) -> int | None:
    """So many are on the shelf, counted from now on if they were not. None; or how many are held, if that is more:
    then nothing is changed."""
    if put_on_shelf(tx, vendor_id, item_id, on_hand):
        return None
    is_item = and_(stock.c.vendor_id == vendor_id, stock.c.item_id == item_id)
    changed = tx.execute(update(stock).where(is_item, stock.c.reserved <= on_hand).values(on_hand=on_hand))
    if changed.rowcount == 1:
        return None
    reserved: int = tx.execute(select(stock.c.reserved).where(is_item)).scalar_one()
    return reserved


def hold(
    tx: Tx, vendor_id: VendorId, order_id: OrderId, demand: Mapping[ItemId, int], expires_at: datetime
) -> Held | SoldOut:
    """Hold `demand` (a quantity per counted item) for an order that holds nothing now. All of it or nothing."""
    return _hold(tx, vendor_id, order_id, demand, expires_at, ordinal=1)


def hold_again(tx: Tx, vendor_id: VendorId, order_id: OrderId, expires_at: datetime) -> Held | SoldOut:
    """Hold once more what this order held last. Does nothing where something is held still, or nothing ever was."""
    latest = _latest(tx, vendor_id, order_id)
    if not latest.quantities or latest.is_held:
        return Held()
    return _hold(tx, vendor_id, order_id, latest.quantities, expires_at, ordinal=latest.ordinal + 1)


def extend(tx: Tx, vendor_id: VendorId, order_id: OrderId, until: datetime) -> None:
    """Keep what is held at least until then. Never shortens."""
    tx.execute(_EXTEND, {"vendor": vendor_id, "order": order_id, "until": until})


def sell(tx: Tx, vendor_id: VendorId, order_id: OrderId, now: datetime) -> None:
    """What is held for the order leaves the shelf."""
    for item_id, quantity in _close(tx, vendor_id, order_id, HoldStatus.SOLD, now):
        tx.execute(_SELL, {"vendor": vendor_id, "item": item_id, "sold": quantity})


def release(tx: Tx, vendor_id: VendorId, order_id: OrderId, now: datetime) -> bool:
    """Give back what is held for the order. Returns whether anything was."""
    closed = _close(tx, vendor_id, order_id, HoldStatus.RELEASED, now)
    for item_id, quantity in closed:
        _give_back(tx, vendor_id, item_id, quantity)
    return bool(closed)


def held_until(tx: Tx, vendor_id: VendorId, order_ids: Sequence[OrderId]) -> dict[OrderId, datetime]:
    """Until when stock is held for these orders; those that hold nothing are left out."""
    if not order_ids:
        return {}
    rows = tx.execute(_HELD_UNTIL, {"vendor": vendor_id, "orders": list(order_ids)})
    return {OrderId(row.order_id): row.until for row in rows}


def due(tx: Tx, now: datetime, limit: int) -> list[DueHold]:
    """Orders of any shop whose holds have run out, the longest overdue first."""
    statement = (
        select(stock_holds.c.vendor_id, stock_holds.c.order_id)
        .where(_IS_HELD, stock_holds.c.expires_at <= now, has_stayed(stock_holds.c.vendor_id))
        .group_by(stock_holds.c.vendor_id, stock_holds.c.order_id)
        .order_by(func.min(stock_holds.c.expires_at))
        .limit(limit)
    )
    return [DueHold(VendorId(row.vendor_id), OrderId(row.order_id)) for row in tx.execute(statement)]


def _hold(
    tx: Tx, vendor_id: VendorId, order_id: OrderId, demand: Mapping[ItemId, int], expires_at: datetime, *, ordinal: int
) -> Held | SoldOut:
    taken: list[tuple[ItemId, int]] = []
    for item_id, quantity in sorted(demand.items()):
        result = tx.execute(_RESERVE, {"vendor": vendor_id, "item": item_id, "wanted": quantity})
        if result.rowcount != 1:
            for earlier, held in taken:
                _give_back(tx, vendor_id, earlier, held)
            return SoldOut(item_id, available(tx, vendor_id, [item_id]).get(item_id, 0))
        taken.append((item_id, quantity))
    if taken:
        common = {
            "vendor_id": vendor_id,
            "order_id": order_id,
            "ordinal": ordinal,
            "status": HoldStatus.HELD,
            "expires_at": expires_at,
        }
        tx.execute(_INSERT_HOLD, [{**common, "item_id": item_id, "quantity": n} for item_id, n in taken])
    return Held()


def _give_back(tx: Tx, vendor_id: VendorId, item_id: ItemId, quantity: int) -> None:
    tx.execute(_GIVE_BACK, {"vendor": vendor_id, "item": item_id, "freed": quantity})


def _close(
    tx: Tx, vendor_id: VendorId, order_id: OrderId, status: HoldStatus, now: datetime
) -> list[tuple[ItemId, int]]:
    """Close what is held, once: whoever comes second finds nothing held. Sorted by item."""
    closed = tx.execute(_CLOSE, {"vendor": vendor_id, "order": order_id, "became": status, "now": now})
    return sorted((ItemId(row.item_id), row.quantity) for row in closed)


@dataclass(frozen=True, slots=True)
class _Latest:
    ordinal: int
    is_held: bool
    quantities: dict[ItemId, int]


def _latest(tx: Tx, vendor_id: VendorId, order_id: OrderId) -> _Latest:
    rows = tx.execute(_OF_ORDER, {"vendor": vendor_id, "order": order_id}).all()
    ordinal = max((row.ordinal for row in rows), default=0)
    last = [row for row in rows if row.ordinal == ordinal]
    return _Latest(
        ordinal,
        is_held=any(row.status == HoldStatus.HELD for row in last),
        quantities={ItemId(row.item_id): row.quantity for row in last},
    )
