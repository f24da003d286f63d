"""A state is kept for years and read by newer and older code: it is never too big and never unreadable."""

import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest

from bot.conversation.state import (
    MAX_ENTRIES,
    Entry,
    Handover,
    Listing,
    ListKind,
    OtherQuestion,
    PayerQuestion,
    PlaceQuestion,
    Purpose,
    Shop,
    State,
    Turn,
)
from contracts.chat_api import ChatMode
from contracts.money import Currency
from contracts.places import Place
from contracts.states import OrderStatus
from tests.support.chat import Chat

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
SHOP = Shop("v1", "mama", "Mama Njeri", "Africa/Nairobi", Currency.KES)


def listing(kind: ListKind, entries: int = 3) -> Listing:
    lines = tuple(Entry(number, f"id-{number}", "x" * 300) for number in range(1, entries + 1))
    return Listing(kind, "v1", lines, NOW, quantity=2, query="milk", next_after="id-9")


FULL = State(
    is_greeted=True,
    opted_out=True,
    language="sw",
    language_is_sure=True,
    language_was_offered=True,
    shop=SHOP,
    visited=(SHOP,),
    items=listing(ListKind.ITEMS),
    other=listing(ListKind.PAY),
    payer="254700000001",
    other_question=OtherQuestion("v1", "CDFGHJ", NOW),
    payer_question=PayerQuestion("v1", "CDFGHJ", NOW),
    place_question=PlaceQuestion("v1", "zone-1", NOW, Place.at(-1.2921, 36.7856)),
    own_doings=("o1:CONFIRMED",),
    told_intents=("i1",),
    told_references=("o1:i1",),
    handovers=(Handover("v1", "Mama Njeri", ChatMode.STAFF, NOW, NOW + timedelta(hours=2), False),),
    turn=Turn(Purpose.ADD, 2, "milk", 3, "up", 7, "again", "CDFGHJ", "254700000001", "254708374149", True),
)


def test_a_full_state_survives_json() -> None:
    assert all(getattr(FULL, field.name) != getattr(State(), field.name) for field in fields(State))
    assert State.from_json(json.loads(json.dumps(FULL.to_json()))) == FULL


def test_an_empty_document_is_a_new_conversation() -> None:
    assert State.from_json({}) == State()


def test_unknown_keys_are_dropped() -> None:
    document = {**FULL.to_json(), "from_the_future": [1]}
    assert State.from_json(document) == FULL


@pytest.mark.parametrize("name", [field.name for field in fields(State)])
def test_a_part_that_can_not_be_read_takes_its_default_and_spoils_no_other(name: str) -> None:
    read = State.from_json({**FULL.to_json(), name: [["no such thing"]]})
    assert getattr(read, name) == getattr(State(), name)
    others = [field.name for field in fields(State) if field.name != name]
    assert all(getattr(read, other) == getattr(FULL, other) for other in others)


def test_a_state_stays_small_whatever_is_shown_and_done() -> None:
    state = State()
    for number in range(100):
        state = state.enter(Shop(f"v{number}", "w" * 80, "n" * 80, "Africa/Nairobi", Currency.KES))
        state = state.did(f"00000000-0000-0000-0000-{number:012}", OrderStatus.CONFIRMED).told(f"intent-{number}")
        state = state.show(listing(ListKind.ITEMS, 50)).show(listing(ListKind.CART, 50))
    assert state.items is not None
    assert len(state.items.entries) == MAX_ENTRIES
    assert len(json.dumps(state.to_json())) < 8_000


def test_what_is_remembered_is_the_latest() -> None:
    state = State()
    for number in range(30):
        state = state.told(f"intent-{number}")
    assert "intent-29" in state.told_intents
    assert "intent-0" not in state.told_intents


@pytest.mark.parametrize(
    ("kind", "lifetime"),
    [
        (kind, timedelta(minutes=15) if kind in (ListKind.PAY, ListKind.RAIL, ListKind.CANCEL) else timedelta(hours=24))
        for kind in ListKind
    ],
)
def test_a_list_can_be_picked_from_until_its_time_is_up(kind: ListKind, lifetime: timedelta) -> None:
    shown = listing(kind)
    assert shown.is_alive(NOW + lifetime - timedelta(microseconds=1))
    assert not shown.is_alive(NOW + lifetime)


def test_a_turn_counts_its_commands_and_gives_up_before_it_goes_in_circles() -> None:
    from bot.conversation.model import ListShops, Said
    from bot.conversation.talk import MAX_COMMANDS, Talk

    talk = Talk.begun_by(State(), Said("SM1", "hi"), NOW)
    for _ in range(MAX_COMMANDS):
        step = talk.ask(Purpose.OFFER_SHOPS, ListShops())
        assert step.command == ListShops()
        assert step.state.turn is not None
        talk = Talk(step.state, NOW, step.state.turn)
    last = talk.ask(Purpose.OFFER_SHOPS, ListShops())
    assert last.command is None
    assert last.reply is not None
    assert last.reply.key == "our_mistake"


def test_a_chat_ends_where_its_json_says_it_does() -> None:
    chat = Chat()
    chat.says_each("hi", "1", "2", "find sugar", "cart")
    assert json.loads(json.dumps(chat.state.to_json())) == chat.state.to_json()
