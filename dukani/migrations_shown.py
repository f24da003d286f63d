"""Shows a run of migrations to a person: a line per database, and on a terminal, below them, what is under way."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import click

from dukani.migrate_worker import Outcome

_BAR = 24


def took(milliseconds: int) -> str:
    tenths = round(milliseconds / 100)
    return f"{tenths // 10}.{tenths % 10} s"


def way(before: str | None, after: str | None) -> str:
    """From which revision to which."""
    return f"{before or 'nothing'} → {after or '?'}"


@dataclass(slots=True)
class Steps:
    """For a few databases that have names of their own: each revision that was applied."""

    say: Callable[[str], None]
    is_quiet: bool = False
    """Nothing is said of databases that were up to date."""

    def began(self, name: str) -> None:
        """Nothing to say yet."""

    def ended(self, outcome: Outcome) -> None:
        for step in outcome.steps:
            self.say(f"{outcome.name}: {step}")
        if not outcome.steps and outcome.error is None and not self.is_quiet:
            self.say(f"{outcome.name}: up to date")


@dataclass(slots=True)
class Progress:
    """For any number of databases: how many are done of how many, which are under way, and what failed."""

    count: int
    is_terminal: bool = field(default_factory=lambda: sys.stdout.isatty())
    _done: int = 0
    _failed: int = 0
    _under_way: list[str] = field(default_factory=list[str])

    def began(self, name: str) -> None:
        self._under_way.append(name)
        self._draw()

    def ended(self, outcome: Outcome) -> None:
        self._done += 1
        self._under_way.remove(outcome.name)
        place = f"[{self._done:>{len(str(self.count))}}/{self.count}] {outcome.name}"
        self._wipe()
        if outcome.error is not None:
            self._failed += 1
            click.echo(f"{place}  {click.style('FAILED', fg='red', bold=True)}  {outcome.error}")
        elif outcome.steps:
            click.echo(f"{place}  {way(outcome.before, outcome.after)}  {took(outcome.took_ms)}")
        elif not self.is_terminal:
            click.echo(f"{place}  up to date")
        self._draw()

    def _draw(self) -> None:
        if not self.is_terminal or self._done == self.count:
            return
        full = _BAR * self._done // max(self.count, 1)
        failures = f" · {self._failed} failed" if self._failed else ""
        line = (
            f"{'█' * full}{'░' * (_BAR - full)} {self._done} of {self.count}{failures} · {', '.join(self._under_way)}"
        )
        self._wipe()
        click.echo(line[: shutil.get_terminal_size().columns - 1], nl=False)

    def _wipe(self) -> None:
        if self.is_terminal:
            click.echo("\r\033[2K", nl=False)
