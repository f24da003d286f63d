"""`python -m dukani.migrate_worker`: migrates one database after another, as it is told on standard input.

Alembic keeps what it works on in module globals, so that one process can migrate one database at a time; several at
once take several processes. An order is a line of JSON, and so is its outcome. The worker ends with its input, that is
with whoever started it, however that one ended; a migration under way is then finished first, or rolled back."""

import json
import signal
import sys
import time
from dataclasses import asdict, dataclass

import structlog

from dukani.migrate import bring_up_to_date, newest, reach
from dukani.migration_error import MigrationError, Unreachable


@dataclass(frozen=True, slots=True)
class Order:
    """`url` may hold a password: it travels through the pipe, never on a command line."""

    name: str
    lineage: str
    url: str
    grant_to: str | None
    setting: str
    is_dedicated: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """`error` is None for a database that is up to date now. `before` is None for one that had no tables."""

    name: str
    before: str | None
    after: str | None
    steps: tuple[str, ...]
    took_ms: int
    error: str | None = None
    is_unreachable: bool = False


def carry_out(order: Order) -> Outcome:
    """Migrate that database. Raises nothing that a database or a migration may cause."""
    began_at = time.monotonic()

    def took_ms() -> int:
        return round((time.monotonic() - began_at) * 1000)

    before: str | None = None
    try:
        before = reach(order.lineage, order.url, order.setting)
        if before == newest(order.lineage) and order.grant_to is None:
            return Outcome(order.name, before, before, (), took_ms())
        migrated = bring_up_to_date(
            order.lineage,
            order.url,
            grant_to=order.grant_to,
            is_dedicated=order.is_dedicated,
            setting=order.setting,
        )
    except MigrationError as error:
        return Outcome(order.name, before, before, (), took_ms(), str(error), isinstance(error, Unreachable))
    except Exception as error:  # a migration is code, and may fail in any way: that must not take the others along
        return Outcome(order.name, before, before, (), took_ms(), f"{order.lineage}: {type(error).__name__}: {error}")
    steps = tuple(f"{step.revision} {step.title}" for step in migrated.steps)
    return Outcome(order.name, migrated.before, migrated.after, steps, took_ms())


def outcome_of(line: str) -> Outcome:
    """Raises ValueError for what no worker wrote."""
    fields = json.loads(line)
    fields["steps"] = tuple(fields["steps"])
    return Outcome(**fields)


def main() -> None:
    # Ctrl-C reaches everyone at the terminal: who started this worker decides, and closes its input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers, sys.stdout = sys.stdout, sys.stderr  # so that nothing else can get between the outcomes
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    while line := sys.stdin.readline():
        outcome = carry_out(Order(**json.loads(line)))
        answers.write(json.dumps(asdict(outcome)) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
