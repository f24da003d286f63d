"""A reminder is looked at once more before it leaves, and what means nothing any more is never sent."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.conversation.model import Command, Event, Heard, Result, Said, ShowCart, State, Step
from bot.lapsing import CUSTOMER_WROTE, NO_LONGER_SO, NOT_KNOWN, Lapses, is_left
from bot.ports.fakes import Asked, FakePerformer
from bot.ports.messenger import NotTaken, Refused, Unsure
from bot.replies.passing import Left, Passing, StillLeft
from bot.replies.reply import Reply
from bot.sending import OPTED_OUT, SETTLE
from bot.store import telling
from bot.store.lapsing import OUTSIDE_WINDOW, TOO_LATE
from contracts.errors import ErrorCode, ProblemBody
from contracts.money import Currency, Money
from contracts.payment_api import PaymentInstructions
from contracts.router_api import CartView, OrderView, PaymentView
from contracts.states import IntentStatus, OrderStatus, RequestStatus
from kit.clock import FixedClock
from kit.db import Database
from kit.peers import Unreachable
from tests.support.bot import BotUnderTest, an_event, an_order

LASTS = timedelta(hours=4)
SOME_TIME = timedelta(minutes=5)
BUSY = (NotTaken("429"), False)
UNPAID = Reply("template_order_unpaid", {"code": "CDFGHJ", "shop": "Mama Njeri", "total": Money(12000, Currency.KES)})


def step(state: State, event: Event, now: datetime) -> Step:
    """Echoes; news is a reminder of an order, or else (`order.cancelled`) just something that ends."""
    match event:
        case Said(text=said):
            opted_out = {"stop": True, "start": False}.get(said.lower(), state.opted_out)
            return Step(replace(state, opted_out=opted_out), reply=Reply(f"you said {said}"))
        case Heard(news):
            left = StillLeft(Left.ORDER, news.vendor_id, "order-1", now) if news.type == "order.unpaid" else None
            reminder = Reply(
                f"reminder {news.event_id}",
                template=UNPAID,
                passing=Passing(now + LASTS, left),
            )
            return Step(state, reply=reminder, answers_customer=False)
        case _:
            raise AssertionError(event)


def still_unpaid(command: Command) -> Result:
    assert isinstance(command, ShowCart)
    return CartView(cart=None, unpaid=[an_order()])


class Reminding(BotUnderTest):
    def __init__(self, db: Database, clock: FixedClock) -> None:
        self.router = FakePerformer(still_unpaid)
        super().__init__(db, clock, performer=self.router, step=step, render=lambda reply, _language: reply.key)
        self.lapses = Lapses(db, clock, self.messenger, self.sender.wake)

    def announces(self, event_id: str = "e1", kind: str = "order.unpaid") -> None:
        assert self.is_told(an_event(event_id, kind=kind)) == 200

    def ended(self) -> list[tuple[str, str, str | None]]:
        """(body, status, reason) of every message but echoes."""
        rows = self.rows("SELECT body, status, reason FROM messages WHERE body LIKE 'reminder%' ORDER BY seq")
        return [(row["body"], row["status"], row["reason"]) for row in rows]


@pytest.fixture
def reminding(any_bot: BotUnderTest) -> Reminding:
    """On both databases, after the customer wrote something an hour ago."""
    bot = Reminding(any_bot.db, any_bot.clock)
    bot.hears("hello")
    bot.work()
    bot.clock.advance(timedelta(hours=1))
    return bot


@pytest.fixture
def lone(bot: BotUnderTest) -> Reminding:
    """As `reminding`, on SQLite alone."""
    made = Reminding(bot.db, bot.clock)
    made.hears("hello")
    made.work()
    made.clock.advance(timedelta(hours=1))
    return made


def test_what_is_still_so_is_said_after_the_router_was_asked(reminding: Reminding) -> None:
    reminding.announces()
    reminding.work()
    assert reminding.ended() == [("reminder e1", "sent", None)]
    (asked,) = reminding.router.asked
    assert (asked.command, asked.customer.address) == (ShowCart("vendor"), reminding.messenger.taken[-1].recipient)


def test_what_was_paid_before_the_reminder_could_leave_is_not_reminded_of(reminding: Reminding) -> None:
    reminding.messenger.next.append(BUSY)
    reminding.announces()
    reminding.work()
    reminding.router.answer = lambda command: CartView(cart=None, unpaid=[])
    reminding.clock.advance(timedelta(minutes=1))
    reminding.work()
    assert reminding.ended() == [("reminder e1", "expired", NO_LONGER_SO)]
    assert reminding.messenger.bodies() == ["you said hello"]


def test_whoever_has_written_again_is_not_reminded(reminding: Reminding) -> None:
    reminding.messenger.next.append(BUSY)
    reminding.announces()
    reminding.work()
    reminding.clock.advance(timedelta(minutes=1))
    reminding.hears("bread?")
    reminding.work()
    assert reminding.ended() == [("reminder e1", "expired", CUSTOMER_WROTE)]
    assert reminding.messenger.bodies() == ["you said hello", "you said bread?"]


def test_a_reminder_that_could_not_leave_for_hours_is_not_said_in_the_night(reminding: Reminding) -> None:
    reminding.messenger.next.append(BUSY)
    reminding.announces()
    reminding.work()
    reminding.clock.advance(LASTS)
    reminding.work()
    assert reminding.ended() == [("reminder e1", "expired", TOO_LATE)]
    assert len(reminding.messenger.taken) == 1


def test_anything_that_ends_is_sent_until_then_and_asks_nobody(lone: Reminding) -> None:
    lone.messenger.next.append(BUSY)
    lone.announces(kind="order.cancelled")
    lone.work()
    lone.clock.advance(LASTS - timedelta(microseconds=1))
    lone.hears("hello again")
    lone.work()
    assert lone.ended() == [("reminder e1", "sent", None)]
    assert lone.router.asked == []


def test_what_was_cut_off_and_arrived_is_found_though_it_means_nothing_any_more(lone: Reminding) -> None:
    lone.messenger.next.append((Unsure("cut off"), True))
    lone.announces()
    lone.work()
    lone.clock.advance(LASTS)
    lone.work()
    assert [status for _, status, _ in lone.ended()] == ["sent"]


def test_what_was_cut_off_and_never_arrived_has_expired(lone: Reminding) -> None:
    lone.messenger.next.append((Unsure("cut off"), False))
    lone.announces()
    lone.work()
    lone.clock.advance(LASTS + SETTLE)
    lone.work()
    assert lone.ended() == [("reminder e1", "expired", TOO_LATE)]


def test_what_failed_and_is_said_once_more_expires_as_the_first_would_have(lone: Reminding) -> None:
    lone.messenger.next.append((Refused("answered 400", 63016), False))
    lone.announces()
    lone.clock.advance(LASTS - SOME_TIME)
    lone.work()
    lone.clock.advance(LASTS)
    lone.messenger.approved.add("template_order_unpaid")
    assert lone.lapses.turn() is False
    lone.work()
    assert [(status, reason) for _, status, reason in lone.ended()] == [
        ("failed", "answered 400"),
        ("expired", TOO_LATE),
    ]


def test_while_nobody_can_be_asked_only_what_was_just_announced_is_believed(lone: Reminding) -> None:
    def unreachable(asked: Asked) -> None:
        raise Unreachable("refused")

    lone.router.before = unreachable
    lone.announces("e1")
    lone.work()
    lone.messenger.next.append(BUSY)
    lone.announces("e2")
    lone.work()
    lone.clock.advance(timedelta(minutes=1))
    lone.work()
    assert [(status, reason) for _, status, reason in lone.ended()] == [("sent", None), ("expired", NOT_KNOWN)]


def test_a_refusal_of_the_router_is_no_word_that_it_is_so(lone: Reminding) -> None:
    lone.router.answer = lambda command: ProblemBody(status=403, code=ErrorCode.CAPABILITY_MISSING, title="", detail="")
    lone.announces()
    lone.work()
    assert lone.ended() == [("reminder e1", "expired", NOT_KNOWN)]


def test_after_a_day_an_approved_template_reminds_and_without_one_it_is_held_until_it_means_nothing(
    reminding: Reminding,
) -> None:
    reminding.clock.advance(timedelta(hours=24))
    reminding.announces("e1")
    reminding.work()
    assert reminding.ended() == [("reminder e1", "held", OUTSIDE_WINDOW)]
    reminding.messenger.approved.add("template_order_unpaid")
    reminding.announces("e2")
    reminding.work()
    assert reminding.messenger.taken[-1].message.template is not None
    assert reminding.ended()[1][:2] == ("reminder e2", "sent")
    reminding.messenger.approved.clear()
    reminding.clock.advance(LASTS)
    reminding.lapses.turn()
    reminding.messenger.approved.add("template_order_unpaid")
    reminding.lapses.turn()
    reminding.work()
    assert reminding.ended()[0] == ("reminder e1", "expired", TOO_LATE)
    assert len(reminding.messenger.taken) == 2


def test_what_is_held_leaves_when_its_template_is_approved_unless_it_is_so_no_more(reminding: Reminding) -> None:
    reminding.clock.advance(timedelta(hours=24))
    reminding.announces("e1")
    reminding.work()
    reminding.lapses.turn()
    assert reminding.ended() == [("reminder e1", "held", OUTSIDE_WINDOW)]
    reminding.messenger.approved.add("template_order_unpaid")
    reminding.lapses.turn()
    reminding.work()
    assert reminding.ended()[0][:2] == ("reminder e1", "sent")
    assert reminding.messenger.taken[-1].message.template is not None
    reminding.messenger.approved.clear()
    reminding.announces("e2")
    reminding.work()
    reminding.clock.advance(SOME_TIME)
    reminding.hears("hello")
    reminding.messenger.approved.add("template_order_unpaid")
    reminding.lapses.turn()
    reminding.work()
    assert reminding.ended()[1] == ("reminder e2", "expired", CUSTOMER_WROTE)


def test_after_stop_nothing_is_reminded_of_even_when_its_template_is_approved(lone: Reminding) -> None:
    lone.messenger.next.append(BUSY)
    lone.announces(kind="order.cancelled")
    lone.work()
    lone.hears("stop")
    lone.clock.advance(timedelta(minutes=1))
    lone.work()
    assert lone.ended() == [("reminder e1", "held", OPTED_OUT)]
    lone.messenger.approved.add("template_order_unpaid")
    lone.lapses.turn()
    lone.clock.advance(LASTS)
    lone.lapses.turn()
    lone.work()
    assert lone.ended() == [("reminder e1", "expired", TOO_LATE)]


def test_the_shop_is_told_what_expired_and_why_also_where_it_was_told_that_it_is_held(reminding: Reminding) -> None:
    reminding.clock.advance(timedelta(hours=24))
    reminding.announces()
    reminding.work()
    with reminding.db.write() as tx:
        held = telling.lost(tx, "vendor", limit=10)
        telling.status_told(tx, held)
        assert telling.lost(tx, "vendor", limit=10) == []
    reminding.clock.advance(LASTS)
    reminding.lapses.turn()
    with reminding.db.read() as tx:
        (expired,) = telling.lost(tx, "vendor", limit=10)
    assert [(item.status, item.reason) for item in (*held, expired)] == [
        ("held", OUTSIDE_WINDOW),
        ("expired", TOO_LATE),
    ]


# --- what is still left ----------------------------------------------------------------------------------------------


def left(what: Left) -> StillLeft:
    return StillLeft(what, "vendor", "order-1", datetime.fromisoformat("2026-11-20T09:00:00+00:00"))


def paid_by(status: IntentStatus | None, instructions: PaymentInstructions | None = None) -> OrderView:
    payment = PaymentView(
        request_id="r", request_status=RequestStatus.PENDING, intent_status=status, instructions=instructions
    )
    return an_order().model_copy(update={"payment": payment})


@pytest.mark.parametrize(
    ("order", "is_so"),
    [
        (an_order(), True),
        (paid_by(None), True),
        (paid_by(IntentStatus.FAILED), True),
        (paid_by(IntentStatus.EXPIRED), True),
        (paid_by(IntentStatus.CREATED), False),
        (paid_by(IntentStatus.PROVIDER_PENDING), False),
        (paid_by(IntentStatus.UNKNOWN), False),
        (paid_by(IntentStatus.EXPIRED, PaymentInstructions(reference="123")), False),
        (an_order().model_copy(update={"order_id": "another"}), False),
    ],
)
def test_an_order_is_left_unpaid_unless_it_is_being_paid(order: OrderView, is_so: bool) -> None:
    assert is_left(CartView(cart=None, unpaid=[order]), left(Left.ORDER)) is is_so


def test_a_cart_is_left_while_it_is_the_same_and_holds_something() -> None:
    empty = an_order(OrderStatus.DRAFT)
    full = empty.model_copy(update={"lines": [object()]})
    assert is_left(CartView.model_construct(cart=full, unpaid=[]), left(Left.CART))
    for cart in (None, empty, full.model_copy(update={"order_id": "another"})):
        assert not is_left(CartView.model_construct(cart=cart, unpaid=[]), left(Left.CART))
