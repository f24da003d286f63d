"""What people write, however hostile, is shown as text."""

from playwright.sync_api import expect

from tests.simulators.phone.screen import Watched, own, phone_of, replies, type_message
from tests.simulators.phone.shop import PhoneShop

RIGHT_TO_LEFT_OVERRIDE = "\u202e"


HOSTILE = (
    "<img src=x onerror=\"document.title='owned'\">",
    "<script>document.title='owned'</script>",
    "*<b onmouseover=alert(1)>bold</b>*",
    "javascript:alert(1) data:text/html,<b>",
    "&lt;b&gt; &amp; ${7*7} {{7*7}}",
)


def test_markup_in_a_message_stays_text(desktop: Watched) -> None:
    achieng = phone_of(desktop.page, "Achieng")
    for text in HOSTILE:
        type_message(achieng, f"ECHO {text}")
    words = replies(achieng).locator(".words")
    shown = [text.replace("*<", "<").replace(">*", ">") for text in HOSTILE]
    expect(words).to_have_text(shown, use_inner_text=True)
    assert words.locator("img, script, b, a").count() == 0
    assert desktop.page.title() == "Dukani: the phones"


def test_text_that_turns_the_direction_of_writing_turns_nothing_else(desktop: Watched) -> None:
    achieng = phone_of(desktop.page, "Achieng")
    type_message(achieng, f"ECHO {RIGHT_TO_LEFT_OVERRIDE}olleh")
    type_message(achieng, "ECHO plain")
    expect(replies(achieng)).to_have_count(2)
    turned, plain = replies(achieng).first, replies(achieng).last
    expect(turned.locator(".words")).to_have_css("unicode-bidi", "isolate")
    assert turned.locator(".words time").count() == 0, "the time stands outside of what can be turned"
    expect(plain.locator(".words")).to_have_text("plain")
    expect(turned.locator("time")).to_have_text(plain.locator("time").inner_text())


def test_four_thousand_characters_wrap_inside_their_bubble(desktop: Watched, shop: PhoneShop) -> None:
    achieng = phone_of(desktop.page, "Achieng")
    type_message(achieng, "x" * 4000)
    expect(own(achieng).get_by_role("img", name="Delivered")).to_be_visible()
    assert [len(text) for text in shop.heard] == [4000]
    log = achieng.get_by_role("log")
    assert log.evaluate("log => log.scrollWidth - log.clientWidth") == 0
    assert own(achieng).bounding_box()["width"] < log.bounding_box()["width"]  # pyright: ignore[reportOptionalSubscript]


def test_marks_of_emphasis_are_rendered_and_sums_are_not(desktop: Watched) -> None:
    achieng = phone_of(desktop.page, "Achieng")
    type_message(
        achieng, "ECHO *bold* _it_ ~no~ ```a *b* c``` *_both_* 2*3*4 snake_case_word * not *\n*not\nover lines*"
    )
    words = replies(achieng).locator(".words")
    expect(words.locator("strong")).to_have_text(["bold", "both"])
    expect(words.locator("em")).to_have_text(["it", "both"])
    expect(words.locator("s")).to_have_text(["no"])
    expect(words.locator("code")).to_have_text(["a *b* c"])
    expect(words).to_contain_text("2*3*4 snake_case_word * not *")
    expect(words).to_contain_text("*not\nover lines*", use_inner_text=True)


def test_a_web_address_becomes_a_link_that_tells_the_other_side_nothing(desktop: Watched) -> None:
    achieng = phone_of(desktop.page, "Achieng")
    type_message(achieng, "ECHO Receipt: http://127.0.0.1:3020/r/K7M2XP?a=1&b=2.")
    link = replies(achieng).get_by_role("link")
    expect(link).to_have_attribute("href", "http://127.0.0.1:3020/r/K7M2XP?a=1&b=2")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")


def test_a_thousand_stars_do_not_stop_the_page(desktop: Watched) -> None:
    achieng = phone_of(desktop.page, "Achieng")
    text = "*_" * 500 + " a" * 200 + "_*" * 500
    type_message(achieng, f"ECHO {text}"[:2400])
    expect(replies(achieng)).to_have_count(1)
