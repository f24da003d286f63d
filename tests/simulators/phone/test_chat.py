"""Writing to the shop, and what comes back."""

import pytest
from playwright.sync_api import expect

from tests.simulators.phone.screen import Watched, own, phone_of, replies, type_message
from tests.simulators.phone.shop import ACHIENG, PhoneShop


def test_an_empty_phone_says_in_three_steps_what_to_do_and_offers_the_greetings(desktop: Watched) -> None:
    achieng = phone_of(desktop.page, "Achieng")
    expect(achieng.locator(".hint li")).to_have_count(3)
    expect(achieng.locator(".chips button")).to_have_text(["SHOP mama", "SHOP kahawa", "HELP"])


def test_a_typed_message_reaches_the_shop_once_and_its_reply_is_shown(desktop: Watched, shop: PhoneShop) -> None:
    achieng = phone_of(desktop.page, "Achieng")
    type_message(achieng, "SHOP mama")
    expect(replies(achieng)).to_have_count(1)
    expect(replies(achieng)).to_contain_text("Karibu!")
    expect(achieng.locator(".shop-name")).to_have_text("Mama Njeri’s Groceries")
    expect(own(achieng).get_by_role("img", name="Delivered")).to_be_visible()
    expect(achieng.locator(".hint")).to_have_count(0)
    expect(own(achieng)).to_have_count(1)
    expect(phone_of(desktop.page, "Baraka").locator(".bubble")).to_have_count(0)
    assert shop.heard == ["SHOP mama"]


def test_a_chip_sends_its_word_and_the_next_chips_are_what_the_shop_offered(desktop: Watched, shop: PhoneShop) -> None:
    achieng = phone_of(desktop.page, "Achieng")
    achieng.locator(".chips").get_by_role("button", name="SHOP mama").click()
    chips = achieng.locator(".chips button")
    expect(chips.first).to_have_text("1")
    expect(chips).to_contain_text(["1", "2", "3", "4", "CART", "MENU"])
    chips.get_by_text("CART", exact=True).click()
    expect(chips.first).to_have_text("CONFIRM")
    shop.waits_for(lambda: shop.heard == ["SHOP mama", "CART"], "both words heard, in order")


def test_enter_sends_and_shift_enter_breaks_the_line(desktop: Watched, shop: PhoneShop) -> None:
    achieng = phone_of(desktop.page, "Achieng")
    field = achieng.locator("textarea")
    field.click()
    field.press_sequentially("one")
    before = field.evaluate("field => field.clientHeight")
    field.press("Shift+Enter")
    field.press_sequentially("two")
    assert field.evaluate("field => field.clientHeight") > before
    field.press("Enter")
    expect(field).to_have_value("")
    shop.waits_for(lambda: shop.heard == ["one\ntwo"], "both lines in one message")
    assert own(achieng).locator(".words").inner_text() == "one\ntwo"


def test_nothing_is_sent_when_nothing_was_typed(desktop: Watched, shop: PhoneShop) -> None:
    achieng = phone_of(desktop.page, "Achieng")
    type_message(achieng, "  \n ")
    type_message(achieng, "HELP")
    expect(replies(achieng)).to_have_count(1)
    assert shop.heard == ["HELP"]


def test_many_messages_at_once_keep_their_order_and_appear_once(desktop: Watched, shop: PhoneShop) -> None:
    achieng = phone_of(desktop.page, "Achieng")
    words = [f"ECHO {number}" for number in range(8)]
    for word in words:
        type_message(achieng, word)
    expect(replies(achieng)).to_have_count(8)
    assert own(achieng).locator(".words").all_inner_texts() == words
    assert shop.heard == words
    desktop.page.reload()
    expect(own(achieng).locator(".words")).to_have_text(words)


@pytest.mark.parametrize(
    ("button", "heard", "shown"),
    [("Picture", "image/jpeg", "img[alt='Picture you sent']"), ("Voice note", "audio/ogg", ".is-audio .wave")],
)
def test_something_that_is_not_text_is_sent_and_shown(
    desktop: Watched, shop: PhoneShop, button: str, heard: str, shown: str
) -> None:
    achieng = phone_of(desktop.page, "Achieng")
    achieng.get_by_role("button", name="Attach").click()
    achieng.get_by_role("button", name=button).click()
    expect(replies(achieng)).to_have_count(1)
    expect(own(achieng).locator(shown)).to_be_visible()
    assert shop.media == [heard]


def test_what_was_typed_becomes_the_words_under_a_picture(desktop: Watched, shop: PhoneShop) -> None:
    achieng = phone_of(desktop.page, "Achieng")
    achieng.locator("textarea").fill("two of these")
    achieng.get_by_role("button", name="Attach").click()
    achieng.get_by_role("button", name="Picture").click()
    shop.waits_for(lambda: shop.heard == ["two of these"], "the words beside the picture")
    expect(own(achieng).locator(".words")).to_have_text("two of these")
    expect(achieng.locator("textarea")).to_have_value("")


def test_a_message_that_failed_is_sent_again_by_a_tap(desktop: Watched, shop: PhoneShop) -> None:
    achieng = phone_of(desktop.page, "Achieng")
    shop.refuses = True
    type_message(achieng, "CART")
    again = achieng.get_by_role("button", name="Tap to send again")
    expect(again).to_contain_text("HTTP 500")
    shop.refuses = False
    again.click()
    expect(replies(achieng)).to_contain_text("Your cart")
    expect(again).to_have_count(0)
    assert shop.heard == ["CART", "CART"]


def test_new_messages_wait_behind_a_pill_while_somebody_reads_further_up(desktop: Watched, shop: PhoneShop) -> None:
    achieng = phone_of(desktop.page, "Achieng")
    for count in range(4):
        shop.say(ACHIENG, "MENU")
        shop.waits_for(lambda count=count: len(shop.heard) == count + 1, "heard")
    expect(replies(achieng)).to_have_count(4)
    log = achieng.get_by_role("log")
    log.evaluate("log => { log.scrollTop = 0; }")
    pill = achieng.locator(".pill")
    expect(pill).to_be_visible()
    shop.say(ACHIENG, "CART")
    expect(pill).to_have_text("1 new message")
    assert log.evaluate("log => log.scrollTop") == 0
    pill.click()
    expect(pill).to_be_hidden()
    expect(replies(achieng).last).to_be_in_viewport()


def moved_s(shop: PhoneShop) -> int:
    offset_s = shop.control("GET", "/sim/state?since=0")["clock_offset_s"]
    assert isinstance(offset_s, int)
    return offset_s


def test_days_are_told_apart(desktop: Watched, shop: PhoneShop) -> None:
    achieng = phone_of(desktop.page, "Achieng")
    type_message(achieng, "HELP")
    expect(replies(achieng)).to_have_count(1)
    expect(achieng.locator(".day")).to_have_text(["Today"])
    before = moved_s(shop)  # by whoever used this shop's clock before
    desktop.page.get_by_role("button", name="+1 day").click()
    shop.waits_for(lambda: moved_s(shop) == before + 24 * 3600, "the clock has moved by a day")
    expect(desktop.page.locator("#clock-offset")).to_contain_text("d ahead")
    type_message(achieng, "HELP")
    expect(achieng.locator(".day")).to_have_text(["Yesterday", "Today"])
