"""Every message that Twilio accepted for a shop comes into the shop's usage: until the router has said that it has it,
it is reported again."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event

from bot.conversation.model import Event, Heard, Said, State, Step
from bot.conversation.state import Shop
from bot.ports.fakes import Asked, FakePerformer
from bot.ports.messenger import NotTaken, Refused
from bot.replies.reply import Reply
from bot.reporting import Reporting
from contracts.errors import ErrorCode, ProblemBody
from contracts.money import Currency
from contracts.usage import MAX_REPORTED, MessageReport, ReportTaken
from kit.clock import FixedClock
from kit.db import Database
from kit.peers import Broken, Refusal, Unreachable
from tests.support.bot import BARAKA, BotUnderTest, an_event, obliging, parrot

LATER = timedelta(minutes=11)
"""Longer than any pause."""


def walker(state: State, event: Event, now: datetime) -> Step:
    """As the parrot; `go <shop>` enters a shop, `leave` leaves it."""
    match event:
        case Said(text="leave"):
            return Step(replace(state, shop=None), reply=Reply("bye"))
        case Said(text=text) if text.startswith("go "):
            word = text.removeprefix("go ")
            shop = Shop(f"vendor-{word}", word, word.title(), "Africa/Nairobi", Currency.KES)
            return Step(replace(state, shop=shop), reply=Reply(f"welcome to {word}"))
        case Said(text=text):
            return Step(state, reply=Reply(text)) if text not in ("boom", "add 1") else parrot(state, event, now)
        case Heard():
            return parrot(state, event, now)
        case _:
            return parrot(state, event, now)


@dataclass
class Books:
    """The router, as far as usage goes: counts each message once."""

    counted: dict[str, dict[str, datetime]] = field(default_factory=dict[str, dict[str, datetime]])
    reports: list[tuple[str, int, str]] = field(default_factory=list[tuple[str, int, str]])
    fails: dict[str, Exception] = field(default_factory=dict[str, Exception])
    loses_answers: bool = False
    meanwhile: Callable[[], object] | None = None
    """What happens once, while the first report is under way."""

    def take(self, vendor_id: str, report: MessageReport, key: str) -> ReportTaken:
        self.reports.append((vendor_id, len(report.messages), key))
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        if vendor_id in self.fails:
            raise self.fails[vendor_id]
        known = self.counted.setdefault(vendor_id, {})
        new = {message.message_id: message.sent_at for message in report.messages if message.message_id not in known}
        known.update(new)
        if self.loses_answers:
            raise Unreachable("the answer was lost")
        return ReportTaken(counted=len(new), taken_at=report.messages[0].sent_at)

    def quantities(self) -> dict[str, int]:
        return {vendor_id: len(known) for vendor_id, known in self.counted.items()}


@dataclass
class Reported:
    bot: BotUnderTest
    books: Books
    reporting: Reporting

    def report(self) -> None:
        for _ in range(50):
            if not self.reporting.turn():
                return
        raise AssertionError("still reporting")

    def left(self) -> int:
        return len(self.bot.rows("SELECT seq FROM messages WHERE reported_at IS NULL AND vendor_id IS NOT NULL"))


def made(db: Database, clock: FixedClock) -> Reported:
    books = Books()
    return Reported(BotUnderTest(db, clock, step=walker), books, Reporting(db, clock, books))


@pytest.fixture
def shop(new_database: Callable[[str], Database], clock: FixedClock) -> Reported:
    return made(new_database("conversations"), clock)


@pytest.fixture
def quick(sqlite_database: Callable[[str], Database], clock: FixedClock) -> Reported:
    return made(sqlite_database("conversations"), clock)


def test_every_message_that_twilio_took_is_reported_for_the_shop_that_the_customer_is_in(shop: Reported) -> None:
    for words in ("hello", "go mama", "menu", "go kamau", "leave", "thanks"):
        shop.bot.hears(words)
        shop.bot.work()
    shop.report()
    assert shop.books.quantities() == {"vendor-mama": 2, "vendor-kamau": 1}
    assert shop.left() == 0


def test_a_message_is_reported_by_twilio_s_id_and_when_twilio_took_it(shop: Reported) -> None:
    shop.bot.hears("go mama")
    shop.bot.work()
    sent_at = shop.bot.clock.now()
    shop.bot.clock.advance(timedelta(hours=1))
    shop.report()
    (row,) = shop.bot.rows("SELECT sid FROM messages")
    assert shop.books.counted == {"vendor-mama": {row["sid"]: sent_at}}


def test_news_belongs_to_the_shop_that_has_it_wherever_the_customer_is(quick: Reported) -> None:
    quick.bot.hears("go mama")
    quick.bot.is_told({**an_event("e1"), "vendor_id": "vendor-kamau"})
    quick.bot.work()
    quick.report()
    assert quick.books.quantities() == {"vendor-mama": 1, "vendor-kamau": 1}


def test_no_shop_pays_for_our_own_apologies(quick: Reported) -> None:
    quick.bot.hears("go mama")
    quick.bot.work()
    quick.bot.hears("boom")
    for _ in range(6):
        quick.bot.work()
        quick.bot.clock.advance(timedelta(minutes=1))
    quick.bot.work()
    assert len(quick.bot.outgoing()) == 2
    quick.report()
    assert quick.books.quantities() == {"vendor-mama": 1}


def test_no_shop_pays_for_being_told_that_an_answer_takes_a_while(quick: Reported) -> None:
    def be_down(_asked: Asked) -> None:
        raise Unreachable("down")

    performer = FakePerformer(obliging, before=be_down)
    bot = BotUnderTest(quick.bot.db, quick.bot.clock, step=walker, performer=performer)
    bot.hears("go mama")
    bot.work()
    bot.hears("add 1")
    bot.work()
    assert [body for body, _ in bot.outgoing()] == ["welcome to mama", "unreachable_shop"]
    quick.report()
    assert quick.books.quantities() == {"vendor-mama": 1}


def test_what_twilio_did_not_take_is_not_reported(quick: Reported) -> None:
    quick.bot.hears("go mama")
    quick.bot.messenger.next += [(NotTaken("429"), False), (Refused("no such number", 21211), False)]
    quick.bot.work()
    quick.report()
    quick.bot.clock.advance(timedelta(minutes=2))
    quick.bot.work()
    quick.report()
    assert [status for _, status in quick.bot.outgoing()] == ["failed"]
    assert quick.books.reports == []


def test_while_the_router_is_down_messages_wait_and_then_catch_up(shop: Reported) -> None:
    shop.books.fails = {"vendor-mama": Unreachable("down")}
    shop.bot.hears("go mama")
    for n in range(4):
        shop.bot.hears(f"number {n}")
    shop.bot.work()
    shop.report()
    assert shop.left() == 5
    shop.books.fails = {}
    shop.report()
    assert shop.left() == 5  # not asked again at once
    shop.bot.clock.advance(LATER)
    shop.report()
    assert (shop.books.quantities(), shop.left()) == ({"vendor-mama": 5}, 0)


def test_a_router_that_counted_and_whose_answer_was_lost_counts_nothing_twice(shop: Reported) -> None:
    shop.books.loses_answers = True
    shop.bot.hears("go mama")
    shop.bot.work()
    shop.report()
    shop.books.loses_answers = False
    shop.bot.hears("one more")
    shop.bot.work()
    shop.bot.clock.advance(LATER)
    shop.report()
    assert (shop.books.quantities(), shop.left()) == ({"vendor-mama": 2}, 0)
    assert [count for _, count, _ in shop.books.reports] == [1, 2]


def test_a_bot_that_was_killed_between_the_report_and_its_note_reports_the_same_again(shop: Reported) -> None:
    shop.bot.hears("go mama")
    shop.bot.work()
    boom = RuntimeError("killed")

    def fail(*_: object) -> None:
        raise boom

    event.listen(shop.bot.db.engine, "before_cursor_execute", lambda *args: fail() if "reported_at=" in args[2] else 0)
    with pytest.raises(RuntimeError, match="killed"):
        shop.reporting.turn()
    another = BotUnderTest(Database(shop.bot.db.engine.url.render_as_string(hide_password=False)), shop.bot.clock)
    Reporting(another.db, shop.bot.clock, shop.books).turn()
    assert (shop.books.quantities(), shop.left()) == ({"vendor-mama": 1}, 0)
    first, second = shop.books.reports
    assert first == second  # the same report under the same key
    another.db.close()


@pytest.mark.parametrize(
    "trouble",
    [
        Refusal(ProblemBody(title="", status=404, code=ErrorCode.SHOP_UNKNOWN)),
        Broken("answered 500"),
        Unreachable("its database is down"),
    ],
)
def test_a_shop_that_can_not_be_reported_holds_back_no_other(quick: Reported, trouble: Exception) -> None:
    quick.books.fails = {"vendor-a": trouble}
    for words, who in (("go a", BARAKA), ("go b", BARAKA), ("go c", BARAKA)):
        quick.bot.hears(words, who)
        quick.bot.work()
    quick.report()
    assert quick.books.quantities() == {"vendor-b": 1, "vendor-c": 1}
    assert quick.left() == 1
    quick.report()
    assert len(quick.books.reports) == 3  # it is left alone for a while
    quick.books.fails = {}
    quick.bot.clock.advance(LATER)
    quick.report()
    assert quick.left() == 0


def test_a_shop_that_is_refused_again_and_again_is_asked_for_more_and_more_seldom(quick: Reported) -> None:
    quick.books.fails = {"vendor-a": Refusal(ProblemBody(title="", status=404, code=ErrorCode.SHOP_UNKNOWN))}
    quick.bot.hears("go a")
    quick.bot.work()
    for _ in range(3600):
        quick.bot.clock.advance(timedelta(seconds=1))
        quick.reporting.turn()
    assert 8 <= len(quick.books.reports) <= 12


def test_a_router_that_is_down_is_asked_a_few_times_and_not_for_every_shop(quick: Reported) -> None:
    for n in range(8):
        quick.bot.hears(f"go s{n}")
        quick.bot.work()
        quick.books.fails[f"vendor-s{n}"] = Unreachable("down")
    quick.report()
    assert len(quick.books.reports) == 3


def test_a_long_backlog_goes_out_in_batches(quick: Reported) -> None:
    quick.bot.hears("go mama")
    quick.bot.work()
    for n in range(MAX_REPORTED + 20):
        quick.bot.hears(f"message {n}")
    quick.bot.work(rounds=1000)
    quick.report()
    assert [count for _, count, _ in quick.books.reports] == [MAX_REPORTED, 21]
    assert (quick.books.quantities(), quick.left()) == ({"vendor-mama": MAX_REPORTED + 21}, 0)


def test_two_bots_that_report_at_once_count_once(shop: Reported) -> None:
    shop.bot.hears("go mama")
    shop.bot.work()
    other = Reporting(shop.bot.db, shop.bot.clock, shop.books)
    shop.books.meanwhile = lambda: other.turn()
    shop.report()
    assert (shop.books.quantities(), shop.left()) == ({"vendor-mama": 1}, 0)


def test_looking_for_what_is_unreported_walks_no_table(quick: Reported) -> None:
    ran: list[tuple[str, object]] = []
    quick.bot.hears("go mama")
    quick.bot.work()
    event.listen(quick.bot.db.engine, "before_cursor_execute", lambda *args: ran.append((args[2], args[3])))
    quick.report()
    plans: list[str] = []
    with quick.bot.db.read() as tx:
        seen = tuple(ran)  # what is explained is heard as well
        for statement, parameters in seen:
            if "messages" in statement:
                plan = tx.conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)  # pyright: ignore[reportArgumentType]
                plans += [row.detail for row in plan]
    assert len(plans) >= 3
    assert all("messages_unreported" in detail or "INTEGER PRIMARY KEY" in detail for detail in plans), plans
