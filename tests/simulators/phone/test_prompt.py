"""The M-Pesa prompt: every way in which it can end."""

import pytest
from playwright.sync_api import expect

from tests.simulators.phone.screen import Watched, dialog, phone_of, replies, ring, type_message
from tests.simulators.phone.shop import PhoneShop


def test_pay_and_the_right_pin_bring_a_receipt_and_a_smaller_balance(desktop: Watched, shop: PhoneShop) -> None:
    achieng = phone_of(desktop.page, "Achieng")
    for word in ("SHOP mama", "CONFIRM", "PAY"):
        type_message(achieng, word)
    prompt = dialog(achieng)
    expect(prompt).to_contain_text("KES 435")
    expect(prompt).to_contain_text("Mama Njeri’s Groceries")
    expect(prompt).to_contain_text("K7M2XP")
    expect(prompt.get_by_role("timer")).to_contain_text("0:5")
    prompt.get_by_label("Enter PIN").fill("1234")
    prompt.get_by_role("button", name="Send").click()
    expect(prompt).to_have_count(0)
    expect(achieng.locator(".sms-card")).to_contain_text("Confirmed. KES 435 sent to Mama Njeri’s Groceries")
    expect(achieng.locator(".owner-balance")).to_have_text("KES 49,565")
    shop.waits_for(lambda: shop.results == [0], "one callback that says paid")
    expect(desktop.page.locator("#pushes")).to_have_text("1")
    expect(desktop.page.locator("#callbacks")).to_have_text("1")


def test_a_wrong_pin_sends_no_money_and_says_so(desktop: Watched, shop: PhoneShop) -> None:
    prompt = ring(shop, desktop.page)
    prompt.get_by_label("Enter PIN").fill("9999")
    prompt.get_by_role("button", name="Send").click()
    achieng = phone_of(desktop.page, "Achieng")
    expect(achieng.locator(".sms-card")).to_contain_text("Wrong PIN")
    expect(achieng.locator(".owner-balance")).to_have_text("KES 50,000")
    shop.waits_for(lambda: shop.results == [2001], "a callback that says wrong PIN")


def test_a_pin_that_is_too_short_is_not_sent(desktop: Watched, shop: PhoneShop) -> None:
    prompt = ring(shop, desktop.page)
    prompt.get_by_label("Enter PIN").press_sequentially("1a2-3")
    expect(prompt.get_by_label("Enter PIN")).to_have_value("123")
    prompt.get_by_role("button", name="Send").click()
    expect(prompt.get_by_role("alert")).to_have_text("A PIN has 4 digits.")
    assert shop.results == []


@pytest.mark.parametrize(
    ("button", "words", "result"),
    [("Cancel", "You cancelled", 1032), ("no money", "not enough money", 1)],
)
def test_a_refusal_closes_the_prompt_and_reaches_the_shop(
    desktop: Watched, shop: PhoneShop, button: str, words: str, result: int
) -> None:
    prompt = ring(shop, desktop.page)
    prompt.get_by_role("button", name=button).click()
    expect(prompt).to_have_count(0)
    expect(phone_of(desktop.page, "Achieng").locator(".sms-card")).to_contain_text(words)
    shop.waits_for(lambda: shop.results == [result], f"a callback with {result}")


def test_a_prompt_left_unanswered_tells_the_shop_only_when_its_time_is_over(desktop: Watched, shop: PhoneShop) -> None:
    prompt = ring(shop, desktop.page)
    prompt.get_by_role("button", name="don’t answer").click()
    expect(phone_of(desktop.page, "Achieng").locator(".sms-card")).to_contain_text("unanswered")
    assert shop.results == []
    desktop.page.get_by_role("button", name="+10 min").click()
    shop.waits_for(lambda: shop.results == [1037], "a callback that says nobody answered")


def test_a_prompt_that_expires_leaves_the_phone(desktop: Watched, shop: PhoneShop) -> None:
    prompt = ring(shop, desktop.page)
    desktop.page.get_by_role("button", name="+10 min").click()
    expect(prompt).to_have_count(0)
    expect(phone_of(desktop.page, "Achieng").locator(".sms-card")).to_contain_text("Nobody answered in time")


def test_a_prompt_put_aside_keeps_waiting_while_its_owner_writes(desktop: Watched, shop: PhoneShop) -> None:
    prompt = ring(shop, desktop.page)
    prompt.get_by_role("button", name="Later").click()
    expect(prompt).to_have_count(0)
    achieng = phone_of(desktop.page, "Achieng")
    expect(achieng.locator(".waiting")).to_contain_text("M-PESA asks for a PIN")
    type_message(achieng, "STATUS")
    expect(replies(achieng)).to_have_count(1)
    achieng.get_by_role("button", name="Open").click()
    prompt.get_by_label("Enter PIN").fill("1234")
    prompt.get_by_role("button", name="Send").click()
    shop.waits_for(lambda: shop.results == [0], "paid after all")
    expect(achieng.locator(".waiting")).to_be_hidden()


def test_a_prompt_on_one_phone_does_not_disturb_somebody_who_writes_on_another(
    desktop: Watched, shop: PhoneShop
) -> None:
    field = phone_of(desktop.page, "Baraka").locator("textarea")
    field.click()
    field.press_sequentially("Habari")
    ring(shop, desktop.page)
    expect(field).to_be_focused()
    field.press_sequentially(" yako")
    expect(field).to_have_value("Habari yako")


def test_a_purchase_is_possible_with_the_keyboard_alone(desktop: Watched, shop: PhoneShop) -> None:
    page, achieng = desktop.page, phone_of(desktop.page, "Achieng")
    page.keyboard.press("Tab")
    expect(page.locator(".tabs").get_by_role("button", name="Achieng")).to_be_focused()
    page.keyboard.press("Enter")
    expect(achieng.locator("textarea")).to_be_focused()
    page.keyboard.type("PAY")
    page.keyboard.press("Enter")
    prompt = dialog(achieng)
    pin = prompt.get_by_label("Enter PIN")
    expect(pin).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    expect(prompt.get_by_role("button", name="no money")).to_be_focused()
    page.keyboard.press("Tab")
    expect(prompt.get_by_role("button", name="Later")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("1234")
    page.keyboard.press("Enter")
    shop.waits_for(lambda: shop.results == [0], "paid")
    expect(achieng.locator("textarea")).to_be_focused()
    ring(shop, page)
    page.keyboard.press("Escape")
    shop.waits_for(lambda: shop.results == [0, 1032], "the second one cancelled by Escape")
