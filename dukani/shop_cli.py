"""`dukani shop …`: where a shop delivers, when it is open, and its vouchers; straight in the databases."""

import json
from typing import IO

import click
from pydantic import ValidationError

from dukani.catalog_cli import shop_desk
from dukani.desk import checked, show_table, when
from kit.settings import load_settings


@click.group()
def shop() -> None:
    """Zones, opening hours and vouchers. A shop is named by its id or its word."""


@shop.command()
@click.argument("vendor")
def zones(vendor: str) -> None:
    """Where a shop delivers, and for what fee."""
    from router.delivery.service import zones_of

    with shop_desk(vendor) as desk, desk.databases.platform.read() as tx:
        found = zones_of(tx, desk.vendor.id, desk.vendor.currency)
    rows = ((z.name, z.fee.minor, z.radius_m, z.id) for z in found)
    show_table(("zone", "fee (minor units)", "metres around its centre", "id"), rows)


@shop.command()
@click.argument("vendor")
@click.argument("name")
@click.argument("fee", type=click.IntRange(min=0))
@click.option("--at", nargs=2, type=float, metavar="LATITUDE LONGITUDE", help="Its centre, in degrees.")
@click.option("--radius", type=int, help="In metres around the centre: a customer's pin finds it then.")
@click.option("--id", "zone_id", help="Of the zone to change; a new one is made where it is left out.")
def zone(
    vendor: str, name: str, fee: int, at: tuple[float, float] | None, radius: int | None, zone_id: str | None
) -> None:
    """Deliver to a zone NAME for a FEE in whole units of the shop's currency."""
    from contracts.ids import new_id
    from router.delivery.service import put_zone, zones_of
    from router.delivery.vendor_routes import ZoneGiven, zone_in

    latitude, longitude = at or (None, None)
    with shop_desk(vendor) as desk, desk.databases.platform.write() as tx:
        fee_minor = fee * desk.vendor.currency.minor_per_whole
        given = checked(
            ZoneGiven, name=name, fee_minor=fee_minor, latitude=latitude, longitude=longitude, radius_m=radius
        )
        known = {each.id for each in zones_of(tx, desk.vendor.id, desk.vendor.currency)}
        if zone_id is not None and zone_id not in known:
            raise click.ClickException(f"There is no zone {zone_id!r}: `dukani shop zones {vendor}` shows them.")
        made = zone_in(given, desk.vendor.currency, zone_id or new_id(load_settings().clock().now()))
        if not put_zone(tx, desk.vendor.id, made):
            raise click.ClickException("The shop has as many zones as it may have: remove one first.")
    click.echo(f"{desk.vendor.name} delivers to {made.name} ({made.id}). It counts within 5 seconds.")


@shop.command()
@click.argument("vendor")
@click.argument("zone_id")
def remove_zone(vendor: str, zone_id: str) -> None:
    """Deliver to a zone no longer."""
    from router.delivery.service import remove_zone as remove

    with shop_desk(vendor) as desk, desk.databases.platform.write() as tx:
        if not remove(tx, desk.vendor.id, zone_id):
            raise click.ClickException(f"There is no zone {zone_id!r}: `dukani shop zones {vendor}` shows them.")
    click.echo(f"{desk.vendor.name} delivers there no longer. It counts within 5 seconds.")


@shop.command()
@click.argument("vendor")
@click.option("--set", "given", type=click.File(), metavar="FILE|-", help="The hours, as JSON.")
@click.option("--always", is_flag=True, help="Keep no hours: the shop is always open.")
def hours(vendor: str, given: IO[str] | None, always: bool) -> None:
    """Show when a shop is open, or set it.

    {"week": {"mon": ["08:00-13:00", "14:00-20:00"]}, "exceptions": {"2026-12-25": []}}: a day that is left out is
    closed, an exception stands for its day alone, and 18:00-02:00 goes on past midnight."""
    from router.hours.service import Hours, hours_of, set_hours

    if given is not None and always:
        raise click.UsageError("--set or --always: one of them.")
    with shop_desk(vendor) as desk, desk.databases.platform.write() as tx:
        if always:
            set_hours(tx, desk.vendor.id, None)
        if given is not None:
            try:
                set_hours(tx, desk.vendor.id, Hours.model_validate_json(given.read()))
            except ValidationError as error:
                lines = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
                raise click.ClickException("\n".join(lines)) from error
        found = hours_of(tx, desk.vendor.id)
    shown = "always open" if found is None else json.dumps(found.model_dump(mode="json"), indent=2)
    click.echo(f"{desk.vendor.name} ({desk.vendor.timezone}): {shown}")


@shop.command()
@click.argument("vendor")
def vouchers(vendor: str) -> None:
    """The newest vouchers, and how often each was used."""
    from router.vouchers.service import listed

    with shop_desk(vendor) as desk, desk.databases.ops(desk.vendor.id).read() as tx:
        found = listed(tx, desk.vendor.id, 200)
    rows = (
        (
            each.code,
            f"{each.percent} %" if each.amount is None else each.amount.minor,
            each.minimum.minor,
            f"{each.used} of {each.in_total}" if each.in_total else each.used,
            when(each.starts_at),
            when(each.ends_at),
            "" if each.is_active else "withdrawn",
            each.id,
        )
        for each in found
    )
    show_table(("code", "takes off", "from (minor units)", "used", "from", "until", "", "id"), rows)


@shop.command()
@click.argument("vendor")
@click.argument("code")
@click.option("--percent", type=int, help="Of what the goods cost.")
@click.option("--amount", type=int, help="In whole units of the shop's currency.")
@click.option("--minimum", type=int, default=0, help="It counts from goods of this price on, in whole units.")
@click.option("--per-customer", type=int, default=1, show_default=True, help="0: as often as they like.")
@click.option("--in-total", type=int, default=0, show_default=True, help="0: no limit.")
@click.option("--until", help="A time with its offset, such as 2026-12-31T23:59:59+03:00.")
def voucher(
    vendor: str,
    code: str,
    percent: int | None,
    amount: int | None,
    minimum: int,
    per_customer: int,
    in_total: int,
    until: str | None,
) -> None:
    """Make a voucher CODE: a percentage or an amount."""
    from router.vouchers.service import make
    from router.vouchers.wire import NewVoucher, voucher_in

    with shop_desk(vendor) as desk, desk.databases.ops(desk.vendor.id).write() as tx:
        whole = desk.vendor.currency.minor_per_whole
        given = checked(
            NewVoucher,
            code=code,
            percent=percent,
            amount_minor=None if amount is None else amount * whole,
            minimum_minor=minimum * whole,
            in_total=in_total or None,
            ends_at=until,
        )
        given = given.model_copy(update={"per_customer": per_customer or None})
        made = make(tx, desk.vendor.id, voucher_in(given, desk.vendor.currency), load_settings().clock().now())
        if made is None:
            raise click.ClickException(f"There is a voucher {given.code} already.")
    click.echo(f"{desk.vendor.name} has the voucher {made.code} ({made.id}).")


@shop.command()
@click.argument("vendor")
@click.argument("voucher_id")
def withdraw(vendor: str, voucher_id: str) -> None:
    """Let nobody use a voucher any more. Orders that are confirmed keep it."""
    from router.vouchers.service import withdraw as withdraw_voucher

    with shop_desk(vendor) as desk, desk.databases.ops(desk.vendor.id).write() as tx:
        gone = withdraw_voucher(tx, desk.vendor.id, voucher_id)
        if gone is None:
            raise click.ClickException(f"There is no voucher {voucher_id!r}: `dukani shop vouchers {vendor}`.")
    click.echo(f"{gone.code} is withdrawn.")
