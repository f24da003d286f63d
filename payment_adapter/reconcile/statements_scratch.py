"""Where the two sides of a comparison are laid out: a temporary database that SQLite keeps in a little memory and, if
need be, in a file that nobody else can open and that is gone when it is closed. It makes a statement of any length
comparable without holding it."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from payment_adapter.reconcile.statements_lines import Kind, Line, Unreadable, may_be_the_same_phone, same_reference


class Bucket(StrEnum):
    """What a line, a charge, or both together come to. Each is in exactly one."""

    MATCHED = "matched"
    AMOUNT_DIFFERS = "amount differs"
    MISSING_HERE = "missing here"
    """The statement says that it was paid; here it is unknown, or not paid."""
    MISSING_THERE = "missing there"
    """Paid here; the statement does not have it."""
    REVERSED = "reversed"
    OPEN = "still open"
    """Nobody knows here how it ended, and the statement does not have it."""
    NOT_PAID = "not paid"
    """It failed or expired here, and the statement does not have it, either: both agree."""
    IGNORED = "no payment"
    """Withdrawals, charges, what never completed, lines of another time."""
    UNREADABLE = "unreadable"


class Action(StrEnum):
    """What `--apply` does about it."""

    PAY = "pay"
    """The charge becomes paid, or learns its receipt, by the statement's word."""
    ANNOUNCE = "announce"
    """The router hears of money that was paid by hand."""


class Side(StrEnum):
    """What a row of ours is."""

    CHARGE = "charge"
    BY_HAND = "by hand"
    """Money that was announced as paid by hand."""


@dataclass(frozen=True, slots=True)
class Ours:
    """A charge, or money by hand that we know of. Seconds are of the epoch."""

    side: Side
    key: str
    """The charge's id, or the event's."""
    receipt: str | None
    transaction_id: str | None
    """The provider's; of a charge that waits for a callback to be confirmed, the receipt that the callback named."""
    our_reference: str
    reference: str
    amount_minor: int
    """What was paid; of what is not paid, what was asked."""
    status: str
    is_paid: bool
    phone: str = field(repr=False)
    pushed_s: int | None
    at_s: int
    """When it was paid, else when it was asked for."""
    is_of_period: bool
    is_told_late: bool = False
    """It is paid by the word of a query: `at_s` is only when we learned of it."""
    is_asked: bool = True
    """The provider will be asked again what became of it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A finding: a line of the statement, something of ours, or both."""

    bucket: Bucket
    line: int | None
    receipt: str
    at: datetime | None
    there_minor: int | None
    here_minor: int | None
    reference: str
    phone: str = field(repr=False)
    payer_name: str = field(repr=False)
    side: str
    key: str
    status: str
    note: str
    action: Action | None
    applied: str


_SCHEMA = """
CREATE TABLE lines (
  id INTEGER PRIMARY KEY, number INTEGER NOT NULL, kind TEXT NOT NULL, receipt TEXT NOT NULL, at_s INTEGER,
  amount INTEGER NOT NULL, reference TEXT NOT NULL, same_reference TEXT NOT NULL, phone TEXT NOT NULL,
  payer_name TEXT NOT NULL, linked TEXT NOT NULL, note TEXT NOT NULL,
  bucket TEXT, ours INTEGER, action TEXT, applied TEXT NOT NULL DEFAULT ''
);
CREATE INDEX lines_receipt ON lines (receipt);
CREATE INDEX lines_bucket ON lines (bucket, id);
CREATE TABLE ours (
  id INTEGER PRIMARY KEY, side TEXT NOT NULL, key TEXT NOT NULL UNIQUE, receipt TEXT, transaction_id TEXT,
  our_reference TEXT NOT NULL, reference TEXT NOT NULL, same_reference TEXT NOT NULL, amount INTEGER NOT NULL,
  status TEXT NOT NULL, is_paid INTEGER NOT NULL, phone TEXT NOT NULL, pushed_s INTEGER, at_s INTEGER NOT NULL,
  is_of_period INTEGER NOT NULL, is_told_late INTEGER NOT NULL, is_asked INTEGER NOT NULL,
  is_paired INTEGER NOT NULL DEFAULT 0, bucket TEXT, note TEXT NOT NULL DEFAULT ''
);
CREATE INDEX ours_receipt ON ours (receipt);
CREATE INDEX ours_transaction ON ours (transaction_id);
CREATE INDEX ours_our_reference ON ours (our_reference);
CREATE INDEX ours_open ON ours (amount, pushed_s) WHERE receipt IS NULL;
CREATE INDEX ours_bucket ON ours (bucket, id);
CREATE TABLE pairs (
  line INTEGER NOT NULL, ours INTEGER NOT NULL, is_open INTEGER NOT NULL, PRIMARY KEY (line, ours)
) WITHOUT ROWID;
CREATE INDEX pairs_ours ON pairs (ours);
"""

_CACHE_KIB = 32 * 1024


class Scratch:
    """`lines` and `ours`, each with its bucket once it has one; something of ours that a line was paired with is in the
    line's bucket. `pairs` are candidates."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)  # "": temporary, SQLite's own affair
        self._db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.create_function("may_be_the_same", 2, may_be_the_same_phone, deterministic=True)
        self._db.executescript(_SCHEMA)
        self._db.execute("BEGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def add_lines(self, found: Iterable[Line | Unreadable]) -> None:
        self._db.executemany(
            "INSERT INTO lines (number, kind, receipt, at_s, amount, reference, same_reference, phone, payer_name, "
            "linked, note, bucket) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (_line_row(each) for each in found),
        )

    def add_ours(self, found: Iterable[Ours]) -> None:
        """What is there already stays as it is."""
        self._db.executemany(
            "INSERT OR IGNORE INTO ours (side, key, receipt, transaction_id, our_reference, reference, amount, status, "
            "is_paid, phone, pushed_s, at_s, is_of_period, is_told_late, is_asked, same_reference) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            ((*(getattr(each, name) for name in _OURS_FIELDS), same_reference(each.reference)) for each in found),
        )

    def do(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> None:
        self._db.execute(statement, values)

    def ask(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Iterator[tuple[Any, ...]]:
        yield from self._db.execute(statement, values)

    def one(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> tuple[Any, ...]:
        row = self._db.execute(statement, values).fetchone()
        assert row is not None
        return row

    def entries(self, *buckets: Bucket, limit: int = -1) -> Iterator[Entry]:
        """Of these buckets, in the statement's order; what only we have comes last, by time. No limit below 0."""
        marks = ", ".join("?" * len(buckets))
        told = self._db.execute(f"{_ENTRIES.format(marks=marks)} LIMIT ?", (*buckets, *buckets, limit))
        for row in told:
            bucket, line, receipt, at_s, there, here, reference, phone, name, side, key, status, *rest = row
            note, action, applied = rest
            yield Entry(
                bucket=Bucket(bucket),
                line=line,
                receipt=receipt,
                at=None if at_s is None else datetime.fromtimestamp(at_s, UTC),
                there_minor=there,
                here_minor=here,
                reference=reference,
                phone=phone,
                payer_name=name,
                side=side,
                key=key,
                status=status,
                note=note,
                action=None if action is None else Action(action),
                applied=applied,
            )


_OURS_FIELDS = tuple(each.name for each in fields(Ours))

_ENTRIES = """
SELECT bucket, number, receipt, at_s, there, here, reference, phone, payer_name, side, key, status, note, action,
  applied
FROM (
  SELECT l.bucket, l.number, l.receipt, l.at_s, l.amount AS there, o.amount AS here, l.reference, l.phone,
    l.payer_name, coalesce(o.side, '') AS side, coalesce(o.key, '') AS key, coalesce(o.status, '') AS status, l.note,
    l.action, l.applied, l.id AS place, 0 AS is_ours
  FROM lines l LEFT JOIN ours o ON o.id = l.ours WHERE l.bucket IN ({marks})
  UNION ALL
  SELECT o.bucket, NULL, coalesce(o.receipt, o.transaction_id, ''), o.at_s, NULL, o.amount, o.reference, o.phone, '',
    o.side, o.key, o.status, o.note, NULL, '', o.at_s, 1
  FROM ours o WHERE o.bucket IN ({marks})
)
ORDER BY is_ours, place, key
"""


def _line_row(found: Line | Unreadable) -> tuple[Any, ...]:
    if isinstance(found, Unreadable):
        return (found.number, Kind.NOTHING, "", None, 0, "", "", "", "", "", found.why, Bucket.UNREADABLE)
    return (
        found.number,
        found.kind,
        found.receipt,
        int(found.at.timestamp()),
        found.amount_minor,
        found.reference,
        same_reference(found.reference),
        found.phone,
        found.payer_name,
        found.linked,
        found.note,
        None,
    )
