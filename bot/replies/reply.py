"""What is to be said, before it has words: a key of the catalogue and what fills its text."""

from dataclasses import dataclass, field
from datetime import datetime

from contracts.money import Money

ReplyParam = str | int | Money | datetime | tuple["Reply", ...]
"""A datetime comes in the zone it is to be read in. A tuple of replies becomes lines, one below the other."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG that goes with a text, as it came: base64, unchecked."""

    png_base64: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """A text by its key in the catalogue, and what fills it. Money, times and nested replies take its language.

    The text says everything by itself: the `picture` may not arrive."""

    key: str
    params: dict[str, ReplyParam] = field(default_factory=dict[str, ReplyParam])
    picture: Picture | None = None
