"""Statements that are run again and again, compiled once and executed past SQLAlchemy.

SQLAlchemy writes the SQL, knows how each value is stored and gives the rows. What it does for every single execution
(looking the compiled statement up, a context, a cursor, its result's metadata) costs four times what the database's
own client needs. So whoever holds a session asks here for a statement by its identity: the first times the answer is
None, and SQLAlchemy executes it; then it is compiled for good, for as long as the statement lives. Statements that
are built anew for each call are never met again and stay with SQLAlchemy, which caches them by their structure."""

import copy
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import BindParameter, ClauseElement, Dialect, Executable, Row
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData
from sqlalchemy.sql.compiler import SQLCompiler

MET_BEFORE = 2
"""How often SQLAlchemy executes a statement before it is compiled here."""

_Convert = Callable[[Any], Any]


class Rows(IteratorResult[Any]):
    """What SQLAlchemy's own results are to those who read them, and the count of what a statement changed. All rows
    are here already, so what is asked most is answered without its machinery."""

    def __init__(self, metadata: SimpleResultMetaData, found: list[tuple[Any, ...]], rowcount: int) -> None:
        super().__init__(metadata, iter(found))
        self._found = found
        self.rowcount = rowcount

    def first(self) -> Row[Any] | None:
        return self._row(self._found[0]) if self._found else None

    def one_or_none(self) -> Row[Any] | None:
        return self.first() if len(self._found) < 2 else super().one_or_none()

    def one(self) -> Row[Any]:
        return self._row(self._found[0]) if len(self._found) == 1 else super().one()

    def _row(self, cells: tuple[Any, ...]) -> Row[Any]:
        keys = self._metadata._key_to_index  # pyright: ignore[reportPrivateUsage] # this is how SQLAlchemy makes a row
        return Row(self._metadata, None, keys, cells)  # pyright: ignore[reportCallIssue] # its types name no constructor


class Compiled:
    """A statement as one dialect says it, for one set of parameter names."""

    __slots__ = ("_constants", "_loads", "_metadata", "_sources", "sql")

    def __init__(self, compiled: SQLCompiler, dialect: Dialect, names: frozenset[str]) -> None:
        self.sql, places, spelled_out = str(compiled), compiled.positiontup or (), {}
        if compiled.post_compile_params:
            self.sql, places, spelled_out = _spelled_out(compiled)
        self._sources = [spelled_out.get(name) or _source(compiled.binds[name], dialect, names) for name in places]
        columns = compiled._result_columns  # pyright: ignore[reportPrivateUsage] # what every result of SQLAlchemy reads
        self._metadata = SimpleResultMetaData([column.keyname for column in columns]) if columns else None
        loads = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        self._loads = [(at, load) for at, load in enumerate(loads) if load is not None]

    @property
    def is_nameless(self) -> bool:
        """Whether the names of its columns are the database's to say, and were not said yet."""
        return self._metadata is None

    def values(self, params: Mapping[str, Any]) -> list[Any]:
        """What the driver is given, in the order of the statement's places. Raises KeyError."""
        return [
            constant if name is None else params[name] if convert is None else convert(params[name])
            for name, convert, constant in self._sources
        ]

    def rows(self, raw: list[tuple[Any, ...]], names: list[str], rowcount: int) -> Rows:
        """`raw` as the driver gave it; `names` of its columns, for statements that are text."""
        if self._loads and raw:
            loads = self._loads
            changed: list[tuple[Any, ...]] = []
            for row in raw:
                cells = list(row)
                for at, load in loads:
                    cells[at] = load(cells[at])
                changed.append(tuple(cells))
            raw = changed
        if self._metadata is None:
            self._metadata = SimpleResultMetaData(names)
        return Rows(self._metadata, raw, rowcount)


class Statements:
    """The statements of one engine. Thread-safe: two threads may compile the same one, which is harmless."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._compiling: Dialect | None = None
        self._met: dict[int, _Met] = {}

    def compiled(self, statement: Executable, params: Mapping[str, Any]) -> Compiled | None:
        """None: leave it to SQLAlchemy."""
        met = self._met.get(id(statement))
        if met is None or met.statement() is not statement:
            self._meet(statement)
            return None
        names = frozenset(params)
        try:
            return met.by_names[names]
        except KeyError:
            pass
        met.times += 1
        if met.times < MET_BEFORE:
            return None
        made = met.by_names[names] = self._compile(statement, names)
        return made

    def _meet(self, statement: Executable) -> None:
        key, met = id(statement), self._met

        def forget(_: object) -> None:
            met.pop(key, None)

        met[key] = _Met(weakref.ref(statement, forget))

    def _compile(self, statement: Executable, names: frozenset[str]) -> Compiled | None:
        dialect = self._compiling
        if dialect is None:
            # Only when something was executed does the engine's dialect know its server.
            dialect = self._compiling = _positional(self._dialect)
        if not isinstance(statement, ClauseElement):
            return None
        compiled = statement.compile(dialect=dialect, column_keys=sorted(names))
        if not isinstance(compiled, SQLCompiler) or not _is_plain(compiled, names):
            return None
        return Compiled(compiled, dialect, names)


class _Met:
    __slots__ = ("by_names", "statement", "times")

    def __init__(self, statement: "weakref.ref[Executable]") -> None:
        self.statement = statement
        self.times = 0
        self.by_names: dict[frozenset[str], Compiled | None] = {}


def _positional(dialect: Dialect) -> Dialect:
    """The same dialect with numbered places, as PostgreSQL itself takes them."""
    if dialect.positional:
        return dialect
    numbered = copy.copy(dialect)
    numbered.paramstyle = "numeric_dollar"
    numbered.positional = True
    return numbered


def _is_plain(compiled: SQLCompiler, names: frozenset[str]) -> bool:
    """Whether executing it needs nothing but its text and its values."""
    if compiled.literal_execute_params or any(bind.key in names for bind in compiled.post_compile_params):
        return False  # its text depends on the values, as that of IN does
    if compiled.insert_prefetch or compiled.update_prefetch:
        return False  # SQLAlchemy computes defaults
    columns = [column.keyname for column in compiled._result_columns]  # pyright: ignore[reportPrivateUsage]
    if len(set(columns)) != len(columns):
        return False  # to ask for either of two names is an error that only SQLAlchemy's own result raises
    return all(bind.key in names or not (bind.required or bind.callable) for bind in compiled.binds.values())


_Source = tuple[str | None, _Convert | None, Any]
"""Name of the parameter or None, how it is stored, the value where there is no parameter."""


def _spelled_out(compiled: SQLCompiler) -> tuple[str, Sequence[str], dict[str, _Source]]:
    """The text with each value of the lists that are the statement's own in a place of its own; its places; these."""
    state = compiled._process_parameters_for_postcompile(  # pyright: ignore[reportPrivateUsage] # as when it executes
        compiled.construct_params(_check=False, escape_names=False)
    )
    found: dict[str, _Source] = {}
    for places in state.parameter_expansion.values():
        for place in places:
            convert, value = state.processors.get(place), state.parameters[place]
            found[place] = (None, None, convert(value) if callable(convert) else value)
    return state.statement, state.positiontup or (), found


def _source(bind: BindParameter[Any], dialect: Dialect, names: frozenset[str]) -> _Source:
    convert = bind.type.dialect_impl(dialect).bind_processor(dialect)
    if bind.key in names:
        return bind.key, convert, None
    value = bind.effective_value
    return None, None, value if convert is None else convert(value)
