"""A comparison for people: a summary in words, a table that adds up, what needs somebody's attention; and all of it as
CSV. Phone numbers are masked, and no cell of the CSV can be taken for a formula."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TextIO

from contracts.states import ChargeStatus
from payment_adapter.reconcile.statements_formats import Layout
from payment_adapter.reconcile.statements_lines import masked
from payment_adapter.reconcile.statements_ours import Period
from payment_adapter.reconcile.statements_scratch import Action, Bucket, Entry, Scratch, Side

_SAID_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]{2})?")
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


@dataclass(frozen=True, slots=True)
class Sum:
    """Of one bucket: lines of the statement and what they moved, payments of ours and their amounts."""

    lines: int = 0
    there_minor: int = 0
    ours: int = 0
    here_minor: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    shop: str
    file: str
    layout: Layout
    period: Period
    scratch: Scratch

    def sums(self) -> dict[Bucket, Sum]:
        """Every bucket; together they hold every line once, and everything of ours once."""
        told = {
            row[0]: Sum(*row[1:])
            for row in self.scratch.ask(
                "SELECT bucket, sum(lines), sum(there), sum(ours), sum(here) FROM ("
                "SELECT l.bucket, 1 AS lines, l.amount AS there, o.id IS NOT NULL AS ours, coalesce(o.amount, 0) "
                "AS here FROM lines l LEFT JOIN ours o ON o.id = l.ours "
                "UNION ALL SELECT bucket, 0, 0, 1, amount FROM ours WHERE is_paired = 0) GROUP BY bucket"
            )
        }
        return {bucket: told.get(bucket, Sum()) for bucket in Bucket}

    # --- in words -------------------------------------------------------------------------------------------------

    def text(self, limit: int = -1) -> Iterator[str]:
        """Line by line; of each kind of finding at most `limit` are listed, all below 0."""
        zone = self.layout.zone
        start, end = (moment.astimezone(zone) for moment in (self.period.start, self.period.end))
        yield f"{self.shop}: {self.layout.words}, {self.file}"
        yield f"Compared from {start:%d.%m.%Y %H:%M} to {end:%d.%m.%Y %H:%M} ({zone})."
        yield ""
        sums = self.sums()
        yield from self._summary(sums)
        yield ""
        yield from self._totals(sums)
        for bucket in _LISTED:
            count = max(sums[bucket].lines, sums[bucket].ours)
            if count:
                yield ""
                yield f"{bucket.capitalize()}:"
                yield from _table(_HEADING, [self._row(entry) for entry in self.scratch.entries(bucket, limit=limit)])
                if 0 <= limit < count:
                    yield f"  … and {count - limit} more: write them all to a file with --report."

    def _summary(self, sums: dict[Bucket, Sum]) -> Iterator[str]:
        yield self._said(Bucket.MATCHED, sums, "payment matches", "payments match")
        yield self._said(
            Bucket.MISSING_HERE,
            sums,
            "payment came in that we had not heard of",
            "payments came in that we had not heard of",
            zero="No payment came in that we had not heard of.",
        )
        yield from self._what_missing_here_is()
        yield self._said(
            Bucket.MISSING_THERE,
            sums,
            "payment that we count as paid is not in the statement",
            "payments that we count as paid are not in the statement",
            zero="Every payment that we count as paid is in the statement.",
        )
        for bucket, one, many in _REMARKS:
            if sums[bucket].lines or sums[bucket].ours:
                yield self._said(bucket, sums, one, many)

    def _said(self, bucket: Bucket, sums: dict[Bucket, Sum], one: str, many: str, zero: str | None = None) -> str:
        here = sums[bucket]
        count = here.lines if bucket in _BY_LINES else here.ours
        if count == 0 and zero is not None:
            return zero
        if bucket in (Bucket.IGNORED, Bucket.UNREADABLE, Bucket.REVERSED):
            return f"{count} {one if count == 1 else many}."
        amount = here.there_minor if bucket in _BY_LINES else here.here_minor
        return f"{count:,} {one if count == 1 else many}: {self._money(amount)}."

    def _what_missing_here_is(self) -> Iterator[str]:
        counted = self.scratch.ask(
            "SELECT l.action, o.status, count(*) FROM lines l LEFT JOIN ours o ON o.id = l.ours WHERE l.bucket = ? "
            "GROUP BY 1, 2 ORDER BY 1, 2",
            (Bucket.MISSING_HERE,),
        )
        for action, status, count in counted:
            if action == Action.PAY:
                yield f"  {count} of our charges that {_STANDS.get(status, status)} here"
            elif action == Action.ANNOUNCE:
                yield f"  {count} paid by hand"
            else:
                yield f"  {count} that a person must look at"

    def _totals(self, sums: dict[Bucket, Sum]) -> Iterator[str]:
        rows = [
            (bucket.value, each.lines, amount(each.there_minor), each.ours, amount(each.here_minor))
            for bucket, each in sums.items()
            if each.lines or each.ours
        ]
        every = sums.values()
        rows.append(
            (
                "together",
                sum(each.lines for each in every),
                amount(sum(each.there_minor for each in every)),
                sum(each.ours for each in every),
                amount(sum(each.here_minor for each in every)),
            )
        )
        currency = self.layout.currency
        heading = ("", "lines", f"statement {currency}", "ours", f"here {currency}")
        yield from _table(heading, [tuple(map(str, row)) for row in rows], numbers_from=1)

    def _row(self, entry: Entry) -> tuple[str, ...]:
        return (
            str(entry.line or ""),
            entry.receipt,
            self._time(entry, "%d.%m.%Y %H:%M"),
            "" if entry.there_minor is None else amount(entry.there_minor),
            "" if entry.here_minor is None else amount(entry.here_minor),
            entry.reference,
            entry.status,
            entry.applied or entry.note,
        )

    # --- as CSV ---------------------------------------------------------------------------------------------------

    def csv(self, file: TextIO) -> None:
        """Every line and everything of ours, one record each."""
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(_COLUMNS)
        for bucket in Bucket:
            for entry in self.scratch.entries(bucket):
                writer.writerow(tuple(map(harmless, self._record(entry))))

    def _record(self, entry: Entry) -> Sequence[str]:
        return (
            entry.bucket,
            str(entry.line or ""),
            entry.receipt,
            self._time(entry, "%Y-%m-%d %H:%M:%S"),
            "" if entry.there_minor is None else amount(entry.there_minor, grouped=False),
            "" if entry.here_minor is None else amount(entry.here_minor, grouped=False),
            self.layout.currency,
            entry.reference,
            masked(entry.phone),
            entry.key if entry.side == Side.CHARGE else "",
            entry.status,
            entry.note,
            entry.applied,
        )

    def _time(self, entry: Entry, form: str) -> str:
        return "" if entry.at is None else entry.at.astimezone(self.layout.zone).strftime(form)

    def _money(self, minor: int) -> str:
        return f"{self.layout.currency} {amount(minor)}"


_BY_LINES = frozenset(
    {Bucket.MATCHED, Bucket.MISSING_HERE, Bucket.AMOUNT_DIFFERS, Bucket.REVERSED, Bucket.IGNORED, Bucket.UNREADABLE}
)
_REMARKS = (
    (
        Bucket.AMOUNT_DIFFERS,
        "payment has another amount there than here",
        "payments have other amounts there than here",
    ),
    (Bucket.REVERSED, "line is about money that was taken back", "lines are about money that was taken back"),
    (
        Bucket.OPEN,
        "charge is still open here, and the statement does not have it",
        "charges are still open here, and the statement does not have them",
    ),
    (Bucket.NOT_PAID, "charge was not paid, and both agree", "charges were not paid, and both agree"),
    (Bucket.IGNORED, "line is no payment to the shop", "lines are no payments to the shop"),
    (Bucket.UNREADABLE, "line could not be read", "lines could not be read"),
)
_STANDS = {
    ChargeStatus.UNKNOWN: "are in doubt",
    ChargeStatus.FAILED: "had failed",
    ChargeStatus.EXPIRED: "had expired",
    ChargeStatus.ACCEPTED: "still wait",
    ChargeStatus.CLAIMED: "still wait",
}
_LISTED = (
    Bucket.MISSING_HERE,
    Bucket.MISSING_THERE,
    Bucket.AMOUNT_DIFFERS,
    Bucket.REVERSED,
    Bucket.OPEN,
    Bucket.UNREADABLE,
)
_HEADING = ("line", "receipt", "time", "statement", "here", "account", "our status", "remark")
_COLUMNS = (
    "bucket",
    "line",
    "receipt",
    "time",
    "statement amount",
    "our amount",
    "currency",
    "account",
    "phone",
    "charge",
    "our status",
    "remark",
    "applied",
)


def amount(minor: int, *, grouped: bool = True) -> str:
    """`1,250.00`; for programs `1250.00`."""
    whole, cents = divmod(abs(minor), 100)
    return f"{'-' if minor < 0 else ''}{f'{whole:,}' if grouped else whole}.{cents:02}"


def harmless(cell: str) -> str:
    """A cell that a spreadsheet shows and never runs: what could begin a formula gets an apostrophe before it, and
    nothing in it ends a cell where semicolons do."""
    cell = _plain(cell).replace(";", ",")
    if cell.startswith(_FORMULA) and not _SAID_NUMBER.fullmatch(cell):
        return "'" + cell
    return cell


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]], numbers_from: int | None = None) -> Iterator[str]:
    widths = [max(len(cell) for cell in column) for column in zip(heading, *rows, strict=True)]
    for row in (heading, *rows):
        cells = [
            _plain(cell).rjust(width)
            if numbers_from is not None and place >= numbers_from
            else _plain(cell).ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield ("  " + "  ".join(cells)).rstrip()


def _plain(cell: str) -> str:
    """Nothing in it moves a terminal's cursor."""
    return "".join(character if character.isprintable() else " " for character in cell)
