"""What the bot reports of conversations: twice, late, in any order; what did not arrive is news for the shop."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from router.conversations.models import chat_messages
from tests.router.conversations.test_people import chat_news, data_of_last, listed, say, the_one
from tests.support.counter import AMINA, BARAKA, Answer, Counter
from tests.support.vendor_api import vendor_api


def status(counter: Counter, message_id: str, now: str, **more: Any) -> Answer:
    news = {"message_id": message_id, "status": now, "at": counter.clock.now().isoformat(), **more}
    return counter.post("/v1/chat/report", {"statuses": [news]})


def stored(counter: Counter) -> dict[str, str]:
    return {row["id"]: row["status"] for row in counter.rows(chat_messages)}


def test_a_message_that_is_reported_twice_is_there_once(counter: Counter) -> None:
    assert say(counter, "SM1", "Hello").body["new"] == 1
    assert say(counter, "SM1", "Hello").body["new"] == 0
    api = vendor_api(counter)
    one = the_one(api)
    assert (one["unread"], one["last_line"], one["last_author"]) == (1, "Hello", "customer")
    messages = api.get(f"/api/v1/conversations/{one['conversation_id']}/messages").body["messages"]
    assert [(each["author"], each["text"], each["status"]) for each in messages] == [("customer", "Hello", "received")]


def test_a_message_that_comes_late_stands_in_its_place_and_not_on_top(counter: Counter) -> None:
    say(counter, "SM2", "Second")
    early = (counter.clock.now() - timedelta(minutes=1)).isoformat()
    say(counter, "SM1", "First", at=early)
    api = vendor_api(counter)
    one = the_one(api)
    assert (one["last_line"], one["unread"]) == ("Second", 2)
    messages = api.get(f"/api/v1/conversations/{one['conversation_id']}/messages").body["messages"]
    assert [each["text"] for each in messages] == ["Second", "First"]


@pytest.mark.parametrize("order", list(permutations(["sent", "delivered", "read"])))
def test_a_status_only_moves_forward(counter: Counter, order: tuple[str, ...]) -> None:
    say(counter, "out:1", "Karibu", author="bot", status="queued")
    for each in order:
        status(counter, "out:1", each)
    assert stored(counter) == {"out:1": "read"}
    assert chat_news(counter) == []


def test_a_message_that_is_reported_again_says_what_became_of_it_meanwhile(counter: Counter) -> None:
    say(counter, "out:1", "Karibu", author="bot", status="sent")
    say(counter, "out:1", "Karibu", author="bot", status="delivered")
    say(counter, "out:1", "Karibu", author="bot", status="sent")
    assert stored(counter) == {"out:1": "delivered"}


def test_the_status_of_a_message_that_nobody_reported_is_said_to_be_unknown(counter: Counter) -> None:
    assert status(counter, "out:9", "sent").body == {"new": 0, "moved": 0, "unknown": ["out:9"]}


def test_a_message_without_text_says_what_there_was(counter: Counter) -> None:
    say(counter, "SM1", "", media=["image", "location"])
    assert the_one(vendor_api(counter))["last_line"] == "image, location"


def test_what_did_not_arrive_is_told_once_and_listed(counter: Counter) -> None:
    say(counter, "out:1", "Your order is paid", author="bot")
    for _ in range(2):
        status(counter, "out:1", "failed", reason="undelivered", error_code=63016)
    assert chat_news(counter) == ["message.undelivered"]
    news = data_of_last(counter)
    assert (news["text"], news["status"], news["error_code"]) == ("Your order is paid", "failed", 63016)
    (one,) = vendor_api(counter).get("/api/v1/messages/undelivered").body["messages"]
    assert (one["message"]["text"], one["message"]["reason"]) == ("Your order is paid", "undelivered")
    status(counter, "out:1", "delivered")  # it had arrived after all
    assert vendor_api(counter).get("/api/v1/messages/undelivered").body["messages"] == []


def test_every_shop_hears_of_what_did_not_arrive_with_or_without_people_in_the_chat(counter: Counter) -> None:
    shop = counter.open_shop("vendor-alone", "Alone", capabilities=("commerce.orders",))
    message = {
        "message_id": "out:7",
        "customer": {"address": AMINA},
        "author": "bot",
        "text": "Your receipt",
        "at": counter.clock.now().isoformat(),
        "status": "held",
        "reason": "outside_24h",
    }
    for new in (1, 0):
        answer = counter.post("/v1/chat/undelivered", {"messages": [message]}, vendor=shop)
        assert (answer.status, answer.body) == (200, {"new": new})
    assert chat_news(counter) == ["message.undelivered"]
    (one,) = vendor_api(counter, vendor=shop).get("/api/v1/messages/undelivered").body["messages"]
    assert one["message"]["status"] == "held"
    failed = {**message, "status": "failed", "error_code": 63016}
    counter.post("/v1/chat/undelivered", {"messages": [failed]}, vendor=shop)
    assert chat_news(counter) == ["message.undelivered", "message.undelivered"]


def test_what_meant_nothing_any_more_is_listed_with_its_reason_and_alarms_nobody(counter: Counter) -> None:
    reminder = {
        "customer": {"address": AMINA},
        "author": "bot",
        "text": "Not paid yet",
        "at": counter.clock.now().isoformat(),
        "status": "held",
        "reason": "outside_24h",
    }

    def told(message_id: str, **more: str) -> list[tuple[str, str]]:
        message = {**reminder, "message_id": message_id, **more}
        assert counter.post("/v1/chat/undelivered", {"messages": [message]}).status == 200
        listed = vendor_api(counter).get("/api/v1/messages/undelivered").body["messages"]
        return [(each["message"]["status"], each["message"]["reason"]) for each in listed]

    assert told("out:7") == [("held", "outside_24h")]
    assert told("out:7", status="expired", reason="too_late") == [("expired", "too_late")]
    assert told("out:7") == [("expired", "too_late")]
    assert told("out:8", status="expired", reason="no_longer_so")[0] == ("expired", "no_longer_so")
    assert chat_news(counter) == ["message.undelivered"]


def test_what_is_held_may_still_be_sent_and_is_listed_no_more(counter: Counter) -> None:
    say(counter, "out:1", "Not paid yet", author="bot", status="held", reason="outside_24h")
    status(counter, "out:1", "sent")
    assert stored(counter) == {"out:1": "sent"}
    assert vendor_api(counter).get("/api/v1/messages/undelivered").body["messages"] == []


def test_what_arrived_can_t_be_reported_as_undelivered(counter: Counter) -> None:
    message = {
        "message_id": "out:7",
        "customer": {"address": AMINA},
        "author": "bot",
        "at": counter.clock.now().isoformat(),
        "status": "sent",
    }
    answer = counter.post("/v1/chat/undelivered", {"messages": [message]})
    assert (answer.status, answer.body["errors"][0]["field"]) == (422, "messages.0.status")


def test_one_report_may_speak_of_several_conversations(counter: Counter) -> None:
    now = counter.clock.now().isoformat()
    messages = [
        {"message_id": f"SM{n}", "customer": {"address": who}, "author": "customer", "text": str(n), "at": now,
         "status": "received"}
        for n, who in enumerate((BARAKA, AMINA, BARAKA))
    ]  # fmt: skip
    assert counter.post("/v1/chat/report", {"messages": messages}).body["new"] == 3
    assert sorted(one["unread"] for one in listed(vendor_api(counter))) == [1, 2]
