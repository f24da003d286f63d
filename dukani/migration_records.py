"""What migrations did to each database, kept in the platform database: a run that was killed is seen, and redone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete, insert, inspect, make_url, select, update
from sqlalchemy.exc import DBAPIError

from contracts.ids import new_id
from dukani.migrate_worker import Outcome
from kit.clock import Clock
from kit.db import Database, Tx
from kit.owners import Owner
from kit.settings import Settings
from router.moving.models import MigrationStatus
from router.moving.models import database_migrations as table

_INTERRUPTED = "the run was killed before it knew the outcome; run it again"


@dataclass(frozen=True, slots=True)
class Record:
    """The latest try to migrate a database. Revisions are None where they were not learnt."""

    database: str
    status: MigrationStatus
    before: str | None
    after: str | None
    started_at: datetime
    duration_ms: int | None
    error: str | None


class Records:
    """One run's view of the records; `close` says that this run is over."""

    def __init__(self, platform: Database, clock: Clock, runners: Path) -> None:
        self._platform = platform
        self._clock = clock
        self._me = Owner(runners)
        self._notice_interrupted()

    def begin(self, database: str) -> str:
        """The id of the new record."""
        now = self._clock.now()
        record_id = new_id(now)
        with self._platform.write() as tx:
            tx.execute(
                insert(table).values(
                    id=record_id,
                    database_name=database,
                    status=MigrationStatus.RUNNING,
                    runner=self._me.name,
                    started_at=now,
                )
            )
        return record_id

    def end(self, record_id: str, outcome: Outcome) -> None:
        """A try that found nothing to do leaves no record, unless it is the first that went well."""
        with self._platform.write() as tx:
            if outcome.error is None and not outcome.steps and _went_well_before(tx, outcome.name):
                tx.execute(delete(table).where(table.c.id == record_id))
                return
            tx.execute(
                update(table)
                .where(table.c.id == record_id)
                .values(
                    status=MigrationStatus.DONE if outcome.error is None else MigrationStatus.FAILED,
                    from_revision=outcome.before,
                    to_revision=outcome.after,
                    finished_at=self._clock.now(),
                    duration_ms=outcome.took_ms,
                    error=outcome.error,
                )
            )

    def close(self) -> None:
        self._me.close()
        self._platform.close()

    def _notice_interrupted(self) -> None:
        for runner in self._me.gone():
            with self._platform.write() as tx:
                tx.execute(
                    update(table)
                    .where(table.c.runner == runner, table.c.status == MigrationStatus.RUNNING)
                    .values(status=MigrationStatus.INTERRUPTED, finished_at=self._clock.now(), error=_INTERRUPTED)
                )
            self._me.forget(runner)


def open_records(settings: Settings) -> Records | None:
    """None where the platform database can't keep records: it is not there, or not migrated that far."""
    url = settings.migration_urls["platform"]
    file = make_url(url).database
    if url.startswith("sqlite") and not (file and Path(file).exists()):
        return None
    platform = Database(url, pool_size=4)
    try:
        if inspect(platform.engine).has_table(table.name):
            return Records(platform, settings.clock(), _runners(settings))
    except DBAPIError:
        pass  # the run itself says what is wrong with that database
    platform.close()
    return None


def latest(settings: Settings, platform: Database) -> Sequence[Record]:
    """Each database's latest record, by name. A run that was killed is seen as interrupted."""
    gone = _gone(settings)
    found: dict[str, Record] = {}
    with platform.read() as tx:
        for row in tx.execute(select(table).order_by(table.c.database_name, table.c.started_at, table.c.id)):
            is_dead = row.status == MigrationStatus.RUNNING and row.runner in gone
            found[row.database_name] = Record(
                database=row.database_name,
                status=MigrationStatus.INTERRUPTED if is_dead else MigrationStatus(row.status),
                before=row.from_revision,
                after=row.to_revision,
                started_at=row.started_at,
                duration_ms=row.duration_ms,
                error=_INTERRUPTED if is_dead else row.error,
            )
    return list(found.values())


def _went_well_before(tx: Tx, database: str) -> bool:
    before = (
        select(table.c.status)
        .where(table.c.database_name == database, table.c.status != MigrationStatus.RUNNING)
        .order_by(table.c.started_at.desc(), table.c.id.desc())
        .limit(1)
    )
    return tx.execute(before).scalar_one_or_none() == MigrationStatus.DONE


def _runners(settings: Settings) -> Path:
    return settings.data_dir / "migrating"


def _gone(settings: Settings) -> set[str]:
    looker = Owner(_runners(settings))
    try:
        return set(looker.gone())
    finally:
        looker.close()
