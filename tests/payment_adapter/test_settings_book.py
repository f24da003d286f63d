"""Settings are changed field by field, stored whole, and told to the router in the same transaction."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from contracts.payment_api import RailsNews
from contracts.states import ChargeStatus, Rail
from kit.clock import FixedClock
from kit.db import Database
from payment_adapter.charges.models import outbox
from payment_adapter.settings_page.book import MAX_VALUE_LENGTH, SettingsRefused, UnknownProvider
from payment_adapter.settings_page.keeping import KEPT, Keeping, announce_all, erase_old
from payment_adapter.vault.envelope import CannotOpen
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Origin
from tests.support.databases import NewDatabase
from tests.support.payments import Desk
from tests.support.settings import CERTIFICATE, VENDOR, SettingsDesk


@pytest.fixture
def desk(new_database: NewDatabase, clock: FixedClock) -> SettingsDesk:
    return SettingsDesk(new_database("payments"), clock)


@pytest.fixture
def quick_desk(sqlite_database: NewDatabase, clock: FixedClock) -> SettingsDesk:
    return SettingsDesk(sqlite_database("payments"), clock)


def told(db: Database) -> list[RailsNews]:
    with db.read() as tx:
        rows = tx.execute(select(outbox).where(outbox.c.type == "rails.changed").order_by(outbox.c.seq)).all()
    news = [RailsNews.model_validate_json(row.body) for row in rows]
    assert [row.event_id for row in rows] == [each.event_id for each in news]
    return news


def last(db: Database) -> tuple[int, list[Rail], dict[Rail, list[str]]]:
    news = told(db)[-1]
    return news.version, news.ready, news.missing


def remove(desk: SettingsDesk) -> bool:
    with desk.db.write() as tx:
        return desk.book.remove(tx, VENDOR, "mpesa", by="a test")


def test_what_is_given_is_laid_over_what_is_there_and_each_change_is_told(desk: SettingsDesk) -> None:
    desk.change(key=" the-key\n", kind="till")
    assert last(desk.db) == (1, [], {Rail.MPESA_STK: ["passkey"]})
    desk.change(passkey="the-passkey", key="")
    assert last(desk.db) == (2, [Rail.MPESA_STK], {})
    assert desk.fields() == {"key": "the-key", "passkey": "the-passkey", "kind": "till"}
    assert desk.fields("vendor-baraka") == {}
    assert len({news.event_id for news in told(desk.db)}) == 2
    assert "the-key" not in repr(told(desk.db))


def test_giving_the_same_again_makes_no_new_version_and_no_news(desk: SettingsDesk) -> None:
    for _ in range(3):
        desk.change(key="k", passkey="p")
    assert desk.versions() == [1]
    assert len(told(desk.db)) == 1


def test_a_field_is_dropped_where_that_is_asked_and_a_removed_set_is_told_as_missing(desk: SettingsDesk) -> None:
    desk.change(key="k", passkey="p", operator="o")
    with desk.db.write() as tx:
        standing = desk.book.change(tx, VENDOR, "mpesa", {}, without=["operator"], by="a test")
    assert standing.ready == [Rail.MPESA_STK]
    assert desk.fields() == {"key": "k", "passkey": "p"}
    assert (remove(desk), remove(desk)) == (True, False)
    assert last(desk.db) == (3, [], {Rail.MPESA_STK: ["key", "passkey"]})
    assert desk.fields() == {}
    desk.change(key="k")
    assert desk.fields() == {"key": "k"}  # nothing of what was removed comes back


@pytest.mark.parametrize(
    ("given", "named", "says"),
    [
        ({"kex": "value-1"}, "kex", "it has key, passkey"),
        ({"kind": "value-1"}, "kind", "choose one of paybill, till"),
        ({"key": "value\x001"}, "key", "can't be seen"),
        ({"key": "value\n1"}, "key", "can't be seen"),
        ({"key": "value-1" * MAX_VALUE_LENGTH}, "key", "longer than"),
        ({}, "", "nothing was given"),
        ({"key": "  "}, "", "nothing was given"),
    ],
)
def test_what_can_not_be_meant_is_refused_by_name_and_never_by_value(
    quick_desk: SettingsDesk, given: dict[str, str], named: str, says: str
) -> None:
    with pytest.raises(SettingsRefused) as caught:
        quick_desk.change(**given)
    assert says in caught.value.problems[named]
    assert "value" not in str(caught.value)
    assert (quick_desk.versions(), told(quick_desk.db)) == ([], [])


def test_text_of_several_lines_is_taken_where_it_is_no_secret(quick_desk: SettingsDesk) -> None:
    quick_desk.change(certificate=CERTIFICATE.replace("\n", "\r\n"))
    assert quick_desk.fields() == {"certificate": CERTIFICATE}


def test_a_provider_that_there_is_not_is_named_with_those_that_there_are(quick_desk: SettingsDesk) -> None:
    with pytest.raises(UnknownProvider, match="'cash'; there are ekwanza, mpesa"):
        quick_desk.change(provider="cash", key="k")


def test_news_is_kept_only_if_the_set_is(desk: SettingsDesk) -> None:
    def store_and_break() -> None:
        with desk.db.write() as tx:
            desk.book.change(tx, VENDOR, "mpesa", {"key": Secret("k")}, by="a test")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        store_and_break()
    assert (desk.versions(), told(desk.db)) == ([], [])


def test_a_set_that_can_not_be_opened_is_not_told_of_and_not_changed_until_it_is_removed(desk: SettingsDesk) -> None:
    desk.change(key="k", passkey="p")
    other = SettingsDesk(desk.db, desk.clock, master="77" * 32)
    with desk.db.write() as tx:
        standing = other.book.standing(tx, VENDOR, "mpesa")
        assert not other.book.announce(tx, VENDOR, "mpesa", anew=True)
    assert (standing.can_be_opened, standing.has_settings) == (False, True)
    with pytest.raises(CannotOpen):
        other.change(key="other")
    with pytest.raises(CannotOpen):
        other.change("vendor-mama", "ekwanza", key="other")
    assert len(told(desk.db)) == 1
    assert remove(other)
    assert last(desk.db) == (2, [], {Rail.MPESA_STK: ["key", "passkey"]})
    other.change(key="other")
    assert other.fields() == {"key": "other"}
    with pytest.raises(CannotOpen):
        desk.fields()


# --- telling what was never told -------------------------------------------------------------------------------------


def test_sets_that_were_stored_before_anybody_was_told_are_told_once(desk: SettingsDesk) -> None:
    for vendor in ("vendor-b", "vendor-a"):
        for number in range(2):
            with desk.db.write() as tx:
                fields = {"key": Secret(f"k{number}"), "passkey": Secret("p")}
                desk.vault.store(tx, vendor, "mpesa", fields, origin=Origin.PLANTED, now=desk.clock.now())
                desk.vault.store(tx, vendor, "gone", fields, origin=Origin.PLANTED, now=desk.clock.now())
    desk.change("vendor-c", "ekwanza", key="k")
    assert announce_all(desk.db, desk.book) == 2
    assert announce_all(desk.db, desk.book) == 0
    assert [(news.vendor_id, news.version, news.ready) for news in told(desk.db)] == [
        ("vendor-c", 1, []),
        ("vendor-a", 2, [Rail.MPESA_STK]),
        ("vendor-b", 2, [Rail.MPESA_STK]),
    ]


def test_everything_can_be_told_anew(desk: SettingsDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("payment_adapter.settings_page.keeping._BATCH", 1)
    desk.change(key="k")
    desk.change("vendor-baraka", key="k")
    assert announce_all(desk.db, desk.book, anew=True) == 2
    news = told(desk.db)
    assert len({each.event_id for each in news}) == 4
    assert [(each.vendor_id, each.version) for each in news[2:]] == [("vendor-baraka", 1), (VENDOR, 1)]


def test_the_loop_tells_at_its_start_and_never_asks_for_another_turn(desk: SettingsDesk) -> None:
    with desk.db.write() as tx:
        desk.vault.store(tx, VENDOR, "mpesa", {"key": Secret("k")}, origin=Origin.PLANTED, now=desk.clock.now())
    keeping = Keeping(desk.db, desk.vault, desk.book, desk.clock)
    assert [keeping.turn() for _ in range(3)] == [False, False, False]
    assert len(told(desk.db)) == 1


# --- erasing ---------------------------------------------------------------------------------------------------------


def erased(desk: SettingsDesk) -> list[int]:
    with desk.db.read() as tx:
        history = desk.vault.stored(tx, VENDOR, "mpesa", only_newest=False)
    return sorted(each.version for each in history if each.erased_at is not None)


def test_a_version_goes_some_time_after_it_was_replaced_and_the_newest_never(desk: SettingsDesk) -> None:
    desk.change(key="first", passkey="p")
    desk.clock.advance(timedelta(days=400))
    desk.change(key="second")
    assert erase_old(desk.db, desk.vault, desk.clock) == 0
    desk.clock.advance(KEPT - timedelta(seconds=1))
    assert erase_old(desk.db, desk.vault, desk.clock) == 0
    desk.clock.advance(timedelta(seconds=1))
    assert erase_old(desk.db, desk.vault, desk.clock) == 1
    assert erase_old(desk.db, desk.vault, desk.clock) == 0
    assert erased(desk) == [1]
    assert desk.fields() == {"key": "second", "passkey": "p"}


def test_what_was_removed_goes_at_once(desk: SettingsDesk) -> None:
    desk.change(key="first")
    desk.change(key="second")
    remove(desk)
    assert erase_old(desk.db, desk.vault, desk.clock) == 1  # the first was replaced, not removed
    assert erased(desk) == [2]
    desk.clock.advance(KEPT)
    assert erase_old(desk.db, desk.vault, desk.clock) == 1
    assert erased(desk) == [1, 2]


@pytest.mark.parametrize(
    ("status", "is_asked_about", "is_kept"),
    [
        (ChargeStatus.CLAIMED, False, True),
        (ChargeStatus.ACCEPTED, True, True),
        (ChargeStatus.UNKNOWN, False, True),
        (ChargeStatus.FAILED, True, True),
        (ChargeStatus.FAILED, False, False),
        (ChargeStatus.EXPIRED, False, False),
        (ChargeStatus.PAID, False, False),
    ],
)
def test_a_version_that_a_live_charge_was_made_with_stays(
    new_database: NewDatabase, clock: FixedClock, status: ChargeStatus, is_asked_about: bool, is_kept: bool
) -> None:
    charges = Desk(new_database("payments"), clock)
    settings = SettingsDesk(charges.db, clock)
    settings.change(key="first", passkey="p")
    clock.advance(timedelta(hours=1))
    charges.push("intent-1")
    clock.advance(timedelta(hours=1))
    settings.change(key="second")
    remove(settings)
    live: dict[str, Any] = {"status": status, "next_poll_at": clock.now() if is_asked_about else None}
    if status is ChargeStatus.PAID:
        live |= {"paid_amount_minor": 45_000, "paid_at": clock.now()}
    charges.change_charge(**live)
    clock.advance(KEPT)
    erase_old(settings.db, settings.vault, clock)
    assert erased(settings) == ([2] if is_kept else [1, 2])
    assert settings.fields(as_of=clock.now() - KEPT - timedelta(hours=1)) == (
        {"key": "first", "passkey": "p"} if is_kept else {}
    )


def test_a_version_of_another_vendor_or_provider_is_not_kept_by_a_live_charge(
    new_database: NewDatabase, clock: FixedClock
) -> None:
    charges = Desk(new_database("payments"), clock)
    settings = SettingsDesk(charges.db, clock)
    for vendor, provider in ((VENDOR, "mpesa"), (VENDOR, "ekwanza"), ("vendor-baraka", "mpesa")):
        settings.change(vendor, provider, key="first")
    charges.push("intent-1")
    with charges.db.write() as tx:
        for vendor, provider in ((VENDOR, "mpesa"), (VENDOR, "ekwanza"), ("vendor-baraka", "mpesa")):
            settings.book.remove(tx, vendor, provider, by="a test")
    assert erase_old(settings.db, settings.vault, clock) == 2
    assert settings.fields(as_of=clock.now()) == {}  # the removal counts, and the charge's own set stays beneath it
    assert erased(settings) == []
    with charges.db.write() as tx:
        tx.execute(update(outbox).values(status="delivered"))
