"""Words that work at any time, messages without words, and answers when something is not as it should be."""

import pytest

from bot.conversation.model import FindShop, Said
from bot.conversation.state import State
from bot.conversation.step import step
from contracts.errors import ErrorCode
from tests.support.chat import Chat
from tests.support.fake_router import problem

# --- words that always work ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["help", "HELP", "?"])
def test_help_says_every_word_that_works(in_shop: Chat, text: str) -> None:
    helped = in_shop.says(text).text
    for word in (
        "MENU",
        "FIND",
        "ADD",
        "REMOVE",
        "CART",
        "CONFIRM",
        "PAY",
        "STATUS",
        "CANCEL ORDER",
        "SHOP",
        "STOP",
        "START",
    ):
        assert f"*{word}*" in helped


def test_help_without_a_shop_says_how_to_choose_one() -> None:
    assert "*SHOP*" in Chat().says("help").text


@pytest.mark.parametrize(
    ("media", "key"),
    [
        (("image",), "image_only"),
        (("audio",), "voice_only"),
        (("video",), "video_only"),
        (("location",), "location_only"),
        (("sticker",), "other_only"),
        (("contact",), "other_only"),
        (("document", "audio"), "voice_only"),
        ((), "nothing_said"),
    ],
)
def test_a_message_without_words_is_told_what_to_type(in_shop: Chat, media: tuple[str, ...], key: str) -> None:
    answer = in_shop.says("", media=media)
    assert answer.key == key
    assert "*MENU*" in answer.text


def test_a_picture_before_any_shop_is_told_how_to_find_one() -> None:
    assert "*SHOP*" in Chat().says("", media=("image",)).text


def test_the_words_under_a_picture_count(in_shop: Chat) -> None:
    assert in_shop.says("MENU", media=("image",)).key == "menu"


def test_stop_and_start_are_remembered_and_answers_go_on(in_shop: Chat) -> None:
    stopped = in_shop.says("Stop")
    assert stopped.key == "stopped"
    assert "START" in stopped.text
    assert in_shop.state.opted_out
    assert in_shop.says("menu").key == "menu"
    assert in_shop.state.opted_out
    assert in_shop.says("start").key == "started"
    assert not in_shop.state.opted_out


def test_start_before_any_shop_is_a_welcome() -> None:
    assert Chat().says("START").key == "welcome"


# --- when something is not as it should be ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["MENU", "MORE", "FIND milk", "ADD milk", "ADD 1", "milk", "CART", "REMOVE 1", "SHOP", "STATUS"]
)
@pytest.mark.parametrize(
    ("code", "key"),
    [
        (ErrorCode.CAPABILITY_MISSING, "capability_missing"),
        (ErrorCode.TOO_MANY_REQUESTS, "too_many_requests"),
        (ErrorCode.UNAVAILABLE, "unreachable_shop"),
        (ErrorCode.INTERNAL, "our_mistake"),
        ("a_code_from_the_future", "our_mistake"),
    ],
)
def test_a_refusal_is_put_into_words(in_shop: Chat, text: str, code: ErrorCode | str, key: str) -> None:
    in_shop.says_each("FIND a", "MENU")
    in_shop.router.refuse_next = problem(code, 403)
    assert in_shop.says(text).key == key


def test_a_shop_that_vanished_is_not_entered(in_shop: Chat) -> None:
    del in_shop.router.shops[1]
    answer = in_shop.says("SHOP kamau")
    assert answer.key == "shop_unknown"
    assert answer.commands[0] == FindShop("kamau")
    assert in_shop.state.shop is not None
    assert in_shop.state.shop.word == "mama"


def test_an_interrupted_turn_is_begun_anew(in_shop: Chat) -> None:
    in_shop.says("menu")
    cut_off = step(in_shop.state, Said("SM2", "add milk"), in_shop.now).state
    assert cut_off.turn is not None
    in_shop.state = State.from_json(cut_off.to_json())
    assert in_shop.says("cart").key == "cart_empty"
    assert in_shop.cart() == []
