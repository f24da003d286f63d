"""`dukani usage`: what was counted, for every shop at once, from the copies in the platform database."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import click
from pydantic import BaseModel

from dukani.desk import as_json, at_desk, every_database, show_json, show_table, when
from dukani.prepare import CannotStart
from kit.settings import Settings, load_settings

if TYPE_CHECKING:
    from contracts.ids import VendorId
    from kit.db import Tx


class UsageOfShop(BaseModel):
    """`as_of` is when the oldest of its totals was last added to."""

    vendor_id: str
    name: str
    window: str
    totals: dict[str, int]
    as_of: datetime | None


class UsageOfShops(BaseModel):
    shops: list[UsageOfShop]


@dataclass(frozen=True, slots=True)
class _Shop:
    id: "VendorId"
    name: str
    window: str
    totals: dict[str, int] = field(default_factory=dict[str, int])
    moments: list[datetime] = field(default_factory=list[datetime])


def _window(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch("20[0-9]{2}-(0[1-9]|1[0-2])", value):
        raise click.BadParameter(f"{value!r}: write a window like 2026-11, by the month in which it begins")
    return value


@click.command()
@click.option("--vendor", "named", metavar="VENDOR", help="Only this shop, by its id or its word.")
@click.option("--window", callback=_window, help="Such as 2026-11. Left out: each shop's present one.")
@click.option("--rebuild", is_flag=True, help="First make every total the sum of its records again.")
@as_json
def usage(named: str | None, window: str | None, rebuild: bool, as_json: bool) -> None:
    """Show what was counted: orders, payment intents, API calls and messages.

    The figures are copies, about half a minute old at most while the router runs; a shop's own, at
    GET /api/v1/usage, are of this moment."""
    from router.metering.rules import Metered

    with at_desk(only_looking=True) as desk:
        only = None if named is None else desk.vendor(named)
        shops = _shops(desk.tx, only, window, desk.now)
    if rebuild:
        _rebuild(load_settings(), [shop.id for shop in shops], is_quiet=as_json)
    with at_desk(only_looking=True) as desk:
        seen = _with_totals(desk.tx, shops, only)
    if as_json:
        show_json(UsageOfShops(shops=seen))
        return
    if not seen:
        click.echo("Nothing was counted in this window yet.")
        return
    show_table(
        ("shop", "id", "window", *(meter.replace("_", " ") for meter in Metered), "as of"),
        [
            (each.name, each.vendor_id, each.window, *(each.totals[meter] for meter in Metered), when(each.as_of))
            for each in seen
        ],
    )


def _shops(tx: "Tx", only: "VendorId | None", window: str | None, now: datetime) -> list[_Shop]:
    from sqlalchemy import select

    from router.metering.rules import Calendar, window_at
    from router.vendors.models import vendors

    statement = select(vendors.c.id, vendors.c.name, vendors.c.timezone, vendors.c.billing_anchor_day)
    if only is not None:
        statement = statement.where(vendors.c.id == only)
    return [
        _Shop(row.id, row.name, window or window_at(now, Calendar(row.timezone, row.billing_anchor_day)).id)
        for row in tx.execute(statement.order_by(vendors.c.created_at, vendors.c.id))
    ]


def _with_totals(tx: "Tx", shops: Sequence[_Shop], only: "VendorId | None") -> list[UsageOfShop]:
    """Without the shops that used nothing, unless one was asked for."""
    from router.metering.rollup import copied_totals
    from router.metering.rules import Metered

    by_window = {(shop.id, shop.window): shop for shop in shops}
    for total in copied_totals(tx, {shop.window for shop in shops}, vendor_id=only):
        shop = by_window.get((total.vendor_id, total.window_id))
        if shop is not None:
            shop.totals[total.meter] = total.quantity
            shop.moments.append(total.as_of)
    return [
        UsageOfShop(
            vendor_id=shop.id,
            name=shop.name,
            window=shop.window,
            totals={meter.value: shop.totals.get(meter, 0) for meter in Metered},
            as_of=min(shop.moments, default=None),
        )
        for shop in shops
        if shop.totals or only is not None
    ]


def _rebuild(settings: Settings, shops: "Sequence[VendorId]", *, is_quiet: bool) -> None:
    """Every shop that can be. Raises CannotStart that names those which could not."""
    from sqlalchemy.exc import DBAPIError

    from kit.problems import Problem
    from router.metering.rollup import Rollup

    left: list[str] = []
    with every_database(settings) as databases:
        rollup = Rollup(databases, settings.clock())
        for vendor_id in shops:
            try:
                corrections = rollup.rebuild(vendor_id)
                rollup.copy(databases.ops(vendor_id))
            except (Problem, DBAPIError) as error:
                left.append(f"{vendor_id}: {error.detail if isinstance(error, Problem) else type(error).__name__}")
                continue
            for each in corrections:
                click.echo(f"{vendor_id} {each.window_id} {each.meter}: was {each.was}, is {each.is_now}", err=is_quiet)
    if left:
        raise CannotStart("These could not be rebuilt:\n  " + "\n  ".join(left))
    click.echo(f"{len(shops)} {'shop' if len(shops) == 1 else 'shops'} rebuilt.", err=is_quiet)
