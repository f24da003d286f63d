"""The verbs. Each imports what it needs when it runs, so that starting a process does not pay for the others."""

import re
import sys
from datetime import timedelta
from typing import NoReturn

import click

from dukani.migrate_cli import migrate
from dukani.prepare import LINEAGES, CannotStart, make_data_dir, migrate_all, port_sentence
from dukani.processes import Process, place, run
from dukani.signing_cli import keys
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


dukani.add_command(keys)


@dukani.command()
def up() -> None:
    """Run the whole shop on this machine until Ctrl-C."""
    from dukani.up import up as run_up

    sys.exit(run_up(load_settings()))


@dukani.command()
@click.argument("process", type=click.Choice([process.value for process in Process]))
@click.option("--parent", type=int, hidden=True, help="Drain when this process id is gone.")
def serve(process: str, parent: int | None) -> None:
    """Run one process."""
    settings = load_settings()
    chosen = Process(process)
    try:
        run(chosen, settings, parent=parent)
    except PortTaken as error:
        raise CannotStart(port_sentence(error, place(chosen, settings).port_variable)) from error


dukani.add_command(migrate)


@dukani.command()
def seed() -> None:
    """Plant three small invented shops, where they are missing."""
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
