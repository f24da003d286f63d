"""What a message holds beside text: buttons, lists, pictures, documents, places."""

import base64

import pytest
from playwright.sync_api import expect

from simulators.ekwanza.qr import png_base64
from tests.simulators.phone.screen import SMALL_PHONE, Watched, own, phone_of, replies
from tests.simulators.phone.shop import ACHIENG, BARAKA, PhoneShop
from tests.simulators.twilio_client import BUTTONS, LIST, PDF, png, serve

CARD = {
    "twilio/card": {
        "title": "Milk 500 ml",
        "body": "Fresh today",
        "subtitle": "KES 65",
        "actions": [
            {"type": "URL", "title": "See it", "url": "http://127.0.0.1:3020/items/milk"},
            {"type": "PHONE_NUMBER", "title": "Call us", "phone": "+254700000001"},
            {"type": "QUICK_REPLY", "title": "Add one", "id": "add:-:1"},
        ],
    }
}
PLACE = {"twilio/location": {"latitude": -1.29, "longitude": 36.8, "label": "Mama Njeri", "address": "Kilimani"}}


def heard_of(shop: PhoneShop, count: int) -> dict[str, str]:
    """The newest form, once so many have come."""
    shop.waits_for(lambda: len(shop.forms) == count, f"{count} messages")
    return shop.forms[-1]


def begin(shop: PhoneShop, address: str = ACHIENG) -> None:
    shop.say(address, "QUIET")
    heard_of(shop, 1)


def test_a_button_is_tapped_again_after_newer_messages(desktop: Watched, shop: PhoneShop) -> None:
    begin(shop)
    sid = shop.twilio.says(ACHIENG, BUTTONS, v1="KES 435", v2="Add something")
    achieng = phone_of(desktop.page, "Achieng")
    buttons = replies(achieng).locator(".options button")
    expect(buttons).to_have_text(["Confirm", "Add something"])
    buttons.nth(1).click()
    form = heard_of(shop, 2)
    assert (form["ButtonText"], form["ButtonPayload"]) == ("Add something", "add:-:1")
    assert form["OriginalRepliedMessageSid"] == sid
    expect(own(achieng).locator(".words")).to_have_text(["QUIET", "Add something"])
    shop.twilio.sent(ACHIENG, Body="Something newer")
    expect(replies(achieng).last).to_contain_text("Something newer")
    buttons.first.click()
    assert heard_of(shop, 3)["ButtonPayload"] == "confirm:K7M2XP:1"


def test_a_list_opens_as_a_sheet_and_an_item_is_chosen(handheld: Watched, shop: PhoneShop) -> None:
    begin(shop)
    shop.twilio.says(ACHIENG, LIST, v1="What would you like?", v2="Milk 500 ml", v3="KES 65, in stock")
    achieng = phone_of(handheld.page, "Achieng")
    achieng.get_by_role("button", name="See the shelf").tap()
    sheet = achieng.get_by_role("dialog", name="See the shelf")
    expect(sheet.get_by_role("listitem")).to_have_text(
        ["Sukuma wiki, bunchKES 30, in stock", "Milk 500 mlKES 65, in stock"]
    )
    assert handheld.page.evaluate("document.documentElement.scrollWidth") == SMALL_PHONE["width"]
    small = achieng.locator("button:visible, .options a").evaluate_all(
        "all => all.map((one) => one.getBoundingClientRect()).filter((box) => box.width < 43.5 || box.height < 43.5)"
    )
    assert small == []
    sheet.get_by_role("button", name="Milk 500 ml").tap()
    expect(sheet).to_be_hidden()
    form = heard_of(shop, 2)
    assert (form["ListId"], form["ListTitle"], form["Body"]) == ("pick:-:2", "Milk 500 ml", "pick:-:2")
    expect(own(achieng).last.locator(".words")).to_have_text("Milk 500 ml")


def test_escape_closes_the_sheet_and_brings_the_focus_back(desktop: Watched, shop: PhoneShop) -> None:
    begin(shop)
    shop.twilio.says(ACHIENG, LIST, v1="a", v2="b", v3="c")
    achieng = phone_of(desktop.page, "Achieng")
    opener = achieng.get_by_role("button", name="See the shelf")
    opener.click()
    expect(achieng.get_by_role("dialog", name="See the shelf").get_by_role("button").nth(1)).to_be_focused()
    desktop.page.keyboard.press("Escape")
    expect(achieng.get_by_role("dialog", name="See the shelf")).to_be_hidden()
    expect(opener).to_be_focused()
    assert len(shop.forms) == 1


def test_a_picture_is_really_shown_and_the_newest_message_stays_in_sight(handheld: Watched, shop: PhoneShop) -> None:
    begin(shop)
    url = serve(shop.server, "/ticket.png", base64.b64decode(png_base64("EKZ:123456789:1500.00")), "image/png")
    shop.twilio.sent(ACHIENG, Body="Ticket *123 456 789*", MediaUrl=url)
    achieng = phone_of(handheld.page, "Achieng")
    picture = replies(achieng).get_by_role("img", name="Picture from the shop")
    expect(picture).to_be_visible()
    handheld.page.wait_for_function("image => image.complete && image.naturalWidth > 100", arg=picture.element_handle())
    expect(replies(achieng).last.locator("time")).to_be_in_viewport()
    expect(achieng.locator(".pill")).to_be_hidden()


def test_a_picture_that_grows_while_the_chat_scrolls_to_it_hides_nothing(handheld: Watched, shop: PhoneShop) -> None:
    begin(shop)
    achieng = phone_of(handheld.page, "Achieng")
    shop.twilio.sent(ACHIENG, Body="Milk", MediaUrl=serve(shop.server, "/milk.png", png(), "image/png"))
    picture = replies(achieng).get_by_role("img", name="Picture from the shop")
    handheld.page.wait_for_function("image => image.complete", arg=picture.element_handle())
    expect(replies(achieng).locator("time")).to_be_in_viewport()
    # In this order a browser lays out a large picture, tells of a scroll, and of the picture.
    picture.evaluate("""image => {
      image.style.cssText = 'height: 900px; max-height: none';
      image.closest('.log').dispatchEvent(new Event('scroll'));
      image.dispatchEvent(new Event('load'));
    }""")
    expect(replies(achieng).locator("time")).to_be_in_viewport()
    expect(achieng.locator(".pill")).to_be_hidden()


def test_a_picture_that_can_not_be_fetched_says_so_with_twilios_code(desktop: Watched, shop: PhoneShop) -> None:
    begin(shop)
    serve(shop.server, "/gone.png", b"", "image/png", 404)
    shop.twilio.sent(ACHIENG, Body="Here", MediaUrl=shop.server.url_for("/gone.png"))
    bubble = replies(phone_of(desktop.page, "Achieng"))
    expect(bubble.locator(".media.is-broken")).to_have_text("This file can’t be shown")
    expect(bubble).to_contain_text("Never reached this phone. 63019 · The file’s address answered: HTTP 404.")


def test_a_document_can_be_downloaded(desktop: Watched, shop: PhoneShop) -> None:
    begin(shop)
    shop.twilio.sent(ACHIENG, MediaUrl=serve(shop.server, "/receipt.pdf", PDF, "application/pdf"))
    link = replies(phone_of(desktop.page, "Achieng")).get_by_role("link", name="PDF document")
    with desktop.page.expect_download() as waiting:
        link.click()
    assert waiting.value.suggested_filename.endswith(".pdf")
    assert waiting.value.path().read_bytes() == PDF


def test_a_card_shows_its_picture_its_words_and_buttons_that_can_be_tapped(handheld: Watched, shop: PhoneShop) -> None:
    begin(shop)
    picture = serve(shop.server, "/milk.png", png(), "image/png")
    actions = [{"type": "QUICK_REPLY", "title": title, "id": f"{title}:-:1"} for title in ("Add one", "Menu")]
    card = {"title": "Milk 500 ml", "body": "KES {{1}}, fresh", "media": [picture], "actions": actions}
    shop.twilio.says(ACHIENG, {"twilio/card": card}, v1="65")
    bubble = replies(phone_of(handheld.page, "Achieng"))
    expect(bubble.get_by_role("img", name="Picture from the shop")).to_be_visible()
    expect(bubble.locator(".heading")).to_have_text("Milk 500 ml")
    expect(bubble.locator(".words")).to_have_text("KES 65, fresh")
    expect(bubble.locator(".options button")).to_have_text(["Add one", "Menu"])
    expect(bubble.get_by_role("button", name="Menu")).to_be_in_viewport(ratio=1)
    bubble.get_by_role("button", name="Add one").tap()
    form = heard_of(shop, 2)
    assert (form["ButtonText"], form["ButtonPayload"]) == ("Add one", "Add one:-:1")


def test_a_documents_words_are_shown_with_what_becomes_of_them(desktop: Watched, shop: PhoneShop) -> None:
    begin(shop)
    url = serve(shop.server, "/receipt.pdf", PDF, "application/pdf")
    shop.twilio.sent(ACHIENG, Body="Your *receipt*", MediaUrl=url)
    bubble = replies(phone_of(desktop.page, "Achieng"))
    expect(bubble.get_by_role("link", name="PDF document 1 kB")).to_be_visible()
    expect(bubble.locator(".words strong")).to_have_text("receipt")
    expect(bubble.locator(".footer")).to_have_text("Not on a real phone: Twilio sends a document without its words.")


def test_a_card_has_links_that_open_and_call_a_script_is_no_link_and_a_place_is_a_pin(
    desktop: Watched, shop: PhoneShop
) -> None:
    begin(shop)
    shop.twilio.says(ACHIENG, CARD)
    bubble = replies(phone_of(desktop.page, "Achieng")).first
    expect(bubble.locator(".heading")).to_have_text("Milk 500 ml")
    expect(bubble.locator(".footer")).to_have_text("KES 65")
    see = bubble.get_by_role("link", name="See it")
    expect(see).to_have_attribute("href", "http://127.0.0.1:3020/items/milk")
    expect(see).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect(bubble.get_by_role("link", name="Call us")).to_have_attribute("href", "tel:+254700000001")
    expect(bubble.get_by_role("button", name="Add one")).to_be_visible()
    action = {"type": "URL", "title": "Click me", "url": "javascript:alert(1)"}
    shop.twilio.says(ACHIENG, {"twilio/call-to-action": {"body": "Look", "actions": [action]}})
    shop.twilio.says(ACHIENG, PLACE)
    others = replies(phone_of(desktop.page, "Achieng"))
    expect(others.nth(1)).to_contain_text("Click me")
    expect(others.nth(1).get_by_role("link")).to_have_count(0)
    expect(others.nth(2).locator(".is-location .map")).to_be_visible()
    expect(others.nth(2)).to_contain_text("Kilimani")


@pytest.mark.parametrize(
    ("name", "place", "latitude"), [("Achieng", "Westlands", "-1.2676"), ("Nzinga", "Maianga", "-8.8272")]
)
def test_a_customer_chooses_a_place_to_send(
    desktop: Watched, shop: PhoneShop, name: str, place: str, latitude: str
) -> None:
    phone = phone_of(desktop.page, name)
    phone.get_by_role("button", name="Attach").click()
    phone.get_by_role("button", name="Location").click()
    phone.get_by_role("dialog", name="Send a location").get_by_role("button", name=place).click()
    form = heard_of(shop, 1)
    assert (form["Latitude"], form["Label"]) == (latitude, place)
    expect(own(phone).locator(".media.is-location")).to_contain_text(place)


def test_only_a_chat_that_is_shown_is_read(handheld: Watched, shop: PhoneShop) -> None:
    page = handheld.page
    shop.say(ACHIENG, "QUIET")
    shop.say(BARAKA, "QUIET")
    heard_of(shop, 2)
    seen, unseen = (shop.twilio.sent(address, Body="Hello") for address in (ACHIENG, BARAKA))
    expect(replies(phone_of(page, "Achieng")).locator("time")).to_have_attribute("title", "The shop sees: Read")
    assert shop.twilio.fetch(seen)["status"] == "read"
    assert shop.twilio.fetch(unseen)["status"] == "delivered"
    page.locator(".tabs button").filter(has_text="Baraka").tap()
    shop.waits_for(lambda: shop.twilio.fetch(unseen)["status"] == "read", "read")


def test_a_chat_is_saved_as_a_transcript(desktop: Watched, shop: PhoneShop) -> None:
    begin(shop)
    achieng = phone_of(desktop.page, "Achieng")
    with desktop.page.expect_download() as waiting:
        achieng.get_by_role("link", name="Save this chat").click()
    assert waiting.value.suggested_filename == "achieng.yaml"
    assert "- customer: QUIET" in waiting.value.path().read_text()


def test_a_template_is_approved_or_refused_at_the_page(desktop: Watched, shop: PhoneShop) -> None:
    sid = shop.twilio.made(BUTTONS, variables={"1": "x", "2": "y"})
    path = f"/Content/{sid}/ApprovalRequests"
    shop.twilio.content("POST", f"{path}/whatsapp", {"name": "cart_waits_en", "category": "UTILITY"})
    desktop.page.locator("#templates > summary").click()
    choice = desktop.page.get_by_label("What WhatsApp thinks of cart_waits_en")
    choice.select_option("rejected")
    shop.waits_for(
        lambda: shop.twilio.content("GET", path).json()["whatsapp"]["status"] == "rejected", "a refused template"
    )


def test_a_prompt_in_kwanzas_names_the_order_and_the_reference(desktop: Watched, shop: PhoneShop) -> None:
    shop.ekwanza().charged(description="Order_C3D4F6")
    prompt = phone_of(desktop.page, "Achieng").get_by_role("dialog", name="Multicaixa Express")
    expect(prompt).to_contain_text("for Order C3D4F6?")
    expect(prompt).to_contain_text("Reference OURSOURSOURS234")
