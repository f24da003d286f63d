"""Idempotency keys: the record of an answer commits with its effect; a repeat gets the first answer and does nothing.

The same key with another body is refused (422). A twin of a request that is still running waits for its answer, up to
`kit.db.LOCK_WAIT_S`, then is told to come back (409): in one process at `Twins`, which costs no connection, and across
processes at the record itself. What was refused leaves no record: it changed nothing."""

import hashlib
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from flask import Response
from pydantic import BaseModel
from sqlalchemy import (
    Column,
    ColumnElement,
    Executable,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    and_,
    bindparam,
    select,
)
from sqlalchemy.exc import DBAPIError

from contracts.errors import ErrorCode
from kit.columns import Code, UtcTime
from kit.db import LOCK_WAIT_S, Tx, insert_new, is_lock_timeout
from kit.problems import Problem

REPLAYED_HEADER = "idempotent-replayed"


def idempotency_table(metadata: MetaData) -> Table:
    return Table(
        "idempotency_records",
        metadata,
        Column("scope", Code, nullable=False),
        Column("principal", Code, nullable=False),
        Column("route", Code, nullable=False),
        Column("key", Code, nullable=False),
        Column("body_hash", Code, nullable=False),
        Column("status", Integer),
        Column("answer", Text),
        Column("created_at", UtcTime, nullable=False),
        PrimaryKeyConstraint("scope", "principal", "route", "key", name="idempotency_records_pk"),
        sqlite_strict=True,
    )


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """Who asked for what under which key. `scope` is the vendor, or `platform`."""

    scope: str
    principal: str
    route: str
    key: str

    def values(self) -> dict[str, str]:
        return {"scope": self.scope, "principal": self.principal, "route": self.route, "key": self.key}


@dataclass(frozen=True, slots=True)
class Stored:
    status: int
    body: bytes
    replayed: bool


class Twins:
    """The keys that this process is working on. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[IdempotencyKey, threading.Event] = {}

    @contextmanager
    def first(self, key: IdempotencyKey) -> Generator[None]:
        """Work on this key, after whoever works on it already. Raises Problem 409 idempotency_in_progress if that
        takes longer than `LOCK_WAIT_S`. It only spares the database a crowd: the record decides who was first."""
        done = threading.Event()
        with self._lock:
            under_way = self._running.setdefault(key, done)
        if under_way is not done:
            if not under_way.wait(LOCK_WAIT_S):
                raise _in_progress()
            yield
            return
        try:
            yield
        finally:
            with self._lock:
                del self._running[key]
            done.set()


def once(
    tx: Tx, table: Table, key: IdempotencyKey, body: bytes, now: datetime, effect: Callable[[], tuple[int, BaseModel]]
) -> Stored:
    """Run `effect` unless this key has an answer; either way return the answer.

    Raises Problem 422 idempotency_key_reused or 409 idempotency_in_progress. Whatever `effect` raises rolls the
    transaction back, the record with it."""
    body_hash = hashlib.sha256(body).hexdigest()
    try:
        is_first = insert_new(
            tx,
            table,
            {**key.values(), "body_hash": body_hash, "created_at": now},
            conflict=["scope", "principal", "route", "key"],
        )
    except DBAPIError as error:
        if is_lock_timeout(error):
            raise _in_progress() from error
        raise
    if not is_first:
        stored = find_answer(tx, table, key, body)
        if stored is None:
            raise _in_progress()
        return stored
    status, answer = effect()
    content = answer.model_dump_json()
    tx.at_last(_FINISH, status, content, key.scope, key.principal, key.route, key.key)
    return Stored(status, content.encode(), replayed=False)


def find_answer(tx: Tx, table: Table, key: IdempotencyKey, body: bytes) -> Stored | None:
    """The answer already given under this key, if any. Raises Problem 422 for a key used with another body."""
    row = tx.execute(_find(table), _named(key)).one_or_none()
    if row is None or row.status is None:
        return None
    if row.body_hash != hashlib.sha256(body).hexdigest():
        raise Problem(
            422,
            ErrorCode.IDEMPOTENCY_KEY_REUSED,
            "this Idempotency-Key was used for another request; use a new key for a new request",
        )
    return Stored(row.status, row.answer.encode(), replayed=True)


def stored_response(stored: Stored) -> Response:
    headers = {REPLAYED_HEADER: "true"} if stored.replayed else {}
    return Response(stored.body, stored.status, headers=headers, mimetype="application/json")


def _named(key: IdempotencyKey) -> dict[str, str]:
    return {f"the_{name}": value for name, value in key.values().items()}


# Kept, because putting such statements together costs more than running them.
@lru_cache(maxsize=64)
def _find(table: Table) -> Executable:
    return select(table.c.body_hash, table.c.status, table.c.answer).where(_is(table))


_FINISH = (
    "UPDATE idempotency_records SET status = {}, answer = {}"
    " WHERE scope = {} AND principal = {} AND route = {} AND key = {}"
)


def _is(table: Table) -> ColumnElement[bool]:
    return and_(*(table.c[name] == bindparam(f"the_{name}") for name in ("scope", "principal", "route", "key")))


def _in_progress() -> Problem:
    return Problem(
        409,
        ErrorCode.IDEMPOTENCY_IN_PROGRESS,
        "the first request with this Idempotency-Key is still running; ask again in a moment",
        retry_after_s=1,
    )
