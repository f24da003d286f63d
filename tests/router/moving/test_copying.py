"""Rows are the same in both databases after they were copied, and a checksum tells when they are not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, PrimaryKeyConstraint, Table, Text, delete, insert, select

from contracts.ids import VendorId
from kit.columns import BigInt, Code, Flag, JsonDoc, UtcTime
from kit.db import Database
from router.moving import rows as rows_module
from router.moving.copying import catch_up, copy, difference, summarize
from router.moving.rows import moved_tables, vendor_column
from tests.support.postgres import Server

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAMA, BABA = VendorId("vendor-mama"), VendorId("vendor-baba")

things = Table(
    "things",
    MetaData(),
    Column("vendor_id", Code, nullable=False),
    Column("name", Code, nullable=False),
    Column("number", Integer, nullable=False),
    Column("text", Text),
    Column("amount", BigInt),
    Column("flag", Flag),
    Column("document", JsonDoc),
    Column("at", UtcTime),
    PrimaryKeyConstraint("vendor_id", "name", "number", name="things_pk"),
    sqlite_strict=True,
)
"""Every kind of column that a table of ours may have."""

# What both databases can hold: PostgreSQL takes no NUL in a text, and neither takes half a surrogate pair.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
documents = st.dictionaries(texts, values, max_size=3)
moments = st.integers(-(10**15), 10**16).map(lambda microseconds: EPOCH + timedelta(microseconds=microseconds))
rows = st.fixed_dictionaries(
    {
        "name": texts,
        "number": st.integers(-(2**31), 2**31 - 1),
        "text": st.none() | texts,
        "amount": st.none() | st.integers(-(2**63), 2**63 - 1),
        "flag": st.none() | st.booleans(),
        "document": st.none() | documents,
        "at": st.none() | moments,
    }
)
tables = st.lists(rows, max_size=12, unique_by=lambda row: (row["name"], row["number"]))
anything_goes = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(scope="module", params=["sqlite to postgres", "postgres to sqlite", "postgres to postgres"])
def ends(request: pytest.FixtureRequest, postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A source and a target with an empty table each."""
    made: list[Database] = []
    urls: list[str] = []
    folder: Path = tmp_path_factory.mktemp("copying")
    for number, kind in enumerate(str(request.param).split(" to ")):
        url = postgres.create_empty() if kind == "postgres" else f"sqlite:///{folder}/{number}.sqlite"
        urls.append(url)
        made.append(Database(url, pool_size=2))
        with made[-1].write() as tx:
            things.create(tx.conn)
    with made[0].write() as tx:
        tx.execute(insert(things).values(vendor_id=BABA, name="his own", number=1))
    yield tuple(made)
    for database, url in zip(made, urls, strict=True):
        database.close()
        if url.startswith("postgresql"):
            postgres.drop(url)


def fill(database: Database, found: list[dict[str, Any]]) -> None:
    """Mama's rows; the neighbour has none in the target, and his own in the source."""
    with database.write() as tx:
        tx.execute(delete(things).where(things.c.vendor_id == MAMA))
        if found:
            tx.execute(insert(things), [{"vendor_id": MAMA, **row} for row in found])


def unheard(name: str, count: int) -> None:
    """Nobody looks at the progress."""


@anything_goes
@given(found=tables, later=tables, batch=st.integers(1, 4))
def test_what_was_copied_and_caught_up_with_is_equal_whatever_happened_between(
    ends: tuple[Database, Database], found: list[dict[str, Any]], later: list[dict[str, Any]], batch: int
) -> None:
    source, target = ends
    fill(source, found)
    fill(target, [])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows_module, "BATCH", batch)
        with target.write() as there:
            with source.read() as look:
                copied = copy(look, there, [things], MAMA, unheard)
            assert copied[0].count == len(found)
            fill(source, later)
            with source.read() as here:
                ours, theirs = catch_up(here, there, MAMA, copied, unheard)
                again = summarize(here, [things], MAMA, unheard)
            assert difference(ours, theirs) is None
            assert ours[0].count == theirs[0].count == len(later)
            assert difference(again, summarize(there, [things], MAMA, unheard)) is None
            written = there.execute(select(things).order_by(things.c.name, things.c.number)).mappings().all()
    wanted = sorted(later, key=lambda row: (row["name"].encode(), row["number"]))
    assert [dict(row) for row in written] == [{"vendor_id": MAMA, **row} for row in wanted]


@anything_goes
@given(data=st.data(), found=tables.filter(bool))
def test_one_value_that_differs_is_noticed(
    ends: tuple[Database, Database], data: st.DataObject, found: list[dict[str, Any]]
) -> None:
    source, target = ends
    fill(source, found)
    which = data.draw(st.integers(0, len(found) - 1))
    column = data.draw(st.sampled_from(["text", "amount", "flag", "document", "at"]))
    other = data.draw(rows)[column]
    fill(target, [{**row, column: other} if place == which else row for place, row in enumerate(found)])
    told = compared(source, target)
    is_same = type(other) is type(found[which][column]) and other == found[which][column]
    assert (told is None) == is_same
    assert told is None or told.startswith(f"things differs: {len(found)} rows (")


def test_a_row_too_few_or_too_many_is_noticed(ends: tuple[Database, Database]) -> None:
    source, target = ends
    found = [{"name": str(number), "number": number, "text": "x"} for number in range(3)]
    fill(source, found)
    fill(target, found[:2])
    assert "3 rows" in (compared(source, target) or "")
    fill(target, [*found, {"name": "4", "number": 4, "text": "x"}])
    assert "4 (" in (compared(source, target) or "")


def test_no_rows_are_equal_to_no_rows(ends: tuple[Database, Database]) -> None:
    for database in ends:
        fill(database, [])
    assert compared(*ends) is None


def test_every_table_says_whose_a_row_is_and_parents_come_first() -> None:
    seen: set[str] = set()
    for table in moved_tables():
        assert vendor_column(table) in list(table.c)
        assert {key.column.table.name for key in table.foreign_keys} <= {*seen, table.name}
        seen.add(table.name)


def compared(source: Database, target: Database) -> str | None:
    with source.read() as here, target.read() as there:
        return difference(summarize(here, [things], MAMA, unheard), summarize(there, [things], MAMA, unheard))
