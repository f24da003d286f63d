"""The text of a statement as records of cells, read once from front to back in little memory.

Files come as a portal, Excel or a mail program left them: with or without a byte order mark, UTF-8, UTF-16 or
Windows-1252, any line ends, commas, semicolons or tabs. A record that is broken is given out as `Unreadable`, and the
next line is read as if nothing had happened: a quotation mark that is never closed does not swallow the rest."""

import csv
import io
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from payment_adapter.reconcile.statements_lines import Unreadable

DELIMITERS = (",", ";", "\t")
_HEAD = 4096
_MAX_LINE = 64 * 1024
_MAX_JOINED = 4
"""A cell may go on over so many lines; more is a quotation mark that was forgotten."""


class StatementUnusable(ValueError):
    """The file as a whole can't be read. The text says what to do."""


@dataclass(frozen=True, slots=True)
class Text:
    """One line as it stands in the file. `text` is None where it is longer than any statement's."""

    number: int
    text: str | None
    is_whole: bool
    """Whether it ends; the last one of a file that was cut off may not."""


@dataclass(frozen=True, slots=True)
class Record:
    number: int
    cells: list[str]


@dataclass(slots=True)
class Source:
    """An open statement. Lines that were taken can be put back."""

    path: Path
    size: int = field(init=False)
    is_json: bool = field(init=False)
    """By how it begins."""
    _bytes: io.BufferedReader = field(init=False)
    _stream: io.TextIOWrapper = field(init=False)
    _is_utf8: bool = field(init=False)
    _back: deque[Text] = field(init=False, default_factory=deque[Text])
    _number: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Raises StatementUnusable."""
        try:
            self.size = self.path.stat().st_size
            self._bytes = self.path.open("rb")
        except OSError as error:
            raise StatementUnusable(f"{self.path} can't be opened: {error.strerror}") from error
        head = self._bytes.peek(_HEAD)[:_HEAD]
        try:
            encoding = _encoding(head, self.path)
        except StatementUnusable:
            self._bytes.close()
            raise
        self.is_json = head.decode(encoding, "replace").lstrip("\ufeff \r\n\t")[:1] in ("{", "[")
        self._is_utf8 = encoding == "utf-8-sig"
        self._stream = io.TextIOWrapper(
            self._bytes, encoding=encoding, errors="surrogateescape" if self._is_utf8 else "replace", newline=None
        )

    @property
    def position(self) -> int:
        """How many bytes have been read, of `size`."""
        return self._bytes.tell()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def take(self) -> Text | None:
        """The next line without its end; None after the last."""
        if self._back:
            return self._back.popleft()
        text = self._stream.readline(_MAX_LINE)
        if not text:
            return None
        self._number += 1
        if text.endswith("\n"):
            return Text(self._number, self._repaired(text[:-1]), is_whole=True)
        if len(text) < _MAX_LINE:
            return Text(self._number, self._repaired(text), is_whole=False)
        while (rest := self._stream.readline(_MAX_LINE)) and not rest.endswith("\n"):
            pass
        return Text(self._number, None, is_whole=True)

    def put_back(self, lines: list[Text]) -> None:
        self._back.extendleft(reversed(lines))

    def read(self, characters: int) -> str:
        """For what has no lines: nothing may have been taken before."""
        return self._repaired(self._stream.read(characters))

    def _repaired(self, text: str) -> str:
        """Where it is not UTF-8 after all, it is what Windows writes."""
        if self._is_utf8 and any("\udc80" <= character <= "\udcff" for character in text):
            return text.encode("utf-8", "surrogateescape").decode("cp1252", "replace")
        return text


def records(source: Source, delimiter: str, width: int) -> Iterator[Record | Unreadable]:
    """The records that follow, of `width` cells each; blank lines are passed over."""
    while (line := source.take()) is not None:
        if line.text is None:
            yield Unreadable(line.number, "it is too long to be a line of a statement")
        elif line.text.strip(f" \x00{delimiter}"):
            yield _record(source, line, line.text, delimiter, width)


def _record(source: Source, line: Text, text: str, delimiter: str, width: int) -> Record | Unreadable:
    is_whole = line.is_whole
    if text.count('"') % 2:
        joined = _joined(source, text, delimiter, width)
        if joined is None:
            return Unreadable(line.number, "a quotation mark is never closed")
        text = joined
    cells = split(text, delimiter)
    if cells is None:
        return Unreadable(line.number, "its quotation marks don't fit together")
    if any(cell for cell in cells[width:]):
        return Unreadable(
            line.number, f"it has {len(cells)} cells and the heading {width}: is a comma in it not within quotes?"
        )
    if len(cells) < width and not is_whole:
        return Unreadable(line.number, "the file ends in the middle of it")
    return Record(line.number, cells[:width] + [""] * (width - len(cells)))


def _joined(source: Source, text: str, delimiter: str, width: int) -> str | None:
    """The record that goes on over the next lines. None, and nothing taken, if it does not close properly."""
    taken: list[Text] = []
    while len(taken) < _MAX_JOINED and (following := source.take()) is not None:
        taken.append(following)
        if following.text is None:
            break
        text += "\n" + following.text
        if text.count('"') % 2 == 0:
            cells = split(text, delimiter)
            if cells is not None and len(cells) == width:
                return text
            break
    source.put_back(taken)
    return None


def split(text: str, delimiter: str) -> list[str] | None:
    """The cells of one record, without the blanks around them; None where its quotation marks don't fit."""
    try:
        rows = list(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return [cell.strip(" \x00\u00a0\t") for cell in rows[0]] if len(rows) == 1 else None


_ELSE = (
    (b"PK\x03\x04", "an Excel file: open it and save it as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file: open it and save it as CSV"),
    (b"%PDF", "a PDF: download the statement as CSV"),
    (b"\x1f\x8b", "compressed: unpack it first"),
)


def _encoding(head: bytes, path: Path) -> str:
    for mark, what in _ELSE:
        if head.startswith(mark):
            raise StatementUnusable(f"{path} is {what}.")
    if not head.strip():
        raise StatementUnusable(f"{path} is empty.")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if b"\x00" in head[:2]:
        return "utf-16-be" if head[0] == 0 else "utf-16-le"
    return "utf-8-sig"
