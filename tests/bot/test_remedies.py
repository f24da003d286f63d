"""What a refusal or a failed delivery asks for is done: said as text, once more later, as a template, or not at all."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.channels.remedies import Remedy
from bot.channels.twilio_codes import REMEDIES, remedy_for
from bot.conversation.model import Event, Heard, Said, State, Step
from bot.inbound import delivery_status
from bot.pace import BURST, SenderPace, next_to_customer
from bot.ports.messenger import Kind, NotTaken, Refused, Unsure
from bot.replies.reply import Option, Picture, Reply
from bot.sending import Sender
from bot.store import consents, telling
from bot.store.delivery import PAUSE
from bot.turns import Turns
from contracts.money import Currency, Money
from kit.clock import FixedClock
from kit.db import Database
from tests.support.bot import ACCOUNT, ACHIENG, BARAKA, BotUnderTest, an_event

PAID = Reply("template_order_paid", {"code": "CDFGHJ", "shop": "Mama Njeri", "total": Money(12000, Currency.KES)})

PHOTOGRAPH = Picture(b64encode(b"\xff\xd8\xff\xe0 milk \xff\xd9").decode())


def step(state: State, event: Event, now: datetime) -> Step:
    """Answers with a button, and with a picture if it is asked for one; its news has a template."""
    del now
    match event:
        case Said(text=said):
            opted_out = {"stop": True, "start": False}.get(said.lower(), state.opted_out)
            options = (Option("pay:CDFGHJ:-:shop", Reply("button_pay")),)
            picture = PHOTOGRAPH if said == "show me" else None
            thanks = Reply("thanks", {"hint": ()}, picture, options)
            return Step(replace(state, opted_out=opted_out), reply=thanks)
        case Heard():
            return Step(state, reply=Reply("receipts", template=PAID), answers_customer=False)
        case _:
            raise AssertionError(event)


def render(reply: Reply, language: str) -> str:
    return f"{reply.key} in {language}"


class Tapping(BotUnderTest):
    def __init__(self, db: Database, clock: FixedClock) -> None:
        super().__init__(db, clock, step=step, render=render)


@pytest.fixture
def tapping(any_bot: BotUnderTest) -> BotUnderTest:
    """On both databases."""
    return Tapping(any_bot.db, any_bot.clock)


def report(bot: BotUnderTest, sid: str, code: int) -> None:
    form = {"AccountSid": ACCOUNT, "MessageSid": sid, "MessageStatus": "undelivered", "ErrorCode": str(code)}
    assert bot.post(delivery_status.PATH, form) == 200


def kinds(bot: BotUnderTest) -> list[Kind]:
    return [posted.message.kind for posted in bot.messenger.taken]


def statuses(bot: BotUnderTest) -> list[tuple[str, str, int | None]]:
    return [
        (row["purpose"], row["status"], row["error_code"])
        for row in bot.rows("SELECT purpose, status, error_code FROM messages ORDER BY seq")
    ]


def test_what_can_be_tapped_leaves_with_its_text_beside_it(tapping: BotUnderTest) -> None:
    tapping.hears("hello")
    tapping.work()
    (posted,) = tapping.messenger.taken
    assert posted.message.kind is Kind.BUTTONS
    assert posted.body == "thanks in en"
    assert posted.message.tappable is not None
    assert [choice.payload for choice in posted.message.tappable.choices] == ["pay:CDFGHJ:-:shop"]


@pytest.mark.parametrize("code", [21655, 21656, 63005, 63021, 999])
def test_buttons_that_are_refused_are_followed_by_their_text_alone(bot: BotUnderTest, code: int) -> None:
    tapping = Tapping(bot.db, bot.clock)
    tapping.messenger.next.append((Refused("answered 400", code), False))
    tapping.hears("hello")
    tapping.work()
    assert kinds(tapping) == [Kind.TEXT]
    assert statuses(tapping) == [("reply", "failed", code), ("plain", "sent", None)]


def test_buttons_that_did_not_arrive_are_followed_by_their_text_alone_once(tapping: BotUnderTest) -> None:
    tapping.hears("hello")
    tapping.work()
    for _ in range(2):
        report(tapping, tapping.messenger.taken[0].sid, 63021)
        tapping.work()
    assert kinds(tapping) == [Kind.BUTTONS, Kind.TEXT]
    report(tapping, tapping.messenger.taken[1].sid, 63021)
    tapping.work()
    assert len(tapping.messenger.taken) == 2


@pytest.mark.parametrize(
    ("code", "then"),
    [(63005, [Kind.PICTURE, Kind.TEXT]), (63021, [Kind.PICTURE, Kind.TEXT]), (63019, [Kind.TEXT]), (999, [Kind.TEXT])],
)
def test_a_picture_stays_where_its_buttons_were_the_trouble_and_goes_where_it_is_itself(
    tapping: BotUnderTest, code: int, then: list[Kind]
) -> None:
    tapping.hears("show me")
    tapping.work()
    for _ in range(4):
        report(tapping, tapping.messenger.taken[-1].sid, code)
        tapping.work()
    assert kinds(tapping) == [Kind.CARD, *then]
    last = tapping.messenger.taken[-1].message
    assert (last.tappable, last.media_url, last.text) == (None, None, "thanks in en")


def test_buttons_that_are_refused_at_once_leave_the_picture_too(bot: BotUnderTest) -> None:
    tapping = Tapping(bot.db, bot.clock)
    tapping.messenger.next.extend([(Refused("answered 400", 21655), False)] * 2)
    tapping.hears("show me")
    tapping.work()
    assert kinds(tapping) == [Kind.TEXT]
    assert [status for _, status, _ in statuses(tapping)] == ["failed", "failed", "sent"]


def test_too_much_at_once_is_said_once_more_as_it_was_after_a_pause(tapping: BotUnderTest) -> None:
    tapping.hears("hello")
    tapping.work()
    report(tapping, tapping.messenger.taken[0].sid, 63018)
    tapping.clock.advance(PAUSE - timedelta(seconds=1))
    tapping.work()
    assert kinds(tapping) == [Kind.BUTTONS]
    tapping.clock.advance(timedelta(seconds=1))
    tapping.work()
    assert kinds(tapping) == [Kind.BUTTONS, Kind.BUTTONS]
    assert statuses(tapping) == [("reply", "failed", 63018), ("again", "sent", None)]
    report(tapping, tapping.messenger.taken[1].sid, 63018)
    tapping.clock.advance(PAUSE)
    tapping.work()
    assert len(tapping.messenger.taken) == 2, "not for ever"


def test_a_refusal_that_passes_puts_the_message_off(tapping: BotUnderTest) -> None:
    tapping.messenger.next.append((Refused("answered 400", 63017), False))
    tapping.hears("hello")
    tapping.work()
    assert statuses(tapping) == [("reply", "queued", None)]
    tapping.clock.advance(timedelta(seconds=30))
    tapping.work()
    assert kinds(tapping) == [Kind.BUTTONS]


@pytest.mark.parametrize("is_late", [False, True])
def test_a_customer_who_blocked_us_is_left_alone_until_they_write(tapping: BotUnderTest, is_late: bool) -> None:
    if not is_late:
        tapping.messenger.next.append((Refused("answered 400", 63014), False))
    tapping.hears("hello")
    tapping.work()
    if is_late:
        report(tapping, tapping.messenger.taken[0].sid, 63014)
    taken = len(tapping.messenger.taken)
    tapping.is_told(an_event("e1"))
    tapping.work()
    assert len(tapping.messenger.taken) == taken
    assert statuses(tapping)[-1] == ("reply", "held", None)
    (row,) = tapping.rows("SELECT id FROM conversations")
    with tapping.db.read() as tx:
        (consent,) = consents.of(tx, row["id"])
    assert not consent.is_given
    tapping.hears("hello again")
    tapping.is_told(an_event("e2"))
    tapping.work()
    assert len(tapping.messenger.taken) == taken + 2


def test_every_known_code_has_one_remedy_and_an_unknown_one_is_tried_as_text() -> None:
    assert set(REMEDIES.values()) == set(Remedy)
    assert remedy_for(None) is remedy_for(12345) is Remedy.AS_TEXT


class TestTemplates:
    def test_news_after_a_day_is_an_approved_template(self, tapping: BotUnderTest) -> None:
        tapping.messenger.approved.add("template_order_paid")
        tapping.hears("hello")
        tapping.work()
        tapping.clock.advance(timedelta(hours=24))
        tapping.is_told(an_event("e1"))
        tapping.work()
        template = tapping.messenger.taken[-1].message.template
        assert template is not None
        assert (template.key, template.values) == ("template_order_paid", ("CDFGHJ", "Mama Njeri", "KES 120"))
        assert statuses(tapping)[-1] == ("reply", "sent", None)

    def test_within_the_day_the_whole_text_is_sent(self, tapping: BotUnderTest) -> None:
        tapping.messenger.approved.add("template_order_paid")
        tapping.hears("hello")
        tapping.is_told(an_event("e1"))
        tapping.work()
        assert kinds(tapping)[-1] is Kind.TEXT

    def test_what_is_not_approved_is_held_and_visible(self, tapping: BotUnderTest) -> None:
        tapping.hears("hello")
        tapping.work()
        tapping.clock.advance(timedelta(hours=24))
        tapping.is_told(an_event("e1"))
        tapping.work()
        assert statuses(tapping)[-1] == ("reply", "held", None)
        with tapping.db.read() as tx:
            (missed,) = telling.lost(tx, "vendor", limit=10)
        assert (missed.reason, missed.recipient, missed.body) == ("outside_24h", ACHIENG, "receipts in en")

    def test_after_stop_no_template_is_sent_either(self, tapping: BotUnderTest) -> None:
        tapping.messenger.approved.add("template_order_paid")
        tapping.hears("stop")
        tapping.work()
        tapping.clock.advance(timedelta(hours=24))
        tapping.is_told(an_event("e1"))
        tapping.work()
        assert kinds(tapping) == [Kind.BUTTONS]
        assert tapping.rows("SELECT reason FROM messages WHERE status = 'held'") == [{"reason": "opted_out"}]

    @pytest.mark.parametrize("is_late", [False, True])
    def test_where_the_channel_says_that_the_day_is_over_its_template_follows(
        self, tapping: BotUnderTest, is_late: bool
    ) -> None:
        tapping.messenger.approved.add("template_order_paid")
        tapping.hears("hello")
        tapping.work()
        if not is_late:
            tapping.messenger.next.append((Refused("answered 400", 63016), False))
        tapping.is_told(an_event("e1"))
        tapping.work()
        if is_late:
            report(tapping, tapping.messenger.taken[-1].sid, 63016)
            tapping.work()
        assert kinds(tapping)[-1] is Kind.TEMPLATE
        assert statuses(tapping)[-2:] == [("reply", "failed", 63016), ("again", "sent", None)]

    def test_an_uncertain_template_is_looked_up_before_it_is_sent_again(self, tapping: BotUnderTest) -> None:
        tapping.messenger.approved.add("template_order_paid")
        tapping.hears("hello")
        tapping.work()
        tapping.clock.advance(timedelta(hours=24))
        tapping.messenger.next.append((Unsure("cut off"), True))
        tapping.is_told(an_event("e1"))
        tapping.work()
        tapping.clock.advance(timedelta(seconds=2))
        tapping.work()
        assert (len(tapping.messenger.taken), tapping.messenger.look_ups) == (2, 1)
        assert statuses(tapping)[-1] == ("reply", "sent", None)


class TestConsent:
    def test_stop_and_start_are_kept_with_the_message_that_said_so(self, tapping: BotUnderTest) -> None:
        for text in ("hello", "stop", "hi", "stop", "start"):
            tapping.hears(text)
            tapping.work()
            tapping.clock.advance(timedelta(minutes=1))
        (row,) = tapping.rows("SELECT id FROM conversations")
        items = [row["item_id"] for row in tapping.rows("SELECT item_id FROM inbox ORDER BY seq")]
        with tapping.db.read() as tx:
            kept = consents.of(tx, row["id"])
        assert [(consent.is_given, consent.item_id) for consent in kept] == [(False, items[1]), (True, items[4])]
        assert kept[1].at - kept[0].at == timedelta(minutes=3)


class TestPace:
    def test_a_burst_leaves_at_once_and_what_follows_keeps_the_pace(self, any_bot: BotUnderTest) -> None:
        pace = timedelta(seconds=6)
        any_bot.turns = Turns(
            any_bot.db,
            any_bot.clock,
            "bot-1",
            any_bot.turns._script,  # pyright: ignore[reportPrivateUsage]
            any_bot.performer,
            any_bot.sender,
            threads=4,
            read=any_bot.turns._read,  # pyright: ignore[reportPrivateUsage]
            pace=pace,
        )
        any_bot.app = any_bot._web()  # pyright: ignore[reportPrivateUsage]
        any_bot.client = any_bot.app.test_client()
        for n in range(BURST + 4):
            any_bot.hears(f"{n}")
        any_bot.hears("hello", BARAKA)
        any_bot.work()
        at_once = BURST + 1
        assert len(any_bot.messenger.bodies(ACHIENG)) == at_once
        assert any_bot.messenger.bodies(BARAKA) == ["you said hello"]
        for count in range(1, 4):
            any_bot.clock.advance(pace)
            any_bot.work()
            assert len(any_bot.messenger.bodies(ACHIENG)) == at_once + count
        assert any_bot.messenger.bodies(ACHIENG) == [f"you said {n}" for n in range(BURST + 4)]

    def test_a_pause_earns_the_burst_again(self) -> None:
        now, every = datetime.fromisoformat("2026-11-20T09:00:00+00:00"), timedelta(seconds=6)
        until: datetime | None = None
        for _ in range(BURST + 1):
            due, until = next_to_customer(until, now, every)
            assert due == now
        due, _ = next_to_customer(until, now, every)
        assert due == now + every
        later = now + BURST * every
        due, _ = next_to_customer(until, later, every)
        assert due == later
        assert next_to_customer(until, now, timedelta(0)) == (now, None)

    def test_one_number_sends_so_many_a_second_and_others_do_not_wait_for_it(self) -> None:
        now_ns = [0]
        pace = SenderPace(10, lambda: now_ns[0])
        assert [pace.wait("shop") for _ in range(10)] == [None] * 10
        waits = pace.wait("shop")
        assert waits is not None
        assert timedelta(0) < waits <= timedelta(seconds=0.2)
        assert pace.wait("another shop") is None
        now_ns[0] += 100_000_000
        assert pace.wait("shop") is None
        assert pace.wait("shop") is not None
        pace.pause("shop", 30)
        now_ns[0] += 29_000_000_000
        assert pace.wait("shop") is not None
        now_ns[0] += 1_000_000_000
        assert pace.wait("shop") is None

    def test_a_message_that_has_to_wait_for_its_number_is_not_lost(self, bot: BotUnderTest) -> None:
        now_ns = [0]
        bot.sender = Sender(bot.db, bot.clock, "bot-1", bot.messenger, threads=4, pace=SenderPace(1, lambda: now_ns[0]))
        bot.turns._sender = bot.sender  # pyright: ignore[reportPrivateUsage]
        bot.hears("one")
        bot.hears("two")
        bot.work()
        assert bot.messenger.bodies() == ["you said one"]
        now_ns[0] += 1_000_000_000
        bot.clock.advance(timedelta(seconds=2))
        bot.work()
        assert bot.messenger.bodies() == ["you said one", "you said two"]


def test_a_message_that_was_put_off_is_not_sent_after_stop(any_bot: BotUnderTest) -> None:
    tapping = Tapping(any_bot.db, any_bot.clock)
    tapping.hears("hello")
    tapping.work()
    tapping.messenger.next.append((NotTaken("busy"), False))
    tapping.is_told(an_event("e1"))
    tapping.work()
    tapping.hears("stop")
    tapping.clock.advance(timedelta(seconds=5))
    tapping.work()
    assert kinds(tapping) == [Kind.BUTTONS, Kind.BUTTONS]
    assert ("reply", "held", None) in statuses(tapping)


def test_undelivered_messages_of_nobodys_shop_are_nobodys_news(
    sqlite_database: Callable[[str], Database], clock: FixedClock
) -> None:
    bot = Tapping(sqlite_database("conversations"), clock)
    bot.messenger.next.append((Refused("answered 400", 21211), False))
    bot.hears("hello")
    bot.work()
    with bot.db.read() as tx:
        assert telling.next_with_lost(tx, "") is None
