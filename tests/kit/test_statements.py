"""Statements compiled once say and bring what they do through SQLAlchemy, on both databases."""

import gc
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    Column,
    Executable,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    bindparam,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.exc import DataError, IntegrityError, MultipleResultsFound, NoResultFound, StatementError

from kit.columns import BigInt, Code, Flag, JsonDoc, UtcTime, is_one_of
from kit.db import Database, Tx, insert_new
from kit.statements import MET_BEFORE, Rows
from tests.support.databases import NewDatabase

metadata = MetaData()
things = Table(
    "things",
    metadata,
    Column("id", Code, nullable=False),
    Column("n", BigInt),
    Column("small", Integer),
    Column("flag", Flag),
    Column("note", Text),
    Column("doc", JsonDoc),
    Column("at", UtcTime),
    Column("raw", LargeBinary),
    PrimaryKeyConstraint("id", name="things_pk"),
    sqlite_strict=True,
)
BLANK: dict[str, Any] = dict.fromkeys(column.name for column in things.c)
AT = datetime(2026, 11, 21, 9, 30, 0, 123456, UTC)

_INSERT = insert(things)
_ONE = select(things).where(things.c.id == bindparam("which"))
_ALL = select(things).order_by(things.c.id)
_CHANGE = update(things).where(things.c.id == bindparam("which"))


@pytest.fixture
def db(new_database: NewDatabase) -> Database:
    made = new_database("platform")
    with made.write() as tx:
        metadata.create_all(tx.conn)
        for _ in range(MET_BEFORE + 1):  # from here on they are known
            list(tx.execute(_ALL))
            list(tx.execute(_ONE, {"which": "none"}))
    return made


def run(tx: Tx, statement: Executable, params: dict[str, Any]) -> Rows:
    """Executed here, not by SQLAlchemy: met often enough before with these names."""
    result = tx.execute(statement, params)
    assert isinstance(result, Rows)
    return result


def known(tx: Tx, statement: Executable, params: list[dict[str, Any]]) -> None:
    for each in params:
        tx.execute(statement, each)


VALUES = st.fixed_dictionaries(
    {
        "n": st.none() | st.integers(-(2**63), 2**63 - 1),
        "small": st.none() | st.integers(-(2**31), 2**31 - 1),
        "flag": st.none() | st.booleans(),
        "note": st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",))),
        "doc": st.none()
        | st.recursive(
            st.booleans()
            | st.integers(-1000, 1000)
            | st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",))),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        ),
        "at": st.none()
        | st.datetimes(
            AT.replace(year=1900, tzinfo=None),
            AT.replace(year=2200, tzinfo=None),
            timezones=st.sampled_from([UTC, timezone(timedelta(hours=3))]),
        ),
        "raw": st.none() | st.binary(max_size=20),
    }
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(VALUES)
def test_what_is_written_and_read_is_what_sqlalchemy_writes_and_reads(db: Database, values: dict[str, Any]) -> None:
    with db.write() as tx:
        tx.conn.execute(text("DELETE FROM things"))
        known(tx, _INSERT, [{**BLANK, "id": f"warm-{n}"} for n in range(MET_BEFORE)])
        tx.conn.execute(_INSERT, {**values, "id": "theirs"})
        assert run(tx, _INSERT, {**values, "id": "ours"}).rowcount == 1
        ours, theirs = run(tx, _ONE, {"which": "ours"}).one(), run(tx, _ONE, {"which": "theirs"}).one()
        read_by_them = tx.conn.execute(_ONE, {"which": "ours"}).one()
        assert tuple(ours)[1:] == tuple(theirs)[1:] == tuple(read_by_them)[1:]
        for name, value in values.items():
            assert getattr(ours, name) == value


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)
@given(VALUES)
def test_what_travels_with_begin_with_commit_or_alone_is_written_as_any_other(
    db: Database, values: dict[str, Any]
) -> None:
    with db.write() as tx:
        tx.conn.execute(text("DELETE FROM things"))
        known(tx, _INSERT, [{**BLANK, "id": f"warm-{n}"} for n in range(MET_BEFORE)])
    with db.write() as tx:
        assert run(tx, _INSERT, {**values, "id": "first"}).rowcount == 1
        tx.execute_last(_INSERT, {**values, "id": "last"})
    assert db.write_alone(_INSERT, {**values, "id": "alone"}).rowcount == 1
    for which in ("first", "last", "alone"):
        with db.read() as tx:
            found = run(tx, _ONE, {"which": which}).one()
        for name, value in values.items():
            assert getattr(found, name) == value


def test_if_what_travels_with_the_commit_fails_nothing_is_kept(db: Database) -> None:
    known_first = [{**BLANK, "id": f"warm-{n}"} for n in range(MET_BEFORE + 1)]
    with db.write() as tx:
        known(tx, _INSERT, known_first)

    def twice() -> None:
        with db.write() as tx:
            tx.execute(_INSERT, {**BLANK, "id": "kept?"})
            tx.execute_last(_INSERT, known_first[0])

    with pytest.raises(IntegrityError):
        twice()
    with db.write() as tx:
        assert tx.execute(_ONE, {"which": "kept?"}).first() is None


def test_a_statement_alone_is_a_transaction_from_the_first_time_on_and_fails_as_one(db: Database) -> None:
    insert_alone = insert(things)
    for n in range(MET_BEFORE + 2):
        db.write_alone(insert_alone, {**BLANK, "id": str(n)})
    with pytest.raises(IntegrityError):
        db.write_alone(insert_alone, {**BLANK, "id": "0"})
    assert db.write_alone(_CHANGE, {"which": "none", "n": 1}).rowcount == 0
    assert db.used_connections == 0
    with db.read() as tx:
        assert len(run(tx, _ALL, {}).all()) == MET_BEFORE + 2


def test_a_transaction_that_asks_nothing_leaves_nothing_behind(db: Database) -> None:
    with db.write():
        pass
    with pytest.raises(ValueError, match="no"), db.write():
        raise ValueError("no")
    with db.read() as tx:
        assert run(tx, _ONE, {"which": "none"}).first() is None


def test_a_server_that_closed_its_idle_connections_costs_no_statement(db: Database) -> None:
    if not db.is_postgres:
        return  # nobody closes a file

    def end_all() -> None:
        other = Database(str(db.engine.url.render_as_string(hide_password=False)))
        with other.write() as tx:
            ended = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database()"
            assert tx.execute(text(f"{ended} AND pid <> pg_backend_pid()")).scalars().all()
        other.close()

    with db.write() as tx:
        known(tx, _INSERT, [{**BLANK, "id": f"warm-{n}"} for n in range(MET_BEFORE + 1)])
    end_all()
    with db.write() as tx:
        tx.execute(_INSERT, {**BLANK, "id": "first"})
    end_all()
    assert db.write_alone(_INSERT, {**BLANK, "id": "alone"}).rowcount == 1
    with db.read() as tx:
        assert len(run(tx, _ALL, {}).all()) == MET_BEFORE + 3


def test_only_what_is_met_again_is_compiled(db: Database) -> None:
    statement = select(things.c.id)
    with db.read() as tx:
        for _ in range(MET_BEFORE):
            assert not isinstance(tx.execute(statement), Rows)
        assert isinstance(tx.execute(statement), Rows)
        assert not isinstance(tx.execute(select(things.c.id)), Rows)


def test_a_statement_that_is_gone_is_forgotten_and_its_place_is_not_taken_for_another(db: Database) -> None:
    for n in range(200):
        statement = select(literal(n).label("n"))
        with db.read() as tx:
            assert [tx.execute(statement).scalar_one() for _ in range(MET_BEFORE + 2)] == [n] * (MET_BEFORE + 2)
        del statement
        gc.collect(0)


def test_other_names_of_parameters_make_another_statement(db: Database) -> None:
    with db.write() as tx:
        known(tx, _INSERT, [{"id": f"a{n}", "n": n} for n in range(5)])
        known(tx, _INSERT, [{"id": f"b{n}", "note": "x"} for n in range(5)])
        known(tx, _CHANGE, [{"which": f"a{n}", "n": n + 10} for n in range(5)])
        known(tx, _CHANGE, [{"which": f"a{n}", "note": "y", "small": 1} for n in range(5)])
        assert [(row.id, row.n, row.note) for row in run(tx, _ALL, {})] == [
            *((f"a{n}", n + 10, "y") for n in range(5)),
            *((f"b{n}", None, "x") for n in range(5)),
        ]


def test_a_list_of_values_stays_with_sqlalchemy(db: Database) -> None:
    statement = select(things.c.id).where(things.c.id.in_(bindparam("these", expanding=True))).order_by(things.c.id)
    with db.write() as tx:
        known(tx, _INSERT, [{**BLANK, "id": name} for name in "abc"])
        for wanted in (["a"], ["a", "b"], [], ["c", "b", "a"], ["b"]):
            assert tx.execute(statement, {"these": wanted}).scalars().all() == sorted(wanted)


def test_a_list_that_is_one_parameter_is_compiled_for_every_length(db: Database) -> None:
    statement = select(things.c.id).where(is_one_of(things.c.id, "these")).order_by(things.c.id)
    odd = ["a", 'q"uote', "back\\slash", "{brace,}", "null", "", "ü, 'x'"]
    with db.write() as tx:
        known(tx, _INSERT, [{**BLANK, "id": name} for name in odd])
        known(tx, statement, [{"these": ["a"]}] * (MET_BEFORE + 1))
        for wanted in (["a"], [], odd, ["back\\slash", "nobody"], ["a", "a"]):
            found = run(tx, statement, {"these": wanted}).scalars().all()
            assert sorted(found) == sorted({*wanted} & {*odd})
            assert found == tx.conn.execute(statement, {"these": wanted}).scalars().all()


def test_a_list_of_the_statements_own_is_compiled_with_it(db: Database) -> None:
    own = [AT, AT + timedelta(days=1)]
    statement = select(things.c.id).where(things.c.at.in_(own), things.c.n == bindparam("n"), things.c.id.not_in([]))
    with db.write() as tx:
        known(tx, _INSERT, [{**BLANK, "id": f"{n}", "n": n % 2, "at": AT + timedelta(days=n)} for n in range(4)])
        known(tx, statement, [{"n": 0}] * (MET_BEFORE + 1))
        assert [run(tx, statement, {"n": n}).scalars().all() for n in (0, 1, 2)] == [["0"], ["1"], []]


def test_several_rows_at_once_stay_with_sqlalchemy_and_one_in_a_list_does_not(db: Database) -> None:
    with db.write() as tx:
        known(tx, _INSERT, [{**BLANK, "id": f"{n}"} for n in range(5)])
        assert isinstance(tx.execute(_INSERT, [{**BLANK, "id": "x"}]), Rows)
        tx.execute(_INSERT, [{**BLANK, "id": "y"}, {**BLANK, "id": "z"}])
        assert len(run(tx, _ALL, {}).all()) == 8


def test_changes_are_counted(db: Database) -> None:
    with db.write() as tx:
        known(tx, _INSERT, [{**BLANK, "id": f"{n}"} for n in range(4)])
        known(tx, _CHANGE, [{"which": "none", "n": 1}] * 4)
        assert run(tx, _CHANGE, {"which": "1", "n": 1}).rowcount == 1
        assert run(tx, _CHANGE, {"which": "none", "n": 1}).rowcount == 0
        assert [insert_new(tx, things, {**BLANK, "id": name}, conflict=["id"]) for name in "1x1x1x1y"] == [
            *(False, True, False, False, False, False, False, True)
        ]


def test_results_are_asked_as_sqlalchemys_are(db: Database) -> None:
    with db.write() as tx:
        known(tx, _INSERT, [{**BLANK, "id": name, "n": at} for at, name in enumerate("ab")])
        assert run(tx, _ONE, {"which": "b"}).mappings().one()["n"] == 1
        assert run(tx, _ALL, {}).scalars().all() == ["a", "b"]
        assert run(tx, _ONE, {"which": "a"}).scalar_one() == "a"
        assert [row.id for row in run(tx, _ALL, {}).all()] == ["a", "b"]
        first = run(tx, _ALL, {}).first()
        assert first is not None
        assert (first.id, first.n, tuple(first)[:2]) == ("a", 0, ("a", 0))
        assert run(tx, _ONE, {"which": "c"}).first() is None
        assert run(tx, _ONE, {"which": "c"}).one_or_none() is None
        with pytest.raises(NoResultFound):
            run(tx, _ONE, {"which": "c"}).one()
        with pytest.raises(MultipleResultsFound):
            run(tx, _ALL, {}).one()
        with pytest.raises(MultipleResultsFound):
            run(tx, _ALL, {}).one_or_none()
        with pytest.raises(AttributeError):
            _ = first.nothing


def test_text_names_its_own_columns(db: Database) -> None:
    statement = text("SELECT id AS name, n FROM things WHERE id = :which")
    with db.write() as tx:
        known(tx, _INSERT, [{**BLANK, "id": "a", "n": 7}])
        known(tx, statement, [{"which": "a"}] * 3)
        row = run(tx, statement, {"which": "a"}).one()
        assert (row.name, row.n) == ("a", 7)


def test_what_the_database_refuses_is_the_same_error(db: Database) -> None:
    with db.write() as tx:
        known(tx, _INSERT, [{**BLANK, "id": f"{n}"} for n in range(4)])
    with pytest.raises(IntegrityError), db.write() as tx:
        run(tx, _INSERT, {**BLANK, "id": "1"})
    with db.write() as tx:
        assert len(run(tx, _ALL, {}).all()) == 4


def test_a_missing_parameter_is_refused_as_ever(db: Database) -> None:
    with pytest.raises(StatementError), db.read() as tx:
        tx.execute(_ONE, {})
    with db.read() as tx:
        assert run(tx, _ONE, {"which": "a"}).first() is None


def test_a_time_without_a_zone_is_refused(db: Database) -> None:
    with db.write() as tx:
        known(tx, _INSERT, [{**BLANK, "id": f"{n}"} for n in range(4)])
    with pytest.raises(ValueError, match="aware"), db.write() as tx:
        run(tx, _INSERT, {**BLANK, "id": "x", "at": AT.replace(tzinfo=None)})


def test_a_savepoint_of_sqlalchemys_holds_for_what_is_executed_here(db: Database) -> None:
    with db.write() as tx:
        known(tx, _INSERT, [{**BLANK, "id": f"{n}"} for n in range(3)])
        savepoint = tx.conn.begin_nested()
        run(tx, _INSERT, {**BLANK, "id": "undone"})
        savepoint.rollback()
        run(tx, _INSERT, {**BLANK, "id": "kept"})
    with db.read() as tx:
        assert run(tx, _ALL, {}).scalars().all() == ["0", "1", "2", "kept"]


def test_what_is_undone_takes_nothing_else_along(db: Database) -> None:
    with db.write() as tx:
        known(tx, _INSERT, [{**BLANK, "id": f"{n}"} for n in range(3)])
        with pytest.raises(IntegrityError), tx.undoable():
            known(tx, _INSERT, [{**BLANK, "id": "undone"}, {**BLANK, "id": "0"}])
        with tx.undoable():
            run(tx, _INSERT, {**BLANK, "id": "kept"})
    with db.read() as tx:
        assert run(tx, _ALL, {}).scalars().all() == ["0", "1", "2", "kept"]


def test_more_statements_than_a_connection_prepares_still_run(new_database: NewDatabase) -> None:
    db = new_database("platform")
    kept = [select(literal(n).label("n")) for n in range(300)]
    for _ in range(MET_BEFORE + 2):
        with db.read() as tx:
            assert [tx.execute(each).scalar_one() for each in kept] == list(range(300))


def test_text_that_postgresql_can_not_keep_is_refused_and_not_cut(db: Database) -> None:
    with db.write() as tx:
        known(tx, _INSERT, [{**BLANK, "id": f"{n}"} for n in range(4)])
        if not tx.is_postgres:
            assert run(tx, _INSERT, {**BLANK, "id": "x", "note": "a\0b"}).rowcount == 1
            return
    with pytest.raises(DataError), db.write() as tx:
        run(tx, _INSERT, {**BLANK, "id": "x", "note": "a\0b"})


def test_what_is_prepared_outlasts_savepoints_that_are_undone(db: Database) -> None:
    for _ in range(3):  # the driver has habits of its own, once it has seen a statement some times
        with db.write() as tx:
            known(tx, _INSERT, [{**BLANK, "id": f"{n}"} for n in range(3)])
            for n in range(8):
                tx.conn.execute(select(things.c.id).where(things.c.n == n)).all()
            savepoint = tx.conn.begin_nested()
            run(tx, _INSERT, {**BLANK, "id": "undone"})
            savepoint.rollback()
            assert run(tx, _ALL, {}).scalars().all() == ["0", "1", "2"]
            run(tx, _INSERT, {**BLANK, "id": "kept"})
            tx.conn.execute(things.delete())
