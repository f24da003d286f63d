"""What the page can’t do, and whether everybody can read it."""

from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.simulators.phone.screen import DESKTOP, Watched, by_hand, dialog, phone_of, replies, ring
from tests.simulators.phone.shop import ACHIENG, BARAKA, PhoneShop
from tests.simulators.twilio_client import BUTTONS, serve


def test_the_page_runs_nothing_inline_and_may_not_be_framed(desktop: Watched, shop: PhoneShop) -> None:
    for path in ("/", "/phone/static/main.js"):
        headers = desktop.page.request.get(shop.page + path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
    refused = desktop.page.evaluate("""() => {
        try { document.body.innerHTML = '<p>owned</p>'; return 'parsed'; } catch (error) { return error.name; }
    }""")
    assert refused == "TypeError", "the browser itself refuses to parse a string as markup"
    desktop.forgiven = ("TrustedHTML", "Trusted Type")


def test_the_page_remembers_nothing_in_the_browser(desktop: Watched, shop: PhoneShop) -> None:
    prompt = ring(shop, desktop.page)
    prompt.get_by_label("Enter PIN").fill("1234")
    prompt.get_by_role("button", name="Send").click()
    shop.waits_for(lambda: shop.results == [0], "paid")
    kept = desktop.page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]")
    assert kept == [0, 0, ""]


def test_no_word_is_paler_than_people_can_read(browser: Browser, shop: PhoneShop) -> None:
    shop.say(ACHIENG, "SHOP mama")
    shop.waits_for(lambda: shop.heard == ["SHOP mama"], "heard")
    serve(shop.server, "/gone.png", b"", "image/png", 404)
    shop.twilio.says(ACHIENG, BUTTONS, v1="KES 435", v2="Add something")
    shop.twilio.sent(ACHIENG, Body="Here", MediaUrl=shop.server.url_for("/gone.png"))
    shop.push(BARAKA, 435)
    shop.ekwanza().referenced()
    for scheme in ("light", "dark"):
        context = browser.new_context(viewport=DESKTOP, color_scheme=scheme)
        page = context.new_page()
        page.goto(f"{shop.page}/")
        expect(dialog(phone_of(page, "Baraka"))).to_be_visible()
        expect(replies(phone_of(page, "Achieng"))).to_have_count(3)
        expect(replies(phone_of(page, "Achieng")).last).to_contain_text("63019")
        expect(by_hand(page, "Wanjiru").get_by_role("listitem")).to_be_visible()
        page.locator("#faults details").evaluate_all("all => all.forEach((one) => (one.open = true))")
        assert page.evaluate(_CONTRAST) == [], scheme
        context.close()


_CONTRAST = Path(__file__).with_name("contrast.js").read_text()
