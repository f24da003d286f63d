"""`dukani events` shows what the bot does not take, and lets an operator decide about each."""

import json
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from contracts.events import EventType
from contracts.ids import VendorId
from dukani.events_cli import events
from kit.clock import FixedClock
from kit.db import Database
from kit.outbox import OutboxEvent, Park, Relay, Retry
from router.databases import OpsDatabase, vendor_fences
from router.events.models import outbox
from router.events.service import announce
from tests.support.counter import MAMA, Counter, make_counter
from tests.support.mailroom import order_news

BARAKA = VendorId("vendor-baraka")


@pytest.fixture
def shops(
    sqlite_database: Callable[[str], Database], clock: FixedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Generator[Counter]:
    for counter in make_counter(sqlite_database, clock, tmp_path):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("DUKANI_DATA_DIR", str(tmp_path / "var"))
        monkeypatch.setenv("PLATFORM_DATABASE_URL", counter.platform.engine.url.render_as_string())
        monkeypatch.setenv("OPS_DATABASE_URL", counter.db.engine.url.render_as_string())
        counter.open_shop(BARAKA, "Baraka Kitchen")
        yield counter


def tell(counter: Counter, aggregate: str, *, vendor: VendorId = MAMA) -> None:
    with counter.of(vendor).write() as tx:
        now = counter.clock.now()
        news = order_news(counter.clock)
        announce(tx, type=EventType.ORDER_PAID, vendor_id=vendor, aggregate=aggregate, data=news, now=now)


def carry(counter: Counter, deliver: Callable[[OutboxEvent], Park | Retry]) -> None:
    relay = Relay(OpsDatabase(counter.db), outbox, counter.clock, deliver, fences=vendor_fences)
    while relay.turn():
        pass


def run(*arguments: str) -> Result:
    return CliRunner().invoke(events, list(arguments))


def listed() -> list[dict[str, object]]:
    ran = run("parked", "--json")
    assert ran.exit_code == 0, ran.output
    return json.loads(ran.output)["events"]


def statuses(counter: Counter) -> list[str]:
    return [row["status"] for row in sorted(counter.rows(outbox), key=lambda row: row["seq"])]


def test_nothing_is_stuck_at_first(shops: Counter) -> None:
    tell(shops, "order:1")
    assert run("parked").output == "Nothing is stuck.\n"


def test_a_parked_event_is_shown_with_what_it_holds_back_and_can_be_released(shops: Counter) -> None:
    tell(shops, "order:1")
    tell(shops, "order:1")
    carry(shops, lambda _event: Park("answered 422"))
    (event,) = listed()
    assert (event["vendor_id"], event["status"], event["last_error"], event["held_back"]) == (
        MAMA,
        "parked",
        "answered 422",
        1,
    )
    assert "answered 422" in run("parked").output
    ran = run("release", "mama", str(event["event_id"]))
    assert ran.exit_code == 0, ran.output
    assert listed() == []
    assert statuses(shops) == ["pending", "pending"]


def test_a_discarded_event_lets_the_next_one_go(shops: Counter) -> None:
    tell(shops, "order:1")
    tell(shops, "order:1")
    carry(shops, lambda _event: Park("answered 422"))
    (event,) = listed()
    assert run("discard", MAMA, str(event["event_id"])).exit_code == 1  # nobody said yes
    ran = run("discard", MAMA, str(event["event_id"]), "--yes")
    assert ran.exit_code == 0, ran.output
    heard: list[str] = []

    def deliver(event: OutboxEvent) -> Retry:
        heard.append(event.event_id)
        return Retry("later", 3600)

    carry(shops, deliver)
    assert len(heard) == 1
    assert statuses(shops) == ["discarded", "pending"]


@pytest.mark.parametrize("verb", ["release", "discard"])
def test_what_does_not_wait_there_is_said_not_to(shops: Counter, verb: str) -> None:
    tell(shops, "order:1", vendor=BARAKA)
    (event,) = shops.rows(outbox)
    for which in ("nothing", event["event_id"]):
        ran = run(verb, "mama", which, *(["--yes"] if verb == "discard" else []))
        assert ran.exit_code == 1
        assert "No event" in ran.output
    assert "no shop" in run(verb, "nobody", "x", *(["--yes"] if verb == "discard" else [])).output
