"""`dukani vendor …`: shops and what they may do, straight in the platform database; no router need run."""

from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any

import click

from dukani.desk import BY, as_json, at_desk, checked, refusals_said, show_json, show_table, when
from kit.settings import Settings, load_settings

if TYPE_CHECKING:
    from contracts.ids import VendorId
    from router.vendors.wire import VendorDetail

_SOON = "It counts within 5 seconds in a router that is running."


@click.group()
def vendor() -> None:
    """Open, change, suspend and list shops, and switch what they may do. A shop is named by its id or its word."""


@vendor.command()
@click.argument("name")
@click.option("--id", "vendor_id", help="Made up where it is left out.")
@click.option("--word", help="What customers write to reach it; made from the name where it is left out.")
@click.option("--currency", help="KES or AOA, for good.", default="KES", show_default=True)
@click.option("--locale", help="Such as en, sw or pt-AO.", default="en", show_default=True)
@click.option("--zone", help="An IANA name.", default="Africa/Nairobi", show_default=True)
@click.option(
    "--capability", "capabilities", multiple=True, help="May be given several times; else catalogue and orders."
)
@click.option("--target", type=click.File(), metavar="FILE|-", help="The db_target of a database of its own, as JSON.")
@as_json
def create(
    name: str,
    vendor_id: str | None,
    word: str | None,
    currency: str,
    locale: str,
    zone: str,
    capabilities: tuple[str, ...],
    target: IO[str] | None,
    as_json: bool,
) -> None:
    """Open a shop. One with a database of its own then needs `dukani migrate --all`, which makes the tables."""
    from contracts.ids import VendorId, new_id
    from router.vendors.administration import open_vendor
    from router.vendors.wire import NewVendor

    wanted = checked(
        NewVendor,
        name=name,
        id=vendor_id,
        word=word,
        currency=currency.upper(),
        locale=locale,
        timezone=zone,
        capabilities=list(capabilities) or None,
    )
    settings = load_settings()
    given_id = VendorId(wanted.id or new_id(settings.clock().now()))
    home = None if target is None else _tried(settings, given_id, target.read())
    with at_desk() as desk:
        opened = open_vendor(desk.tx, given_id, wanted, desk.now, by=BY, target=home)
    _show(opened, as_json)


@vendor.command(name="list")
@click.option("--status", type=click.Choice(["active", "suspended"]))
@click.option("--isolation", type=click.Choice(["shared_db", "dedicated_db"]))
@click.option("--word", help="Shops whose word begins so.")
@as_json
def list_shops(status: str | None, isolation: str | None, word: str | None, as_json: bool) -> None:
    """Every shop."""
    from kit.paging import MAX_LIMIT
    from router.vendors.administration import list_vendors
    from router.vendors.wire import VendorPage, VendorQuery

    found: list[VendorDetail] = []
    cursor: str | None = None
    with at_desk(only_looking=True) as desk:
        while True:
            asked = checked(VendorQuery, status=status, isolation=isolation, word=word, limit=MAX_LIMIT, cursor=cursor)
            page = list_vendors(desk.tx, asked)
            found += page.vendors
            cursor = page.next_cursor
            if cursor is None:
                break
    if as_json:
        show_json(VendorPage(vendors=found))
        return
    columns = ("word", "name", "status", "database", "currency", "zone", "may", "id")
    show_table(
        columns,
        (
            (
                shop.word,
                shop.name,
                shop.status,
                shop.isolation_level,
                shop.currency,
                shop.timezone,
                ", ".join(shop.capabilities) or None,
                shop.id,
            )
            for shop in found
        ),
    )


@vendor.command()
@click.argument("vendor")
@as_json
def show(vendor: str, as_json: bool) -> None:
    """One shop, what it may do, and what was changed of late."""
    from kit.paging import NewestFirst
    from router.vendors.administration import capabilities_of, show_vendor
    from router.vendors.recording import list_changes

    with at_desk(only_looking=True) as desk:
        vendor_id = desk.vendor(vendor)
        shop = show_vendor(desk.tx, vendor_id)
        capabilities = capabilities_of(desk.tx, vendor_id).capabilities
        changes = list_changes(desk.tx, vendor_id, checked(NewestFirst, limit=10)).changes
    _show(shop, as_json)
    if as_json:
        return
    show_table(
        ("capability", "", "means that", "switched by"),
        ((view.capability, "on" if view.enabled else "off", view.meaning, view.switched_by) for view in capabilities),
    )
    if changes:
        show_table(
            ("changed", "what", "from", "to", "by"),
            ((when(c.changed_at), c.subject, c.old_value, c.new_value, c.changed_by) for c in changes),
        )


@vendor.command()
@click.argument("vendor")
@click.argument("name")
@as_json
def rename(vendor: str, name: str, as_json: bool) -> None:
    """Give a shop another name. Its word stays: `change --word` changes that."""
    _change(vendor, as_json, name=name)


@vendor.command()
@click.argument("vendor")
@click.option("--word", help="What customers write to reach it.")
@click.option("--locale", help="Such as en, sw or pt-AO.")
@click.option("--zone", help="An IANA name, such as Africa/Luanda.")
@click.option("--billing-day", type=int, help="The local day on which its month of usage begins: 1 to 28.")
@click.option("--paybill", help="Customers are told to pay by hand to this number. Register it first: dukani c2b.")
@click.option("--till", help='The same for a till. "" takes either away.')
@as_json
def change(
    vendor: str,
    word: str | None,
    locale: str | None,
    zone: str | None,
    billing_day: int | None,
    paybill: str | None,
    till: str | None,
    as_json: bool,
) -> None:
    """Change a shop's word, locale, zone, billing day, or where it is paid by hand."""
    changed = {"word": word, "locale": locale, "timezone": zone, "billing_anchor_day": billing_day}
    _change(vendor, as_json, **changed, paybill=paybill, till=till)


@vendor.command()
@click.argument("vendor")
@as_json
def suspend(vendor: str, as_json: bool) -> None:
    """Serve nothing for a shop until it is resumed. Nothing of it is lost."""
    _to(vendor, "suspended", as_json)


@vendor.command()
@click.argument("vendor")
@as_json
def resume(vendor: str, as_json: bool) -> None:
    """Serve a suspended shop again."""
    _to(vendor, "active", as_json)


@vendor.command()
@click.argument("vendor")
@click.argument("capability", nargs=-1, required=True)
def enable(vendor: str, capability: tuple[str, ...]) -> None:
    """Switch capabilities on, such as commerce.orders."""
    _switch(vendor, capability, enabled=True)


@vendor.command()
@click.argument("vendor")
@click.argument("capability", nargs=-1, required=True)
def disable(vendor: str, capability: tuple[str, ...]) -> None:
    """Switch capabilities off."""
    _switch(vendor, capability, enabled=False)


@vendor.command()
@click.argument("vendor")
@click.option("--shop", help="All API keys of the shop together.")
@click.option("--bot", help="The bot for this shop.")
@click.option("--key", help="One API key.")
@click.option("--customer", help="What one customer makes the bot ask for.")
@as_json
def limits(
    vendor: str, shop: str | None, bot: str | None, key: str | None, customer: str | None, as_json: bool
) -> None:
    """Show a shop's rate limits, or set them: a number of requests a minute, or `default`."""
    from router.vendors.administration import set_limits, show_vendor
    from router.vendors.wire import LimitsChange

    given = {"shop_per_minute": shop, "bot_per_minute": bot, "key_per_minute": key, "customer_per_minute": customer}
    numbers = {name: text for name, text in given.items() if text is not None and text != "default"}
    wanted = checked(LimitsChange, **numbers)
    reset = {name: None for name, text in given.items() if text == "default"}
    wanted = LimitsChange(**{**wanted.model_dump(include=set(numbers)), **reset})
    with at_desk() as desk:
        vendor_id = desk.vendor(vendor)
        if wanted.model_fields_set:
            set_limits(desk.tx, vendor_id, wanted, desk.now, by=BY)
        found = show_vendor(desk.tx, vendor_id).limits
    if as_json:
        show_json(found)
        return
    show_table(("limit", "requests a minute"), found.model_dump().items())


def _tried(settings: Settings, vendor_id: "VendorId", document: str) -> "Mapping[str, Any]":
    from router.vendors.own_database import checked_target

    with refusals_said():
        return checked_target(settings, vendor_id, document, via_api=False)


def _change(vendor: str, as_json: bool, **values: object) -> None:
    from router.vendors.administration import change_vendor
    from router.vendors.wire import VendorChange

    wanted = checked(VendorChange, **values)
    with at_desk() as desk:
        changed = change_vendor(desk.tx, desk.vendor(vendor), wanted, desk.now, by=BY)
    _show(changed, as_json)


def _to(vendor: str, status: str, as_json: bool) -> None:
    from router.vendors.administration import set_status
    from router.vendors.rules import VendorStatus

    with at_desk() as desk:
        changed = set_status(desk.tx, desk.vendor(vendor), VendorStatus(status), desk.now, by=BY)
    _show(changed, as_json)
    if not as_json:
        click.echo(_SOON)


def _switch(vendor: str, names: tuple[str, ...], *, enabled: bool) -> None:
    from router.vendors.administration import known_capability, set_capability, show_vendor

    with at_desk() as desk:
        vendor_id = desk.vendor(vendor)
        for name in names:
            set_capability(desk.tx, vendor_id, known_capability(name), enabled=enabled, now=desk.now, by=BY)
        shop = show_vendor(desk.tx, vendor_id)
    click.echo(f"{shop.name} may now: {', '.join(shop.capabilities) or 'nothing'}. {_SOON}")


def _show(shop: "VendorDetail", as_json: bool) -> None:
    if as_json:
        show_json(shop)
        return
    rows = shop.model_dump(exclude={"capabilities", "limits", "created_at"})
    rows |= {"capabilities": ", ".join(shop.capabilities) or None, "created_at": when(shop.created_at)}
    show_table(("", "shop"), rows.items())
