"""Long lists, page by page: a cursor says where the last page ended, not how many were skipped, so rows that come and
go meanwhile neither repeat nor hide any other.

Every list answers `next_cursor`: None on its last page."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from sqlalchemy import ColumnElement, literal, tuple_

from kit.columns import BigInt, Code, UtcTime

MAX_LIMIT = 100
DEFAULT_LIMIT = 20
MAX_CURSOR_LENGTH = 400
_MAX_ID_LENGTH = 200

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LAST_MICROSECOND = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_MAX_PLACE = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Moment:
    """The end of a page in a list by time: when its last row was made, and that row's id."""

    at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Place:
    """The end of a page in a list that somebody has put in order: the last row's position, and its id."""

    position: int
    id: str


def _written(kind: str, key: int, row_id: str) -> str:
    text = json.dumps([kind, key, row_id], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def written(end: Moment | Place) -> str:
    """The end of a page as an opaque cursor."""
    if isinstance(end, Moment):
        return _written("t", (end.at - _EPOCH) // _MICROSECOND, end.id)
    return _written("p", end.position, end.id)


class CursorUnreadable(ValueError):
    """Not a cursor of this list: take `next_cursor` of the page before as it is, or leave it out to start anew."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


def _read(kind: str, text: object, low: int, high: int) -> tuple[int, str]:
    if not isinstance(text, str) or len(text) > MAX_CURSOR_LENGTH or not text.isascii():
        raise CursorUnreadable
    try:
        content: object = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise CursorUnreadable from error
    match content:
        case [str() as found, int() as key, str() as row_id] if found == kind and type(key) is int:
            pass
        case _:
            raise CursorUnreadable
    if not (low <= key <= high and 0 < len(row_id) <= _MAX_ID_LENGTH and row_id.isprintable()):
        raise CursorUnreadable
    return key, row_id


def _moment(text: object) -> Moment:
    microseconds, row_id = _read("t", text, 0, _LAST_MICROSECOND)
    return Moment(_EPOCH + microseconds * _MICROSECOND, row_id)


def place_in(text: object) -> Place:
    """What `written` made of a Place. Raises CursorUnreadable."""
    position, row_id = _read("p", text, -_MAX_PLACE, _MAX_PLACE)
    return Place(position, row_id)


_CURSOR_SCHEMA = WithJsonSchema({"type": "string", "maxLength": MAX_CURSOR_LENGTH})
_CURSOR_MEANS = "Where to go on: `next_cursor` of the page before, as it is. Left out: from the start."

Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT, description="How many at most.", examples=[DEFAULT_LIMIT])]


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time between the years 1 and 9999, with its offset") from error


Time = Annotated[
    AwareDatetime,
    AfterValidator(_in_utc),
    WithJsonSchema({"type": "string", "format": "date-time"}),
    Field(examples=["2026-11-21T00:00:00Z"]),
]
"""A time with its offset, as a filter."""


class Query(BaseModel):
    """What a list can be asked: what it does not know is refused, since a filter that is misspelt would show all."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NewestFirst(Query):
    """A list by time."""

    cursor: Annotated[Moment | None, BeforeValidator(_moment), _CURSOR_SCHEMA] = Field(None, description=_CURSOR_MEANS)
    limit: Limit = DEFAULT_LIMIT


class InOrder(Query):
    """A list in the order that somebody has given it."""

    cursor: Annotated[Place | None, BeforeValidator(place_in), _CURSOR_SCHEMA] = Field(None, description=_CURSOR_MEANS)
    limit: Limit = DEFAULT_LIMIT


def before(at: ColumnElement[datetime], row_id: ColumnElement[str], end: Moment) -> ColumnElement[bool]:
    """What a list with the newest first, and of one moment the greatest id first, shows after this row."""
    return tuple_(at, row_id) < tuple_(literal(end.at, UtcTime()), literal(end.id, Code))


def after(position: ColumnElement[int], row_id: ColumnElement[str], end: Place) -> ColumnElement[bool]:
    """What a list in ascending order shows after this row."""
    return tuple_(position, row_id) > tuple_(literal(end.position, BigInt), literal(end.id, Code))


R = TypeVar("R")


def paged(rows: Sequence[R], limit: int, end_of: Callable[[R], Moment | Place]) -> tuple[Sequence[R], str | None]:
    """The page, and the cursor of the next one, of rows that were read with `limit + 1`."""
    page = rows[:limit]
    return page, written(end_of(page[-1])) if len(rows) > limit else None
