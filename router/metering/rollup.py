"""Adds what was counted to totals, and copies the totals to the platform database. Both may be done again at any time.

A record's row in the tail goes in the transaction that adds it to a total, so it is added once, whoever sweeps and
however often. A total carries a revision; a copy of an older one never replaces that of a newer."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Select, and_, bindparam, delete, func, literal, select, union, union_all, update
from sqlalchemy.dialects import postgresql, sqlite

from contracts.errors import ErrorCode
from contracts.ids import VendorId
from kit.background import Loop
from kit.clock import Clock
from kit.columns import BigInt
from kit.db import Tx, VendorMoved, insert_new
from kit.problems import Problem
from router.databases import Databases, OpsDatabase, ShopDatabase
from router.metering.models import platform_usage_totals, usage_records, usage_tail, usage_totals

_log = structlog.get_logger()

IDLE_S = 30.0
"""Between sweeps. What no total contains yet is summed when somebody asks."""
VENDORS_A_TURN = 200
RECORDS_A_TURN = 5000
"""Of one vendor."""
_REBUILD_TRIES = 10


@dataclass(frozen=True, slots=True)
class Total:
    """A vendor's total as it stands in its ops database."""

    vendor_id: VendorId
    window_id: str
    meter: str
    quantity: int
    revision: int
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Correction:
    """A total that was not the sum of its records."""

    window_id: str
    meter: str
    was: int
    is_now: int


class _Overtaken(Exception):
    """A sweep has changed a total since it was compared."""


class Rollup:
    """Several may run at once, in threads or processes."""

    def __init__(
        self,
        databases: Databases,
        clock: Clock,
        *,
        vendors_a_turn: int = VENDORS_A_TURN,
        records_a_turn: int = RECORDS_A_TURN,
    ) -> None:
        self._databases = databases
        self._clock = clock
        self._vendors_a_turn = vendors_a_turn
        self._records_a_turn = records_a_turn
        self._after: dict[VendorId | None, str] = {}

    def loop(self) -> Loop:
        """Of the shared database; dedicated ones are visited when their turn comes."""
        return Loop("usage-rollup", self.turn, idle_s=IDLE_S)

    def turn(self) -> bool:
        """A visit to the shared database. Returns whether more is waiting already."""
        return self.visit(self._databases.shared)

    def visit(self, database: OpsDatabase) -> bool:
        """Serve so many of its vendors. Returns whether more is waiting already."""
        after = self._after.get(database.only, "")
        with database.across() as tx:
            waiting = tx.execute(_WAITING, {"after": after, "limit": self._vendors_a_turn}).scalars().all()
        is_more_waiting = len(waiting) == self._vendors_a_turn
        # Those that fail are met again only after all others.
        self._after[database.only] = waiting[-1] if is_more_waiting else ""
        changed: list[tuple[ShopDatabase, list[Total]]] = []
        for vendor_id in waiting:
            home = database.of(vendor_id)
            try:
                with home.write() as tx:
                    added = roll_up(tx, vendor_id, self._records_a_turn, self._clock.now())
                    changed.append((home, _unmirrored(tx, vendor_id)))
            except (Problem, VendorMoved):
                continue  # being moved: what is left behind stays as it is
            except Exception:
                # One that fails must not hold back the others.
                _log.exception("usage could not be added up", vendor_id=vendor_id)
            else:
                is_more_waiting |= added == self._records_a_turn
        self._mirror(changed)
        return is_more_waiting

    def rebuild(self, vendor_id: VendorId) -> list[Correction]:
        """Make every total of this vendor the sum of its records again, and have all of them copied again.

        May run beside orders and sweeps. Raises Problem 404, or 503 for a database that can't be used now."""
        for _ in range(_REBUILD_TRIES):
            try:
                with self._databases.ops(vendor_id).write() as tx:
                    return _corrected(tx, vendor_id, self._clock.now())
            except _Overtaken:
                continue
        raise Problem(503, ErrorCode.UNAVAILABLE, "sweeps kept changing these totals; rebuild them again")

    def copy(self, home: ShopDatabase) -> None:
        """Copy this vendor's totals now."""
        with home.read() as tx:
            totals = _unmirrored(tx, home.vendor_id)
        self._mirror([(home, totals)])

    def _mirror(self, changed: Sequence[tuple[ShopDatabase, list[Total]]]) -> None:
        """What can't be copied now waits for the next sweep."""
        totals = [total for _, totals in changed for total in totals]
        if not totals:
            return
        try:
            with self._databases.platform.write() as tx:
                # In one order everywhere, so that two sweeps never wait for each other in a circle.
                for total in sorted(totals, key=lambda total: (total.vendor_id, total.window_id, total.meter)):
                    _copy(tx, total)
        except Exception:
            _log.exception("usage totals could not be copied to the platform database")
            return
        for home, copied in changed:
            try:
                with home.write() as tx:
                    for total in copied:
                        _mark_copied(tx, total)
            except Exception:
                _log.exception("usage totals were copied, and will be once more", vendor_id=home.vendor_id)


def roll_up(tx: Tx, vendor_id: VendorId, limit: int, now: datetime) -> int:
    """Add at most `limit` records of the tail to their totals. Returns how many there were."""
    taken = tx.execute(_TAKE, {"vendor": vendor_id, "limit": limit}).all()
    sums: Counter[tuple[str, str]] = Counter()
    for row in taken:
        sums[row.window_id, row.meter] += row.quantity
    for (window_id, meter), quantity in sorted(sums.items()):
        tx.execute(
            _ADD[tx.is_postgres],
            {
                "vendor_id": vendor_id,
                "window_id": window_id,
                "meter": meter,
                "quantity": quantity,
                "revision": 1,
                "as_of": now,
            },
        )
    return len(taken)


def copied_totals(tx: Tx, windows: Collection[str], *, vendor_id: VendorId | None = None) -> list[Total]:
    """What the platform database knows of these windows: of every shop, or of one."""
    c = platform_usage_totals.c
    statement = select(platform_usage_totals).where(c.window_id.in_(windows))
    if vendor_id is not None:
        statement = statement.where(c.vendor_id == vendor_id)
    statement = statement.order_by(c.vendor_id, c.window_id, c.meter)
    return [
        Total(VendorId(row.vendor_id), row.window_id, row.meter, row.quantity, row.revision, row.as_of)
        for row in tx.execute(statement)
    ]


def _corrected(tx: Tx, vendor_id: VendorId, now: datetime) -> list[Correction]:
    """Raises _Overtaken."""
    corrections: list[Correction] = []
    for row in tx.execute(_COMPARE, {"vendor": vendor_id}).all():
        was, right = int(row.stored), int(row.recorded)
        which = {"vendor": vendor_id, "window": row.window_id, "of_meter": row.meter}
        if was == right:
            tx.execute(_TOUCH, which)
            continue
        empty = {"vendor_id": vendor_id, "window_id": row.window_id, "meter": row.meter, "quantity": 0, "revision": 0}
        insert_new(tx, usage_totals, {**empty, "as_of": now}, conflict=_KEY)
        if tx.execute(_CORRECT, {**which, "was": was, "difference": right - was, "now": now}).rowcount != 1:
            raise _Overtaken
        corrections.append(Correction(row.window_id, row.meter, was, right))
    return corrections


def _unmirrored(tx: Tx, vendor_id: VendorId) -> list[Total]:
    return [
        Total(vendor_id, row.window_id, row.meter, row.quantity, row.revision, row.as_of)
        for row in tx.execute(_UNMIRRORED, {"vendor": vendor_id})
    ]


def _copy(tx: Tx, total: Total) -> None:
    tx.execute(
        _COPY[tx.is_postgres],
        {
            "vendor_id": total.vendor_id,
            "window_id": total.window_id,
            "meter": total.meter,
            "quantity": total.quantity,
            "revision": total.revision,
            "as_of": total.as_of,
        },
    )


def _mark_copied(tx: Tx, total: Total) -> None:
    which = {"vendor": total.vendor_id, "window": total.window_id, "of_meter": total.meter}
    tx.execute(_MARK_COPIED, {**which, "copied": total.revision})


# Made once: putting these together costs more than running them.
_KEY = ("vendor_id", "window_id", "meter")
_tail, _total, _record = usage_tail.c, usage_totals.c, usage_records.c
_IS_VENDORS = _total.vendor_id == bindparam("vendor")
_IS_TOTAL = and_(_IS_VENDORS, _total.window_id == bindparam("window"), _total.meter == bindparam("of_meter"))
_IS_UNMIRRORED = _total.mirrored != _total.revision


def _with_tail() -> Select[Any]:
    """Vendors with a tail, one look into the index for each: a tail may be long where no sweep ran for a while."""
    first = select(func.min(_tail.vendor_id).label("vendor_id")).where(_tail.vendor_id > bindparam("after"))
    found = first.cte("found", recursive=True)
    following = select(func.min(_tail.vendor_id)).where(_tail.vendor_id > found.c.vendor_id)
    found = found.union_all(
        select(following.correlate(found).scalar_subquery()).select_from(found).where(found.c.vendor_id.is_not(None))
    )
    return select(found.c.vendor_id).where(found.c.vendor_id.is_not(None)).limit(bindparam("limit"))


_unmirrored_vendors = select(_total.vendor_id).where(_total.vendor_id > bindparam("after"), _IS_UNMIRRORED)
_WAITING = union(select(_with_tail().subquery()), _unmirrored_vendors).order_by("vendor_id").limit(bindparam("limit"))
_TAKE = (
    delete(usage_tail)
    .where(
        _tail.vendor_id == bindparam("vendor"),
        _tail.id.in_(
            select(_tail.id)
            .where(_tail.vendor_id == bindparam("vendor"))
            .order_by(_tail.id)
            .limit(bindparam("limit"))
            .with_for_update(skip_locked=True)
        ),
    )
    .returning(_tail.window_id, _tail.meter, _tail.quantity)
)
_ADD = {
    is_postgres: (new := insert(usage_totals)).on_conflict_do_update(
        index_elements=_KEY,
        set_={
            "quantity": _total.quantity + new.excluded.quantity,
            "revision": _total.revision + 1,
            "as_of": new.excluded.as_of,
        },
    )
    for is_postgres, insert in ((True, postgresql.insert), (False, sqlite.insert))
}
_COPY = {
    is_postgres: (new := insert(platform_usage_totals)).on_conflict_do_update(
        index_elements=_KEY,
        set_={name: new.excluded[name] for name in ("quantity", "revision", "as_of")},
        where=platform_usage_totals.c.revision < new.excluded.revision,
    )
    for is_postgres, insert in ((True, postgresql.insert), (False, sqlite.insert))
}
_UNMIRRORED = select(usage_totals).where(_IS_VENDORS, _IS_UNMIRRORED)
_MARK_COPIED = (
    update(usage_totals)
    .where(_IS_TOTAL, _total.mirrored < bindparam("copied", type_=BigInt))
    .values(mirrored=bindparam("copied", type_=BigInt))
)

_is_in_tail = select(_tail.id).where(_tail.vendor_id == _record.vendor_id, _tail.id == _record.id).exists()
_both = union_all(
    select(_record.window_id, _record.meter, _record.quantity.label("recorded"), literal(0, BigInt).label("stored"))
    .where(_record.vendor_id == bindparam("vendor"))
    .where(~_is_in_tail),
    select(_total.window_id, _total.meter, literal(0, BigInt), _total.quantity).where(_IS_VENDORS),
).subquery()
_COMPARE = (
    select(
        _both.c.window_id,
        _both.c.meter,
        func.sum(_both.c.recorded).label("recorded"),
        func.sum(_both.c.stored).label("stored"),
    )
    .group_by(_both.c.window_id, _both.c.meter)
    .order_by(_both.c.window_id, _both.c.meter)
)
"""One statement, one snapshot: a record and its row in the tail are seen together or not at all."""
_CORRECT = (
    update(usage_totals)
    .where(_IS_TOTAL, _total.quantity == bindparam("was", type_=BigInt))
    .values(
        quantity=_total.quantity + bindparam("difference", type_=BigInt),
        revision=_total.revision + 1,
        as_of=bindparam("now", type_=_total.as_of.type),
    )
)
_TOUCH = update(usage_totals).where(_IS_TOTAL).values(revision=_total.revision + 1)
