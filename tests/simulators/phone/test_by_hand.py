"""The sheet on which a person pays without being asked on the phone: references, tickets, an M-Pesa till."""

from playwright.sync_api import expect

from tests.simulators.phone.screen import Watched, by_hand, dialog, phone_of
from tests.simulators.phone.shop import ACHIENG, SHORTCODE, PhoneShop


def test_a_reference_appears_and_is_paid_at_the_cash_machine(desktop: Watched, shop: PhoneShop) -> None:
    sheet = by_hand(desktop.page)
    expect(sheet).to_contain_text("Nothing to pay")
    number = shop.ekwanza().referenced()["reference"]["referenceNumber"]
    item = sheet.get_by_role("listitem")
    expect(item).to_contain_text("Mercearia Kianda")
    expect(item).to_contain_text("Entity 00123")
    expect(item).to_contain_text(f"{number[:3]}\u00a0{number[3:6]}\u00a0{number[6:]}")
    item.get_by_role("button", name="Pay AOA 1,500.50").click()
    expect(sheet.get_by_role("status")).to_have_text("Paid AOA 1,500.50 to Mercearia Kianda.")
    expect(item).to_have_count(0)
    shop.waits_for(lambda: [body["operationStatus"] for body in shop.told] == [1], "one webhook that says paid")


def test_another_amount_can_be_paid_into_a_reference(desktop: Watched, shop: PhoneShop) -> None:
    shop.ekwanza().referenced()
    sheet = by_hand(desktop.page)
    sheet.get_by_text("Another amount").click()
    amount = sheet.get_by_label("Another amount, AOA")
    amount.fill("much")
    sheet.get_by_role("button", name="Pay this").click()
    expect(sheet.get_by_role("status")).to_contain_text("Type an amount")
    amount.fill("1000,5")
    sheet.get_by_role("button", name="Pay this").click()
    shop.waits_for(
        lambda: (
            [body["operationData"] for body in shop.told]
            == [{"amount": 1000.5, "merchantIdentifier": "66700922", "referenceType": "REF"}]
        ),
        "the other amount",
    )


def test_what_somebody_types_outlives_news_of_other_references(desktop: Watched, shop: PhoneShop) -> None:
    ekwanza = shop.ekwanza()
    ekwanza.referenced(merchantTransactionId="A")
    sheet = by_hand(desktop.page)
    sheet.get_by_text("Another amount").click()
    typed = sheet.get_by_role("textbox", name="Another amount, AOA")
    typed.fill("77")
    ekwanza.referenced(merchantTransactionId="B")
    expect(sheet.get_by_role("listitem")).to_have_count(2)
    expect(typed).to_have_value("77")
    expect(typed).to_be_focused()


def test_a_ticket_whose_time_is_over_says_so_and_can_be_paid_all_the_same(desktop: Watched, shop: PhoneShop) -> None:
    shop.ekwanza().ticketed()
    sheet = by_hand(desktop.page)
    item = sheet.get_by_role("listitem")
    expect(item).to_contain_text("Ticket")
    shop.control("POST", "/sim/clock", {"advance_s": 24 * 3600})
    expect(item).to_contain_text("Expired")
    expect(item.get_by_text("Another amount")).to_have_count(0)
    item.get_by_role("button", name="Pay AOA 1,500.50").click()
    shop.waits_for(lambda: [body["status"] for body in shop.told] == ["processed"], "the ticket was paid")


def test_a_paybill_can_be_paid_unasked(desktop: Watched, shop: PhoneShop) -> None:
    shop.hear_of_hand_payments()
    sheet = by_hand(desktop.page)
    expect(sheet).to_contain_text(f"Known here: {SHORTCODE} Mama Njeri’s Groceries.")
    expect(sheet.get_by_label("Paybill or till number")).to_have_value(SHORTCODE)
    sheet.get_by_label("Account number").fill("K7M2XP")
    sheet.get_by_label("Amount, KES").fill("435")
    sheet.get_by_role("button", name="Pay", exact=True).click()
    expect(sheet.get_by_role("status")).to_contain_text("Confirmed. KES 435 to 174379 for account K7M2XP.")
    shop.waits_for(lambda: [body["BillRefNumber"] for body in shop.told] == ["K7M2XP"], "a confirmation")
    expect(phone_of(desktop.page, "Achieng").locator(".owner-balance")).to_have_text("KES 49,565")


def test_a_phone_in_angola_is_not_offered_m_pesa(desktop: Watched) -> None:
    sheet = by_hand(desktop.page, "Nzinga")
    expect(sheet.get_by_text("References and tickets")).to_be_visible()
    expect(sheet.get_by_text("M-PESA")).to_have_count(1)
    expect(sheet.get_by_text("M-PESA")).to_be_hidden()


def test_a_wallet_that_is_too_small_is_told_so(desktop: Watched, shop: PhoneShop) -> None:
    desktop.forgiven = ("409",)
    sheet = by_hand(desktop.page)
    sheet.get_by_label("Amount, KES").fill("50001")
    sheet.get_by_role("button", name="Pay", exact=True).click()
    expect(sheet.get_by_role("status")).to_have_text("there is not enough money in that wallet")


def test_escape_closes_the_sheet_and_a_prompt_comes_over_it(desktop: Watched, shop: PhoneShop) -> None:
    page = desktop.page
    achieng = phone_of(page, "Achieng")
    sheet = by_hand(page)
    shop.push(ACHIENG, 435)
    prompt = dialog(achieng)
    prompt.get_by_label("Enter PIN").fill("1234")
    prompt.get_by_role("button", name="Send").click()
    expect(prompt).to_have_count(0)
    sheet.get_by_role("button", name="Close").focus()
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(achieng.get_by_role("button", name="Pay by hand")).to_be_focused()
    achieng.locator("textarea").click()
