"""What the router announces, as the customer reads it: once, plainly, and never twice what was said already."""

from datetime import UTC, datetime

import pytest

from bot.conversation.model import Heard, State
from bot.conversation.step import step
from contracts.errors import ErrorCode
from contracts.events import DomainEvent, EventType
from contracts.payment_api import ChargeView
from contracts.states import ChargeStatus, ExceptionKind, FailureReason
from tests.support.chat import Chat
from tests.support.fake_router import OWN_MSISDN, problem

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


@pytest.fixture
def chat() -> Chat:
    """With the prompt for an order of KES 120 on the phone."""
    chat = Chat()
    chat.own_msisdn = OWN_MSISDN
    chat.says_each("SHOP mama", "add milk x 2", "CONFIRM", "PAY")
    return chat


@pytest.fixture
def code(chat: Chat) -> str:
    return chat.router.latest().code


def test_the_receipt_holds_shop_code_lines_total_m_pesa_code_and_local_time(chat: Chat, code: str) -> None:
    receipt = chat.hears(chat.router.is_paid(code, "SJK4H7L2QW"))
    assert receipt is not None
    for part in (
        "Mama Njeri Groceries",
        code,
        "2 × Fresh milk 500 ml: KES 120",
        "Total: KES 120",
        "SJK4H7L2QW",
        "20 Nov, 12:30",
    ):
        assert part in receipt


def test_a_receipt_whose_m_pesa_code_is_not_known_says_where_it_is(chat: Chat, code: str) -> None:
    receipt = chat.hears(chat.router.is_paid(code, None))
    assert receipt is not None
    assert "SMS" in receipt


@pytest.mark.parametrize("reason", [*FailureReason, None])
def test_a_failure_says_why_in_plain_words_and_how_to_try_again(
    chat: Chat, code: str, reason: FailureReason | None
) -> None:
    told = chat.hears(chat.router.has_failed(code, reason, may_retry=True))
    assert told is not None
    assert f"PAY {code}" in told
    assert "KES 120" in told
    assert "_" not in told  # a word for people, not a code


def test_every_reason_has_its_own_words(chat: Chat, code: str) -> None:
    told = {chat.hears(chat.router.has_failed(code, reason)) for reason in [*FailureReason, None]}
    assert len(told) == len(FailureReason) + 1


def test_where_another_try_is_no_use_none_is_offered(chat: Chat, code: str) -> None:
    told = chat.hears(chat.router.has_failed(code, FailureReason.SHOP_SETUP, may_retry=False))
    assert told is not None
    assert "PAY" not in told


def test_a_failure_after_the_order_was_cancelled_offers_no_payment(chat: Chat, code: str) -> None:
    chat.says("CANCEL ORDER")
    told = chat.hears(chat.router.has_failed(code, FailureReason.CANCELLED_BY_CUSTOMER))
    assert told is not None
    assert "PAY" not in told


def test_an_unknown_outcome_asks_not_to_pay_again(chat: Chat, code: str) -> None:
    told = chat.hears(chat.router.payment_news(code, EventType.PAYMENT_UNKNOWN))
    assert told is not None
    assert "don't pay again" in told


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (ExceptionKind.LATE, "after order {code} was closed"),
        (ExceptionKind.NO_STOCK, "sold out"),
        (ExceptionKind.DUPLICATE, "paid twice"),
        (ExceptionKind.UNDER, "less than its total"),
        (ExceptionKind.OVER, "more than its total"),
        (ExceptionKind.UNMATCHED, "no order fits it"),
    ],
)
@pytest.mark.parametrize("receipt", ["SJK4H7L2QW", None])
def test_money_that_can_not_be_applied_is_explained(
    chat: Chat, code: str, kind: ExceptionKind, words: str, receipt: str | None
) -> None:
    told = chat.hears(chat.router.exception_news(code, kind, 12_000, receipt))
    assert told is not None
    for part in ("KES 120", "Mama Njeri Groceries", words.format(code=code), receipt or ""):
        assert part in told


def test_money_without_an_order_is_explained_whatever_its_kind(chat: Chat, code: str) -> None:
    news = chat.router.exception_news(code, ExceptionKind.LATE, 12_000, None)
    told = chat.hears(news.model_copy(update={"data": {**news.data, "order": None}}))
    assert told is not None
    assert "no order fits it" in told


def test_an_expired_hold_says_that_paying_still_works_if_the_items_are_there(chat: Chat, code: str) -> None:
    told = chat.hears(chat.router.order_news(code, EventType.HOLD_EXPIRED))
    assert told is not None
    assert f"PAY {code}" in told


def test_an_expired_hold_of_a_paid_order_is_no_news(chat: Chat, code: str) -> None:
    chat.router.is_paid(code)
    assert chat.hears(chat.router.order_news(code, EventType.HOLD_EXPIRED)) is None


# --- silence ---------------------------------------------------------------------------------------------------------


def test_what_the_customer_did_here_is_no_news(chat: Chat, code: str) -> None:
    assert chat.hears(chat.router.order_news(code, EventType.ORDER_CONFIRMED)) is None
    chat.says("CANCEL ORDER")
    assert chat.hears(chat.router.order_news(code, EventType.ORDER_CANCELLED)) is None


def test_what_others_did_is_news(chat: Chat, code: str) -> None:
    chat.state = State.from_json({**chat.state.to_json(), "own_doings": []})
    confirmed = chat.hears(chat.router.order_news(code, EventType.ORDER_CONFIRMED))
    assert confirmed is not None
    assert "is confirmed" in confirmed
    cancelled = chat.hears(chat.router.order_news(code, EventType.ORDER_CANCELLED))
    assert cancelled is not None
    assert "was cancelled" in cancelled


def test_a_failure_that_the_answer_to_pay_told_is_no_news() -> None:
    chat = Chat()
    chat.says_each("SHOP mama", "add milk", "CONFIRM")
    chat.router.charge = ChargeView(
        charge_id="c", intent_id="", status=ChargeStatus.FAILED, reason=FailureReason.NOT_SENT
    )
    assert chat.says("PAY").key == "charge_failed"
    code = chat.router.latest().code
    assert chat.hears(chat.router.has_failed(code, FailureReason.NOT_SENT)) is None
    chat.router.charge = ChargeView(charge_id="c", intent_id="", status=ChargeStatus.CLAIMED)
    chat.says("PAY")
    assert chat.hears(chat.router.has_failed(code, FailureReason.WRONG_PIN)) is not None


def test_a_refused_grant_that_was_told_is_no_news_either() -> None:
    chat = Chat()
    chat.says_each("SHOP mama", "add milk", "CONFIRM")
    chat.router.refuse_after(1, problem(ErrorCode.GRANT_INVALID, 403))
    assert chat.says("PAY").key == "charge_not_started"
    assert chat.hears(chat.router.has_failed(chat.router.latest().code, FailureReason.NOT_SENT)) is None


def test_after_stop_there_is_no_news_until_start(chat: Chat, code: str) -> None:
    chat.says("STOP")
    assert chat.hears(chat.router.is_paid(code)) is None
    assert "SJK4H7L2QW" in chat.says("STATUS").text
    chat.says("START")
    assert chat.hears(chat.router.order_news(code, EventType.ORDER_PAID)) is not None


@pytest.mark.parametrize("kind", list(EventType))
def test_news_that_can_not_be_read_is_silent(kind: EventType) -> None:
    news = DomainEvent(
        event_id="e", type=kind, vendor_id="v", aggregate="order:1", occurred_at=NOW, data={"order": "no order"}
    )
    assert step(State(), Heard(news), NOW).reply is None


# --- news of another shop --------------------------------------------------------------------------------------------


def test_news_of_another_shop_names_it_and_moves_nobody(chat: Chat, code: str) -> None:
    chat.says("SHOP kamau")
    told = chat.hears(chat.router.has_failed(code, FailureReason.WRONG_PIN))
    assert told is not None
    assert "Mama Njeri Groceries" in told
    assert f"*SHOP MAMA*, then *PAY {code}*" in told
    assert chat.state.shop is not None
    assert chat.state.shop.word == "kamau"


def test_news_of_a_shop_that_was_never_visited_here_says_how_to_get_there(chat: Chat, code: str) -> None:
    chat.state = State()
    told = chat.hears(chat.router.has_failed(code, FailureReason.WRONG_PIN))
    assert told is not None
    assert "Reply *SHOP* to go to the shop" in told
    receipt = chat.hears(chat.router.is_paid(code))
    assert receipt is not None
    assert "20 Nov, 12:30" in receipt  # the currency says which country's time
