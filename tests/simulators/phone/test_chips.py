"""The words that lie one tap away below a chat."""

import json
from typing import cast

import pytest
from playwright.sync_api import Locator, expect

from bot.replies.words import WORDS
from tests.simulators.phone.screen import Watched, phone_of, replies, type_message
from tests.simulators.phone.shop import ACHIENG, PhoneShop
from tests.simulators.twilio_client import BUTTONS

_MEANINGS = ("menu", "cart", "confirm", "pay", "status", "help")


def chips_after(desktop: Watched, shop: PhoneShop, *said: str) -> Locator:
    """Those of a chat in which the shop said that last."""
    shop.say(ACHIENG, "QUIET")
    shop.waits_for(lambda: len(shop.heard) == 1, "heard")
    achieng = phone_of(desktop.page, "Achieng")
    for text in said:
        shop.twilio.sent(ACHIENG, Body=text)
    expect(replies(achieng)).to_have_count(len(said))
    return achieng.locator(".chips button")


def test_what_always_works_is_what_the_shop_tells_people_to_write(desktop: Watched) -> None:
    told = desktop.page.evaluate("import('/phone/static/chips.js').then((chips) => JSON.stringify(chips.ALWAYS))")
    always = cast(dict[str, list[str]], json.loads(cast(str, told)))
    assert always == {language: [words[meaning] for meaning in _MEANINGS] for language, words in WORDS.items()}


@pytest.mark.parametrize(
    ("said", "offered", "then"),
    [
        ("Jumla *KES 435*. *THIBITISHA* kuagiza, *ONDOA 1* kutoa namba 1.", ["THIBITISHA", "ONDOA 1"], "BIDHAA"),
        ("O pedido *KMXPQR*: digite *PAGAR KMXPQR*. *HISTÓRICO*, *ACHA*", ["PAGAR KMXPQR", "HISTÓRICO"], "MENU"),
        ("*BOT* has me back; *STOP* ends it. *CART*, *Total: KES 60*", ["BOT", "CART"], "MENU"),
    ],
)
def test_what_the_shop_told_to_write_is_offered_in_its_language_and_never_a_code_or_a_stop_word(
    desktop: Watched, shop: PhoneShop, said: str, offered: list[str], then: str
) -> None:
    chips = chips_after(desktop, shop, said)
    expect(chips.and_(desktop.page.locator(".is-offered"))).to_have_text(offered)
    expect(chips.nth(len(offered))).to_have_text(then)


def test_a_chat_keeps_its_language_where_a_message_tells_nothing_to_write(desktop: Watched, shop: PhoneShop) -> None:
    chips = chips_after(desktop, shop, "*KIKAPU* ni tupu.", "Asante sana!")
    expect(chips.nth(1)).to_have_text("KIKAPU")
    expect(chips.first).not_to_have_class("is-offered")
    expect(phone_of(desktop.page, "Achieng").get_by_role("log")).to_have_attribute("lang", "sw")


def test_somebody_whose_number_is_hidden_can_give_it_with_a_tap(handheld: Watched, shop: PhoneShop) -> None:
    handheld.page.locator(".tabs button").filter(has_text="Neema").tap()
    neema = phone_of(handheld.page, "Neema")
    type_message(neema, "QUIET")
    neema.locator(".chips").get_by_role("button", name="0700 000 088").tap()
    shop.waits_for(lambda: shop.heard == ["QUIET", "0700 000 088"], "the number")


def test_the_lines_of_a_cart_above_buttons_are_no_numbers_to_choose(desktop: Watched, shop: PhoneShop) -> None:
    chips = chips_after(desktop, shop)
    shop.twilio.says(ACHIENG, BUTTONS, v1="1. Unga", v2="My cart")
    body = {"body": "1. Unga\n2. Milk\n*REMOVE 1*", "actions": BUTTONS["twilio/quick-reply"]["actions"]}
    shop.twilio.says(ACHIENG, {"twilio/quick-reply": body}, v2="My cart")
    expect(chips.first).to_have_text("REMOVE 1")
    expect(chips.get_by_text("2", exact=True)).to_have_count(0)
