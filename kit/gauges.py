"""What to look at in a process that has databases: pools and outboxes, as `kit.metrics.Gauge`s for its Service."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager

import structlog
from sqlalchemy import Table, func, select
from sqlalchemy.exc import SQLAlchemyError

from kit.clock import Clock
from kit.columns import UtcTime
from kit.db import Database, Tx
from kit.measures import Gauge, Reading

_log = structlog.get_logger()

_WAITING = ("pending", "parked")


def pools(databases: Mapping[str, Database]) -> Gauge:
    """Connections of each database, by the name it has there: `in_use` and `idle`."""

    def read() -> Iterator[Reading]:
        for name, database in databases.items():
            yield (name, "in_use"), float(database.used_connections)
            yield (name, "idle"), float(database.idle_connections)

    return Gauge("dukani_pool_connections", "Database connections", ("database", "state"), read, is_of_process=True)


def outboxes(
    databases: Callable[[], Iterable[tuple[str, Callable[[], AbstractContextManager[Tx]]]]], table: Table, clock: Clock
) -> tuple[Gauge, Gauge]:
    """How many events wait in each named database's outbox, and the age of the oldest in seconds, by status.

    `databases` gives for each what opens a transaction that may read `status` and `created_at` of every row."""
    waiting = (
        select(table.c.status, func.count().label("events"), func.min(table.c.created_at, type_=UtcTime).label("since"))
        .where(table.c.status.in_(_WAITING))
        .group_by(table.c.status)
    )

    def rows(name: str, transaction: Callable[[], AbstractContextManager[Tx]]) -> dict[str, tuple[float, float]]:
        with transaction() as tx:
            found = tx.execute(waiting).all()
        now = clock.now()
        return {row.status: (float(row.events), (now - row.since).total_seconds()) for row in found}

    def read(which: int) -> Iterator[Reading]:
        for name, transaction in databases():
            try:
                found = rows(name, transaction)
            except (SQLAlchemyError, TimeoutError) as error:
                _log.warning("an outbox can't be counted now", database=name, error=type(error).__name__)
                continue
            for status in _WAITING:
                yield (name, status), found.get(status, (0.0, 0.0))[which]

    labels = ("database", "status")
    return (
        Gauge("dukani_outbox_events", "Events not delivered yet", labels, lambda: read(0), is_of_process=False),
        Gauge("dukani_outbox_oldest_seconds", "Age of the oldest one", labels, lambda: read(1), is_of_process=False),
    )
