"""`dukani secrets …`: shops' payment credentials, straight in the payments database; no adapter need run.

They go in and never come out: what is shown are names, versions and dates."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from pydantic import BaseModel

from dukani.desk import BY, as_json, at_desk, database_trouble_said, show_json, show_table, when
from dukani.prepare import CannotStart
from kit.settings import load_settings

if TYPE_CHECKING:
    from payment_adapter.settings_page.book import Standing
    from payment_adapter.settings_page.desk import SettingsDesk

_SOON = "It counts within a few seconds."


class RailsOfSet(BaseModel):
    """Of the newest set of one shop for one provider. No values, nor anything made from them."""

    vendor_id: str
    provider: str
    version: int
    origin: str
    stored_at: datetime
    stored_by: str
    ready: list[str]
    missing: dict[str, list[str]]
    fields: list[str]
    can_be_opened: bool


class SetList(BaseModel):
    sets: list[RailsOfSet]


class SetVersion(BaseModel):
    provider: str
    version: int
    origin: str
    stored_at: datetime
    stored_by: str
    erased_at: datetime | None
    fields: list[str]


class ShopSets(BaseModel):
    sets: list[RailsOfSet]
    versions: list[SetVersion]


class Found(BaseModel):
    provider: str
    setting: str
    is_good: bool
    says: str


class Findings(BaseModel):
    is_good: bool
    findings: list[Found]


@click.group(name="secrets")
def secrets_group() -> None:
    """Store, check, exchange and remove shops' payment credentials. Nothing here ever shows one."""


@secrets_group.command(name="set")
@click.argument("vendor")
@click.argument("provider")
@click.option("--from-file", type=click.Path(path_type=Path), help="name=value lines or JSON, in a file of mode 0600.")
@click.option("--take", "takes", multiple=True, metavar="NAME=FILE", help="One setting, the whole text of a file.")
@click.option("--only", multiple=True, metavar="NAME", help="Ask for these settings alone. May be given several times.")
@click.option("--without", multiple=True, metavar="NAME", help="Forget what is stored for this setting.")
def set_them(
    vendor: str,
    provider: str,
    from_file: Path | None,
    takes: tuple[str, ...],
    only: tuple[str, ...],
    without: tuple[str, ...],
) -> None:
    """Store a shop's settings: typed without an echo, piped in as name=value lines, or from a file.

    What is not given stays as it is. An argument can't hold a secret: everybody on the machine could read it."""
    from dukani.secrets_entry import entered
    from payment_adapter.vault.secret import Secret

    vendor_id = _vendor(vendor)
    with _at_vault() as desk:
        holder = desk.book.holder(provider)
        is_asking = from_file is not None or takes or only or not without
        given = entered(holder.settings, from_file, takes, only) if is_asking else {}
        fields = {name: Secret(value) for name, value in given.items()}
        with desk.db.write() as tx:
            standing = desk.book.change(tx, vendor_id, provider, fields, by=BY, without=without)
    _show_standing(standing)
    click.echo(f"Stored for {vendor_id}. {_SOON}")


@secrets_group.command(name="list")
@as_json
def list_them(as_json: bool) -> None:
    """Every shop's settings: which there are, since when, and which ways to pay they are complete for."""
    with _at_vault() as desk, desk.db.read() as tx:
        stored = desk.vault.stored(tx)
        views = [
            _view(desk.book.standing(tx, each.vendor_id, each.provider))
            for each in stored
            if each.provider in desk.book.holders and each.fields
        ]
    if as_json:
        show_json(SetList(sets=views))
        return
    show_table(
        ("shop", "provider", "version", "stored", "by", "ready", "not yet"),
        (
            (
                each.vendor_id,
                each.provider,
                each.version,
                when(each.stored_at),
                each.stored_by or each.origin,
                ", ".join(each.ready) or None,
                ", ".join(each.missing) or None,
            )
            for each in views
        ),
    )


@secrets_group.command()
@click.argument("vendor")
@as_json
def show(vendor: str, as_json: bool) -> None:
    """One shop's settings by name, what is missing, and which versions there were."""
    vendor_id = _vendor(vendor)
    with _at_vault() as desk, desk.db.read() as tx:
        standings = [desk.book.standing(tx, vendor_id, provider) for provider in desk.book.holders]
        history = desk.vault.stored(tx, vendor_id, only_newest=False)
    views = [_view(each) for each in standings if each.stored is not None]
    versions = [SetVersion.model_validate(each, from_attributes=True) for each in history]
    if as_json:
        show_json(ShopSets(sets=views, versions=versions))
        return
    for standing in standings:
        _show_standing(standing)
    show_table(
        ("provider", "version", "", "stored", "by", "erased", "settings"),
        (
            (
                each.provider,
                each.version,
                each.origin,
                when(each.stored_at),
                each.stored_by or None,
                when(each.erased_at),
                ", ".join(each.fields) or None,
            )
            for each in versions
        ),
    )


@secrets_group.command(name="import")
@click.option("--vendor", required=True, help="The one shop that they are for: its id or word.")
def import_them(vendor: str) -> None:
    """Store what DARAJA_* and EKWANZA_* say in the environment (or .env), for one shop. No other shop ever uses it."""
    from payment_adapter.settings_page.desk import FROM_ENVIRONMENT

    settings = load_settings()
    vendor_id = _vendor(vendor)
    found = {provider: read(settings) for provider, read in FROM_ENVIRONMENT.items()}
    given = {provider: fields for provider, fields in found.items() if fields}
    if not given:
        raise click.ClickException("Neither DARAJA_* nor EKWANZA_* is set: there is nothing to import.")
    with _at_vault() as desk, desk.db.write() as tx:
        standings = [desk.book.change(tx, vendor_id, provider, fields, by=BY) for provider, fields in given.items()]
    for standing in standings:
        _show_standing(standing)
    click.echo(f"Stored for {vendor_id} alone. {_SOON} They are not needed in the environment any more.")


@secrets_group.command()
@click.argument("vendor")
@click.argument("provider", required=False)
@as_json
@click.pass_context
def check(context: click.Context, vendor: str, provider: str | None, as_json: bool) -> None:
    """Prove a shop's settings at the provider, with a live token. Exit code 0: good; 1: something is wrong."""
    from payment_adapter.settings_page.trying import try_out

    vendor_id = _vendor(vendor)
    findings: list[Found] = []
    with _at_vault() as desk:
        holders = [desk.book.holder(provider)] if provider is not None else list(desk.book.holders.values())
        for holder in holders:
            with desk.db.read() as tx:
                stored = desk.vault.load(tx, vendor_id, holder.name)
            if stored is not None:  # asked with no transaction open: it may take a minute
                tried = try_out(holder, vendor_id, stored.fields)
                findings += [
                    Found(provider=holder.name, setting=each.setting, is_good=each.is_good, says=each.says)
                    for each in tried
                ]
    if not findings:
        what = "nothing" if provider is None else f"nothing for {provider}"
        raise click.ClickException(
            f"There is {what} stored of {vendor_id}: `dukani secrets set {vendor} …` or `dukani secrets link {vendor}`."
        )
    is_good = all(each.is_good for each in findings)
    if as_json:
        show_json(Findings(is_good=is_good, findings=findings))
    else:
        show_table(
            ("", "provider", "setting", "says"),
            (("good" if each.is_good else "WRONG", each.provider, each.setting, each.says) for each in findings),
        )
    context.exit(0 if is_good else 1)


@secrets_group.command()
@click.option("--master", is_flag=True, help="The key that wraps every shop's data key (DUKANI_VAULT_KEY).")
@click.option("--vendor", help="One shop's data key: its id or word.")
@click.option("--keep-old", is_flag=True, help="With --master: leave the older keys in the file.")
def rotate(master: bool, vendor: str | None, keep_old: bool) -> None:
    """Exchange a key while the processes go on working. Cut off, it goes on where it was when it is run again.

    Where several machines have copies of the key's file, put a new key behind the present one in every copy first,
    then before it, then run this with --keep-old, and take the old one out at last."""
    if master is (vendor is not None):
        raise click.UsageError("Say which: --master, or --vendor <id or word>.")
    if vendor is not None:
        _rotate_vendor(_vendor(vendor))
        return
    _rotate_master(keep_old=keep_old)


@secrets_group.command()
@click.argument("vendor")
def link(vendor: str) -> None:
    """An address to open in a browser, once, within ten minutes: there the shop's settings are entered."""
    from kit.signing import key_ring
    from router.vendors.administration import show_vendor
    from router.vendors.rail_routes import settings_link

    with at_desk() as desk:
        shop = show_vendor(desk.tx, desk.vendor(vendor))
        tickets = key_ring(desk.settings, "DUKANI_KEY_ROUTER_ADAPTER")
        made = settings_link(desk.tx, shop, tickets, desk.settings.adapter_public_url, desk.now, by=BY)
    click.echo(made.url)
    click.echo(f"For {shop.name}, until {when(made.expires_at)}. Whoever opens it may enter its settings.", err=True)


@secrets_group.command()
@click.argument("vendor")
@click.argument("provider")
@click.option("--yes", is_flag=True, help="Don't ask.")
def remove(vendor: str, provider: str, yes: bool) -> None:
    """End a shop's settings for a provider. What live charges still need is erased when they have ended."""
    vendor_id = _vendor(vendor)
    if not yes:
        click.confirm(f"Can customers of {vendor_id} do without {provider}?", abort=True)
    with _at_vault() as desk, desk.db.write() as tx:
        was_there = desk.book.remove(tx, vendor_id, provider, by=BY)
    click.echo(f"Removed. {_SOON}" if was_there else f"{vendor_id} had nothing stored for {provider}.")


@secrets_group.command()
def announce() -> None:
    """Tell the router anew which ways to pay every shop's settings are complete for."""
    from payment_adapter.settings_page.keeping import announce_all

    with _at_vault() as desk:
        told = announce_all(desk.db, desk.book, anew=True)
    click.echo(f"{told} sets of settings are announced; a running payment adapter delivers that.")


def _rotate_vendor(vendor_id: str) -> None:
    from payment_adapter.vault.service import NothingStored

    with _at_vault() as desk:
        try:
            with desk.db.write() as tx:
                count = desk.vault.rotate(tx, vendor_id, desk.clock.now())
        except NothingStored:
            raise click.ClickException(f"There is nothing stored of {vendor_id}, so it has no key.") from None
    click.echo(f"{vendor_id} has a new data key; sets sealed with it: {count}.")


def _rotate_master(*, keep_old: bool) -> None:
    import time

    from dukani.vault_rotation import KeysStay, by_hand, rotate_in_file, wrap_anew
    from payment_adapter.vault.master import NAME

    path = load_settings().secret_file(NAME)
    with _at_vault() as desk:
        try:
            if path is not None:
                rotate_in_file(path, desk.db, click.echo, time.sleep, keep_old=keep_old)
                return
            if len(desk.master.keys) == 1:
                for line in by_hand(NAME):
                    click.echo(line)
                raise CannotStart("Nothing was changed.")
            done = wrap_anew(desk.db, desk.master, click.echo)
            click.echo(f"done: {done.done} data keys were wrapped anew. Take the older keys out of {NAME} now.")
        except KeysStay as error:
            raise CannotStart(f"{error}.") from error
        except (OSError, ValueError) as error:
            raise CannotStart(f"{NAME}: {error}") from error


@contextmanager
def _at_vault() -> "Generator[SettingsDesk]":
    """The vault and its database. What is refused becomes a ClickException; a database that can't be used,
    CannotStart."""
    from payment_adapter.settings_page.book import SettingsRefused, UnknownProvider
    from payment_adapter.settings_page.desk import settings_desk
    from payment_adapter.vault.envelope import CannotOpen

    settings = load_settings()
    try:
        with database_trouble_said("payments"), settings_desk(settings, settings.clock()) as desk:
            yield desk
    except UnknownProvider as error:
        raise click.ClickException(f"{str(error).capitalize()}.") from error
    except SettingsRefused as error:
        lines = [f"  {name}: {problem}" if name else f"  {problem}" for name, problem in error.problems.items()]
        raise click.ClickException("\n".join(["Nothing was stored.", *lines])) from error
    except CannotOpen as error:
        raise click.ClickException(
            f"What is stored can't be opened ({error}): is DUKANI_VAULT_KEY the key that it was stored with?"
        ) from error


def _vendor(id_or_word: str) -> str:
    with at_desk(only_looking=True) as desk:
        return desk.vendor(id_or_word)


def _view(standing: "Standing") -> RailsOfSet:
    stored = standing.stored
    assert stored is not None
    return RailsOfSet(
        vendor_id=stored.vendor_id,
        provider=stored.provider,
        version=stored.version,
        origin=stored.origin,
        stored_at=stored.stored_at,
        stored_by=stored.stored_by,
        ready=[rail.value for rail in standing.ready],
        missing={rail.value: names for rail, names in standing.missing.items() if names},
        fields=list(stored.fields),
        can_be_opened=standing.can_be_opened,
    )


def _show_standing(standing: "Standing") -> None:
    if not standing.can_be_opened:
        click.echo(f"{standing.provider}: stored, but it can't be opened with DUKANI_VAULT_KEY", err=True)
        return
    show_table(
        (standing.provider, "", "missing or not usable"),
        (
            (rail.value, "not yet" if names else "ready", ", ".join(names) or None)
            for rail, names in standing.missing.items()
        ),
    )
