"""Events that the bot does not take: seen across shops, decided about for one shop alone."""

from collections.abc import Callable

from contracts.events import EventType
from contracts.ids import VendorId
from kit.outbox import OutboxEvent, Park, Relay, Retry
from router.databases import OpsDatabase, vendor_fences
from router.events.models import outbox
from router.events.parked import discard_event, release_event, stuck_events
from router.events.service import announce
from tests.support.counter import MAMA, Counter
from tests.support.databases import as_owner
from tests.support.mailroom import order_news

BARAKA = VendorId("vendor-baraka")


def tell(counter: Counter, aggregate: str, *, vendor: VendorId = MAMA) -> None:
    with counter.of(vendor).write() as tx:
        now = counter.clock.now()
        news = order_news(counter.clock)
        announce(tx, type=EventType.ORDER_PAID, vendor_id=vendor, aggregate=aggregate, data=news, now=now)


def carry(counter: Counter, deliver: Callable[[OutboxEvent], Park | Retry]) -> None:
    relay = Relay(OpsDatabase(counter.db), outbox, counter.clock, deliver, fences=vendor_fences)
    while relay.turn():
        pass


def test_all_shops_are_seen_and_only_the_named_one_s_event_changes(counter: Counter) -> None:
    counter.open_shop(BARAKA, "Baraka Kitchen")
    for vendor in (MAMA, BARAKA):
        tell(counter, "order:1", vendor=vendor)
    carry(counter, lambda _event: Park("answered 422"))
    ops = OpsDatabase(counter.db)
    with ops.across() as tx:
        found = stuck_events(tx)
        assert [each.vendor_id for each in found] == [MAMA, BARAKA]
        assert [each.vendor_id for each in stuck_events(tx, only=BARAKA)] == [BARAKA]
    mine, theirs = (each.event_id for each in found)
    with counter.ops.write() as tx:
        assert not discard_event(tx, MAMA, theirs)
        assert not release_event(tx, MAMA, theirs, counter.clock.now())
        assert discard_event(tx, MAMA, mine)
        assert not discard_event(tx, MAMA, mine)
    assert _statuses(counter) == ["discarded", "parked"]
    with as_owner(counter.db) as tx:
        fence = {"vendor_id": BARAKA, "state": "moved", "since": counter.clock.now()}
        tx.execute(vendor_fences.insert().values(**fence))
    with ops.across() as tx:
        assert stuck_events(tx) == []


def _statuses(counter: Counter) -> list[str]:
    return [row["status"] for row in sorted(counter.rows(outbox), key=lambda row: row["seq"])]
