"""What is said in conversations comes down to the router: each message once, its status as it moves, at once while a
person answers; until the router has said that it has it, it is told again."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import event

from bot.inbound.forms import said
from bot.mirroring import LEFT_ALONE, MAX_BYTES, Mirroring
from bot.ports.messenger import Refused
from contracts.chat_api import ChatReport, ChatStatus, ChatTaken
from contracts.errors import ErrorCode
from kit.clock import FixedClock
from kit.db import Database
from kit.peers import Broken, Unreachable
from tests.support.bot import BARAKA, an_event, sid
from tests.support.mirror import Mirrored, made, refused

LATER = timedelta(minutes=11)
"""Longer than any pause."""


@pytest.fixture
def shop(new_database: Callable[[str], Database], clock: FixedClock) -> Mirrored:
    return made(new_database("conversations"), clock)


@pytest.fixture
def quick(sqlite_database: Callable[[str], Database], clock: FixedClock) -> Mirrored:
    return made(sqlite_database("conversations"), clock)


def test_both_sides_of_a_conversation_come_to_its_shop(shop: Mirrored) -> None:
    shop.says("hello", "go mama", "two milk")
    shop.bot.hears("", MediaContentType0="image/jpeg")
    shop.bot.work()
    shop.says("go kamau")
    shop.tell()
    assert shop.desk.said("vendor-mama")[:5] == [
        ("customer", "go mama", "received"),
        ("bot", "welcome to mama", "sent"),
        ("customer", "two milk", "received"),
        ("bot", "two milk", "sent"),
        ("customer", "", "received"),
    ]
    assert shop.desk.messages["vendor-mama"][sid(4)].media == ["image"]
    assert shop.desk.messages["vendor-mama"][sid(3)].customer.name == "Achieng"
    assert shop.desk.said("vendor-kamau") == [
        ("customer", "go kamau", "received"),
        ("bot", "welcome to kamau", "sent"),
    ]
    assert shop.untold() == 0


def test_statuses_follow_as_they_move(shop: Mirrored) -> None:
    shop.says("go mama")
    shop.tell()
    shop.becomes(0, "delivered")
    shop.tell()
    shop.becomes(0, "read")
    shop.tell()
    assert [status for _, status in shop.desk.statuses] == ["delivered", "read"]
    assert shop.desk.said("vendor-mama")[1] == ("bot", "welcome to mama", "read")
    calls = len(shop.desk.calls)
    shop.tell()
    assert len(shop.desk.calls) == calls  # nothing is left to be told


def test_what_a_person_wrote_keeps_the_id_that_the_router_gave_it(shop: Mirrored) -> None:
    shop.says("go mama", "person")
    shop.bot.is_told({**an_event("e1", kind="chat.staff_message"), "vendor_id": "vendor-mama"})
    shop.bot.work()
    shop.tell()
    shop.becomes(2, "delivered")
    shop.tell()
    assert shop.desk.statuses == [("staff-1", "sent"), ("staff-1", "delivered")]
    assert "staff-1" not in shop.desk.messages["vendor-mama"]  # the router wrote it down itself


def test_a_message_that_is_sent_once_more_is_one_message_to_the_shop(shop: Mirrored) -> None:
    shop.says("go mama")
    shop.tell()
    shop.becomes(0, "failed", ErrorCode="63010")  # a fault that passes
    shop.bot.clock.advance(timedelta(minutes=2))
    shop.bot.work()
    shop.becomes(1, "delivered")
    shop.tell()
    assert [status for _, status in shop.bot.outgoing()] == ["failed", "delivered"]
    assert (shop.desk.lost, shop.untold()) == ([], 0)
    assert list(shop.desk.messages["vendor-mama"]) == [sid(1), "out:1"]
    assert shop.desk.said("vendor-mama")[1] == ("bot", "welcome to mama", "delivered")


def test_what_did_not_arrive_is_told_to_every_shop(shop: Mirrored) -> None:
    shop.desk.fails["vendor-mama"] = refused(ErrorCode.CAPABILITY_MISSING)
    shop.says("go mama")
    shop.bot.messenger.next.append((Refused("no such number", 21211), False))
    shop.says("hello")
    shop.bot.clock.advance(timedelta(hours=25))
    shop.bot.is_told({**an_event("e1"), "vendor_id": "vendor-mama"})
    shop.bot.work()
    for _ in range(2):
        shop.tell()
    assert shop.desk.lost == [
        ("vendor-mama", "no such number", "hello"),
        ("vendor-mama", "outside_24h", "news: e1"),
    ]
    assert shop.untold() == 0


def test_after_stop_what_a_person_wrote_is_held_and_the_shop_is_told(quick: Mirrored) -> None:
    quick.says("go mama", "stop")
    quick.bot.is_told({**an_event("e1", kind="chat.staff_message"), "vendor_id": "vendor-mama"})
    quick.bot.work()
    quick.tell()
    assert quick.desk.lost == [("vendor-mama", "opted_out", "from Wanjiru")]


def test_alerts_for_the_shop_s_own_people_are_no_conversation_even_when_they_are_lost(quick: Mirrored) -> None:
    quick.says("go mama")
    quick.bot.is_told({**an_event("e1", kind="shop.alert"), "vendor_id": "vendor-mama"})
    quick.bot.work()
    quick.bot.clock.advance(timedelta(hours=25))
    quick.bot.is_told({**an_event("e2", kind="shop.alert"), "vendor_id": "vendor-mama"})
    quick.bot.work()
    quick.tell()
    assert [status for _, status in quick.bot.outgoing()] == ["sent", "sent", "held"]
    assert [what for _, what, _ in quick.desk.said("vendor-mama")] == ["go mama", "welcome to mama"]
    assert quick.desk.lost == []


def test_a_message_that_we_could_not_answer_is_seen_by_the_shop(quick: Mirrored) -> None:
    quick.says("go mama")
    quick.bot.hears("boom")
    for _ in range(6):
        quick.bot.work()
        quick.bot.clock.advance(timedelta(minutes=1))
    quick.tell()
    assert ("customer", "boom", "received") in quick.desk.said("vendor-mama")


# --- trouble ---------------------------------------------------------------------------------------------------------


def test_while_the_router_is_down_everything_waits_and_then_catches_up(shop: Mirrored) -> None:
    shop.desk.fails["vendor-mama"] = Unreachable("down")
    shop.says("go mama", "one", "two")
    shop.tell()
    assert shop.untold() == 6
    shop.desk.fails.clear()
    shop.bot.clock.advance(LATER)
    shop.tell()
    assert (len(shop.desk.said("vendor-mama")), shop.untold()) == (6, 0)


def test_a_report_whose_answer_was_lost_is_told_again_with_what_has_moved_since(shop: Mirrored) -> None:
    shop.desk.loses_answers = True
    shop.says("go mama")
    shop.tell()
    shop.desk.loses_answers = False
    shop.becomes(0, "delivered")
    shop.bot.clock.advance(LATER)
    shop.tell()
    assert shop.untold() == 0
    assert [count for _, count in shop.desk.calls] == [2, 2]


def test_a_bot_that_was_killed_between_the_report_and_its_note_tells_it_again(shop: Mirrored) -> None:
    shop.says("go mama")

    def die(*args: object) -> None:
        if "told_at=" in str(args[2]):
            raise RuntimeError("killed")

    event.listen(shop.bot.db.engine, "before_cursor_execute", die)
    with pytest.raises(RuntimeError, match="killed"):
        shop.mirroring.sweep()
    event.remove(shop.bot.db.engine, "before_cursor_execute", die)
    Mirroring(shop.bot.db, shop.bot.clock, shop.desk, said).sweep()
    assert (len(shop.desk.said("vendor-mama")), shop.untold()) == (2, 0)


def test_a_status_that_moves_while_it_is_told_is_told_again(quick: Mirrored) -> None:
    quick.says("go mama")
    report = quick.desk.report

    def meanwhile(vendor_id: str, told: ChatReport, key: str) -> ChatTaken:
        quick.becomes(0, "delivered")
        return report(vendor_id, told, key)

    quick.desk.report = meanwhile
    quick.mirroring.sweep()
    quick.desk.report = report
    quick.tell()
    assert quick.desk.said("vendor-mama")[1][2] == ChatStatus.DELIVERED


def test_a_shop_without_people_is_left_alone_for_ten_minutes_and_its_rows_are_done(shop: Mirrored) -> None:
    shop.desk.fails["vendor-mama"] = refused(ErrorCode.CAPABILITY_MISSING)
    shop.says("go mama", "one")
    shop.tell()
    assert (len(shop.desk.calls), shop.untold()) == (1, 0)
    shop.says("two")
    shop.tell()
    assert (len(shop.desk.calls), shop.untold()) == (1, 0)
    shop.desk.fails.clear()  # there are people now
    shop.bot.clock.advance(LEFT_ALONE)
    shop.says("three")
    shop.tell()
    assert [what for _, what, _ in shop.desk.said("vendor-mama")] == ["three", "three"]


def test_a_shop_where_somebody_waits_has_people_after_all(quick: Mirrored) -> None:
    quick.desk.fails["vendor-mama"] = refused(ErrorCode.CAPABILITY_MISSING)
    quick.says("go mama")
    quick.tell()
    quick.desk.fails.clear()
    quick.says("person")
    quick.tell()
    assert ("customer", "person", "received") in quick.desk.said("vendor-mama")


@pytest.mark.parametrize("trouble", [Broken("500"), Unreachable("down"), refused(ErrorCode.SHOP_UNKNOWN)])
def test_a_shop_that_can_not_be_told_holds_back_no_other(quick: Mirrored, trouble: Exception) -> None:
    quick.desk.fails["vendor-a"] = trouble
    for shop in ("a", "b"):
        quick.bot.hears(f"go {shop}", BARAKA)
        quick.bot.work()
    quick.tell()
    assert len(quick.desk.said("vendor-b")) == 2
    assert quick.untold() == 2
    quick.tell()
    assert len(quick.desk.calls) == 2  # it is left alone for a while


def test_a_message_that_the_router_can_not_read_holds_back_no_other(quick: Mirrored) -> None:
    quick.desk.cannot_read = "strange"
    quick.says("go mama", "strange", "fine")
    for _ in range(3):
        quick.tell()
        quick.bot.clock.advance(LATER)
    assert quick.untold() == 0
    assert [what for _, what, _ in quick.desk.said("vendor-mama")] == ["go mama", "welcome to mama", "fine", "fine"]


def test_long_messages_are_split_by_size(quick: Mirrored) -> None:
    quick.says("go mama")
    for n in range(60):
        quick.bot.hears(f"{n} " + "ж" * 1500)
    quick.bot.work(rounds=1000)
    quick.tell()
    assert len(quick.desk.said("vendor-mama")) == 122
    assert max(quick.desk.sizes) < MAX_BYTES + 8 * 1024
    assert max(count for _, count in quick.desk.calls) <= 50


# --- speed -----------------------------------------------------------------------------------------------------------


def test_while_somebody_waits_each_message_is_told_right_after_its_commit(quick: Mirrored) -> None:
    quick.says("go mama")
    assert quick.wakes == []
    quick.mirroring.turn()
    quick.says("person")
    assert quick.wakes
    quick.wakes.clear()
    quick.says("quiet")
    assert quick.wakes
    quick.mirroring.turn()  # a hurry, not the sweep: that was a moment ago
    assert ("customer", "quiet", "received") in quick.desk.said("vendor-mama")
    quick.wakes.clear()
    quick.becomes(1, "delivered")
    assert quick.wakes
    quick.bot.clock.advance(timedelta(hours=3))
    quick.wakes.clear()
    quick.becomes(1, "read")
    assert quick.wakes == []  # the time is over


def test_looking_for_what_is_to_be_told_walks_no_table(quick: Mirrored) -> None:
    quick.says("go mama")
    quick.bot.messenger.next.append((Refused("no such number", 21211), False))
    quick.says("hello")
    ran: list[tuple[str, object]] = []
    event.listen(quick.bot.db.engine, "before_cursor_execute", lambda *args: ran.append((args[2], args[3])))
    quick.tell()
    quick.desk.fails["vendor-mama"] = refused(ErrorCode.CAPABILITY_MISSING)
    quick.says("one more")
    ran_before, _ = len(ran), quick.tell()
    plans: list[str] = []
    with quick.bot.db.read() as tx:
        seen = [one for place, one in enumerate(ran) if place < 12 or place >= ran_before]
        for statement, parameters in seen:
            if "messages" in statement or "inbox" in statement:
                plan = tx.conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)  # pyright: ignore[reportArgumentType]
                plans += [row.detail for row in plan]
    assert len(plans) >= 10
    scans = [detail for detail in plans if detail.startswith("SCAN") and "USING" not in detail]
    walks = [detail for detail in scans if "json_each" not in detail]  # the list that was given
    assert walks == []
    named = {index for index in ("inbox_untold", "messages_untold", "messages_lost") if index in "".join(plans)}
    assert len(named) == 3
