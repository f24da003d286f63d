"""Moves a vendor from one database to another while it trades.

    copy       every row as it is at one moment goes into the target and is read back; the vendor trades on
    catch up   the vendor's writers wait; every row is read once more, what has changed is made good, all is compared
    fence      committed in the source: nobody writes there any more
    arrive     the copy is committed in the target
    switch     committed in the platform: the vendor lives in the target from now on

In this order, so that at no moment two databases can be written: until the fence it is the source, after the switch the
target, and between the two, some milliseconds long, neither. Whoever kills a move leaves it at one of these steps, and
the same call goes on from there: before the fence it begins anew, after it the source no longer changes. Until the
switch a move can be abandoned; the platform's record of it decides which of the two it was. After it the source keeps
the vendor's rows, behind the fence, until they are purged."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from sqlalchemy.exc import DBAPIError, IntegrityError

from contracts.ids import VendorId
from kit.clock import Clock
from kit.db import Database, Scope
from router.moving.copying import Differs, Summary, catch_up, copy, difference, summarize
from router.moving.fences import (
    Busy,
    Pause,
    alone,
    fence_of,
    hold_deliveries,
    is_one_database,
    let_go,
    put_fence,
    see_one_moment,
    take_fence_away,
)
from router.moving.models import MoveStatus
from router.moving.purging import purge_rows
from router.moving.records import Move, begin_move, decide, latest_move, note_purge
from router.moving.rows import has_rows, moved_tables
from router.vendors.service import Home, home_of, rehome

__all__ = [
    "Abandoned",
    "Busy",
    "Ends",
    "HalfWay",
    "MoveRefused",
    "Moved",
    "Step",
    "Watcher",
    "abandon",
    "move",
    "purge",
]


class MoveRefused(Exception):
    """The text says why and what to do. The vendor lives, and is served, where it did."""


class HalfWay(Exception):
    """The vendor can't be written at the moment. The text says what to do."""


class Step(StrEnum):
    BEGUN = "begun"
    COPIED = "copied"
    ALONE = "alone"
    COMPARED = "compared"
    FENCED = "fenced"
    ARRIVED = "arrived"
    SWITCHED = "switched"


class Watcher(Protocol):
    """Who shows a move to a person."""

    def reached(self, step: Step) -> None: ...

    def did(self, what: str, rows: int) -> None:
        """So many more rows were copied, compared or purged; `what` names the table."""
        ...


@dataclass(frozen=True, slots=True)
class Ends:
    """The databases of a move. `open` gives one with a single connection, as a role that may write fences; both it
    and `prepare`, which makes the tables, raise MoveRefused."""

    platform: Database
    open: Callable[[VendorId, Home], Database]
    prepare: Callable[[VendorId, Home], None]
    clock: Clock
    pause: Pause = time.sleep


@dataclass(frozen=True, slots=True)
class Moved:
    """`rows` by table. `writers_waited_s` is how long nobody could write the vendor's rows, in seconds."""

    move: Move
    rows: dict[str, int]
    writers_waited_s: float


@dataclass(frozen=True, slots=True)
class Abandoned:
    """`left_behind` says what could not be cleared from the target, if anything."""

    move: Move
    left_behind: str | None


def move(vendor_id: VendorId, destination: Home | None, ends: Ends, watcher: Watcher) -> Moved:
    """Move the vendor, or finish a move that was cut off (`destination` may then be left out).

    Raises MoveRefused and Busy with nothing changed, and whatever a database may: then call again, or `abandon`."""
    under_way, is_new = _begin(vendor_id, destination, ends)
    try:
        return _carry_out(under_way, ends, watcher)
    except (MoveRefused, Busy):
        # Nothing was fenced: the next call may name another target. One that was begun before is its operator's.
        if is_new:
            with ends.platform.write() as tx:
                decide(tx, under_way, MoveStatus.ABANDONED, ends.clock.now())
        raise


def abandon(vendor_id: VendorId, ends: Ends, watcher: Watcher) -> Abandoned:
    """Give up a move that has not switched yet: the vendor is written where it was. Raises MoveRefused and Busy."""
    with ends.platform.read() as tx:
        last = latest_move(tx, vendor_id)
    if last is None or last.status is MoveStatus.MOVED:
        raise MoveRefused("no move of this vendor is under way" + (": it has switched" if last else ""))
    with closing(ends.open(vendor_id, last.origin)) as source, alone(source, vendor_id, ends.pause) as tx:
        with ends.platform.write() as platform:
            if not decide(platform, last, MoveStatus.ABANDONED, ends.clock.now()):
                now = latest_move(platform, vendor_id)
                if now is None or now.status is MoveStatus.MOVED:
                    raise MoveRefused("the move has just switched: too late to abandon it")
        was_fenced = fence_of(tx, vendor_id) == last.id
        if was_fenced:
            take_fence_away(tx, vendor_id)
    return Abandoned(last, _clear_target(last, ends, watcher) if was_fenced else None)


def purge(vendor_id: VendorId, ends: Ends, watcher: Watcher) -> dict[str, int]:
    """Delete the rows that the vendor's last move has left behind its fence; how many, by table. The fence stays.

    Raises MoveRefused. One that is cut off is simply called again."""
    with ends.platform.read() as tx:
        last, home = latest_move(tx, vendor_id), home_of(tx, vendor_id)
    if last is None or last.status is not MoveStatus.MOVED:
        raise MoveRefused("this vendor has left no database: there is nothing to purge")
    if home != last.destination:
        raise MoveRefused("the vendor no longer lives where its last move took it: nothing is purged on such grounds")
    with closing(ends.open(vendor_id, last.origin)) as source:
        with source.read(Scope(vendor_id)) as tx:
            if fence_of(tx, vendor_id) != last.id:
                raise MoveRefused("the database it left has no fence of that move: nothing is purged there")
        purged = purge_rows(source, vendor_id, watcher.did)
    with ends.platform.write() as tx:
        note_purge(tx, last, ends.clock.now())
    return purged


def _begin(vendor_id: VendorId, destination: Home | None, ends: Ends) -> tuple[Move, bool]:
    """The move, and whether it is a new one."""
    with ends.platform.write() as tx:
        home = home_of(tx, vendor_id, lock=True)
        if home is None:
            raise MoveRefused(f"there is no vendor {vendor_id}")
        last = latest_move(tx, vendor_id)
        if last is not None and last.status is MoveStatus.MOVING:
            if destination not in (None, last.destination):
                raise MoveRefused("a move to another target is under way: finish it with that one, or abandon it first")
            if home != last.origin:
                raise MoveRefused("the vendor's location was changed by hand meanwhile: abandon the move first")
            return last, False
        if destination is None:
            raise MoveRefused("no move of this vendor is under way: say where to, with a target")
        if home == destination:
            raise MoveRefused("the vendor lives there already")
        if not isinstance(home.target, dict | None):
            raise MoveRefused("the vendor's present db_target is no JSON object: mend it, or take it away, first")
        return begin_move(tx, vendor_id, home, destination, ends.clock.now()), True


def _carry_out(under_way: Move, ends: Ends, watcher: Watcher) -> Moved:
    vendor_id = under_way.vendor_id
    watcher.reached(Step.BEGUN)
    ends.prepare(vendor_id, under_way.destination)
    with (
        closing(ends.open(vendor_id, under_way.origin)) as source,
        closing(ends.open(vendor_id, under_way.destination)) as target,
    ):
        if is_one_database(source, target):
            raise MoveRefused("the target is the very database that the vendor lives in; name another")
        rows, began_at = _bring_over(under_way, source, target, ends, watcher)
        _switch(under_way, ends)
        watcher.reached(Step.SWITCHED)
        let_go(source)
        return Moved(under_way, rows, time.monotonic() - began_at)


def _bring_over(
    under_way: Move, source: Database, target: Database, ends: Ends, watcher: Watcher
) -> tuple[dict[str, int], float]:
    """Up to the arrival. Returns what was copied, and since when nobody writes."""
    try:
        return _try_to_bring_over(under_way, source, target, ends, watcher, ahead=True)
    except IntegrityError:
        # What changed while it was copied could not be made good row by row: then it is copied while nobody writes.
        return _try_to_bring_over(under_way, source, target, ends, watcher, ahead=False)
    except Differs as error:
        raise MoveRefused(str(error)) from error


def _try_to_bring_over(
    under_way: Move, source: Database, target: Database, ends: Ends, watcher: Watcher, *, ahead: bool
) -> tuple[dict[str, int], float]:
    vendor_id, tables = under_way.vendor_id, moved_tables()
    with target.write(Scope(vendor_id, past_fence=True)) as there:
        if fence_of(there, vendor_id) is not None:
            raise MoveRefused("the vendor has left the target before, and its fence still stands there; name another")
        occupied = has_rows(there, vendor_id)
        copied: list[Summary] | None = None
        if ahead and occupied is None:
            with source.read() as look:
                see_one_moment(look, vendor_id)
                copied = copy(look, there, tables, vendor_id, watcher.did)
            watcher.reached(Step.COPIED)
        with alone(source, vendor_id, ends.pause) as here:
            began_at = time.monotonic()
            watcher.reached(Step.ALONE)
            fence = fence_of(here, vendor_id)
            if fence not in (None, under_way.id):
                raise MoveRefused("the vendor's rows are behind a fence of another move; abandon that one first")
            if occupied is not None and fence is None:
                raise MoveRefused(f"the target holds rows of this vendor already (in {occupied}); name an empty one")
            hold_deliveries(here, vendor_id, ends.clock, ends.pause)
            if occupied is not None:
                # Cut off between the arrival and the switch: all is there, and nothing has changed since.
                ours = summarize(here, tables, vendor_id, watcher.did)
                theirs = summarize(there, tables, vendor_id, watcher.did)
            else:
                copied = copied or copy(here, there, tables, vendor_id, watcher.did)
                ours, theirs = catch_up(here, there, vendor_id, copied, watcher.did)
            if told := difference(ours, theirs):
                raise MoveRefused(told)
            watcher.reached(Step.COMPARED)
            if fence is None:
                put_fence(here, vendor_id, under_way.id, ends.clock.now())
        watcher.reached(Step.FENCED)
    watcher.reached(Step.ARRIVED)
    return {summary.table.name: summary.count for summary in ours}, began_at


def _switch(under_way: Move, ends: Ends) -> None:
    with ends.platform.write() as tx:
        if decide(tx, under_way, MoveStatus.MOVED, ends.clock.now()):
            if not rehome(tx, under_way.vendor_id, under_way.origin, under_way.destination):
                raise HalfWay(
                    "the vendor's location was changed by hand while it was moved, and nobody can write its rows now: "
                    "abandon the move"
                )
            return
        last = latest_move(tx, under_way.vendor_id)
    if last is None or last.status is not MoveStatus.MOVED:
        raise HalfWay("the move was abandoned while it went on; until that is done once more, nobody can write")


def _clear_target(last: Move, ends: Ends, watcher: Watcher) -> str | None:
    """Delete what an abandoned move may have brought to the target. Returns why that was not possible, if so."""
    vendor_id = last.vendor_id
    try:
        with closing(ends.open(vendor_id, last.destination)) as target:
            with target.write(Scope(vendor_id, past_fence=True)) as tx:
                if fence_of(tx, vendor_id) is None:
                    put_fence(tx, vendor_id, last.id, ends.clock.now())
            purge_rows(target, vendor_id, watcher.did)
            with target.write(Scope(vendor_id, past_fence=True)) as tx:
                take_fence_away(tx, vendor_id)
    except (MoveRefused, DBAPIError) as error:
        return str(error).partition("\n")[0]
    return None
