"""Copies a vendor's rows from one ops database to another, and proves that they are equal.

First while the vendor trades, from one look at the source (`copy`). Then, when nobody writes, what has changed since is
made good (`catch_up`): the source is looked through once more and compared, piece by piece, with what was read back
from the target. So writers wait for one look at the rows, not for their copying."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b

from sqlalchemy import Table

from contracts.ids import VendorId
from kit.db import Tx
from router.moving.rows import (
    Key,
    Row,
    all_rows,
    as_json,
    change,
    go_on_counting,
    key_of,
    mark,
    put,
    rows_between,
    take_away,
)

OnRows = Callable[[str, int], None]
"""Told of a table's name and how many more of its rows are done."""


class Differs(Exception):
    """The text says what: a table is not the same in both databases."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of a table with keys after `after`, up to `upto`, and a checksum of all their values."""

    after: Key | None
    upto: Key | None
    count: int
    checksum: bytes
    mark: str | None = field(default=None, compare=False)
    """What the source called these rows when they were copied, if it has a quick word for them."""


@dataclass(slots=True)
class Summary:
    """A table's rows of one vendor in one database, piece by piece in the order of keys."""

    table: Table
    pieces: list[Piece] = field(default_factory=list[Piece])

    @property
    def count(self) -> int:
        return sum(piece.count for piece in self.pieces)

    @property
    def checksum(self) -> str:
        """The same on every engine for the same rows cut at the same places."""
        return blake2b(b"".join(piece.checksum for piece in self.pieces), digest_size=16).hexdigest()


@dataclass(slots=True)
class _Changes:
    """What must be done to the target, and which pieces to look at again afterwards."""

    gone: list[Row] = field(default_factory=list[Row])
    changed: list[tuple[Row, Row]] = field(default_factory=list[tuple[Row, Row]])
    new: list[Row] = field(default_factory=list[Row])
    pieces: list[Piece] = field(default_factory=list[Piece])


def copy(source: Tx, target: Tx, tables: Sequence[Table], vendor_id: VendorId, on_rows: OnRows) -> list[Summary]:
    """Copy the rows of these tables, parents first, and read them back. `source` must show one moment: children would
    miss parents otherwise.

    Raises Differs. Returns what is in the target now."""
    summaries: list[Summary] = []
    for table in tables:
        summary, after = Summary(table), None
        for rows in all_rows(source, table, vendor_id):
            put(target, table, rows)
            piece = _piece(rows, after, key_of(table, rows[-1]))
            _check(target, table, vendor_id, piece)
            called = mark(source, table, vendor_id, piece.after, piece.upto)
            summary.pieces.append(replace(piece, mark=called))
            after = piece.upto
            on_rows(table.name, len(rows))
        summaries.append(summary)
    return summaries


def catch_up(
    source: Tx, target: Tx, vendor_id: VendorId, copied: list[Summary], on_rows: OnRows
) -> tuple[list[Summary], list[Summary]]:
    """Do in the target what was done in the source since. Nobody may write the vendor's rows meanwhile.

    Returns what is in the source and what is in the target. Raises Differs, and DBAPIError where a constraint does not
    let the changes be made in this order: then copy anew."""
    ours = [Summary(summary.table) for summary in copied]
    theirs = [Summary(summary.table) for summary in copied]
    todo: list[_Changes] = []
    for summary, seen, there in zip(copied, ours, theirs, strict=True):
        changes = _Changes()
        for piece, rows, known in _pieces_now(source, summary, vendor_id):
            seen.pieces.append(piece)
            there.pieces.append(piece)
            on_rows(summary.table.name, piece.count)
            if known is not piece and (known is None or known.checksum != piece.checksum):
                before = rows_between(target, summary.table, vendor_id, piece.after, piece.upto) if known else []
                _compare(summary.table, before, rows, changes)
                changes.pieces.append(piece)
        todo.append(changes)
    _make(target, vendor_id, copied, todo)
    return ours, theirs


def summarize(tx: Tx, tables: Sequence[Table], vendor_id: VendorId, on_rows: OnRows) -> list[Summary]:
    """What this database holds of the vendor."""
    summaries: list[Summary] = []
    for table in tables:
        summary, after = Summary(table), None
        for rows in all_rows(tx, table, vendor_id):
            piece = _piece(rows, after, key_of(table, rows[-1]))
            summary.pieces.append(piece)
            after = piece.upto
            on_rows(table.name, len(rows))
        summaries.append(summary)
    return summaries


def difference(ours: list[Summary], theirs: list[Summary]) -> str | None:
    """Where the two are not equal, for a person; None if they are."""
    for here, there in zip(ours, theirs, strict=True):
        if (here.count, here.checksum) != (there.count, there.checksum):
            return _told(here.table, here.count, here.checksum, there.count, there.checksum)
    return None


def _pieces_now(source: Tx, summary: Summary, vendor_id: VendorId) -> Iterator[tuple[Piece, list[Row], Piece | None]]:
    """The table as it is now, cut where it was cut before, each piece with its rows and with what it was before; one
    that is as it was comes without rows. What was added at the end comes in pieces that nobody knows."""
    after = None
    for known in summary.pieces:
        after = known.upto
        if known.mark and mark(source, summary.table, vendor_id, known.after, known.upto) == known.mark:
            yield known, [], known
            continue
        rows = rows_between(source, summary.table, vendor_id, known.after, known.upto)
        yield _piece(rows, known.after, known.upto), rows, known
    for rows in all_rows(source, summary.table, vendor_id, after):
        piece = _piece(rows, after, key_of(summary.table, rows[-1]))
        yield piece, rows, None
        after = piece.upto


def _compare(table: Table, before: list[Row], after: list[Row], changes: _Changes) -> None:
    left = {key_of(table, row): row for row in before}
    for row in after:
        known = left.pop(key_of(table, row), None)
        if known is None:
            changes.new.append(row)
        elif known != row:
            changes.changed.append((known, row))
    changes.gone.extend(left.values())


def _make(target: Tx, vendor_id: VendorId, copied: list[Summary], todo: list[_Changes]) -> None:
    """What is gone first, children before parents: what is new may stand in its place."""
    for summary, changes in reversed(list(zip(copied, todo, strict=True))):
        if changes.gone:
            take_away(target, summary.table, changes.gone)
    for summary, changes in zip(copied, todo, strict=True):
        for before, after in changes.changed:
            change(target, summary.table, before, after)
        if changes.new:
            put(target, summary.table, changes.new)
        go_on_counting(target, summary.table)
        for piece in changes.pieces:
            _check(target, summary.table, vendor_id, piece)


def _check(target: Tx, table: Table, vendor_id: VendorId, piece: Piece) -> None:
    there = _piece(rows_between(target, table, vendor_id, piece.after, piece.upto), piece.after, piece.upto)
    if there != piece:
        raise Differs(_told(table, piece.count, piece.checksum.hex(), there.count, there.checksum.hex()))


def _piece(rows: list[Row], after: Key | None, upto: Key | None) -> Piece:
    return Piece(after, upto, len(rows), blake2b(as_json(rows).encode(), digest_size=16).digest())


def _told(table: Table, ours: int, our_checksum: str, theirs: int, their_checksum: str) -> str:
    return (
        f"{table.name} differs: {ours} rows ({our_checksum}) where the vendor lives, "
        f"{theirs} ({their_checksum}) in the target; nothing was switched"
    )
