"""A transaction commits whole or not at all, on both databases; what follows a commit follows only a commit."""

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Column, MetaData, Table, insert, select
from sqlalchemy.exc import StatementError

from kit.columns import BigInt, Code, Flag, JsonDoc, UtcTime
from kit.db import Database, insert_new
from tests.support.databases import NewDatabase

METADATA = MetaData()
NOTES = Table(
    "notes",
    METADATA,
    Column("seq", BigInt, primary_key=True),
    Column("id", Code, unique=True, nullable=False),
    Column("at", UtcTime),
    Column("done", Flag),
    Column("doc", JsonDoc),
    sqlite_strict=True,
)


@pytest.fixture
def db(new_database: NewDatabase) -> Database:
    db = new_database("platform")
    with db.write() as tx:
        METADATA.create_all(tx.conn)
    return db


def ids(db: Database) -> list[str]:
    with db.read() as tx:
        return [row.id for row in tx.execute(select(NOTES.c.id).order_by(NOTES.c.seq))]


def test_values_come_back_as_they_went_in(db: Database) -> None:
    at = datetime(2026, 11, 21, 12, 0, 0, 1, tzinfo=timezone(timedelta(hours=3)))
    with db.write() as tx:
        tx.execute(insert(NOTES).values(id="a", at=at, done=True, doc={"name": "Wanjirũ", "n": [1, None]}))
    with db.read() as tx:
        row = tx.execute(select(NOTES)).one()
    assert row.at == at
    assert row.at.tzinfo == UTC
    assert row.done is True
    assert row.doc == {"name": "Wanjirũ", "n": [1, None]}


def test_times_sort_as_times(db: Database) -> None:
    start = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
    moments = [start + timedelta(microseconds=n) for n in (5, 0, 1_000_000, 999_999)]
    with db.write() as tx:
        for n, at in enumerate(moments):
            tx.execute(insert(NOTES).values(id=str(n), at=at))
    with db.read() as tx:
        found = [row.at for row in tx.execute(select(NOTES.c.at).order_by(NOTES.c.at))]
    assert found == sorted(moments)


def test_a_naive_time_is_refused_before_it_is_stored(db: Database) -> None:
    with pytest.raises(StatementError, match="aware"), db.write() as tx:
        tx.execute(insert(NOTES).values(id="a", at=datetime(2026, 1, 1)))  # noqa: DTZ001
    assert ids(db) == []


def test_an_exception_rolls_everything_back(db: Database) -> None:
    heard: list[str] = []
    with pytest.raises(RuntimeError), db.write() as tx:  # noqa: PT012
        tx.execute(insert(NOTES).values(id="a"))
        tx.after_commit(lambda: heard.append("committed"))
        raise RuntimeError
    assert ids(db) == []
    assert heard == []


def test_what_follows_a_commit_sees_it_and_can_not_undo_it(db: Database) -> None:
    seen: list[list[str]] = []

    def fail() -> None:
        raise RuntimeError

    with db.write() as tx:
        tx.execute(insert(NOTES).values(id="a"))
        tx.after_commit(fail)
        tx.after_commit(lambda: seen.append(ids(db)))
    assert seen == [["a"]]


def test_inserting_what_exists_says_so_and_changes_nothing(db: Database) -> None:
    with db.write() as tx:
        assert insert_new(tx, NOTES, {"id": "a", "done": True}, conflict=["id"])
        assert not insert_new(tx, NOTES, {"id": "a", "done": False}, conflict=["id"])
    with db.read() as tx:
        assert tx.execute(select(NOTES.c.done)).scalar_one() is True


def test_many_writers_at_once_lose_nothing(db: Database) -> None:
    def write_ten(worker: int) -> None:
        for n in range(10):
            with db.write() as tx:
                tx.execute(insert(NOTES).values(id=f"{worker}-{n}"))

    threads = [threading.Thread(target=write_ten, args=(worker,)) for worker in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(ids(db)) == 120


def test_a_reader_does_not_wait_for_a_writer(db: Database) -> None:
    with db.write() as tx:
        tx.execute(insert(NOTES).values(id="a"))
        assert ids(db) == []
