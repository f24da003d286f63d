"""What holds whatever anybody types, in whatever state, whatever the router answers."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.conversation.languages import spoken
from bot.conversation.model import (
    AddItem,
    Cancel,
    Command,
    Confirm,
    FindShop,
    Heard,
    ListItems,
    ListOrders,
    ListShops,
    Outcome,
    Pay,
    RemoveItem,
    Result,
    Said,
    ShowCart,
    StartCharge,
    State,
    Step,
)
from bot.conversation.state import ListKind
from bot.conversation.step import step
from bot.conversation.talk import MAX_COMMANDS
from bot.conversation.understanding.intents import Word, named_rail, parse
from bot.replies.rendering import MAX_LENGTH, render
from contracts.errors import ErrorCode, ProblemBody
from contracts.events import EventType
from contracts.payment_api import ChargeView, PaymentInstructions
from contracts.router_api import CancelResult, ItemPage, OrderList, PayResult, ShopList
from contracts.states import ChargeStatus, ExceptionKind, FailureReason, IntentStatus, Rail
from tests.support.chat import START, Chat
from tests.support.fake_router import OWN_MSISDN, problem
from tests.support.fake_shops import ilha, mama_and_kamau

USUAL = (
    "hi", "hello mama", "SHOP", "SHOP mama", "SHOP kamau", "kamau", "SHOP nowhere", "MENU", "MORE", "FIND sugar",
    "FIND",
    "milk", "mlik", "ADD", "ADD 1", "ADD 2 x 3", "add milk x2", "add 2 sugar", "add 7 up", "add oil", "add 1 x 0",
    "add 1 x 1000000", "ADD milk x lots", "1", "2", "3", "9", "11", "0", "-1", "two", "1 x 2", "1000000", "1234",
    "REMOVE", "REMOVE 1", "remove milk", "CART", "CONFIRM", "CONFIRM", "PAY", "PAY", "PAY 1", "PAY CDFGHJ", "pay later",
    "SHOP ilha", "PAY OTHER", "PAY OTHER CDFGHJ", "PAY GPO", "pay by reference", "reference", "ticket", "923 000 001",
    "paay", "STATUS", "STATUS CDFGHJ", "CANCEL", "CANCEL ORDER", "CANCEL ORDER 1", "HELP", "STOP", "START", "thanks",
    "0700000001", "0700 000 002", "12345678901", "PAY 0700000001", "crat", "I want to pay", "", "🙂",
)  # fmt: skip
texts = st.one_of(
    st.sampled_from(USUAL),
    st.sampled_from(USUAL),  # twice as often: most of what is typed is usual
    st.text(max_size=80),
    st.text(alphabet="pay 12x-\u202e*", max_size=12),
)
media = st.sampled_from(((), (), (), ("image",), ("audio",), ("location", "image")))
reasons = st.sampled_from([*FailureReason, None])
instructions = st.builds(
    PaymentInstructions,
    entity=st.one_of(st.none(), st.text(max_size=80)),
    reference=st.one_of(st.none(), st.just("123456789"), st.text(max_size=80)),
    qr_png=st.one_of(st.none(), st.text(max_size=20)),
    expires_at=st.one_of(st.none(), st.just(START)),
)


def may_ask_to_pay(state: State, said: Said, chat: Chat) -> bool:
    """A written PAY, a line of "which order?" or "which way?", or the phone number that was asked for: nothing else."""
    intent = parse(said.text)
    if intent.word in (Word.PAY, Word.PAY_BY, Word.PAY_AT):
        return True
    if intent.word is Word.YES:
        return state.other_question is not None and state.other_question.is_open(chat.now)
    listing = state.other if state.other is not None and state.other.is_alive(chat.now) else None
    if intent.word is Word.NUMBER:
        return listing is not None and listing.kind in (ListKind.PAY, ListKind.RAIL)
    if intent.word is Word.TEXT:
        return listing is not None and listing.kind is ListKind.RAIL and named_rail(said.text) is not None
    question = state.payer_question
    return intent.word is Word.PHONE and question is not None and question.is_open(chat.now)


def one_turn(chat: Chat, said: Said, answer_with: ProblemBody | None = None) -> None:
    before = chat.state
    taken, asked = step(before, said, chat.now), list[Command]()
    assert taken == step(before, said, chat.now)
    while taken.command is not None:
        asked.append(taken.command)
        assert len(asked) <= MAX_COMMANDS
        outcome = Outcome(taken.command, answer_with or chat.router.perform(taken.command))
        carried = State.from_json(taken.state.to_json())
        assert carried == taken.state
        taken = step(carried, outcome, chat.now)
        assert taken == step(carried, outcome, chat.now)
    assert taken.reply is not None
    assert taken.answers_customer
    check_text(taken)
    assert State.from_json(taken.state.to_json()) == taken.state
    assert taken.state.turn is None
    pays = [command for command in asked if isinstance(command, Pay)]
    assert len(pays) <= 1
    assert len([command for command in asked if isinstance(command, StartCharge)]) <= len(pays)
    if pays:
        assert may_ask_to_pay(before, said, chat), f"{said.text!r} asked to pay"
    chat.state = taken.state


def check_text(taken: Step) -> None:
    assert taken.reply is not None
    text = render(taken.reply, spoken(taken.state))
    assert text
    assert len(text.encode("utf-16-le")) // 2 <= MAX_LENGTH
    assert "\u202e" not in text
    assert "{" not in text or "{" in str(taken.reply.params)


def something_happens(chat: Chat, data: st.DataObject) -> None:
    """News of the latest order, as the router might announce it."""
    if not chat.router.has_orders:
        return
    code = chat.router.latest().code
    kind = data.draw(st.sampled_from([*EventType]), label="news")
    match kind:
        case EventType.ORDER_PAID:
            news = chat.router.is_paid(code, data.draw(st.sampled_from(("SJK4H7L2QW", None))))
        case EventType.PAYMENT_FAILED:
            news = chat.router.has_failed(code, data.draw(reasons), may_retry=data.draw(st.booleans()))
        case EventType.PAYMENT_UNKNOWN:
            chat.router.set_intent(code, IntentStatus.UNKNOWN)
            news = chat.router.payment_news(code, kind)
        case EventType.PAYMENT_EXCEPTION:
            news = chat.router.exception_news(code, data.draw(st.sampled_from([*ExceptionKind])), 12_345, None)
        case EventType.PAYMENT_INSTRUCTIONS:
            rail = data.draw(st.sampled_from([*Rail]), label="rail")
            chat.router.set_intent(code, IntentStatus.PROVIDER_PENDING, rail)
            news = chat.router.has_instructions(code, data.draw(instructions, label="instructions"))
        case EventType.PAYMENT_REFUNDED | EventType.PAYMENT_REFUND_FAILED:
            news = chat.router.refund_news(data.draw(st.sampled_from((code, None))), kind, 12_345, None)
        case _:
            news = chat.router.order_news(code, kind)
    before = chat.state
    taken = step(before, Heard(news), chat.now)
    assert taken == step(before, Heard(news), chat.now)
    assert taken.command is None
    assert not taken.answers_customer
    assert taken.state.shop == before.shop
    if taken.reply is not None:
        assert not before.opted_out
        check_text(taken)
    chat.state = taken.state


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_conversation_is_answered_once_a_message_and_pays_only_when_told_to(data: st.DataObject) -> None:
    chat = Chat([*mama_and_kamau(), ilha()])
    is_hidden = data.draw(st.booleans(), label="number is hidden")
    chat.own_msisdn = chat.router.own_msisdn = None if is_hidden else OWN_MSISDN
    for _ in range(data.draw(st.integers(3, 25), label="turns")):
        chat.now += data.draw(st.sampled_from([timedelta(seconds=3), timedelta(minutes=20), timedelta(hours=30)]))
        if data.draw(st.integers(0, 9)) == 0:
            something_happens(chat, data)
            continue
        chat.router.charge = ChargeView(
            charge_id="c", intent_id="", status=data.draw(st.sampled_from([*ChargeStatus])), reason=data.draw(reasons)
        )
        refusal = problem(data.draw(st.sampled_from([*ErrorCode]))) if data.draw(st.integers(0, 9)) == 0 else None
        said = Said("SM1", data.draw(texts, label="says"), data.draw(media), sender_msisdn=chat.own_msisdn)
        one_turn(chat, said, refusal)


def anything(chat: Chat) -> list[Result]:
    """One answer of every type that the wire knows, with a real order in it."""
    chat.says_each("SHOP mama", "add milk", "CONFIRM")
    order = chat.router.latest()
    cart = chat.router.perform(ShowCart("vendor-mama"))
    return [
        chat.router.shops[0].view(),
        ShopList(shops=[]),
        ItemPage(items=[], total=0),
        cart,
        order,
        CancelResult(order=order, prompt_is_live=True),
        PayResult(order=order, intent_id="i", payer_msisdn=OWN_MSISDN, grant="g"),
        OrderList(orders=[order]),
        ChargeView(charge_id="c", intent_id="i", status=ChargeStatus.CLAIMED),
        problem(ErrorCode.INTERNAL, 500),
    ]


ANY_COMMAND: tuple[Command, ...] = (
    FindShop("mama"),
    ListShops(),
    ListItems("vendor-mama"),
    ShowCart("vendor-mama"),
    AddItem("vendor-mama", "mama-1", 1),
    RemoveItem("vendor-mama", 1),
    Confirm("vendor-mama"),
    Cancel("vendor-mama"),
    Pay("vendor-mama"),
    StartCharge("g", "i"),
    ListOrders("vendor-mama"),
)


@pytest.mark.parametrize("text", USUAL)
def test_an_answer_of_the_wrong_kind_ends_in_words_and_not_in_an_exception(text: str) -> None:
    chat = Chat()
    answers = anything(chat)
    for answer in answers:
        taken = step(chat.state, Said("SM1", text), chat.now)
        for _ in range(MAX_COMMANDS + 1):
            if taken.command is None:
                break
            taken = step(taken.state, Outcome(taken.command, answer), chat.now)
        assert taken.reply is not None
        check_text(taken)


@pytest.mark.parametrize("command", ANY_COMMAND, ids=lambda command: type(command).__name__)
def test_an_outcome_that_nobody_waits_for_is_answered_honestly(command: Command) -> None:
    taken = step(State(), Outcome(command, problem(ErrorCode.INTERNAL, 500)), START)
    assert taken.reply is not None
    assert taken.reply.key == "our_mistake"
