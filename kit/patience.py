"""A PostgreSQL connection that gives up on a server which has gone silent.

A server's own statement timeout needs a server that still runs, and TCP notices only what its peer's machine no longer
acknowledges. Neither helps against a process that was stopped, or a proxy that swallows everything."""

from collections.abc import Sequence
from typing import Any, TypeVar

import psycopg
from psycopg import generators
from psycopg.abc import PQGen
from psycopg.pq.abc import PGresult

T = TypeVar("T")

_expired: type[Exception] = psycopg.errors._WaitTimeout  # pyright: ignore[reportPrivateUsage]  # what `wait` documents


class SilentServer(psycopg.OperationalError):
    """No answer in time. The connection is closed; what became of a commit under way is not known."""


class PatientConnection(psycopg.Connection[tuple[Any, ...]]):
    """Waits for each answer, however long a statement may take by other limits, at most `answer_within_s`."""

    answer_within_s: float = 12.0

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        if timeout is not None and timeout <= self.answer_within_s:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.answer_within_s)
        except _expired:
            self.pgconn.finish()
            raise SilentServer(f"the server has not answered within {self.answer_within_s:g} s") from None

    # As those of `PGconn`, which would wait for ever. Each brings the result of the last statement, or raises
    # SilentServer.

    def exec_(self, statements: bytes) -> PGresult:
        self.pgconn.send_query(statements)
        return self._answer()

    def exec_params(self, statement: bytes, values: Sequence[bytes | None]) -> PGresult:
        self.pgconn.send_query_params(statement, values)
        return self._answer()

    def prepare(self, name: bytes, statement: bytes) -> PGresult:
        self.pgconn.send_prepare(name, statement)
        return self._answer()

    def exec_prepared(self, name: bytes, values: Sequence[bytes | None]) -> PGresult:
        self.pgconn.send_query_prepared(name, values)
        return self._answer()

    def _answer(self) -> PGresult:
        return self.wait(generators.execute(self.pgconn))[-1]
