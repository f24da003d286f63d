"""Whose turn it is in a conversation: asked for, taken, given back, and ended by time."""

import json
from datetime import timedelta
from typing import Any

import pytest

from contracts.chat_api import ChatMode
from kit.db import Tx
from router.conversations.models import conversations
from router.conversations.sweep import TurnSweep
from router.events.models import outbox
from router.operations import KeyScope
from tests.support.counter import AMINA, BARAKA, HIDDEN, MAMA, Answer, Counter
from tests.support.vendor_api import VendorApi, vendor_api

TWO_HOURS = timedelta(hours=2)


def ask(counter: Counter, who: str = AMINA, about: str = "Is the milk fresh?") -> Answer:
    return counter.post("/v1/chat/handover", {"customer": {"address": who, "name": "Amina"}, "about": about})


def say(
    counter: Counter, message_id: str, text: str, *, who: str = AMINA, author: str = "customer", **more: Any
) -> Answer:
    message = {
        "message_id": message_id,
        "customer": {"address": who, "name": "Amina"},
        "author": author,
        "text": text,
        "at": counter.clock.now().isoformat(),
        "status": "received" if author == "customer" else "sent",
        **more,
    }
    return counter.post("/v1/chat/report", {"messages": [message]})


def listed(api: VendorApi, **query: object) -> list[dict[str, Any]]:
    return api.get("/api/v1/conversations", **query).body["conversations"]


def the_one(api: VendorApi) -> dict[str, Any]:
    (one,) = listed(api)
    return one


def chat_news(counter: Counter) -> list[str]:
    return [kind for kind in counter.news() if kind.startswith(("chat.", "message."))]


def data_of_last(counter: Counter) -> dict[str, Any]:
    row = max(counter.rows(outbox), key=lambda row: row["seq"])
    body = row["body"]
    return (json.loads(body) if isinstance(body, str) else body)["data"]


def sweep(counter: Counter) -> bool:
    return TurnSweep(counter.databases, counter.directory, counter.clock).turn()


def test_a_customer_who_asks_for_a_person_waits_two_hours_and_the_shop_hears_of_it_once(counter: Counter) -> None:
    answer = ask(counter)
    until = counter.clock.now() + TWO_HOURS
    assert answer.body == {"mode": "waiting", "until": until.isoformat().replace("+00:00", "Z")}
    counter.clock.advance(timedelta(minutes=5))
    assert ask(counter, about="Hello?").body == answer.body
    assert chat_news(counter) == ["chat.waiting"]
    news = data_of_last(counter)
    assert (news["mode"], news["about"], news["customer_address"]) == ("waiting", "Is the milk fresh?", AMINA)


def test_a_shop_without_people_in_the_chat_is_said_to_have_none(counter: Counter) -> None:
    shop = counter.open_shop("vendor-alone", "Alone", capabilities=("commerce.orders",))
    answer = counter.post("/v1/chat/handover", {"customer": {"address": AMINA}}, vendor=shop)
    assert (answer.status, answer.code) == (403, "capability_missing")


def test_a_person_who_writes_has_the_conversation_and_the_bot_is_given_the_words(counter: Counter) -> None:
    ask(counter)
    say(counter, "SM1", "Is the milk fresh?")
    api = vendor_api(counter)
    one = the_one(api)
    path = f"/api/v1/conversations/{one['conversation_id']}"
    written = api.post(f"{path}/messages", {"text": " From this morning. ", "by": "Wanjiru"})
    assert (written.status, written.body["status"], written.body["text"]) == (202, "queued", "From this morning.")
    news = data_of_last(counter)
    assert chat_news(counter) == ["chat.waiting", "chat.staff_message"]
    assert (news["message_id"], news["text"], news["by"]) == (
        written.body["message_id"],
        "From this morning.",
        "Wanjiru",
    )
    after = api.get(path).body
    assert (after["mode"], after["taken_by"], after["unread"], after["last_line"]) == (
        "staff",
        "Wanjiru",
        0,
        "From this morning.",
    )


def test_the_same_words_under_the_same_key_are_written_once(counter: Counter) -> None:
    say(counter, "SM1", "Hello")
    api = vendor_api(counter)
    path = f"/api/v1/conversations/{the_one(api)['conversation_id']}/messages"
    first = api.post(path, {"text": "Karibu"}, key="k1")
    assert api.post(path, {"text": "Karibu"}, key="k1").body == first.body
    assert chat_news(counter) == ["chat.staff_message"]


def test_nobody_can_write_after_the_customer_has_been_silent_for_a_day(counter: Counter) -> None:
    say(counter, "SM1", "Hello")
    api = vendor_api(counter)
    one = the_one(api)
    assert one["may_write"]
    counter.clock.advance(timedelta(hours=24))
    assert not the_one(api)["may_write"]
    refused = api.post(f"/api/v1/conversations/{one['conversation_id']}/messages", {"text": "Hello again"})
    assert (refused.status, refused.code) == (409, "chat_window_closed")
    assert chat_news(counter) == []


@pytest.mark.parametrize("by", ["customer", "shop", "timer"])
def test_the_bot_answers_again_when_somebody_says_so_or_the_time_is_over(counter: Counter, by: str) -> None:
    ask(counter)
    api = vendor_api(counter)
    path = f"/api/v1/conversations/{the_one(api)['conversation_id']}"
    assert api.post(f"{path}/take", {"by": "Wanjiru"}).body["mode"] == "staff"
    match by:
        case "customer":
            answer = counter.post("/v1/chat/return", {"customer": {"address": AMINA}})
            assert answer.body == {"mode": "bot", "until": None}
        case "shop":
            assert api.post(f"{path}/return", {}).body["mode"] == "bot"
        case _:
            counter.clock.advance(TWO_HOURS - timedelta(seconds=1))
            assert not sweep(counter)
            counter.clock.advance(timedelta(seconds=1))
            assert api.get(path).body["mode"] == "bot"  # before anybody has swept
            assert [len(listed(api, mode=mode)) for mode in ("bot", "staff")] == [1, 0]
            assert sweep(counter)
            assert not sweep(counter)
    assert chat_news(counter) == ["chat.waiting", "chat.taken", "chat.returned"]
    assert data_of_last(counter)["returned_by"] == by


def test_taken_again_the_bot_hears_that_it_is_mute_for_longer(counter: Counter) -> None:
    ask(counter)
    api = vendor_api(counter)
    path = f"/api/v1/conversations/{the_one(api)['conversation_id']}/take"
    for _ in range(2):
        counter.clock.advance(timedelta(hours=1))
        assert api.post(path, {"by": "Wanjiru"}).status == 200
    assert chat_news(counter) == ["chat.waiting", "chat.taken", "chat.taken"]
    assert data_of_last(counter)["until"] == the_one(api)["until"]
    assert data_of_last(counter)["by"] == "Wanjiru"


def test_what_was_given_back_is_not_given_back_again(counter: Counter) -> None:
    ask(counter)
    for _ in range(2):
        counter.post("/v1/chat/return", {"customer": {"address": AMINA}})
    assert chat_news(counter) == ["chat.waiting", "chat.returned"]


def test_every_message_of_the_shop_begins_the_time_anew(counter: Counter) -> None:
    say(counter, "SM1", "Hello")
    api = vendor_api(counter)
    path = f"/api/v1/conversations/{the_one(api)['conversation_id']}"
    api.post(f"{path}/take", {})
    counter.clock.advance(timedelta(hours=1, minutes=59))
    api.post(f"{path}/messages", {"text": "Still here"})
    counter.clock.advance(timedelta(hours=1))
    assert not sweep(counter)
    assert api.get(path).body["mode"] == "staff"


def test_a_shop_finds_those_who_wait(counter: Counter) -> None:
    say(counter, "SM1", "Hello", who=BARAKA)
    ask(counter)
    ask(counter, HIDDEN)
    api = vendor_api(counter)
    assert {one["mode"] for one in listed(api, mode="waiting")} == {"waiting"}
    assert len(listed(api, mode="waiting")) == 2
    assert len(listed(api)) == 3
    assert [row["mode"] for row in api.all("/api/v1/conversations", "conversations", limit=1)].count("waiting") == 2


def test_a_conversation_of_another_shop_is_not_there(counter: Counter) -> None:
    ask(counter)
    one = the_one(vendor_api(counter))
    other = counter.open_shop("vendor-baraka", "Baraka Kitchen")
    stranger = vendor_api(counter, vendor=other)
    path = f"/api/v1/conversations/{one['conversation_id']}"
    for answer in (
        stranger.get(path),
        stranger.get(f"{path}/messages"),
        stranger.post(f"{path}/messages", {"text": "Hello"}),
        stranger.post(f"{path}/take", {}),
        stranger.post(f"{path}/return", {}),
    ):
        assert (answer.status, answer.code) == (404, "conversation_unknown")
    assert listed(stranger) == []
    assert chat_news(counter) == ["chat.waiting"]


def test_numbers_are_masked_for_a_key_that_may_not_see_customers(counter: Counter) -> None:
    ask(counter)
    assert the_one(vendor_api(counter, KeyScope.CHAT_READ))["customer"]["phone"] == "2547*****149"
    whole = vendor_api(counter, KeyScope.CHAT_READ, KeyScope.CUSTOMERS_READ)
    assert the_one(whole)["customer"]["phone"] == "254708374149"


def test_a_turn_that_can_t_be_ended_does_not_hold_back_the_others(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(counter)
    counter.clock.advance(timedelta(minutes=1))
    ask(counter, BARAKA)
    first = min(counter.rows(conversations), key=lambda row: row["until"])["id"]
    from router.conversations import sweep as room

    real = room.end_turn

    def sometimes(tx: Tx, vendor: Any, conversation_id: str, now: Any) -> None:
        if conversation_id == first:
            raise RuntimeError("broken")
        real(tx, vendor, conversation_id, now)

    monkeypatch.setattr(room, "end_turn", sometimes)
    counter.clock.advance(timedelta(hours=3))
    assert sweep(counter)
    modes = {row["id"]: row["mode"] for row in counter.rows(conversations)}
    assert modes.pop(first) == ChatMode.WAITING
    assert list(modes.values()) == [ChatMode.BOT]
    assert {row["vendor_id"] for row in counter.rows(conversations)} == {MAMA}
