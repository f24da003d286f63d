"""`dukani up`: everything on one machine, from nothing to a page that a newcomer can click."""

import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click

from dukani.prepare import LINEAGES, CannotStart, check_ports, make_data_dir, migrate_all
from dukani.processes import Process, command_line, place, wanted
from dukani.supervise import Job, Supervisor
from kit.settings import Settings

_ROOT = Path(__file__).resolve().parent.parent

_COLOURS = {
    Process.BOT: "green",
    Process.ROUTER: "blue",
    Process.PAYMENT_ADAPTER: "magenta",
    Process.SIMULATORS: "cyan",
}


def up(settings: Settings) -> int:
    """Run until told to stop; returns the exit code. Raises CannotStart before anything is started."""
    processes = wanted(settings)
    make_data_dir(settings)
    check_ports(settings, processes)
    if settings.is_local:
        migrate_all(settings, LINEAGES, say, quiet=True)
        plant(settings)
    jobs = [Job(process, command_line(process), place(process, settings).port) for process in processes]

    def open_up() -> None:
        introduce_shops(settings)
        welcome(settings)
        make_contents(settings)

    return run_jobs(jobs, os.environ, open_up)


def run_jobs(jobs: Sequence[Job], environ: Mapping[str, str], on_ready: Callable[[], None]) -> int:
    """Run these together until told to stop, their lines after their names; returns the exit code."""
    supervisor = Supervisor(
        jobs,
        environ={**environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(_ROOT)},
        on_line=_Lines(max(len(job.name) for job in jobs)).show,
        on_ready=on_ready,
        say=say,
    )
    return supervisor.run()


def plant(settings: Settings) -> None:
    """The invented shops, where they are missing."""
    from dukani.seed import seed

    seed(settings, lambda line: None)


def introduce_shops(settings: Settings) -> None:
    """The invented shops, to the simulated providers that now answer."""
    from dukani.introduce import introduce

    if settings.is_local:
        introduce(settings, say)


def make_contents(settings: Settings) -> None:
    """Buttons, lists and templates at the simulated Twilio, for the phone to show. Without them it shows text."""
    if not settings.twilio_content_base_url.startswith(place(Process.SIMULATORS, settings).url):
        return  # somebody's real account: `dukani whatsapp sync` is theirs to run
    from dukani.whatsapp_cli import conversations_of, synchronise

    try:
        with conversations_of(settings) as db:
            synchronise(settings, db, is_dry_run=False, submits=True, shows_progress=False)
    except (click.ClickException, CannotStart) as error:
        say(f"The phone shows numbered text, no buttons: {error}")


def welcome(settings: Settings) -> None:
    """Says where to click and what to write."""
    if settings.simulators_on:
        phone = click.style(place(Process.SIMULATORS, settings).url + "/", bold=True)
        say(f"\nYour shop is open:  {phone}  is a phone with WhatsApp, M-Pesa and Multicaixa on it.")
        say("Write SHOP mama and go on from there: MENU, ADD 1, CONFIRM, PAY. The M-Pesa PIN is 1234.")
        say("On Nzinga's phone SHOP ilha sells in kwanzas: PAY by Multicaixa Express, by reference or by e-Kwanza.")
    else:
        bot = f"{settings.bot_public_url}/webhooks/twilio/whatsapp"
        say(f"\nYour shop is open. WhatsApp messages reach it through Twilio at {bot}")
        say(f"M-Pesa is asked at {settings.daraja_base_url} and calls back at {settings.adapter_public_url}.")
    say(f"Everything is kept in {settings.data_dir}; delete that folder to start afresh. Ctrl-C stops.\n")


class _Lines:
    """The processes' lines, each after its name; whole lines only, though every process has a reader of its own."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._lock = threading.Lock()

    def show(self, name: str, line: str) -> None:
        prefix = click.style(f"{name:<{self._width}} │", fg=_COLOURS[Process(name.partition(" ")[0])])
        with self._lock:
            say(f"{prefix} {line}")


def say(text: str) -> None:
    """A line for whoever started it."""
    # Whoever reads along may go away (`… | head`); the shop goes on.
    try:
        click.echo(text)
    except OSError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - it replaces stdout for good
