"""What a vendor left behind is deleted when the operator says so, histories too, and nothing else ever is."""

import pytest
from sqlalchemy import delete, insert, text, update
from sqlalchemy.exc import DBAPIError

from kit.db import Scope
from router.databases import vendor_fences
from router.moving import purging
from router.moving.service import MoveRefused, Step, purge
from router.payments.models import ledger_entries
from router.vendors.models import vendors
from tests.support.counter import MAMA
from tests.support.databases import as_owner
from tests.support.street import BABA, Killed, Street, Watching, killing


def test_every_row_that_was_left_behind_is_gone_and_the_fence_stays(street: Street) -> None:
    street.trade()
    street.counter.put("salt", vendor=BABA)
    street.move()
    before = street.rows(street.target)
    held = street.held(street.source)
    assert {name: rows for name, rows in purge(MAMA, street.owners_ends, Watching()).items() if rows} == held
    assert street.held(street.source) == {}
    assert street.held(street.source, BABA) == {"stock": 1}
    assert street.rows(street.target) == before
    assert not street.writes(street.source)
    assert sum(purge(MAMA, street.owners_ends, Watching()).values()) == 0


def test_a_purge_that_is_killed_is_completed_by_the_next_one(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "BATCH", 3)
    street.trade()
    street.move()

    class Stopping(Watching):
        def did(self, what: str, rows: int) -> None:
            if what == "orders":
                raise Killed(what)

    with pytest.raises(Killed):
        purge(MAMA, street.owners_ends, Stopping())
    left = street.held(street.source)
    assert "customers" in left
    assert "ledger_entries" not in left
    purge(MAMA, street.owners_ends, Watching())
    assert street.held(street.source) == {}


def test_nothing_is_purged_before_the_switch_or_without_a_move(street: Street) -> None:
    street.trade(1)
    with pytest.raises(MoveRefused, match="has left no database"):
        purge(MAMA, street.owners_ends, Watching())
    with pytest.raises(Killed):
        street.move(killing(Step.ARRIVED))
    with pytest.raises(MoveRefused, match="has left no database"):
        purge(MAMA, street.owners_ends, Watching())


def test_nothing_is_purged_where_the_vendor_may_live_again_or_no_fence_stands(street: Street) -> None:
    street.trade(1)
    street.move()
    held = street.held(street.source)
    target = street.target_home.target
    with street.counter.platform.write() as tx:
        tx.execute(update(vendors).where(vendors.c.id == MAMA).values(isolation_level="shared_db"))
    with pytest.raises(MoveRefused, match="no longer lives where"):
        purge(MAMA, street.owners_ends, Watching())
    with street.counter.platform.write() as tx:
        tx.execute(update(vendors).where(vendors.c.id == MAMA).values(isolation_level="dedicated_db", db_target=target))
    with as_owner(street.source) as tx:
        tx.execute(delete(vendor_fences))
    with pytest.raises(MoveRefused, match="no fence of that move"):
        purge(MAMA, street.owners_ends, Watching())
    assert street.held(street.source) == held


def test_a_history_is_kept_from_everybody_who_does_not_purge_a_vendor_that_left(street: Street) -> None:
    street.trade()
    gone = delete(ledger_entries).where(ledger_entries.c.vendor_id == MAMA)
    purging_mama = text("SELECT set_config('dukani.purging', :vendor, true)")

    def try_to(*, purges: str | None) -> None:
        with as_owner(street.source) as tx:
            if tx.is_postgres and purges is not None:
                tx.execute(purging_mama, {"vendor": purges})
            tx.execute(gone)

    for purges in (None, MAMA, BABA):
        with pytest.raises(DBAPIError, match="append-only"):
            try_to(purges=purges)
    street.move()
    if street.source.is_postgres:
        for purges in (None, BABA):
            with pytest.raises(DBAPIError, match="append-only"):
                try_to(purges=purges)
    with pytest.raises(DBAPIError, match="append-only"), as_owner(street.source) as tx:
        tx.execute(update(ledger_entries).values(note="changed"))


def test_a_fence_that_a_hand_has_made_does_not_let_a_move_pass(street: Street) -> None:
    street.trade(1)
    with street.source.write(Scope(MAMA, past_fence=True)) as tx:
        row = {"vendor_id": MAMA, "state": "moved", "since": street.counter.clock.now(), "note": "by hand"}
        tx.execute(insert(vendor_fences).values(row))
    with pytest.raises(MoveRefused, match="behind a fence of another move"):
        street.move()
    assert street.held(street.target) == {}
