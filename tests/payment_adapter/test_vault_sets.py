"""Versions of a vendor's credentials: what is told of them, which counts when, and how one ends."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from kit.clock import FixedClock
from kit.db import Database
from payment_adapter.vault.envelope import MasterKeys
from payment_adapter.vault.models import credentials, data_keys
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import NothingStored, Origin, Vault
from tests.support.databases import NewDatabase

VAULT = Vault(MasterKeys.parse("0a" * 32))
FIELDS = {"passkey": Secret("passkey-of-mama"), "consumer_key": Secret("key-of-mama")}


@pytest.fixture
def db(new_database: NewDatabase) -> Database:
    return new_database("payments")


def store(db: Database, clock: FixedClock, vendor: str = "mama", provider: str = "mpesa", **fields: str) -> int:
    given = {name: Secret(value) for name, value in fields.items()} or FIELDS
    with db.write() as tx:
        return VAULT.store(tx, vendor, provider, given, origin=Origin.VENDOR, now=clock.now(), by="a test")


def remove(db: Database, clock: FixedClock, vendor: str = "mama", provider: str = "mpesa") -> int | None:
    with db.write() as tx:
        return VAULT.remove(tx, vendor, provider, now=clock.now(), by="a test")


def passkey(db: Database, **when: object) -> str | None:
    with db.read() as tx:
        found = VAULT.load(tx, "mama", "mpesa", **when)  # pyright: ignore[reportArgumentType] - as_of alone
    return None if found is None else found.fields["passkey"].reveal()


def key_ids(db: Database) -> list[str]:
    with db.read() as tx:
        return list(tx.execute(select(data_keys.c.key_id).order_by(data_keys.c.key_id)).scalars())


def test_what_is_told_of_sets_is_names_versions_and_dates_alone(db: Database, clock: FixedClock) -> None:
    store(db, clock)
    clock.advance(timedelta(days=1))
    store(db, clock, passkey="newer")
    store(db, clock, "baraka", "ekwanza", api_key="of-baraka")

    with db.read() as tx:
        newest, history = VAULT.stored(tx), VAULT.stored(tx, "mama", "mpesa", only_newest=False)

    assert [(each.vendor_id, each.provider, each.version, each.fields) for each in newest] == [
        ("baraka", "ekwanza", 1, ("api_key",)),
        ("mama", "mpesa", 2, ("passkey",)),
    ]
    assert [(each.version, each.fields, each.is_newest) for each in history] == [
        (2, ("passkey",), True),
        (1, ("consumer_key", "passkey"), False),
    ]
    assert history[0].stored_at - history[1].stored_at == timedelta(days=1)
    assert {(each.stored_by, each.origin, each.erased_at) for each in history} == {("a test", Origin.VENDOR, None)}
    assert "of-mama" not in repr((newest, history))


def test_what_counted_at_a_moment_can_be_had_afterwards(db: Database, clock: FixedClock) -> None:
    before = clock.now() - timedelta(seconds=1)
    store(db, clock, passkey="first")
    at_first = clock.now()
    clock.advance(timedelta(hours=1))
    store(db, clock, passkey="second")
    clock.advance(timedelta(hours=1))
    at_second = clock.now()
    clock.advance(timedelta(hours=1))
    remove(db, clock)

    assert passkey(db) is None
    assert passkey(db, as_of=before) is None
    assert passkey(db, as_of=at_first) == "first"
    assert passkey(db, as_of=at_second) == "second"
    assert passkey(db, as_of=clock.now()) is None


def test_removing_is_a_version_and_can_be_done_once(db: Database, clock: FixedClock) -> None:
    assert remove(db, clock) is None
    assert key_ids(db) == []  # nothing is made for somebody who has nothing
    store(db, clock)

    assert remove(db, clock) == 2
    assert remove(db, clock) is None
    assert passkey(db) is None
    with db.read() as tx:
        (newest,) = VAULT.stored(tx, "mama")
    assert (newest.version, newest.origin, newest.fields) == (2, Origin.REMOVED, ())
    assert store(db, clock, passkey="again") == 3
    assert passkey(db) == "again"


def test_a_set_that_holds_nothing_is_not_stored(db: Database, clock: FixedClock) -> None:
    with pytest.raises(ValueError, match="remove it"), db.write() as tx:
        VAULT.store(tx, "mama", "mpesa", {}, origin=Origin.VENDOR, now=clock.now())


def test_erased_versions_are_gone_and_known_to_have_been(db: Database, clock: FixedClock) -> None:
    for number in range(3):
        store(db, clock, passkey=f"number-{number}")
    with db.write() as tx:
        VAULT.erase(tx, "mama", "mpesa", [1, 2], clock.now())
    with db.read() as tx:
        history = VAULT.stored(tx, "mama", only_newest=False)
        left = tx.execute(select(credentials.c.version)).scalars().all()
    assert [(each.version, each.erased_at is not None, each.fields) for each in history] == [
        (3, False, ("passkey",)),
        (2, True, ()),
        (1, True, ()),
    ]
    assert left == [3]
    assert passkey(db) == "number-2"


def test_a_new_data_key_seals_the_newest_sets_and_older_ones_still_open(db: Database, clock: FixedClock) -> None:
    store(db, clock, passkey="first")
    at_first = clock.now()
    clock.advance(timedelta(hours=1))
    store(db, clock, passkey="second")
    store(db, clock, "mama", "ekwanza", api_key="of-mama")
    store(db, clock, "baraka", passkey="of-baraka")

    with db.write() as tx:
        assert VAULT.rotate(tx, "mama", clock.now()) == 2

    with db.read() as tx:
        sealed = tx.execute(select(credentials).order_by(credentials.c.vendor_id, credentials.c.version)).all()
        ekwanza = VAULT.load(tx, "mama", "ekwanza")
    assert {(row.vendor_id, row.provider, row.version, row.key_id) for row in sealed} == {
        ("baraka", "mpesa", 1, "k1"),
        ("mama", "mpesa", 1, "k1"),
        ("mama", "mpesa", 2, "k2"),
        ("mama", "ekwanza", 1, "k2"),
    }
    assert (passkey(db), passkey(db, as_of=at_first)) == ("second", "first")
    assert ekwanza is not None
    assert ekwanza.fields == {"api_key": Secret("of-mama")}


def test_a_data_key_that_nothing_is_sealed_with_any_more_is_dropped(db: Database, clock: FixedClock) -> None:
    store(db, clock, passkey="only")
    for _ in range(11):  # past k9, so that k10 counts as the newer of the two
        with db.write() as tx:
            VAULT.rotate(tx, "mama", clock.now())
    assert key_ids(db) == ["k12"]
    store(db, clock, passkey="next")
    assert passkey(db) == "next"


def test_there_is_no_key_to_exchange_of_somebody_who_stored_nothing(db: Database, clock: FixedClock) -> None:
    with pytest.raises(NothingStored), db.write() as tx:
        VAULT.rotate(tx, "mama", clock.now())
    assert key_ids(db) == []
