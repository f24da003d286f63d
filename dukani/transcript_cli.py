"""`dukani transcript`: what the bot says, written down from a running local shop, and compared with it again."""

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dukani.prepare import CannotStart
from kit.settings import load_settings

if TYPE_CHECKING:
    from dukani.transcript_people import People
    from dukani.transcript_player import Phones
    from simulators.transcript import Transcript

ANSWER_WITHIN_S = 20.0
"""For one message of the shop."""


@click.group()
def transcript() -> None:
    """Conversations kept as YAML: record one from the phone page, run one again (docs/transcripts.md)."""


@transcript.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--customer", default="Achieng", show_default=True, help="Whose chat: a name or a number.")
@click.option("--language", type=click.Choice(["en", "sw", "pt"]), default="en", show_default=True)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def record(file: Path, customer: str, language: str, force: bool) -> None:
    """Write down a customer's whole chat, with placeholders for what differs each time."""
    from dukani.transcripts import told_by
    from simulators.transcript import write

    if file.exists() and not force:
        raise click.ClickException(f"{file} is there already: --force writes over it.")
    with _phones() as phones:
        chat = told_by(phones.transcript(phones.address(customer), language))
    if not chat.chat:
        raise click.ClickException(f"{customer} has not written yet: chat on the phone page first.")
    _keep(file, write(chat))
    click.echo(f"{file}: {len(chat.chat)} entries with {chat.shop}")


@transcript.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--update", is_flag=True, help="Write what is said now into the files; read the differences first.")
def replay(files: Sequence[Path], update: bool) -> None:
    """Chat as in these files (or all in these folders), as somebody new, and show what is said differently.

    Where time passes in a file, the shop's clock is moved."""
    from simulators.transcript import write

    changed, kept = 0, 0
    chosen = _in(files)
    with _phones() as phones, _people() as people:
        for file in chosen:
            expected = _read(file)
            said, lines, stuck = _played(phones, people, expected, is_patient=update)
            _show(file, [*lines, *([f"! {stuck}"] if stuck else [])])
            changed += bool(lines or stuck)
            if update and lines and stuck is None:
                _keep(file, write(said))
                kept += 1
    click.echo(f"{len(chosen)} transcripts, {changed} differ{f', {kept} were written anew' if update else ''}.")
    if changed > kept:
        sys.exit(1)


def _played(
    phones: "Phones", people: "People", expected: "Transcript", *, is_patient: bool
) -> "tuple[Transcript, Sequence[str], str | None]":
    """What was said, as if by the one whom the file names; how it differs; and where the chat did not go on, if so."""
    from dataclasses import replace

    from dukani.transcript_player import NotSaid, Player
    from dukani.transcripts import differences

    somebody = phones.newcomer(expected.who)
    player = Player(phones, somebody, expected, ANSWER_WITHIN_S, is_patient=is_patient, people=people)
    stuck: str | None = None
    try:
        player.play()
        player.settle()
    except NotSaid as late:
        stuck = str(late)
    said = replace(player.recorded(), who=expected.who)
    return said, differences(expected, said), stuck


def _show(file: Path, lines: Sequence[str]) -> None:
    from rich.console import Console
    from rich.text import Text

    colours = {"-": "red", "+": "green", "@": "cyan", "!": "bold red"}
    out = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    out.print(Text(f"{file}: {'as written' if not lines else 'differs'}", style="bold" if lines else ""))
    for line in lines:
        out.print(Text(line, style=colours.get(line[:1], "")))


def _in(files: Sequence[Path]) -> list[Path]:
    """The files, and those in the folders. Raises ClickException where there is none."""
    chosen = [one for file in files for one in (sorted(file.rglob("*.yaml")) if file.is_dir() else [file])]
    if not chosen:
        raise click.ClickException("There is no .yaml file there.")
    return chosen


def _read(file: Path) -> "Transcript":
    """Raises ClickException."""
    from dukani.transcripts import BadTranscript, read

    try:
        return read(file.read_text(encoding="utf-8"))
    except (BadTranscript, OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{file}: {error}") from error


def _keep(file: Path, text: str) -> None:
    """Raises ClickException."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{file} can't be written: {error.strerror}") from error


@contextmanager
def _people() -> "Generator[People]":
    """Of the local router's shops."""
    from dukani.processes import Process, place
    from dukani.transcript_people import People

    people = People(place(Process.ROUTER, load_settings()).url)
    try:
        yield people
    finally:
        people.close()


@contextmanager
def _phones() -> "Generator[Phones]":
    """Of the local shop. What they refuse becomes CannotStart, a file that can't be played a ClickException."""
    from dukani.processes import Process, place
    from dukani.transcript_player import NotThere, Phones
    from dukani.transcripts import BadTranscript

    settings = load_settings()
    if not settings.simulators_on:
        raise CannotStart("Only the simulated phones can be recorded and played: DUKANI_SIMULATORS is off.")
    phones = Phones(place(Process.SIMULATORS, settings).url)
    try:
        yield phones
    except NotThere as error:
        raise CannotStart(f"{str(error)[:1].upper()}{str(error)[1:]}") from error
    except BadTranscript as error:
        raise click.ClickException(str(error)) from error
    finally:
        phones.close()
