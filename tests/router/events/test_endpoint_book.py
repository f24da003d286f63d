"""What announcing knows of endpoints: a few seconds old at most, at no cost to shops without any."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import pytest
from sqlalchemy import event, insert, update
from sqlalchemy.exc import OperationalError

from contracts.events import EventType
from contracts.ids import VendorId
from kit.clock import FixedClock
from kit.db import Database
from router.events.endpoints import CACHE_S, Endpoint, EndpointBook, add_endpoint, disable_endpoint
from router.events.models import webhook_endpoints
from router.vendors.models import vendors
from tests.support.counter import MAMA

BARAKA = VendorId("vendor-baraka")
PAID = EventType.ORDER_PAID


@dataclass
class Desk:
    platform: Database
    clock: FixedClock
    now_s: float = 1000.0
    reads: int = 0

    def __post_init__(self) -> None:
        self.book = EndpointBook(self.platform, monotonic=lambda: self.now_s)
        self._names = count()
        event.listen(self.platform.engine, "before_cursor_execute", self._note)
        with self.platform.write() as tx:
            tx.execute(insert(vendors), [{"id": MAMA, "name": "Mama"}, {"id": BARAKA, "name": "Baraka"}])

    def _note(self, _conn: object, _cursor: object, statement: str, *_: object) -> None:
        self.reads += "SELECT" in statement and "webhook_endpoints" in statement

    def endpoint(self, vendor_id: VendorId = MAMA) -> Endpoint:
        with self.platform.write() as tx:
            now, url = self.clock.now(), "https://hooks.example.com/"
            made = add_endpoint(tx, vendor_id, url=url, description="", event_types=(), key_id="1", now=now)
        assert made is not None
        self.reads = 0
        return made

    def wanting(self, vendor_id: VendorId = MAMA) -> list[str]:
        return [endpoint.id for endpoint in self.book.wanting(vendor_id, PAID)]


@pytest.fixture
def desk(sqlite_database: Callable[[str], Database], clock: FixedClock) -> Desk:
    return Desk(sqlite_database("platform"), clock)


def test_a_shop_without_endpoints_costs_nothing_while_the_memory_lasts(desk: Desk) -> None:
    desk.endpoint(BARAKA)
    assert desk.wanting() == []
    before = desk.reads
    assert [desk.wanting() for _ in range(1000)] == [[]] * 1000
    assert desk.reads == before == 1
    desk.now_s += CACHE_S
    assert desk.wanting() == []
    assert desk.reads == 2


def test_endpoints_are_remembered_for_a_few_seconds_and_forgotten_when_they_change_here(desk: Desk) -> None:
    first = desk.endpoint()
    assert desk.wanting() == [first.id]
    desk.now_s += CACHE_S - 0.1
    second = desk.endpoint()
    assert desk.wanting() == [first.id]
    desk.now_s += 0.1
    assert desk.wanting() == [first.id, second.id]
    with desk.platform.write() as tx:
        disable_endpoint(tx, MAMA, first.id, "for a test")
    assert desk.wanting() == [first.id, second.id]
    desk.book.forget(MAMA)
    assert desk.wanting() == [second.id]


def test_a_shop_s_first_endpoint_counts_within_seconds(desk: Desk) -> None:
    assert desk.wanting() == []
    made = desk.endpoint()
    desk.now_s += CACHE_S
    assert desk.wanting() == [made.id]


def test_an_endpoint_that_was_just_made_elsewhere_is_found_though_the_memory_does_not_know_it(desk: Desk) -> None:
    desk.endpoint()
    assert len(desk.book.of(MAMA)) == 1
    made = desk.endpoint()
    found = desk.book.find(MAMA, made.id)
    assert found is not None
    assert found.id == made.id
    assert desk.book.find(MAMA, "nothing") is None
    assert desk.book.find(BARAKA, made.id) is None


def test_while_the_platform_database_is_down_what_was_known_counts(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    made = desk.endpoint()
    assert desk.wanting() == [made.id]

    def down(*_: object) -> None:
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(desk.platform, "read", down)
    desk.now_s += 60
    assert desk.wanting() == [made.id]
    assert desk.wanting(BARAKA) == []
    fresh = EndpointBook(desk.platform, monotonic=lambda: desk.now_s)
    for _ in range(2):
        with pytest.raises(OperationalError):
            fresh.wanting(MAMA, PAID)


def test_a_row_written_by_hand_with_types_counts(desk: Desk) -> None:
    made = desk.endpoint()
    with desk.platform.write() as tx:
        tx.execute(update(webhook_endpoints).values(event_types=["order.paid"]))
    assert desk.wanting() == [made.id]
    assert desk.book.wanting(MAMA, "order.cancelled") == []
