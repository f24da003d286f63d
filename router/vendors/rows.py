"""A shop as its rows in the platform database say: one statement brings everything that is remembered of it."""

from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Text, and_, case, cast, select, true

from contracts.ids import VendorId
from contracts.money import Currency
from contracts.states import RAIL_CAPABILITY, Rail
from kit.db import Tx
from router.databases import IsolationLevel
from router.targets import Dedicated, Shared, TargetError, Unusable, parse_target
from router.vendors.models import vendor_capabilities, vendor_limits, vendor_rails, vendors
from router.vendors.rules import RailState, RateLimits, Vendor, VendorStatus, zone_for

# As text: a document that was broken by hand must not keep the row from being read.
TARGET = cast(vendors.c.db_target, Text).label("db_target")
COLUMNS = tuple(column for column in vendors.c if column.name != "db_target")
_LIMITS = tuple(column for column in vendor_limits.c if column.name != "vendor_id")
_RAILS = (vendor_rails.c.rail, vendor_rails.c.is_ready, vendor_rails.c.missing)
# A rail belongs to one capability, so what is told of it stands in that capability's row and makes no more of them.
_RAIL_OF_CAPABILITY = and_(
    vendor_rails.c.vendor_id == vendor_capabilities.c.vendor_id,
    vendor_rails.c.rail
    == case(*((vendor_capabilities.c.capability == needed, rail) for rail, needed in RAIL_CAPABILITY.items())),
)


def with_capabilities(which: ColumnElement[bool]) -> Select[Any]:
    """A row per enabled capability, or one with none, so that one statement brings everything."""
    enabled = and_(vendor_capabilities.c.vendor_id == vendors.c.id, vendor_capabilities.c.enabled.is_(true()))
    return (
        select(*COLUMNS, TARGET, vendor_capabilities.c.capability, *_RAILS, *_LIMITS)
        .select_from(
            vendors.outerjoin(vendor_capabilities, enabled)
            .outerjoin(vendor_rails, _RAIL_OF_CAPABILITY)
            .outerjoin(vendor_limits, vendor_limits.c.vendor_id == vendors.c.id)
        )
        .where(which)
        .order_by(vendors.c.created_at, vendors.c.id)
    )


def limits_in(row: Row[Any]) -> RateLimits:
    """A shop's limits from its row of `vendor_limits`, or from NULLs where it has none."""
    usual = RateLimits()
    return RateLimits(
        shop_per_minute=row.shop_per_minute or usual.shop_per_minute,
        bot_per_minute=row.bot_per_minute or usual.bot_per_minute,
        key_per_minute=row.key_per_minute or usual.key_per_minute,
        customer_per_minute=row.customer_per_minute or usual.customer_per_minute,
    )


def vendors_from(tx: Tx, statement: Select[Any]) -> list[Vendor]:
    """The shops that `with_capabilities` picks, in its order."""
    rows: dict[str, list[Row[Any]]] = {}
    for row in tx.execute(statement):
        rows.setdefault(row.id, []).append(row)
    return [_vendor(group) for group in rows.values()]


def target_in(row: Row[Any]) -> Dedicated | Unusable:
    """Where a shop with a database of its own lives, from a row with `TARGET`."""
    try:
        return Dedicated(parse_target(row.db_target))
    except TargetError as error:
        return Unusable(str(error))


def _rail_state(row: Row[Any]) -> RailState:
    return RailState(Rail(row.rail), row.is_ready, tuple(row.missing))


def _vendor(rows: list[Row[Any]]) -> Vendor:
    first = rows[0]
    is_shared = first.isolation_level == IsolationLevel.SHARED_DB
    timezone, trouble = zone_for(first.timezone, Currency(first.currency))
    return Vendor(
        id=VendorId(first.id),
        name=first.name,
        word=first.word or first.id,
        status=VendorStatus(first.status),
        currency=Currency(first.currency),
        locale=first.locale,
        timezone=timezone,
        has_own_database=not is_shared,
        capabilities=frozenset(row.capability for row in rows if row.capability is not None),
        rail_states=tuple(_rail_state(row) for row in rows if row.rail is not None),
        billing_anchor_day=first.billing_anchor_day,
        limits=limits_in(first),
        location=Shared() if is_shared else target_in(first),
        paybill=first.paybill or None,
        till=first.till or None,
        trouble=trouble,
    )
