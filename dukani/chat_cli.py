"""`dukani chat …` and `dukani alerts …`: people in the chat for a shop without software of its own, straight in its
database; a running router and bot carry on from there."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from dukani.desk import at_desk, database_trouble_said, every_database, refusals_said, show_table, when
from kit.settings import load_settings

if TYPE_CHECKING:
    from sqlalchemy import Row

    from router.vendors.service import Vendor

_who = click.option("--by", default="", help="Who of the shop: the customer sees it above the words.")


@dataclass(frozen=True, slots=True)
class _Room:
    """A transaction in the shop's database."""

    tx: Any  # kit.db.Tx, which is imported when a command runs
    vendor: "Vendor"
    now: datetime


@contextmanager
def _in_shop(named: str, *, only_looking: bool = False) -> Generator[_Room]:
    """Commits at the end. What is refused becomes a ClickException that says what to do."""
    from router.vendors.service import Directory

    settings = load_settings()
    with at_desk(only_looking=True) as desk:
        vendor_id = desk.vendor(named)
    with every_database(settings) as databases, database_trouble_said("ops"), refusals_said():
        vendor = Directory(databases.platform).known(vendor_id)
        ops = databases.ops(vendor_id)
        with ops.read() if only_looking else ops.write() as tx:
            yield _Room(tx, vendor, settings.clock().now())


@click.group()
def chat() -> None:
    """Read a shop's conversations and answer customers in person."""


@chat.command(name="list")
@click.argument("vendor")
@click.option("--mode", type=click.Choice(["bot", "waiting", "staff"]), help="Only those that stand like this.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="At most so many.")
def list_them(vendor: str, mode: str | None, limit: int) -> None:
    """List a shop's conversations, the one with the newest message first."""
    from contracts.chat_api import ChatMode
    from contracts.ids import CustomerId
    from router.conversations.listing import newest
    from router.conversations.rules import Turn
    from router.customers.service import people

    wanted = ChatMode(mode) if mode is not None else None
    with _in_shop(vendor, only_looking=True) as room:
        found = newest(room.tx, room.vendor.id, mode=wanted, end=None, limit=limit, now=room.now)
        who = people(room.tx, room.vendor.id, {CustomerId(row.customer_id) for row in found})
    if not found:
        click.echo("Nobody waits." if wanted is ChatMode.WAITING else "There is none.")
        return
    show_table(
        ("id", "customer", "whose turn", "until", "unread", "last"),
        (
            (row.id, who[CustomerId(row.customer_id)].name, turn.mode, when(turn.until), row.unread, row.last_line)
            for row in found
            for turn in (Turn(ChatMode(row.mode), row.until).at(room.now),)
        ),
    )


@chat.command()
@click.argument("vendor")
@click.argument("conversation")
@click.option("--limit", type=click.IntRange(1, 500), default=30, show_default=True, help="At most so many messages.")
def show(vendor: str, conversation: str, limit: int) -> None:
    """Show what was said last, oldest first."""
    from router.conversations.listing import messages_of
    from router.conversations.service import found

    with _in_shop(vendor, only_looking=True) as room:
        found(room.tx, room.vendor.id, conversation)
        messages = messages_of(room.tx, room.vendor.id, conversation, end=None, limit=limit)
    show_table(
        ("at", "who", "what", "status"),
        (
            (when(row.at), row.written_by or row.author, row.body or ", ".join(row.media), _standing(row))
            for row in reversed(messages)
        ),
    )


def _standing(row: "Row[Any]") -> str:
    """Where a message stands, and why it did not arrive."""
    return f"{row.status}: {row.reason}" if row.reason else row.status


@chat.command()
@click.argument("vendor")
@click.option("--limit", type=click.IntRange(1, 500), default=30, show_default=True, help="At most so many messages.")
def undelivered(vendor: str, limit: int) -> None:
    """List messages that customers did not get, and why, newest first.

    What is held may not be sent; what expired meant nothing any more before it could be; what failed was refused."""
    from contracts.ids import CustomerId
    from router.conversations import listing
    from router.customers.service import people

    with _in_shop(vendor, only_looking=True) as room:
        found = listing.undelivered(room.tx, room.vendor.id, end=None, limit=limit)
        who = people(room.tx, room.vendor.id, {CustomerId(row.customer_id) for row in found})
    if not found:
        click.echo("Every message arrived, or still may.")
        return
    show_table(
        ("at", "customer", "what", "status", "code"),
        (
            (
                when(row.at),
                who[CustomerId(row.customer_id)].name,
                row.body or ", ".join(row.media),
                _standing(row),
                row.error_code,
            )
            for row in found
        ),
    )


@chat.command()
@click.argument("vendor")
@click.argument("conversation")
@click.argument("text")
@_who
def reply(vendor: str, conversation: str, text: str, by: str) -> None:
    """Write to the customer. The bot is mute for two hours from then."""
    from contracts.chat_api import MAX_NAME, MAX_TEXT
    from router.conversations.service import write

    words = text.strip()
    if not words or len(words) > MAX_TEXT or len(by) > MAX_NAME:
        raise click.BadParameter(f"write 1 to {MAX_TEXT} characters, and a name of at most {MAX_NAME}")
    with _in_shop(vendor) as room:
        write(room.tx, room.vendor, conversation, words, by.strip(), room.now)
    click.echo("The bot sends it: `dukani chat show` says what became of it.")


@chat.command()
@click.argument("vendor")
@click.argument("conversation")
@_who
def take(vendor: str, conversation: str, by: str) -> None:
    """Answer in person from here on: the bot is mute for two hours, and the customer is told."""
    from router.conversations import service

    with _in_shop(vendor) as room:
        service.take(room.tx, room.vendor, conversation, by.strip(), room.now)
    click.echo("The bot is mute there for two hours.")


@chat.command(name="return")
@click.argument("vendor")
@click.argument("conversation")
def give_back(vendor: str, conversation: str) -> None:
    """Let the bot answer again."""
    from router.conversations import service

    with _in_shop(vendor) as room:
        service.give_back(room.tx, room.vendor, conversation, room.now)
    click.echo("The bot answers there again.")


@click.group()
def alerts() -> None:
    """Who is told in their own chat of a shop's paid orders, of customers who wait and of messages that were lost."""


@alerts.command()
@click.argument("vendor")
def invite(vendor: str) -> None:
    """Invite somebody: prints what to write, once, to which number."""
    from router.conversations import alerts as room_of_alerts
    from router.conversations.alert_routes import JOIN_WORD

    with _in_shop(vendor) as room:
        made = room_of_alerts.invite(room.tx, room.vendor.id, room.now)
    number = load_settings().twilio_whatsapp_from.removeprefix("whatsapp:")
    click.echo(f"From the phone that is to be told, until {when(made.expires_at)}, to {number} on WhatsApp:")
    click.echo(f"  SHOP {room.vendor.word}")
    click.echo(f"  {JOIN_WORD} {made.code}")


@alerts.command(name="list")
@click.argument("vendor")
def list_recipients(vendor: str) -> None:
    """List who is told."""
    from router.conversations import alerts as room_of_alerts

    with _in_shop(vendor, only_looking=True) as room:
        told = room_of_alerts.recipients(room.tx, room.vendor.id)
    if not told:
        click.echo("Nobody is told: `dukani alerts invite` says how to begin.")
        return
    show_table(("id", "name", "since"), ((row.id, row.name, when(row.joined_at)) for row in told))


@alerts.command()
@click.argument("vendor")
@click.argument("recipient")
def remove(vendor: str, recipient: str) -> None:
    """Tell somebody no more, by their id in the list."""
    from router.conversations import alerts as room_of_alerts

    with _in_shop(vendor) as room:
        room_of_alerts.remove(room.tx, room.vendor.id, recipient)
    click.echo("They are told no more.")
