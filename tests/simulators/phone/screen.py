"""How a test looks at the phone page and acts on it."""

from typing import TypedDict

from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.simulators.phone.shop import ACHIENG, PhoneShop

expect.set_options(timeout=15_000)  # a machine that is busy with other tests is slow, not wrong


class Size(TypedDict):
    width: int
    height: int


DESKTOP: Size = {"width": 1280, "height": 800}
SMALL_PHONE: Size = {"width": 360, "height": 640}


class Watched:
    """A page whose every complaint and request is remembered. What a test expects to fail, it names in `forgiven`."""

    def __init__(self, context: BrowserContext, shop: PhoneShop) -> None:
        self.page = context.new_page()
        self.complaints: list[str] = []
        self.forgiven: tuple[str, ...] = ()
        self.strangers: list[str] = []
        self.page.on("console", lambda said: self.complaints.append(f"{said.type}: {said.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "request", lambda asked: None if asked.url.startswith(shop.page) else self.strangers.append(asked.url)
        )

    def check(self) -> None:
        assert not self.strangers, "the page asked somebody else"
        unexpected = [text for text in self.complaints if not any(part in text for part in self.forgiven)]
        assert not unexpected


def phone_of(page: Page, name: str) -> Locator:
    return page.locator(".phone-column").filter(has=page.locator(".owner-name", has_text=name))


def type_message(phone: Locator, text: str) -> None:
    field = phone.locator("textarea")
    field.click()
    field.fill(text)
    field.press("Enter")


def replies(phone: Locator) -> Locator:
    return phone.locator(".bubble.is-theirs")


def own(phone: Locator) -> Locator:
    return phone.locator(".bubble.is-mine")


def dialog(phone: Locator, brand: str = "M-PESA") -> Locator:
    return phone.get_by_role("dialog", name=brand)


def by_hand(page: Page, name: str = "Achieng") -> Locator:
    """That phone's sheet for paying by hand, opened."""
    phone = phone_of(page, name)
    phone.get_by_role("button", name="Pay by hand").click()
    sheet = phone.get_by_role("dialog", name="Pay by hand")
    expect(sheet).to_be_visible()
    return sheet


def ring(shop: PhoneShop, page: Page, name: str = "Achieng", address: str = ACHIENG) -> Locator:
    shop.push(address, 435)
    prompt = dialog(phone_of(page, name))
    expect(prompt).to_be_visible()
    return prompt


def count_requests(page: Page, within_ms: int) -> int:
    """How often the page asks for the state in that time."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/sim/state" in request.url else None)
    page.wait_for_timeout(within_ms)
    return len(asked)
