"""Multicaixa Express on the phone: the same prompt for kwanzas, with cents and 90 seconds."""

from playwright.sync_api import expect

from tests.simulators.phone.screen import Watched, dialog, phone_of
from tests.simulators.phone.shop import PhoneShop

BRAND = "Multicaixa Express"


def test_a_charge_in_kwanzas_rings_and_is_paid_with_the_pin(desktop: Watched, shop: PhoneShop) -> None:
    shop.ekwanza().charged()
    achieng = phone_of(desktop.page, "Achieng")
    prompt = dialog(achieng, BRAND)
    expect(prompt).to_contain_text("AOA 1,500.50")
    expect(prompt).to_contain_text("Mercearia Kianda")
    expect(prompt).to_contain_text("for Order C3D4F6?")
    expect(prompt.get_by_role("timer")).to_contain_text("1:")
    prompt.get_by_label("Enter PIN").fill("1234")
    prompt.get_by_role("button", name="Send").click()
    sms = achieng.locator(".sms-card")
    expect(sms).to_contain_text("Confirmed. AOA 1,500.50 sent to Mercearia Kianda")
    expect(sms).to_contain_text("New balance is AOA 498,499.50.")
    shop.waits_for(lambda: [body["operationStatus"] for body in shop.told] == [1], "one webhook that says paid")
    expect(achieng.locator(".owner-balance")).to_have_text("KES 50,000")


def test_a_charge_that_is_declined_is_reported(desktop: Watched, shop: PhoneShop) -> None:
    shop.ekwanza().charged()
    achieng = phone_of(desktop.page, "Achieng")
    dialog(achieng, BRAND).get_by_role("button", name="Cancel").click()
    expect(achieng.locator(".sms-card")).to_contain_text("You cancelled. AOA 1,500.50 was not sent.")
    shop.waits_for(lambda: [body["operationStatus"] for body in shop.told] == [3], "a webhook that says cancelled")


def test_both_kinds_of_prompt_wait_for_each_other_on_one_phone(desktop: Watched, shop: PhoneShop) -> None:
    achieng = phone_of(desktop.page, "Achieng")
    shop.push("whatsapp:+254708374149", 435)
    expect(dialog(achieng)).to_be_visible()
    shop.ekwanza().charged()
    dialog(achieng).get_by_role("button", name="Cancel").click()
    expect(dialog(achieng, BRAND)).to_be_visible()
    dialog(achieng, BRAND).get_by_role("button", name="Later").click()
    expect(achieng.locator(".waiting")).to_contain_text("Multicaixa Express asks for a PIN")
