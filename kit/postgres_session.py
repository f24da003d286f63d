"""One kept connection to PostgreSQL, which is told as little and as seldom as it can be.

Scope, lock and the look at the fence travel in the same message as BEGIN; where there is no scope, BEGIN travels with
the first statement. What nobody reads travels with COMMIT."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

import psycopg
from psycopg import sql
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import Escaping, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from kit.patience import PatientConnection
from kit.sessions import FENCES, Scope, VendorMoved, as_sqlalchemy, closed, kept, lock_key
from kit.statements import Compiled, Rows

_OK = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)
_MOST_PREPARED = 250
"""Of one connection: each holds a plan in the server's memory. What comes later is parsed each time."""

_OPEN = (TransactionStatus.INTRANS, TransactionStatus.INERROR)


class PostgresSession:
    __slots__ = (
        "_exec",
        "_exec_params",
        "_exec_prepared",
        "_opening",
        "_pg",
        "_prepare",
        "_prepared",
        "_types",
        "conn",
    )

    def __init__(self, engine: Engine) -> None:
        self.conn = kept(engine)
        raw = cast("psycopg.Connection[Any]", self.conn.connection.driver_connection)
        self._pg = raw.pgconn
        # Past psycopg's cursors, which do for every statement what is known of these beforehand.
        asks = raw if isinstance(raw, PatientConnection) else raw.pgconn
        self._exec, self._exec_params = asks.exec_, asks.exec_params
        self._prepare, self._exec_prepared = asks.prepare, asks.exec_prepared
        self._types = Transformer(raw)
        self._prepared: dict[Compiled, bytes] = {}
        self._opening = ""

    @property
    def is_usable(self) -> bool:
        return not self.conn.invalidated and self._pg.transaction_status == TransactionStatus.IDLE

    def begin(self, scope: Scope | None, *, to_write: bool) -> None:
        opening = "BEGIN" if to_write else "BEGIN READ ONLY"
        if scope is None:
            self.look()
            self._opening = opening
            return
        looks_at_fence = to_write and scope.vendor_id is not None and not scope.past_fence
        opening += _entering(scope)
        if to_write and not scope.past_fence:
            opening += _guarding(scope)
        try:
            result = self._run(opening)
        except DBAPIError:
            self.undo()
            raise
        if looks_at_fence and result.ntuples:
            self.undo()
            raise VendorMoved(scope.vendor_id or "")

    def open(self) -> None:
        if self._opening:
            opening, self._opening = self._opening, ""
            self._run(opening)

    def look(self) -> None:
        try:
            self._pg.consume_input()  # what a server says when it goes
            self._pg.consume_input()  # and the end, behind it
        except psycopg.Error as error:
            raise as_sqlalchemy("BEGIN", error, psycopg.Error) from error

    def enter(self, scope: Scope) -> None:
        self.open()
        self._run(f"SET LOCAL ROLE NONE{_entering(scope)}")

    def run(self, statement: Compiled, params: Mapping[str, Any]) -> Rows:
        try:
            values = [self._text_of(value) for value in statement.values(params)]
            if self._opening:
                name = self._name_of(statement)
                opening, self._opening = self._opening, ""
                if name is None:
                    self._run(opening)
                    result = self._answer(statement, values)
                else:
                    result = _checked(self._exec(b"%b;%b" % (opening.encode(), self._executing(name, values))))
            else:
                result = self._answer(statement, values)
        except psycopg.Error as error:
            raise as_sqlalchemy(statement.sql, error, psycopg.Error) from error
        if result.status == ExecStatus.COMMAND_OK:
            return statement.rows([], [], result.command_tuples or 0)
        self._types.set_pgresult(result)
        names = [(result.fname(at) or b"").decode() for at in range(result.nfields)] if statement.is_nameless else []
        return statement.rows(self._types.load_rows(0, result.ntuples, tuple), names, result.ntuples)

    def command(self, statement: str) -> None:
        self.open()
        self._run(statement)

    def spelled(self, statement: Compiled, params: Mapping[str, Any]) -> str | None:
        try:
            name = self._name_of(statement)
            if name is None:
                return None
            return self._executing(name, [self._text_of(value) for value in statement.values(params)]).decode()
        except psycopg.Error as error:
            raise as_sqlalchemy(statement.sql, error, psycopg.Error) from error

    def finish(self, last: Sequence[str] = ()) -> None:
        if self._opening:
            opening, self._opening = self._opening, ""
            if not last:
                return  # nothing was asked
            last = (opening, *last)
        # What fails of them keeps the COMMIT from being run.
        if self._run(";".join((*last, "COMMIT"))).command_status == b"ROLLBACK":
            unkept = psycopg.errors.InFailedSqlTransaction(
                "a statement had failed and that was ignored: nothing of the transaction was kept"
            )
            raise as_sqlalchemy("COMMIT", unkept, psycopg.Error)

    def undo(self) -> None:
        self._opening = ""
        if self._pg.transaction_status in _OPEN:
            try:
                self._exec(b"ROLLBACK")
            except psycopg.Error:
                pass  # not usable then, so it is closed

    def quoted(self, text: str) -> str:
        return Escaping(self._pg).escape_literal(text.encode()).decode()

    def close(self) -> None:
        closed(self.conn)

    def _run(self, statement: str) -> PGresult:
        """One round trip for one or several statements; the result of the last one."""
        try:
            return _checked(self._exec(statement.encode()))
        except psycopg.Error as error:
            raise as_sqlalchemy(statement, error, psycopg.Error) from error

    def _answer(self, statement: Compiled, values: list[bytes | None]) -> PGresult:
        name = self._name_of(statement)
        if name is None:
            return _checked(self._exec_params(statement.sql.encode(), values))
        return _checked(self._exec_prepared(name, values))  # pyright: ignore[reportArgumentType] # None is NULL

    def _name_of(self, statement: Compiled) -> bytes | None:
        """Of the prepared statement; None where the connection has too many of them."""
        name = self._prepared.get(statement)
        if name is None and len(self._prepared) < _MOST_PREPARED:
            name = b"dukani%d" % len(self._prepared)
            _checked(self._prepare(name, statement.sql.encode()))
            self._prepared[statement] = name
        return name

    def _executing(self, name: bytes, values: list[bytes | None]) -> bytes:
        """A prepared statement as a command, to travel with others."""
        if not values:
            return b"EXECUTE " + name
        escape = Escaping(self._pg).escape_literal
        spelled = (b"NULL" if value is None else bytes(escape(value)) for value in values)
        return b"EXECUTE %b(%b)" % (name, b",".join(spelled))

    def _text_of(self, value: Any) -> bytes | None:
        """As PostgreSQL reads it. Raises psycopg.DataError."""
        if isinstance(value, str):
            if "\0" in value:
                raise psycopg.DataError("PostgreSQL keeps no text with a NUL in it")
            return value.encode()
        match value:
            case None:
                return None
            case bool():
                return b"t" if value else b"f"
            case int() | datetime():
                return str(value).encode()
            case _:
                dumped = self._types.dump_sequence([value], [PyFormat.TEXT])[0]
                return None if dumped is None else bytes(dumped)


def _checked(result: PGresult) -> PGresult:
    """Raises psycopg.Error for what the server refused."""
    if result.status in _OK:
        return result
    error = psycopg.errors.error_from_result(result)
    if not error.sqlstate:  # the server has said nothing: the connection broke
        error = psycopg.OperationalError(str(error))
    raise error


def _entering(scope: Scope) -> str:
    said = ""
    if scope.role is not None:
        said += f";SET LOCAL ROLE {_identifier(scope.role)}"
    if scope.vendor_id is not None:
        said += f";SELECT set_config('app.vendor_id',{_literal(scope.vendor_id)},true)"
    return said


def _guarding(scope: Scope) -> str:
    """Locks first, in a statement of their own: what is read next must see what their holder has committed."""
    said = ""
    if scope.role is not None:
        said += f";SELECT pg_advisory_xact_lock_shared({lock_key(scope.role)})"
    if scope.vendor_id is not None:
        said += f";SELECT pg_advisory_xact_lock_shared({lock_key(scope.vendor_id)})"
        said += f";{FENCES}{_literal(scope.vendor_id)}"
    return said


def _literal(value: str) -> str:
    if "'" in value or "\\" in value:
        return sql.Literal(value).as_string(None)
    return f"'{value}'"


@lru_cache(maxsize=16)
def _identifier(name: str) -> str:
    return sql.Identifier(name).as_string(None)
