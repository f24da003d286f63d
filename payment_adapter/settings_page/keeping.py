"""What is done with stored settings besides: the router is told of those it never heard of, and old versions are erased
once nothing needs them any more."""

import time
from collections.abc import Sequence
from datetime import timedelta

import structlog
from sqlalchemy import Text, cast, func, or_, select, tuple_

from contracts.states import ChargeStatus
from kit.clock import Clock
from kit.db import Database, Tx
from payment_adapter.charges.models import charges, outbox
from payment_adapter.settings_page.book import SettingsBook
from payment_adapter.vault.history import Replaced, replaced
from payment_adapter.vault.models import sets
from payment_adapter.vault.service import Vault

_log = structlog.get_logger()

KEPT = timedelta(days=30)
"""How long a version that was replaced is kept; one that was removed goes as soon as no charge needs it."""

_ENDED = (ChargeStatus.PAID, ChargeStatus.FAILED, ChargeStatus.EXPIRED)
_BATCH = 100
_ERASE_EVERY_S = 3600.0

_Place = tuple[str, str]


class Keeping:
    """The turns of one background loop. Several processes may run it at once."""

    def __init__(self, db: Database, vault: Vault, book: SettingsBook, clock: Clock) -> None:
        self._db = db
        self._vault = vault
        self._book = book
        self._clock = clock
        self._has_announced = False
        self._erase_at_s = 0.0  # monotonic

    def turn(self) -> bool:
        """At its first turn, tell what was never told; then, once an hour, erase. Never asks for another turn."""
        if not self._has_announced:
            announce_all(self._db, self._book)
            self._has_announced = True
        if time.monotonic() >= self._erase_at_s:
            erase_old(self._db, self._vault, self._clock)
            self._erase_at_s = time.monotonic() + _ERASE_EVERY_S
        return False


def announce_all(db: Database, book: SettingsBook, *, anew: bool = False) -> int:
    """Tell the router of every set that it was never told of, or (`anew`) of every one; returns of how many."""
    told, after = 0, ("", "")
    while True:
        with db.write() as tx:
            places = _newest(tx, after, only_untold=not anew)
            for vendor_id, provider in places:
                if provider in book.holders:
                    told += book.announce(tx, vendor_id, provider, anew=anew)
        if not places:
            if told:
                _log.info("rails were announced", sets=told)
            return told
        after = places[-1]


def erase_old(db: Database, vault: Vault, clock: Clock) -> int:
    """Erase versions that were replaced `KEPT` ago or removed, but for those that a live charge was made with; returns
    how many."""
    erased, after = 0, ("", "", 0)
    while True:
        with db.read() as tx:
            found = replaced(tx, clock.now() - KEPT, after=after, limit=_BATCH)
            due = [each for each in found if not _is_needed(tx, each)]
        for each in due:
            with db.write() as tx:
                vault.lock(tx, each.vendor_id, clock.now())
                vault.erase(tx, each.vendor_id, each.provider, [each.version], clock.now())
            _log.info("old settings were erased", vendor_id=each.vendor_id, version=each.version)
            erased += 1
        if not found:
            return erased
        last = found[-1]
        after = (last.vendor_id, last.provider, last.version)


def _is_needed(tx: Tx, version: Replaced) -> bool:
    """Whether a charge whose end nobody knows yet was pushed with it."""
    is_live = or_(charges.c.status.not_in(_ENDED), charges.c.next_poll_at.is_not(None))
    which = select(charges.c.charge_id).where(
        charges.c.vendor_id == version.vendor_id,
        charges.c.provider == version.provider,
        charges.c.claimed_at >= version.since,
        charges.c.claimed_at <= version.until,
        is_live,
    )
    return tx.execute(which.limit(1)).first() is not None


def _newest(tx: Tx, after: _Place, *, only_untold: bool) -> Sequence[_Place]:
    """Whose newest sets they are, in order, beyond `after`."""
    place = (sets.c.vendor_id, sets.c.provider)
    newest = (
        select(*place, func.max(sets.c.version).label("version"))
        .where(tuple_(*place) > tuple_(*after))
        .group_by(*place)
        .order_by(*place)
    )
    if only_untold:
        last = newest.order_by(None).subquery("newest")
        first_news = "rails:" + last.c.vendor_id + ":" + last.c.provider + ":" + cast(last.c.version, Text)
        is_told = (
            select(outbox.c.seq).where(outbox.c.vendor_id == last.c.vendor_id, outbox.c.event_id == first_news).exists()
        )
        statement = select(last.c.vendor_id, last.c.provider).where(~is_told)
        statement = statement.order_by(last.c.vendor_id, last.c.provider)
    else:
        statement = newest
    return [(row.vendor_id, row.provider) for row in tx.execute(statement.limit(_BATCH))]
