"""News from the router: signed, stored once, for the conversation in which its customer wrote last."""

from datetime import timedelta

from bot.inbound import events
from kit.clock import FixedClock
from kit.webhooks import EventSigner
from tests.support.bot import ACHIENG, BARAKA, EVENT_SECRET, BotUnderTest, an_event


def test_the_same_news_twice_is_told_once(any_bot: BotUnderTest) -> None:
    any_bot.hears("hello")
    for _ in range(3):
        assert any_bot.is_told(an_event("e1")) == 200
        any_bot.work()
    assert any_bot.messenger.bodies() == ["you said hello", "news: e1"]
    assert any_bot.rows("SELECT waiting FROM conversations") == [{"waiting": 0}]


def test_news_waits_its_turn_behind_what_the_customer_said(any_bot: BotUnderTest) -> None:
    any_bot.hears("one")
    any_bot.is_told(an_event("e1"))
    any_bot.hears("two")
    any_bot.work()
    assert any_bot.messenger.bodies() == ["you said one", "news: e1", "you said two"]


def test_news_does_not_open_the_window(bot: BotUnderTest, clock: FixedClock) -> None:
    bot.hears("hello")
    bot.work()
    for n in range(3):
        clock.advance(timedelta(hours=10))
        bot.is_told(an_event(f"e{n}"))
        bot.work()
    assert [status for _, status in bot.outgoing()] == ["sent", "sent", "sent", "held"]


def test_news_for_somebody_who_never_wrote_is_kept_as_ignored(any_bot: BotUnderTest) -> None:
    any_bot.hears("hello", BARAKA)
    for _ in range(2):
        assert any_bot.is_told(an_event("e1", ACHIENG)) == 200
    any_bot.work()
    assert any_bot.rows("SELECT item_id, conversation_id FROM inbox WHERE status = 'ignored'") == [
        {"item_id": "e1", "conversation_id": None}
    ]
    assert any_bot.messenger.bodies() == ["you said hello"]


def test_news_for_nobody_is_kept_as_ignored(bot: BotUnderTest) -> None:
    assert bot.is_told(an_event("e1", None, "payment.exception")) == 200
    assert bot.inbox() == ["ignored"]


def test_news_of_a_type_from_the_future_is_kept_as_ignored(bot: BotUnderTest) -> None:
    bot.hears("hello")
    assert bot.is_told({"event_id": "e1", "type": "order.teleported", "data": {"customer_address": ACHIENG}}) == 200
    bot.work()
    assert bot.inbox() == ["processed", "ignored"]
    assert bot.messenger.bodies() == ["you said hello"]


def test_news_goes_where_the_customer_wrote_last(bot: BotUnderTest, clock: FixedClock) -> None:
    bot.hears("hello", To="whatsapp:+254700000008")
    clock.advance(timedelta(minutes=1))
    bot.hears("hello", To="whatsapp:+254700000009")
    bot.is_told(an_event("e1"))
    bot.work()
    assert [posted.sender for posted in bot.messenger.taken if posted.body == "news: e1"] == ["whatsapp:+254700000009"]


def test_news_with_another_signature_is_refused(bot: BotUnderTest) -> None:
    bot.hears("hello")
    assert bot.is_told(an_event("e1"), secret="a-secret-that-somebody-guessed") == 401
    assert bot.inbox() == ["processing"]


def test_news_signed_long_ago_is_refused(bot: BotUnderTest, clock: FixedClock) -> None:
    raw = bot.app.json.dumps(an_event("e1")).encode()
    headers = EventSigner(EVENT_SECRET).headers("e1", clock.now(), raw)
    clock.advance(timedelta(minutes=6))
    assert bot.client.post(events.PATH, data=raw, headers=headers).status_code == 401


def test_unsigned_news_is_refused(bot: BotUnderTest) -> None:
    assert bot.client.post(events.PATH, json=an_event("e1")).status_code == 401


def test_the_signed_id_is_that_of_the_event(bot: BotUnderTest) -> None:
    assert bot.is_told(an_event("e1"), signed_id="e2") == 422
    assert bot.inbox() == []


def test_unreadable_news_is_refused(bot: BotUnderTest) -> None:
    assert bot.is_told({"event_id": "e1"}) == 422
    assert bot.is_told({**an_event("e1"), "occurred_at": "yesterday"}) == 422
    assert bot.is_told({**an_event("e1"), "event_id": "x" * 300}, signed_id="x" * 300) == 422
    assert bot.inbox() == []
