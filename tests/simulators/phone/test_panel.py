"""The switches for what can go wrong, and what the page does when the simulators themselves are gone."""

from playwright.sync_api import expect

from tests.simulators.phone.screen import Watched, count_requests, dialog, own, phone_of, replies, type_message
from tests.simulators.phone.shop import PhoneShop


def test_a_switch_calls_the_control_api_and_shows_what_it_says(desktop: Watched, shop: PhoneShop) -> None:
    switch = desktop.page.get_by_role("switch", name="Callback twice")
    expect(switch).not_to_be_checked()
    switch.click()
    shop.waits_for(lambda: _faults(shop)["callback_twice"] is True, "the fault is on")
    expect(switch).to_be_checked()
    shop.control("PUT", "/sim/faults", {"callback_twice": False})
    expect(switch).not_to_be_checked()


def test_a_phone_that_is_out_of_sight_is_brought_beside_the_panel_by_its_name(desktop: Watched) -> None:
    neema = phone_of(desktop.page, "Neema")
    expect(neema).not_to_be_in_viewport(ratio=0.9)
    desktop.page.locator(".tabs").get_by_role("button", name="Neema").click()
    expect(neema).to_be_in_viewport(ratio=0.99)
    neema.get_by_role("button", name="Send", exact=True).click(trial=True)


def test_a_count_goes_up_and_down_and_never_below_zero(desktop: Watched, shop: PhoneShop) -> None:
    group = desktop.page.get_by_role("group", name="Push times out")
    group.get_by_role("button", name="Once more").click()
    group.get_by_role("button", name="Once more").click()
    shop.waits_for(lambda: _faults(shop)["push_timeout"] == 2, "two times")
    for _ in range(3):
        group.get_by_role("button", name="Once less").click()
    shop.waits_for(lambda: _faults(shop)["push_timeout"] == 0, "none")
    expect(group.get_by_role("textbox")).to_have_value("0")


def test_all_faults_are_switched_off_together(desktop: Watched, shop: PhoneShop) -> None:
    shop.control("PUT", "/sim/faults", {"callback_twice": True, "twilio_429": 3, "callback_delay_s": 5})
    desktop.page.get_by_role("button", name="Switch all 3 off").click()
    shop.waits_for(lambda: not any(_faults(shop).values()), "nothing is broken")
    expect(desktop.page.get_by_role("button", name="Switch all")).to_be_hidden()


def test_faults_are_folded_by_provider_and_topic_and_say_how_many_are_on(desktop: Watched, shop: PhoneShop) -> None:
    panel = desktop.page.get_by_role("complementary")
    providers = panel.locator("#faults details.provider > summary")
    expect(providers).to_have_count(4)
    assert [text.strip() for text in providers.locator("span:first-child").all_text_contents()] == [
        "M-Pesa",
        "e-Kwanza",
        "WhatsApp",
        "Slow lines",
    ]
    switch = panel.get_by_role("switch", name="Ticket unsigned")
    expect(switch).to_have_count(0)
    providers.nth(1).click()
    panel.locator("#faults details.provider").nth(1).locator("summary", has_text="Being told").click()
    switch.click()
    shop.waits_for(lambda: _faults(shop)["ekwanza_signature_missing"] is True, "the fault is on")
    expect(providers.nth(1).locator(".on-count")).to_have_text("1 on")
    expect(providers.nth(0).locator(".on-count")).not_to_have_class("on-count is-on")


def test_every_fault_has_its_switch_on_the_page(desktop: Watched, shop: PhoneShop) -> None:
    switches = desktop.page.locator("#faults input")
    expect(switches).to_have_count(len(_faults(shop)))
    assert sorted(switches.evaluate_all("inputs => inputs.map((input) => input.name)")) == sorted(_faults(shop))


def test_a_fault_that_was_on_before_the_page_is_not_hidden_from_it(desktop: Watched, shop: PhoneShop) -> None:
    shop.control("PUT", "/sim/faults", {"ekwanza_lookup_missing": True})
    desktop.page.reload()
    expect(desktop.page.get_by_role("switch", name="Look-up finds nothing")).to_be_checked()


def _faults(shop: PhoneShop) -> dict[str, object]:
    faults = shop.control("GET", "/sim/state?since=0")["faults"]
    assert isinstance(faults, dict)
    return {str(name): value for name, value in faults.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def test_a_new_phone_can_be_added_and_a_taken_number_is_explained(desktop: Watched, shop: PhoneShop) -> None:
    desktop.forgiven = ("409",)
    page = desktop.page
    shop.push("whatsapp:+254700000009", 60)
    expect(page.locator("#strays")).to_contain_text("rings on 254700000009")
    page.get_by_text("Add a phone").click()
    page.get_by_label("Name", exact=True).fill("Otieno")
    page.get_by_label("Phone number").fill("254708374149")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#panel-error")).to_have_text("somebody has that number already")
    page.get_by_label("Phone number").fill("254700000009")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(dialog(phone_of(page, "Otieno"))).to_be_visible()
    expect(page.locator("#strays p")).to_have_count(0)


def test_clearing_the_phones_asks_once_more_and_empties_every_chat(desktop: Watched, shop: PhoneShop) -> None:
    achieng = phone_of(desktop.page, "Achieng")
    type_message(achieng, "HELP")
    expect(replies(achieng)).to_have_count(1)
    clear = desktop.page.get_by_role("button", name="Clear the phones")
    clear.click()
    expect(replies(achieng)).to_have_count(1)
    desktop.page.get_by_role("button", name="Press again to clear").click()
    expect(achieng.locator(".bubble")).to_have_count(0)
    expect(achieng.locator(".hint")).to_be_visible()
    type_message(achieng, "CART")
    expect(replies(achieng)).to_have_count(1)


def test_the_page_outlives_a_restart_of_the_simulators(desktop: Watched, shop: PhoneShop) -> None:
    desktop.forgiven = ("net::ERR_",)
    achieng = phone_of(desktop.page, "Achieng")
    type_message(achieng, "HELP")
    expect(replies(achieng)).to_have_count(1)
    shop.stop_simulators()
    try:
        expect(desktop.page.locator("#away")).to_be_visible()
        expect(achieng.locator(".presence")).to_have_text("reconnecting…")
        type_message(achieng, "CART")
        again = achieng.get_by_role("button", name="Tap to send again")
        expect(again).to_be_visible()
    finally:
        shop.start_simulators()
    expect(desktop.page.locator("#away")).to_be_hidden(timeout=15_000)
    expect(own(achieng)).to_have_count(2)
    again.click()
    expect(replies(achieng)).to_have_count(2)
    expect(own(achieng)).to_have_count(2)
    assert shop.heard == ["HELP", "CART"]


def test_a_server_that_forgot_everything_is_believed(desktop: Watched, shop: PhoneShop) -> None:
    achieng = phone_of(desktop.page, "Achieng")
    type_message(achieng, "HELP")
    expect(replies(achieng)).to_have_count(1)
    nothing: list[object] = []
    state = shop.control("GET", "/sim/state?since=0")
    fresh = {**state, "version": 1, "resets": 0, "messages": nothing, "prompts": nothing}
    desktop.page.route("**/sim/state*", lambda route: route.fulfill(json=fresh))
    expect(achieng.locator(".bubble")).to_have_count(0)
    expect(achieng.locator(".hint")).to_be_visible()


def test_a_calm_page_asks_about_once_or_twice_a_second(desktop: Watched) -> None:
    desktop.page.wait_for_timeout(4200)  # the eager seconds after the page was opened
    assert 1 <= count_requests(desktop.page, 1500) <= 3
