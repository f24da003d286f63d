"""One key, one effect: repeated, raced, misused and after a failure."""

import threading
from datetime import UTC, datetime

import pytest
from pydantic import BaseModel
from sqlalchemy import Column, MetaData, Table, func, insert, select

from kit.columns import BigInt, Code
from kit.db import Database
from kit.idempotency import IdempotencyKey, Stored, find_answer, idempotency_table, once
from kit.problems import Problem
from tests.support.databases import NewDatabase

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
METADATA = MetaData()
RECORDS = idempotency_table(METADATA)
EFFECTS = Table("effects", METADATA, Column("seq", BigInt, primary_key=True), Column("what", Code), sqlite_strict=True)
KEY = IdempotencyKey("shop", "bot", "POST /v1/orders", "k1")


class Answer(BaseModel):
    number: int


@pytest.fixture
def db(new_database: NewDatabase) -> Database:
    db = new_database("platform")
    with db.write() as tx:
        METADATA.create_all(tx.conn)
    return db


def ask(db: Database, key: IdempotencyKey = KEY, body: bytes = b"{}") -> Stored:
    with db.write() as tx:

        def effect() -> tuple[int, Answer]:
            tx.execute(insert(EFFECTS).values(what=key.key))
            return 201, Answer(number=effects_in(tx.execute(select(func.count()).select_from(EFFECTS)).scalar_one()))

        return once(tx, RECORDS, key, body, NOW, effect)


def effects_in(count: object) -> int:
    assert isinstance(count, int)
    return count


def effects(db: Database) -> int:
    with db.read() as tx:
        return effects_in(tx.execute(select(func.count()).select_from(EFFECTS)).scalar_one())


def test_a_repeat_gets_the_first_answer_and_does_nothing(db: Database) -> None:
    first, second = ask(db), ask(db)
    assert (first.status, first.body, first.replayed) == (201, b'{"number":1}', False)
    assert (second.status, second.body, second.replayed) == (201, b'{"number":1}', True)
    assert effects(db) == 1


def test_another_body_under_the_same_key_is_refused(db: Database) -> None:
    ask(db)
    with pytest.raises(Problem) as refused:
        ask(db, body=b'{"more":1}')
    assert (refused.value.status, refused.value.code) == (422, "idempotency_key_reused")
    assert effects(db) == 1


@pytest.mark.parametrize(
    "other",
    [
        IdempotencyKey("other-shop", "bot", "POST /v1/orders", "k1"),
        IdempotencyKey("shop", "console", "POST /v1/orders", "k1"),
        IdempotencyKey("shop", "bot", "POST /v1/cart", "k1"),
    ],
)
def test_a_key_means_nothing_to_another_vendor_caller_or_route(db: Database, other: IdempotencyKey) -> None:
    ask(db)
    assert not ask(db, other).replayed
    assert effects(db) == 2


def test_a_refused_effect_leaves_no_record_so_the_key_can_be_used_again(db: Database) -> None:
    def refuse() -> tuple[int, Answer]:
        raise LookupError

    with pytest.raises(LookupError), db.write() as tx:
        once(tx, RECORDS, KEY, b"{}", NOW, refuse)
    assert not ask(db).replayed


def test_looking_for_an_answer_finds_it_only_once_it_was_given(db: Database) -> None:
    with db.read() as tx:
        assert find_answer(tx, RECORDS, KEY, b"{}") is None
    ask(db)
    with db.read() as tx:
        found = find_answer(tx, RECORDS, KEY, b"{}")
    assert found is not None
    assert found.replayed


def test_fifty_at_once_with_one_key_have_one_effect_and_one_answer(db: Database) -> None:
    answers: list[Stored] = []
    start = threading.Barrier(10)

    def race() -> None:
        start.wait(30)
        answers.extend(ask(db) for _ in range(5))

    threads = [threading.Thread(target=race) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert effects(db) == 1
    assert len(answers) == 50
    assert {answer.body for answer in answers} == {b'{"number":1}'}
    assert sum(not answer.replayed for answer in answers) == 1
