"""Which layout a statement has, and its lines one at a time."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from enum import StrEnum

from contracts.money import Currency
from contracts.states import Rail
from payment_adapter.reconcile import statements_appypay as appypay
from payment_adapter.reconcile import statements_mpesa as mpesa
from payment_adapter.reconcile.statements_lines import EAST_AFRICA, WEST_AFRICA, Line, Unreadable
from payment_adapter.reconcile.statements_text import DELIMITERS, Source, StatementUnusable, records, split

_MAX_PREAMBLE = 60
"""Lines above the table; the portal has about six."""


class Format(StrEnum):
    """What `--format` takes, besides `auto`."""

    MPESA_ORG = "mpesa-org"
    MPESA_C2B = "mpesa-c2b"
    EKWANZA = "ekwanza"


@dataclass(frozen=True, slots=True)
class Layout:
    """`words` names it for people, `zone` is that of its days. Only charges of `rails` can stand in it."""

    format: Format
    words: str
    provider: str
    currency: Currency
    zone: tzinfo
    rails: frozenset[Rail]
    columns: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]
    line: Callable[[int, mpesa.Cells], Line | Unreadable]


LAYOUTS = (
    Layout(
        Format.MPESA_ORG,
        "M-Pesa organisation portal",
        "mpesa",
        Currency.KES,
        EAST_AFRICA,
        frozenset({Rail.MPESA_STK}),
        mpesa.ORG_COLUMNS,
        mpesa.ORG_REQUIRED,
        mpesa.org_line,
    ),
    Layout(
        Format.MPESA_C2B,
        "M-Pesa C2B list",
        "mpesa",
        Currency.KES,
        EAST_AFRICA,
        frozenset({Rail.MPESA_STK}),
        mpesa.C2B_COLUMNS,
        mpesa.C2B_REQUIRED,
        mpesa.c2b_line,
    ),
    Layout(
        Format.EKWANZA,
        "AppyPay list of payments",
        "ekwanza",
        Currency.AOA,
        WEST_AFRICA,
        frozenset({Rail.GPO, Rail.EMIS_REF}),
        appypay.COLUMNS,
        appypay.REQUIRED,
        appypay.line,
    ),
)


@dataclass(slots=True)
class Statement:
    """An open statement whose layout is known. `lines` may be walked once."""

    source: Source
    layout: Layout
    lines: Iterator[Line | Unreadable]
    shortcodes: set[str] = field(default_factory=set[str])
    """Which it names itself, as far as it has been read."""


def recognise(source: Source, wanted: Format | None = None) -> Statement:
    """The statement in this file. Raises StatementUnusable, also if it is not of the `wanted` format."""
    layouts = [layout for layout in LAYOUTS if wanted is None or layout.format is wanted]
    if source.is_json:
        ekwanza = next((layout for layout in layouts if layout.format is Format.EKWANZA), None)
        if ekwanza is None:
            raise StatementUnusable(f"{source.path} is JSON: no M-Pesa statement is.")
        return Statement(source, ekwanza, appypay.json_lines(source))
    preamble: list[str] = []
    line = source.take()
    while line is not None and len(preamble) < _MAX_PREAMBLE:
        for delimiter in DELIMITERS:
            cells = split(line.text or "", delimiter) or []
            for layout in layouts:
                places = _places(layout, cells)
                if places is not None:
                    statement = Statement(source, layout, iter(()), mpesa.shortcodes_in(preamble))
                    statement.lines = _table(statement, delimiter, cells, places)
                    return statement
        preamble.append(line.text or "")
        line = source.take()
    names = " or ".join(layout.words for layout in layouts)
    raise StatementUnusable(
        f"{source.path} has no table that can be read here ({names}): its heading must hold "
        + "; or ".join(", ".join(_HEADINGS[layout.format]) for layout in layouts)
        + "."
    )


_HEADINGS = {
    Format.MPESA_ORG: ("Receipt No.", "Completion Time", "Transaction Status", "Paid In", "Withdrawn"),
    Format.MPESA_C2B: ("TransID", "TransTime", "TransAmount", "BillRefNumber"),
    Format.EKWANZA: ("id", "merchantTransactionId", "amount", "status", "createdDate"),
}


def _places(layout: Layout, cells: list[str]) -> dict[str, int] | None:
    """By our name, in which cell the column is. None: this is not the layout's heading."""
    told = [re.sub("[^a-z0-9]", "", cell.lower()) for cell in cells]
    places = {
        name: next(told.index(heading) for heading in headings if heading in told)
        for name, headings in layout.columns.items()
        if any(heading in told for heading in headings)
    }
    return places if all(name in places for name in layout.required) else None


def _table(
    statement: Statement, delimiter: str, heading: list[str], places: dict[str, int]
) -> Iterator[Line | Unreadable]:
    layout = statement.layout
    for record in records(statement.source, delimiter, len(heading)):
        if isinstance(record, Unreadable):
            yield record
        elif record.cells != heading:  # files that were joined repeat it
            cells = {name: record.cells[places[name]] if name in places else "" for name in layout.columns}
            if layout.format is Format.MPESA_C2B:
                statement.shortcodes.update(mpesa.c2b_shortcode(cells))
            yield layout.line(record.number, cells)
