"""A run over many databases: the four, then every dedicated one. What one of them does harms no other.

The dedicated databases follow a canary: one is migrated alone, and if that goes wrong the others are not touched.
Every outcome is recorded as it comes, so that a run that was killed is simply run again."""

import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

from dukani.migrate_worker import Order, Outcome, carry_out, outcome_of
from dukani.migration_error import MigrationError, Unreachable
from dukani.migration_records import Records

PARALLEL = 4
"""How many databases are migrated at a time. Each takes a process."""


@dataclass(frozen=True, slots=True)
class Job:
    """A database to migrate. `order` is asked for when its turn comes: the address of a host is looked up late, a
    password read late. It raises MigrationError for what this installation can't reach."""

    name: str
    order: Callable[[], Order]


_ROOT = Path(__file__).resolve().parent.parent


class Watcher(Protocol):
    """Who shows a run to a person. Called from several threads, one call at a time."""

    def began(self, name: str) -> None: ...
    def ended(self, outcome: Outcome) -> None: ...


@dataclass(slots=True)
class Run:
    """Orders carried out so far, and what came of each."""

    records: Records | None
    watcher: Watcher
    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def failed(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.error is not None]

    def close(self) -> None:
        if self.records is not None:
            self.records.close()
            self.records = None

    def do(self, job: Job, migrate: Callable[[Order], Outcome] = carry_out) -> Outcome:
        """Migrate that database, in this process unless `migrate` has another; shown and recorded."""
        with self._lock:
            self.watcher.began(job.name)
        record_id = self.records.begin(job.name) if self.records else None
        try:
            outcome = migrate(job.order())
        except MigrationError as error:
            outcome = Outcome(job.name, None, None, (), 0, str(error), isinstance(error, Unreachable))
        if self.records and record_id:
            self.records.end(record_id, outcome)
        with self._lock:
            self.outcomes.append(outcome)
            self.watcher.ended(outcome)
        return outcome

    def canary(self, jobs: Sequence[Job]) -> tuple[Outcome | None, Sequence[Job]]:
        """Migrate one after the other until one of them had something to do, and say how that went.

        Returns the outcome, None if nothing had anything to do, and the jobs that are left. A database that can't be
        reached says nothing about the migration, so it is no canary."""
        for number, job in enumerate(jobs, 1):
            outcome = self.do(job)
            if outcome.steps or (outcome.error is not None and not outcome.is_unreachable):
                return outcome, jobs[number:]
        return None, ()

    def all_of(self, jobs: Iterable[Job], parallel: int = PARALLEL) -> None:
        """Migrate these, `parallel` at a time, each worker in a process of its own.

        Raises what kept an outcome from being recorded or shown, when all that could be done is done."""
        left = deque(jobs)
        problems: list[Exception] = []

        def work() -> None:
            with Worker() as worker:
                while left and not problems:
                    try:
                        self.do(left.popleft(), worker.migrate)
                    except IndexError:
                        return  # another took the last one
                    except Exception as problem:
                        problems.append(problem)

        threads = [threading.Thread(target=work, name="migrate", daemon=True) for _ in range(min(parallel, len(left)))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if problems:
            raise problems[0]


class Worker:
    """A process that migrates one database after the other (`dukani.migrate_worker`)."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is None:
            return
        self._end(self._process)

    def migrate(self, order: Order) -> Outcome:
        """Raises nothing: a worker that dies failed at this order, and the next one gets a new worker."""
        process = self._process = self._process or _start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(asdict(order)) + "\n")
            process.stdin.flush()
            return outcome_of(process.stdout.readline())
        except (OSError, ValueError, TypeError, KeyError):
            self._process = None
            code = self._end(process)
            why = f"{order.lineage}: what migrated it ended before it was done (exit code {code}); run it again"
            return Outcome(order.name, None, None, (), 0, why)

    def _end(self, process: subprocess.Popen[str]) -> int:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.close()
        except OSError:
            pass  # it is gone already
        process.stdout.close()
        return process.wait()


def _start() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "dukani.migrate_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
    )
