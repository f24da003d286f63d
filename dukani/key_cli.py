"""`dukani key …`: API keys of shops and of the platform, straight in the platform database; no router need run."""

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from dukani.desk import BY, as_json, at_desk, checked, show_json, show_table, when

if TYPE_CHECKING:
    from router.operations import KeyScope

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}

_whose = (
    click.option("--vendor", help="A shop's id or word."),
    click.option("--platform", is_flag=True, help="The platform's own: such a key opens every shop."),
)


@click.group()
def key() -> None:
    """Make, list and revoke API keys."""


@key.command()
@_whose[0]
@_whose[1]
@click.option("--scopes", help="Of a shop's key, with commas: orders:read,shop:write.")
@click.option("--name", default="made on the command line", show_default=True, help="What it is for.")
@click.option("--expires", help="When it ends, from now: 12h, 90d. Left out: never.")
@as_json
def create(
    vendor: str | None, platform: bool, scopes: str | None, name: str, expires: str | None, as_json: bool
) -> None:
    """Make a key. Its token is shown once."""
    from router.operations import KeyScope
    from router.vendors.keys import make_key
    from router.vendors.wire import KeyMade

    _check_whose(vendor, platform)
    wanted = frozenset({KeyScope.PLATFORM}) if platform and scopes is None else _scopes(scopes)
    lasts = None if expires is None else _duration(expires)
    with at_desk() as desk:
        owner = None if vendor is None else desk.vendor(vendor)
        ends = None if lasts is None else desk.now + lasts
        view, token = make_key(desk.tx, owner, name, wanted, desk.now, by=BY, expires_at=ends)
    if as_json:
        show_json(KeyMade(**view.model_dump(), token=token))
        return
    click.echo(token)
    click.echo(
        f"Good for {', '.join(view.scopes)}, until {'it is revoked' if view.expires_at is None else when(ends)}. "
        "This is the only time that the token is shown: keep it where secrets are kept.",
        err=True,
    )


@key.command(name="list")
@_whose[0]
@_whose[1]
@as_json
def list_them(vendor: str | None, platform: bool, as_json: bool) -> None:
    """Keys of a shop or of the platform, without their tokens, the newest first."""
    from kit.paging import MAX_LIMIT, NewestFirst
    from router.vendors.keys import list_keys
    from router.vendors.wire import KeyPage, KeyView

    _check_whose(vendor, platform)
    keys: list[KeyView] = []
    with at_desk(only_looking=True) as desk:
        owner = None if vendor is None else desk.vendor(vendor)
        cursor: str | None = None
        while True:
            page = list_keys(desk.tx, owner, checked(NewestFirst, limit=MAX_LIMIT, cursor=cursor), desk.now)
            keys += page.keys
            cursor = page.next_cursor
            if cursor is None:
                break
    if as_json:
        show_json(KeyPage(keys=keys))
        return
    show_table(
        ("id", "name", "status", "good for", "made", "ends", "last used"),
        (
            (
                key.id,
                key.name,
                key.status,
                ", ".join(key.scopes),
                when(key.created_at),
                when(key.expires_at),
                when(key.last_used_at),
            )
            for key in keys
        ),
    )


@key.command()
@click.argument("key_id")
@as_json
def revoke(key_id: str, as_json: bool) -> None:
    """Revoke a key, by its id (the middle part of its token)."""
    from router.vendors.keys import owner_of, revoke_key

    with at_desk() as desk:
        view = revoke_key(desk.tx, owner_of(desk.tx, key_id), key_id, desk.now, by=BY)
    if as_json:
        show_json(view)
        return
    click.echo(f"{view.name} ({view.id}) is revoked. A running router lets it in for 5 more seconds at most.")


def _check_whose(vendor: str | None, platform: bool) -> None:
    if (vendor is None) is not platform:
        raise click.UsageError("Say whose: --vendor <id or word>, or --platform.")


def _scopes(text: str | None) -> "frozenset[KeyScope]":
    from router.operations import KeyScope

    every = ", ".join(scope for scope in KeyScope if scope is not KeyScope.PLATFORM)
    if not text:
        raise click.UsageError(f"Say what the key is good for: --scopes with some of {every}.")
    found: set[KeyScope] = set()
    for word in text.replace(",", " ").split():
        try:
            found.add(KeyScope(word))
        except ValueError:
            raise click.BadParameter(f"--scopes: there is no scope {word!r}; there are {every}") from None
    return frozenset(found)


def _duration(text: str) -> timedelta:
    match = re.fullmatch(r"([0-9]{1,5})([mhd])", text.strip().lower())
    if match is None or int(match[1]) == 0:
        raise click.BadParameter(f"--expires {text!r}: expected a number and a unit, such as 30m, 12h or 90d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
