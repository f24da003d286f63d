"""One phone that fills a small touch screen."""

import pytest
from playwright.sync_api import expect

from tests.simulators.phone.screen import SMALL_PHONE, Watched, by_hand, dialog, phone_of, replies, ring, type_message
from tests.simulators.phone.shop import BARAKA, PhoneShop


def test_a_small_screen_shows_one_phone_and_never_scrolls_sideways(handheld: Watched, shop: PhoneShop) -> None:
    page, achieng = handheld.page, phone_of(handheld.page, "Achieng")
    type_message(achieng, "ECHO " + "w" * 300)
    expect(replies(achieng)).to_have_count(1)
    expect(phone_of(page, "Baraka")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") == SMALL_PHONE["width"]
    assert achieng.get_by_role("log").evaluate("log => log.scrollWidth - log.clientWidth") == 0
    ring(shop, page)
    assert page.evaluate("document.documentElement.scrollWidth") == SMALL_PHONE["width"]


def test_on_a_touch_screen_a_keypad_takes_the_pin_and_fits_the_screen(handheld: Watched, shop: PhoneShop) -> None:
    prompt = ring(shop, handheld.page)
    keypad = prompt.get_by_role("group", name="PIN keypad")
    for digit in "129":
        keypad.get_by_role("button", name=digit, exact=True).tap()
    keypad.get_by_role("button", name="Delete the last digit").tap()
    for digit in "34":
        keypad.get_by_role("button", name=digit, exact=True).tap()
    expect(prompt.get_by_label("Enter PIN")).to_have_value("1234")
    for button in (prompt.get_by_role("button", name="Later"), prompt.get_by_role("button", name="no money")):
        expect(button).to_be_in_viewport(ratio=1)
    prompt.get_by_role("button", name="Send").tap()
    shop.waits_for(lambda: shop.results == [0], "paid")


def test_what_became_of_one_prompt_does_not_cover_the_next(handheld: Watched, shop: PhoneShop) -> None:
    prompt = ring(shop, handheld.page)
    prompt.get_by_role("button", name="Cancel").tap()
    expect(phone_of(handheld.page, "Achieng").get_by_role("status")).to_contain_text("You cancelled.")
    ring(shop, handheld.page).get_by_role("button", name="Later").tap()
    expect(prompt).to_have_count(0)


def test_the_switcher_says_which_other_phone_has_news(handheld: Watched, shop: PhoneShop) -> None:
    page = handheld.page
    tab = page.locator(".tabs button").filter(has_text="Baraka")
    shop.say(BARAKA, "HELP")
    expect(tab.locator(".unread")).to_have_text("1 new")
    shop.push(BARAKA, 50)
    expect(tab).to_contain_text("asks for a PIN")
    tab.tap()
    expect(dialog(phone_of(page, "Baraka"))).to_be_visible()
    expect(tab).to_have_text("BarakaKES 50,000")
    expect(tab).to_have_attribute("aria-current", "true")
    expect(phone_of(page, "Achieng")).to_be_hidden()


def test_the_drawer_opens_and_escape_brings_the_focus_back(handheld: Watched) -> None:
    page = handheld.page
    panel = page.get_by_role("complementary")
    expect(panel).to_be_hidden()
    page.get_by_role("button", name="What can go wrong").tap()
    expect(panel).to_be_visible()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.get_by_role("button", name="What can go wrong")).to_be_focused()


@pytest.mark.parametrize("has_prompt", [False, True])
def test_whatever_can_be_tapped_is_at_least_44_pixels_high_and_wide(
    handheld: Watched, shop: PhoneShop, has_prompt: bool
) -> None:
    if has_prompt:
        ring(shop, handheld.page)
    small = handheld.page.evaluate(
        """() => [...document.querySelectorAll('button, summary, .fault, .composer textarea, .hand input')]
          .filter((target) => target.checkVisibility({visibilityProperty: true}))
          .map((target) => [target.textContent || target.ariaLabel, target.getBoundingClientRect()])
          .filter(([, box]) => box.width < 43.5 || box.height < 43.5)
          .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)"""
    )
    assert small == []


def test_a_screen_that_is_turned_keeps_showing_the_newest_message(handheld: Watched, shop: PhoneShop) -> None:
    achieng = phone_of(handheld.page, "Achieng")
    for word in ("MENU", "CART"):
        type_message(achieng, word)
    expect(replies(achieng)).to_have_count(2)
    handheld.page.set_viewport_size({"width": 640, "height": 360})
    expect(replies(achieng).last.locator("time")).to_be_in_viewport()
    expect(achieng.locator(".pill")).to_be_hidden()


def test_paying_by_hand_fits_a_small_screen_with_all_its_targets(handheld: Watched, shop: PhoneShop) -> None:
    ekwanza = shop.ekwanza()
    ekwanza.referenced(amount=4_999_999.99)
    ekwanza.ticketed()
    page = handheld.page
    sheet = by_hand(page)
    expect(sheet.get_by_role("listitem")).to_have_count(2)
    sheet.get_by_text("Another amount").tap()
    assert sheet.evaluate("sheet => sheet.scrollWidth - sheet.clientWidth") == 0
    assert page.evaluate("document.documentElement.scrollWidth") == SMALL_PHONE["width"]
    small = sheet.locator("button, summary, input").evaluate_all(
        """targets => targets.map((one) => one.getBoundingClientRect())
          .filter((box) => box.width < 43.5 || box.height < 43.5)"""
    )
    assert small == []


def test_the_folded_faults_fit_a_small_screen(handheld: Watched) -> None:
    page = handheld.page
    page.get_by_role("button", name="What can go wrong").tap()
    page.locator("#faults details").evaluate_all("all => all.forEach((one) => (one.open = true))")
    assert page.locator("#panel").evaluate("panel => panel.scrollWidth - panel.clientWidth") == 0
