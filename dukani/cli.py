"""The verbs. Each imports what it needs when it runs, so that starting a process does not pay for the others."""

import re
import sys
from datetime import timedelta
from typing import NoReturn

import click

from dukani.c2b_cli import c2b
from dukani.catalog_cli import catalog
from dukani.charges_cli import charges
from dukani.chat_cli import alerts, chat
from dukani.events_cli import events
from dukani.key_cli import key
from dukani.migrate_cli import migrate
from dukani.prepare import LINEAGES, CannotStart, make_data_dir, migrate_all, port_sentence
from dukani.processes import Process, place, run, why_not
from dukani.processes import work as run_work
from dukani.reconcile_cli import reconcile
from dukani.refunds_cli import refunds
from dukani.secrets_cli import secrets_group
from dukani.shop_cli import shop
from dukani.signing_cli import keys
from dukani.transcript_cli import transcript
from dukani.usage_cli import usage
from dukani.vendor_cli import vendor
from dukani.vendor_move_cli import move, purge
from dukani.whatsapp_cli import whatsapp
from kit.clock import SharedClock
from kit.ports import PortTaken
from kit.settings import Settings, SettingsError, load_settings

USAGE = 2
"""The exit code for settings or arguments that can't be used, as click's own."""


def main() -> NoReturn:
    try:
        dukani.main(prog_name="dukani")
    except SettingsError as error:
        _fail(str(error), USAGE)
    except CannotStart as error:
        _fail(str(error), 1)
    sys.exit(0)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def dukani() -> None:
    """A shop on WhatsApp: bot, router, payment adapter, and simulators of the world around them."""


dukani.add_command(c2b)
dukani.add_command(catalog)
dukani.add_command(shop)
dukani.add_command(keys)
dukani.add_command(usage)
dukani.add_command(events)
dukani.add_command(charges)
dukani.add_command(chat)
dukani.add_command(alerts)
dukani.add_command(refunds)
dukani.add_command(reconcile)
dukani.add_command(key)
dukani.add_command(secrets_group)
dukani.add_command(transcript)
dukani.add_command(vendor)
dukani.add_command(whatsapp)
vendor.add_command(move)
vendor.add_command(purge)


@dukani.command()
@click.option(
    "--production-like",
    is_flag=True,
    help="On PostgreSQL and Valkey of its own (or yours, by *_DATABASE_URL and REDIS_URL), with several workers.",
)
def up(production_like: bool) -> None:
    """Run the whole shop on this machine until Ctrl-C."""
    if production_like:
        from dukani.production_like import up as run_up
    else:
        from dukani.up import up as run_up

    sys.exit(run_up(load_settings()))


@dukani.command()
@click.argument("process", type=click.Choice([process.value for process in Process]))
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="So many share the port.")
@click.option("--no-work", is_flag=True, help="Only answer: `dukani work` does the rest (router).")
@click.option("--parent", type=int, hidden=True, help="Drain when this process id is gone.")
def serve(process: str, workers: int, no_work: bool, parent: int | None) -> None:
    """Run one process."""
    settings = load_settings()
    chosen = Process(process)
    refusal = why_not(chosen, workers=workers, with_work=not no_work)
    if refusal is not None:
        raise click.UsageError(refusal)
    try:
        run(chosen, settings, parent=parent, workers=workers, with_work=not no_work)
    except PortTaken as error:
        raise CannotStart(port_sentence(error, place(chosen, settings).port_variable)) from error


@dukani.command()
@click.argument("process", type=click.Choice([Process.ROUTER.value]))
@click.option("--port", type=click.IntRange(1, 65535), help="Answer /health, /ready and /metrics there.")
@click.option("--parent", type=int, hidden=True, help="Drain when this process id is gone.")
def work(process: str, port: int | None, parent: int | None) -> None:
    """Run one process's background work alone, beside `serve --no-work`; as many of these as you like."""
    try:
        run_work(Process(process), load_settings(), parent=parent, port=port)
    except PortTaken as error:
        raise CannotStart(port_sentence(error, "--port")) from error


dukani.add_command(migrate)


@dukani.command()
def seed() -> None:
    """Plant four small invented shops, where they are missing."""
    from dukani.seed import seed as run_seed

    settings = load_settings()
    if not settings.is_local:
        raise CannotStart(
            "The invented shops are for a local shop (DUKANI_ENV=local); production has vendors of its own."
        )
    make_data_dir(settings)
    migrate_all(settings, LINEAGES, click.echo, quiet=True)
    run_seed(settings, click.echo)


@dukani.group(invoke_without_command=True)
@click.pass_context
def clock(context: click.Context) -> None:
    """Show the shop's clock (local mode: one clock for all processes, which can be moved ahead)."""
    if context.invoked_subcommand is None:
        settings = load_settings()
        make_data_dir(settings)
        _show_clock(settings)


@clock.command()
@click.argument("step")
def advance(step: str) -> None:
    """Move the clock of every process ahead: 30s, 10m, 2h or 1d."""
    settings = load_settings()
    make_data_dir(settings)
    shared = settings.clock()
    if not isinstance(shared, SharedClock):
        raise CannotStart("Only a local shop's clock can be moved (DUKANI_ENV=local).")
    shared.advance(_duration(step))
    _show_clock(settings)


def _show_clock(settings: Settings) -> None:
    clock = settings.clock()
    ahead = clock.offset if isinstance(clock, SharedClock) else timedelta(0)
    click.echo(f"{clock.now().isoformat(timespec='seconds')} ({ahead} ahead of the system's clock)")


def _duration(text: str) -> timedelta:
    match = re.fullmatch(r"([0-9]{1,6})([smhd])", text.strip().lower())
    if match is None:
        raise click.BadParameter(f"{text!r}: expected a number and a unit, such as 30s, 10m, 2h or 1d")
    unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[match[2]]
    return timedelta(**{unit: int(match[1])})


def _fail(text: str, code: int) -> NoReturn:
    click.echo(text, err=True)
    sys.exit(code)
