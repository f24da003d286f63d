"""What is remembered of a shop goes when the shop changes, whoever changes it; until then nothing is read again."""

import threading
from collections.abc import Generator
from contextlib import contextmanager

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import OperationalError

from kit.db import Database, Tx
from router.vendors import service
from router.vendors.models import vendor_last_stamp, vendor_stamps, vendors
from router.vendors.service import CACHE_S, Directory
from tests.support.databases import NewDatabase

BY_HAND = {
    "a new name": "UPDATE vendors SET name = 'Other' WHERE id = 'a'",
    "a capability switched on": "INSERT INTO vendor_capabilities (vendor_id, capability) VALUES ('a', 'chat.handover')",
    "one switched off": "UPDATE vendor_capabilities SET enabled = false WHERE vendor_id = 'a'",
    "one taken away": "DELETE FROM vendor_capabilities WHERE vendor_id = 'a'",
    "a limit": "INSERT INTO vendor_limits (vendor_id, bot_per_minute) VALUES ('a', 7)",
    "a rail": "INSERT INTO vendor_rails (vendor_id, rail) VALUES ('a', 'mpesa_stk')",
}


class Watched:
    """A database that counts its reads, and fails them on demand."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.reads = 0
        self.is_down = False

    @contextmanager
    def read(self) -> Generator[Tx]:
        self.reads += 1
        if self.is_down:
            raise OperationalError("SELECT", None, Exception("gone"))
        with self._db.read() as tx:
            yield tx


@pytest.fixture
def platform(new_database: NewDatabase) -> Database:
    db = new_database("platform")
    with db.write() as tx:
        for vendor in "ab":
            tx.execute(text("INSERT INTO vendors (id, name) VALUES (:id, 'Shop')"), {"id": vendor})
            tx.execute(
                text("INSERT INTO vendor_capabilities (vendor_id, capability) VALUES (:id, 'x.y')"), {"id": vendor}
            )
    return db


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr("router.vendors.service.monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize("change", BY_HAND)
def test_whatever_is_changed_by_hand_counts_within_five_seconds(
    platform: Database, seconds: list[float], change: str
) -> None:
    directory = Directory(platform)
    before = directory.find("a")
    with platform.write() as tx:
        tx.execute(text(BY_HAND[change]))
    assert directory.find("a") is before
    seconds[0] += CACHE_S
    assert directory.find("a") is not before


def test_a_shop_that_did_not_change_is_not_read_again(platform: Database, seconds: list[float]) -> None:
    watched = Watched(platform)
    directory = Directory(watched)  # pyright: ignore[reportArgumentType] # all that it asks for
    known = [directory.find(vendor) for vendor in "ab"]
    reads = watched.reads
    for _ in range(10):
        seconds[0] += CACHE_S
        with platform.write() as tx:
            tx.execute(text("UPDATE vendors SET name = name || '!' WHERE id = 'b'"))
        assert directory.find("a") is known[0]
    assert watched.reads == reads + 10  # one look each time, at what changed


def test_every_other_shop_is_forgotten_alone(platform: Database, seconds: list[float]) -> None:
    directory = Directory(platform)
    a, b = directory.find("a"), directory.find("b")
    with platform.write() as tx:
        tx.execute(update(vendors).where(vendors.c.id == "b").values(name="B"))
    seconds[0] += CACHE_S
    assert directory.find("a") is a
    found = directory.find("b")
    assert found is not None
    assert found.name == "B"
    assert b is not found


def test_what_was_read_before_a_change_is_not_remembered_after_it(
    platform: Database, seconds: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = Directory(platform)
    directory.find("b")
    real = service.vendors_from

    def slowly(tx: Tx, statement: object) -> object:
        found = real(tx, statement)  # pyright: ignore[reportArgumentType]
        monkeypatch.setattr(service, "vendors_from", real)
        with platform.write() as other:
            other.execute(update(vendors).where(vendors.c.id == "a").values(name="changed meanwhile"))
        seconds[0] += CACHE_S
        directory.find("b")  # another request looks for changes now
        return found

    monkeypatch.setattr(service, "vendors_from", slowly)
    old = directory.find("a")
    new = directory.find("a")
    assert old is not None
    assert new is not None
    assert (old.name, new.name) == ("Shop", "changed meanwhile")


def test_a_platform_that_does_not_answer_is_borne_for_five_seconds_and_no_longer(
    platform: Database, seconds: list[float]
) -> None:
    watched = Watched(platform)
    directory = Directory(watched)  # pyright: ignore[reportArgumentType]
    known = directory.find("a")
    watched.is_down = True
    seconds[0] += CACHE_S - 0.1
    assert directory.find("a") is known
    seconds[0] += 0.6
    with pytest.raises(OperationalError):
        directory.find("a")
    watched.is_down = False
    assert directory.find("a") is known


def test_a_platform_that_was_restored_from_a_backup_is_read_anew(platform: Database, seconds: list[float]) -> None:
    with platform.write() as tx:
        tx.execute(update(vendors).where(vendors.c.id == "b").values(name="B"))
    directory = Directory(platform)
    known = directory.find("a")
    with platform.write() as tx:
        tx.execute(text("UPDATE vendors SET name = 'from the backup' WHERE id = 'a'"))
        tx.execute(delete(vendor_stamps))
        tx.execute(update(vendor_last_stamp).values(stamp=1))
    seconds[0] += CACHE_S
    assert directory.find("a") != known


def test_a_later_stamp_never_commits_before_an_earlier_one(platform: Database) -> None:
    """Two transactions change two shops at once: whoever sees the greater stamp sees the smaller one."""
    if not platform.is_postgres:
        with platform.read() as tx:  # one writer at a time
            assert tx.execute(select(vendor_last_stamp.c.stamp)).scalar_one() == 4
        return
    has_stamped, second_is_done = threading.Event(), threading.Event()

    def first() -> None:
        with platform.write() as tx:
            tx.execute(text("UPDATE vendors SET name = 'first' WHERE id = 'a'"))
            has_stamped.set()
            second_is_done.wait(0.3)

    thread = threading.Thread(target=first)
    thread.start()
    has_stamped.wait(10)
    with platform.write() as tx:
        tx.execute(text("UPDATE vendors SET name = 'second' WHERE id = 'b'"))
        seen = {row.vendor_id: row.stamp for row in tx.execute(select(vendor_stamps))}
    second_is_done.set()
    thread.join(10)
    assert seen["b"] == seen["a"] + 1 == 6


def test_a_shop_renamed_by_its_id_is_stamped_under_both(platform: Database) -> None:
    with platform.write() as tx:
        tx.execute(text("DELETE FROM vendor_capabilities WHERE vendor_id = 'a'"))
        tx.execute(text("UPDATE vendors SET id = 'c' WHERE id = 'a'"))
    with platform.read() as tx:
        stamps = {row.vendor_id: row.stamp for row in tx.execute(select(vendor_stamps))}
    assert {"a", "c"} <= set(stamps)
