"""`dukani whatsapp`: the buttons, lists and templates that Twilio keeps for this shop."""

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from pydantic import BaseModel

from dukani.desk import as_json, show_json, show_table
from dukani.prepare import CannotStart
from kit.settings import Settings, load_settings

if TYPE_CHECKING:
    from bot.content_sync import Step
    from kit.db import Database


class TemplateLine(BaseModel):
    """`approval` is WhatsApp's word; only `approved` is sent. `reason` says why it was rejected."""

    name: str
    language: str
    approval: str
    reason: str | None
    text: str


class WhatsAppStatus(BaseModel):
    """`made` of the `wanted` buttons and lists exist; what is missing goes out as numbered text."""

    wanted: int
    made: int
    templates: list[TemplateLine]


@click.group()
def whatsapp() -> None:
    """Buttons, lists and approved templates at Twilio."""


@whatsapp.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be made.")
@click.option(
    "--submit", is_flag=True, help="Also ask WhatsApp to approve the templates that it was never asked about."
)
def sync(dry_run: bool, submit: bool) -> None:
    """Make what is missing at Twilio, once; running it again makes nothing twice and takes nothing away.

    Until this was run, and for whatever could not be made, customers get numbered text."""
    settings = load_settings()
    with conversations_of(settings) as db:
        steps = synchronise(settings, db, is_dry_run=dry_run, submits=submit, shows_progress=True)
    made, submitted, missing = (sum(step.done == done for step in steps) for done in ("made", "submitted", "missing"))
    if dry_run:
        click.echo(f"{missing} of {len(steps)} would be made.")
        return
    click.echo(f"{len(steps)} contents: {made + submitted} new or submitted, the rest was there.")
    waiting = sorted(
        {step.approval or "" for step in steps if step.content.is_template and step.approval != "approved"}
    )
    if waiting:
        hint = "" if submit else " (`dukani whatsapp sync --submit` asks WhatsApp)"
        click.echo(f"Templates that may not be sent yet are {', '.join(waiting)}{hint}.")


@whatsapp.command()
@as_json
def status(as_json: bool) -> None:
    """Show what exists at Twilio now, and which templates WhatsApp has approved."""
    settings = load_settings()
    with conversations_of(settings) as db:
        look(settings, db)
        shown = _status(settings, db)
    if as_json:
        show_json(shown)
        return
    click.echo(f"Buttons and lists: {shown.made} of {shown.wanted} made.")
    show_table(
        ("template", "language", "approval", "why", "text"),
        [(line.name, line.language, line.approval, line.reason, line.text) for line in shown.templates],
    )


def synchronise(
    settings: Settings, db: "Database", *, is_dry_run: bool, submits: bool, shows_progress: bool
) -> "Sequence[Step]":
    """Raises ClickException that says what to do."""
    from bot.content_sync import in_step
    from bot.ports.twilio import content_account, pictures_at
    from bot.ports.twilio_content import ContentApi, ContentApiFailed

    api = ContentApi(settings)
    try:
        with _progress(is_shown=shows_progress and sys.stderr.isatty()) as progress:
            return in_step(
                api,
                db,
                settings.clock(),
                content_account(settings),
                pictures_at=pictures_at(settings),
                submits=submits,
                is_dry_run=is_dry_run,
                on_step=progress.step,
            )
    except ContentApiFailed as error:
        raise click.ClickException(str(error)) from error
    finally:
        api.close()


def look(settings: Settings, db: "Database") -> None:
    """Raises ClickException that says what to do."""
    from bot.content_sync import look as look_there
    from bot.ports.twilio import content_account, pictures_at
    from bot.ports.twilio_content import ContentApi, ContentApiFailed

    api = ContentApi(settings)
    try:
        look_there(api, db, settings.clock(), content_account(settings), pictures_at=pictures_at(settings))
    except ContentApiFailed as error:
        raise click.ClickException(str(error)) from error
    finally:
        api.close()


def _status(settings: Settings, db: "Database") -> WhatsAppStatus:
    from bot.channels.twilio_contents import all_contents
    from bot.ports.twilio import content_account, pictures_at
    from bot.store import contents

    with db.read() as tx:
        known = contents.of(tx, content_account(settings))
    wanted = list(all_contents(pictures_at(settings)))
    shapes = [content for content in wanted if not content.is_template]
    templates: list[TemplateLine] = []
    for content in wanted:
        if content.is_template:
            there = known.get(content.name)
            approval = "missing" if there is None else there.approval or "unsubmitted"
            reason, text = None if there is None else there.reason, content.types["twilio/text"]["body"]
            templates.append(
                TemplateLine(name=content.name, language=content.language, approval=approval, reason=reason, text=text)
            )
    made = sum(content.name in known for content in shapes)
    return WhatsAppStatus(wanted=len(shapes), made=made, templates=templates)


@contextmanager
def conversations_of(settings: Settings) -> "Generator[Database]":
    """The conversations database, closed at the end. Raises CannotStart where it can't be used."""
    from sqlalchemy.exc import DBAPIError

    from kit.db import Database

    db = Database(settings.conversations_database_url)
    try:
        yield db
    except DBAPIError as error:
        raise CannotStart(
            f"The conversations database can't be used ({type(error).__name__}): is CONVERSATIONS_DATABASE_URL right, "
            "and was `dukani migrate` run?"
        ) from error
    finally:
        db.close()


class _Progress:
    """A bar on a terminal; nothing anywhere else."""

    def __init__(self, *, is_shown: bool) -> None:
        self._is_shown = is_shown

    def step(self, step: "Step", number: int, total: int) -> None:
        if self._is_shown:
            end = "\n" if number == total else ""
            click.echo(f"\r{number:>4}/{total}  {step.content.name:<50}{step.done:<10}{end}", err=True, nl=False)


@contextmanager
def _progress(*, is_shown: bool) -> Generator[_Progress]:
    yield _Progress(is_shown=is_shown)
