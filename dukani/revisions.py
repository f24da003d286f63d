"""Whether a running version can work with a database, told from the names of revisions alone.

While a shop is brought to a new version, old and new processes work on the same tables for a while. A revision that
only adds (expand) disturbs no older process. One that takes away (contract) does, and so runs only when no older
process is left. The name of a revision says how many contracting ones there have been up to it: `0007` none, `0012-c1`
one. So an older process can tell a database that was only expanded from one that it must leave alone, without knowing
the revisions that came after it."""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_NAME = re.compile(r"([0-9]{4})(?:-c([1-9][0-9]*))?")


class Fit(StrEnum):
    """What a database is to a version of the program."""

    CURRENT = "current"
    BEHIND = "behind"
    """Tables that this version needs may be missing: it must be migrated first."""
    EXPANDED = "expanded"
    """A newer version has been at it and only added: this one can go on."""
    CONTRACTED = "contracted"
    """A newer version took away what this one may need."""
    FOREIGN = "foreign"
    """No revision of this project."""

    @property
    def is_usable(self) -> bool:
        return self in (Fit.CURRENT, Fit.EXPANDED)


@dataclass(frozen=True, slots=True)
class Revision:
    number: int
    contractions: int
    """How many contracting revisions there are up to this one, itself included."""


def parse(name: str) -> Revision:
    """Raises ValueError for what is no name of a revision."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is no revision: expected 0007, or 0012-c1 after one contracting revision")
    return Revision(int(match[1]), int(match[2] or 0))


def fit(found: str | None, known: str) -> Fit:
    """What a database at revision `found` (None: without tables) is to a version whose newest is `known`."""
    if found is None:
        return Fit.BEHIND
    try:
        there = parse(found)
    except ValueError:
        return Fit.FOREIGN
    here = parse(known)
    if there == here:
        return Fit.CURRENT
    if there.contractions > here.contractions:
        return Fit.CONTRACTED
    return Fit.EXPANDED if there.number > here.number else Fit.BEHIND


def newest_in(folder: Path) -> str:
    """The newest revision of a lineage's folder, by the names of its files. Reads none of them."""
    names = [path.name.partition("_")[0] for path in folder.glob("[0-9]*.py")]
    return max(names, key=lambda name: parse(name).number)
