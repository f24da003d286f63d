"""`dukani events`: what the bot does not take, shown and decided by hand. Vendors see their endpoints over the API."""

from datetime import datetime
from typing import TYPE_CHECKING

import click
from pydantic import BaseModel

from dukani.desk import as_json, at_desk, every_database, refusals_said, show_json, show_table, when
from dukani.prepare import CannotStart
from kit.settings import load_settings

if TYPE_CHECKING:
    from contracts.ids import VendorId


class StuckEvent(BaseModel):
    vendor_id: str
    event_id: str
    type: str
    aggregate: str
    status: str
    attempts: int
    created_at: datetime
    last_error: str | None
    held_back: int


class StuckEvents(BaseModel):
    events: list[StuckEvent]


@click.group()
def events() -> None:
    """Events for the bot that are parked, or fail again and again."""


@events.command()
@as_json
def parked(as_json: bool) -> None:
    """List them, oldest first, with how many later events each holds back."""
    found, unreachable = _stuck()
    if as_json:
        show_json(StuckEvents(events=found))
    elif found:
        show_table(
            ("shop", "event", "type", "about", "status", "tries", "since", "last answer", "holds back"),
            [
                (
                    each.vendor_id,
                    each.event_id,
                    each.type,
                    each.aggregate,
                    each.status,
                    each.attempts,
                    when(each.created_at),
                    each.last_error,
                    each.held_back,
                )
                for each in found
            ],
        )
    else:
        click.echo("Nothing is stuck.")
    if unreachable:
        raise CannotStart("These databases could not be looked into:\n  " + "\n  ".join(unreachable))


@events.command()
@click.argument("vendor")
@click.argument("event_id")
def release(vendor: str, event_id: str) -> None:
    """Offer an event to the bot again, now."""
    _decide(vendor, event_id, is_release=True)
    click.echo(f"{event_id} is offered to the bot again.")


@events.command()
@click.argument("vendor")
@click.argument("event_id")
@click.confirmation_option(prompt="The customer will not hear of it. Discard it?")
def discard(vendor: str, event_id: str) -> None:
    """Give an event up: the bot never hears of it, and what it holds back may go."""
    _decide(vendor, event_id, is_release=False)
    click.echo(f"{event_id} is discarded.")


def _stuck() -> tuple[list[StuckEvent], list[str]]:
    """And the databases that could not be asked, with why."""
    from sqlalchemy.exc import DBAPIError

    from kit.problems import Problem
    from router.events.parked import stuck_events

    found: list[StuckEvent] = []
    unreachable: list[str] = []
    with every_database(load_settings()) as databases:
        for database in databases.every_ops():
            try:
                with database.across() as tx:
                    found += [
                        StuckEvent.model_validate(each, from_attributes=True)
                        for each in stuck_events(tx, only=database.only)
                    ]
            except (Problem, DBAPIError) as error:
                name = "the shared ops database" if database.only is None else f"the database of {database.only}"
                unreachable.append(f"{name}: {error.detail if isinstance(error, Problem) else type(error).__name__}")
    return sorted(found, key=lambda each: each.created_at), unreachable


def _decide(vendor: str, event_id: str, *, is_release: bool) -> None:
    """Raises ClickException for an event that is not waiting."""
    from router.events.parked import discard_event, release_event

    with at_desk(only_looking=True) as desk:
        vendor_id: VendorId = desk.vendor(vendor)
        now = desk.now
    with every_database(load_settings()) as databases, refusals_said(), databases.ops(vendor_id).write() as tx:
        is_done = release_event(tx, vendor_id, event_id, now) if is_release else discard_event(tx, vendor_id, event_id)
    if not is_done:
        raise click.ClickException(f"No event {event_id} waits there: `dukani events parked` shows those that do.")
