"""News and refusals in a shop that sells in kwanzas: told in its own words, never in M-Pesa's."""

import pytest

from contracts.errors import ErrorCode
from contracts.events import EventType
from contracts.states import ExceptionKind, IntentStatus
from tests.support.chat import Chat
from tests.support.fake_router import problem
from tests.support.fake_shops import ilha, mama_and_kamau


@pytest.fixture
def chat() -> Chat:
    """With a confirmed order of AOA 1,450.50, from a number that Multicaixa Express can ring."""
    chat = Chat([*mama_and_kamau(), ilha()])
    chat.own_msisdn = chat.router.own_msisdn = "244923000001"
    chat.says_each("SHOP ilha", "ADD 1", "CONFIRM")
    return chat


def code_of(chat: Chat) -> str:
    return chat.router.latest().code


@pytest.mark.parametrize("kind", list(ExceptionKind))
def test_kwanzas_that_can_not_be_applied_are_explained_without_m_pesa(chat: Chat, kind: ExceptionKind) -> None:
    told = chat.hears(chat.router.exception_news(code_of(chat), kind, 145_000, "7788123"))
    assert told is not None
    assert "AOA 1,450" in told
    assert "7788123" in told
    assert "M-Pesa" not in told


@pytest.mark.parametrize("names_order", [True, False])
def test_money_that_was_given_back_is_told_in_plain_words(chat: Chat, names_order: bool) -> None:
    code = code_of(chat)
    news = chat.router.refund_news(code if names_order else None, EventType.PAYMENT_REFUNDED, 145_050, "7788123")
    told = chat.hears(news)
    assert told is not None
    for part in ("Quitanda da Ilha", "AOA 1,450.50", "back to you", "7788123"):
        assert part in told
    assert (code in told) is names_order


def test_a_refund_that_failed_is_the_shops_business(chat: Chat) -> None:
    assert chat.hears(chat.router.refund_news(code_of(chat), EventType.PAYMENT_REFUND_FAILED, 145_050, None)) is None


# --- refusals that come without what they should bring ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("extra", "key"),
    [
        ({}, "our_mistake"),
        ({"rails": "gpo"}, "our_mistake"),
        ({"rails": ["from_the_future"]}, "our_mistake"),
        ({"rails": ["gpo", "from_the_future", "ticket"]}, "pay_how_other"),
    ],
)
def test_a_question_of_the_router_that_lacks_something_is_answered_honestly(
    chat: Chat, extra: dict[str, object], key: str
) -> None:
    chat.router.refuse_next = problem(ErrorCode.WHICH_RAIL, 409, **extra)
    assert chat.says("PAY").key == key


def test_an_unknown_outcome_names_the_way_that_is_asked(chat: Chat) -> None:
    chat.says_each("PAY", "1")
    chat.router.set_intent(code_of(chat), IntentStatus.UNKNOWN)
    assert "Multicaixa Express" in chat.says("PAY").text
    told = chat.hears(chat.router.payment_news(code_of(chat), EventType.PAYMENT_UNKNOWN))
    assert told is not None
    assert "asking Multicaixa Express" in told
