"""Vouchers as they are given and used. A use is counted when its order is confirmed, once, under the voucher's row
lock, and given back when the order is cancelled or no longer held.

Knows no orders, only their ids."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NoReturn

from sqlalchemy import ColumnElement, Row, and_, bindparam, func, literal_column, or_, select, true, update

from contracts.errors import ErrorCode
from contracts.ids import CustomerId, OrderId, VendorId, new_id
from contracts.money import Currency, Money
from kit.db import Tx, insert_new
from kit.problems import Problem
from router.vouchers.models import voucher_uses, vouchers


class UseStatus(StrEnum):
    COUNTED = "counted"
    GIVEN_BACK = "given_back"
    HONOURED = "honoured"
    """Money came for an order whose use had been given back, and none was left: the shop keeps its price. Not
    counted."""


@dataclass(frozen=True, slots=True)
class Voucher:
    """`percent` or `amount`, never both. Limits that are None are none; `starts_at` counts, `ends_at` does not."""

    id: str
    code: str
    percent: int | None
    amount: Money | None
    minimum: Money
    per_customer: int | None = None
    in_total: int | None = None
    used: int = 0
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    is_active: bool = True
    created_at: datetime | None = None


def normalized(code: str) -> str:
    """A voucher's code as people type it: any case, with spaces."""
    return "".join(code.split()).upper()


def offered(
    tx: Tx, vendor_id: VendorId, currency: Currency, customer_id: CustomerId, code: str, now: datetime
) -> Voucher:
    """The voucher of that code, if this customer could use it now.

    Raises Problem 404 voucher_unknown, 409 voucher_expired or 409 voucher_used_up."""
    wanted = normalized(code)
    row = tx.execute(_BY_CODE, {"vendor": vendor_id, "code": wanted}).first() if _is_code(wanted) else None
    if row is None or not row.active or row.currency != currency:
        raise Problem(404, ErrorCode.VOUCHER_UNKNOWN, "the shop has no such voucher")
    voucher = _voucher(row)
    _check_period(voucher, now)
    if voucher.in_total is not None and voucher.used >= voucher.in_total:
        _used_up(by_customer=False)
    if voucher.per_customer is not None and _uses_of(tx, vendor_id, voucher.id, customer_id) >= voucher.per_customer:
        _used_up(by_customer=True)
    return voucher


def use(
    tx: Tx, vendor_id: VendorId, voucher_id: str, customer_id: CustomerId, order_id: OrderId, now: datetime
) -> None:
    """Count a use of it by this order. Raises Problem 409 voucher_expired or 409 voucher_used_up: then nothing of the
    transaction may be kept."""
    counted = tx.execute(_COUNT, {"vendor": vendor_id, "voucher": voucher_id, "now": now})
    voucher = _voucher(tx.execute(_BY_ID, {"vendor": vendor_id, "voucher": voucher_id}).one())
    if counted.rowcount != 1:
        _check_period(voucher, now)
        if not voucher.is_active:
            raise Problem(409, ErrorCode.VOUCHER_EXPIRED, f"the shop has withdrawn the voucher {voucher.code}")
        _used_up(by_customer=False)
    # The voucher's row is held by now: whoever else counts a use of it waits, so that this count is exact.
    if voucher.per_customer is not None and _uses_of(tx, vendor_id, voucher_id, customer_id) >= voucher.per_customer:
        _used_up(by_customer=True)
    _record(tx, vendor_id, voucher_id, customer_id, order_id, UseStatus.COUNTED, now)


def use_again(tx: Tx, vendor_id: VendorId, order_id: OrderId, now: datetime) -> None:
    """Count the use of an order anew, if it was given back. Raises as `use`."""
    row = tx.execute(_USE, {"vendor": vendor_id, "order": order_id}).first()
    if row is not None and row.status == UseStatus.GIVEN_BACK:
        use(tx, vendor_id, row.voucher_id, CustomerId(row.customer_id), order_id, now)


def honour(tx: Tx, vendor_id: VendorId, order_id: OrderId, now: datetime) -> None:
    """Money came for the order at the price that was asked: its use counts again if one is left, and else stands
    beside what is counted. Never refuses."""
    row = tx.execute(_USE, {"vendor": vendor_id, "order": order_id}).first()
    if row is None or row.status != UseStatus.GIVEN_BACK:
        return
    counted = tx.execute(_COUNT_LATE, {"vendor": vendor_id, "voucher": row.voucher_id})
    status = UseStatus.COUNTED if counted.rowcount == 1 else UseStatus.HONOURED
    _record(tx, vendor_id, row.voucher_id, CustomerId(row.customer_id), order_id, status, now)


def give_back(tx: Tx, vendor_id: VendorId, order_id: OrderId, now: datetime) -> None:
    """The order's use is not counted any more. Does nothing where none is."""
    given = tx.execute(_GIVE_BACK, {"vendor": vendor_id, "order": order_id, "changed_at": now}).first()
    if given is not None:
        tx.execute(_UNCOUNT, {"vendor": vendor_id, "voucher": given.voucher_id})


def make(tx: Tx, vendor_id: VendorId, voucher: Voucher, now: datetime) -> Voucher | None:
    """A new voucher, with an id of its own. None, and nothing is changed, if there is one with its code."""
    made_id = new_id(now)
    row = {
        "vendor_id": vendor_id,
        "id": made_id,
        "code": voucher.code,
        "percent": voucher.percent,
        "amount_minor": None if voucher.amount is None else voucher.amount.minor,
        "currency": voucher.minimum.currency,
        "minimum_minor": voucher.minimum.minor,
        "per_customer": voucher.per_customer,
        "in_total": voucher.in_total,
        "starts_at": voucher.starts_at,
        "ends_at": voucher.ends_at,
        "created_at": now,
    }
    if not insert_new(tx, vouchers, row, conflict=["vendor_id", "code"]):
        return None
    return _voucher(tx.execute(_BY_ID, {"vendor": vendor_id, "voucher": made_id}).one())


def withdraw(tx: Tx, vendor_id: VendorId, voucher_id: str) -> Voucher | None:
    """Nobody can use it from now on; carts that hold it are refused when they are confirmed. None if unknown."""
    tx.execute(update(vouchers).where(_IS_VOUCHER).values(active=False), {"vendor": vendor_id, "voucher": voucher_id})
    row = tx.execute(_BY_ID, {"vendor": vendor_id, "voucher": voucher_id}).first()
    return None if row is None else _voucher(row)


def listed(tx: Tx, vendor_id: VendorId, limit: int) -> list[Voucher]:
    """The newest first."""
    which = select(vouchers).where(vouchers.c.vendor_id == vendor_id)
    newest = which.order_by(vouchers.c.created_at.desc(), vouchers.c.id.desc()).limit(limit)
    return [_voucher(row) for row in tx.execute(newest)]


def _check_period(voucher: Voucher, now: datetime) -> None:
    if voucher.ends_at is not None and voucher.ends_at <= now:
        raise Problem(409, ErrorCode.VOUCHER_EXPIRED, f"the voucher {voucher.code} is no longer good")
    if voucher.starts_at is not None and voucher.starts_at > now:
        raise Problem(
            409, ErrorCode.VOUCHER_EXPIRED, f"the voucher {voucher.code} is not good yet", starts_at=voucher.starts_at
        )


def _used_up(*, by_customer: bool) -> NoReturn:
    who = "this customer has" if by_customer else "customers have"
    detail = f"{who} used this voucher as often as it may be"
    raise Problem(409, ErrorCode.VOUCHER_USED_UP, detail, by_customer=by_customer)


def _uses_of(tx: Tx, vendor_id: VendorId, voucher_id: str, customer_id: CustomerId) -> int:
    params = {"vendor": vendor_id, "voucher": voucher_id, "customer": customer_id}
    count: int = tx.execute(_USES_OF_CUSTOMER, params).scalar_one()
    return count


def _record(
    tx: Tx,
    vendor_id: VendorId,
    voucher_id: str,
    customer_id: CustomerId,
    order_id: OrderId,
    status: UseStatus,
    now: datetime,
) -> None:
    row = {
        "vendor_id": vendor_id,
        "order_id": order_id,
        "voucher_id": voucher_id,
        "customer_id": customer_id,
        "status": status,
        "changed_at": now,
    }
    if not insert_new(tx, voucher_uses, row, conflict=["vendor_id", "order_id"]):
        tx.execute(_SET_USE, {"vendor": vendor_id, "order": order_id, "status": status, "changed_at": now})


def _is_code(text: str) -> bool:
    return 0 < len(text) <= 40 and text.isprintable()


_IS_VOUCHER = and_(vouchers.c.vendor_id == bindparam("vendor"), vouchers.c.id == bindparam("voucher"))
_IS_USE = and_(voucher_uses.c.vendor_id == bindparam("vendor"), voucher_uses.c.order_id == bindparam("order"))
_IS_COUNTED = voucher_uses.c.status == literal_column("'counted'")
_IS_LEFT = or_(vouchers.c.in_total.is_(None), vouchers.c.used < vouchers.c.in_total)
_NOW: ColumnElement[Any] = bindparam("now", type_=vouchers.c.starts_at.type)
_BY_ID = select(vouchers).where(_IS_VOUCHER)
_BY_CODE = select(vouchers).where(vouchers.c.vendor_id == bindparam("vendor"), vouchers.c.code == bindparam("code"))
_COUNT = (
    update(vouchers)
    .where(
        _IS_VOUCHER,
        vouchers.c.active.is_(true()),
        or_(vouchers.c.starts_at.is_(None), vouchers.c.starts_at <= _NOW),
        or_(vouchers.c.ends_at.is_(None), vouchers.c.ends_at > _NOW),
        _IS_LEFT,
    )
    .values(used=vouchers.c.used + 1)
)
_COUNT_LATE = update(vouchers).where(_IS_VOUCHER, _IS_LEFT).values(used=vouchers.c.used + 1)
_UNCOUNT = update(vouchers).where(_IS_VOUCHER).values(used=vouchers.c.used - 1)
_USE = select(voucher_uses).where(_IS_USE)
_SET_USE = update(voucher_uses).where(_IS_USE)
_GIVE_BACK = (
    update(voucher_uses)
    .where(_IS_USE, _IS_COUNTED)
    .values(status=UseStatus.GIVEN_BACK)
    .returning(voucher_uses.c.voucher_id)
)
_USES_OF_CUSTOMER = select(func.count()).where(
    voucher_uses.c.vendor_id == bindparam("vendor"),
    voucher_uses.c.voucher_id == bindparam("voucher"),
    voucher_uses.c.customer_id == bindparam("customer"),
    _IS_COUNTED,
)


def _voucher(row: Row[Any]) -> Voucher:
    currency = Currency(row.currency)
    return Voucher(
        id=row.id,
        code=row.code,
        percent=row.percent,
        amount=None if row.amount_minor is None else Money(row.amount_minor, currency),
        minimum=Money(row.minimum_minor, currency),
        per_customer=row.per_customer,
        in_total=row.in_total,
        used=row.used,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        is_active=row.active,
        created_at=row.created_at,
    )
