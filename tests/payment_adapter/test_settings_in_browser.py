"""The settings page as people use it: in a browser that runs no script, on a small screen."""

import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect
from pytest_httpserver import HTTPServer
from werkzeug.serving import make_server

from contracts.states import Rail
from kit.clock import FixedClock
from payment_adapter.providers.base import Finding
from payment_adapter.providers.daraja.client import Daraja
from payment_adapter.providers.daraja.wire import Wire
from payment_adapter.providers.ekwanza.client import Ekwanza
from payment_adapter.providers.ekwanza.credentials import Environment, Hosts
from tests.support.browser import launched
from tests.support.databases import NewDatabase
from tests.support.processes import free_ports
from tests.support.settings import CERTIFICATE, SettingsDesk

CANARY = "canary-8f2c-secret"
SMALL = {"width": 360, "height": 640}
_CONTRAST = (Path(__file__).parents[1] / "simulators" / "phone" / "contrast.js").read_text()

expect.set_options(timeout=15_000)  # a machine that is busy with other tests is slow, not wrong


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def desk(sqlite_database: NewDatabase, clock: FixedClock) -> Generator[SettingsDesk]:
    port = free_ports(1)[0]
    desk = SettingsDesk(sqlite_database("payments"), clock, f"http://127.0.0.1:{port}")
    server = make_server("127.0.0.1", port, desk.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield desk
    server.shutdown()
    thread.join(10)
    server.server_close()


class Watched:
    """A page of which every complaint, request and answer is remembered."""

    def __init__(self, context: BrowserContext, desk: SettingsDesk) -> None:
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.addresses: list[str] = []
        self.codes: list[int] = []
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.on("request", lambda asked: self.addresses.append(asked.url))
        self.page.on("response", self._note)
        self._desk = desk

    def _note(self, answer: Response) -> None:
        self.codes.append(answer.status)

    def open(self, **changes: Any) -> Page:
        self.page.goto(f"{self._desk.public_url}/settings/{self._desk.ticket(**changes)}")
        self.page.get_by_role("button", name="Open the settings").click()
        expect(self.page.get_by_role("heading", name="M-Pesa")).to_be_visible()
        return self.page


@pytest.fixture(params=[False, True], ids=["without-script", "with-script"])
def visit(browser: Browser, desk: SettingsDesk, request: pytest.FixtureRequest) -> Generator[Watched]:
    context = browser.new_context(viewport=SMALL, has_touch=True, is_mobile=True, java_script_enabled=request.param)  # pyright: ignore[reportArgumentType]
    watched = Watched(context, desk)
    yield watched
    context.close()
    assert [address for address in watched.addresses if not address.startswith(desk.public_url)] == []


def test_a_shop_enters_tests_and_removes_its_settings(visit: Watched, desk: SettingsDesk) -> None:
    page = visit.open()
    assert page.url == f"{desk.public_url}/settings"
    expect(page.get_by_text("Nothing is stored yet.")).to_be_visible()
    page.get_by_label("Consumer key").fill(CANARY)
    page.get_by_label("Kind").select_option("till")
    page.get_by_label("Certificate").fill(CERTIFICATE)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Saved.")
    expect(page.get_by_text("missing or not usable: Passkey")).to_be_visible()
    assert desk.fields() == {"key": CANARY, "kind": "till", "certificate": CERTIFICATE}

    desk.mpesa.findings = [Finding("passkey", False, "it does not fit the short code: copy it again")]
    page.get_by_label("Passkey").fill(CANARY[::-1])
    page.get_by_role("button", name="Test, and save if it works").click()
    expect(page.get_by_role("status")).to_contain_text("Nothing was saved")
    expect(page.get_by_text("Passkey: it does not fit the short code")).to_be_visible()
    desk.mpesa.findings = [Finding("passkey", True, "it fits")]
    page.get_by_label("Passkey").fill(CANARY[::-1])
    page.get_by_role("button", name="Test, and save if it works").click()
    expect(page.get_by_role("status")).to_contain_text("Saved.")
    expect(page.get_by_text("✓ Ready")).to_be_visible()
    assert desk.fields()["passkey"] == CANARY[::-1]
    for name in ("key", "passkey", "kind", "operator", "certificate"):
        expect(page.locator(f"#mpesa-{name}")).to_have_value("")
    assert CANARY not in page.content()
    assert not [address for address in visit.addresses if CANARY in address]

    page.get_by_text("Remove these settings").click()
    page.get_by_role("button", name="Remove everything").click()
    expect(page.get_by_role("status")).to_contain_text("Removed.")
    assert desk.fields() == {}
    # What a Content-Security-Policy would have stopped would be among them.
    assert [each for each in visit.complaints if "status of 422" not in each] == []


def test_an_address_that_was_used_opens_nothing_in_another_browser(
    visit: Watched, browser: Browser, desk: SettingsDesk
) -> None:
    visit.open()
    used = visit.addresses[0]
    context = browser.new_context()
    page = context.new_page()
    page.goto(used)
    expect(page.get_by_role("heading", name="This address was used already")).to_be_visible()
    page.goto(f"{desk.public_url}/settings")
    expect(page.get_by_role("heading", name="This page is closed")).to_be_visible()
    context.close()


def test_a_page_of_somebody_else_changes_nothing(visit: Watched, desk: SettingsDesk, httpserver: HTTPServer) -> None:
    page = visit.open()
    token = page.locator("input[name=token]").first.get_attribute("value")
    address = f"{desk.public_url}/settings"
    fields = {"token": token, "provider": "mpesa", "action": "save", "key": CANARY}
    inputs = "".join(f'<input name="{name}" value="{value}">' for name, value in fields.items())
    form = f'<form method="post" action="{address}">{inputs}<button>Win a prize</button></form>'
    httpserver.expect_request("/prize").respond_with_data(form, content_type="text/html")
    visit.page.goto(httpserver.url_for("/prize"))
    visit.page.get_by_role("button", name="Win a prize").click()
    expect(visit.page.get_by_role("heading", name="This was not sent from this page")).to_be_visible()
    assert desk.fields() == {}
    visit.addresses = [each for each in visit.addresses if "/prize" not in each]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_small_screen_and_can_be_read_and_tapped(
    browser: Browser, desk: SettingsDesk, scheme: str
) -> None:
    desk.change(key="k", operator="o")
    context = browser.new_context(viewport=SMALL, is_mobile=True, has_touch=True, color_scheme=scheme)  # pyright: ignore[reportArgumentType]
    watched = Watched(context, desk)
    page = watched.open(vendor_name="Mama Njeri’s " + "Very" * 30 + " Long Groceries")
    page.get_by_text("Remove these settings").click()
    page.get_by_label("Kind").select_option("till")
    page.get_by_role("button", name="Test what is stored").click()
    expect(page.get_by_role("status")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == SMALL["width"]
    assert page.evaluate(_CONTRAST) == []
    small = page.evaluate(
        """() => [...document.querySelectorAll('button, summary, input:not([type=hidden]), select, textarea')]
          .filter((target) => target.checkVisibility() && !target.closest('.tick'))
          .map((target) => [target.textContent || target.name, target.getBoundingClientRect().height])
          .filter(([, height]) => height < 43.5)"""
    )
    assert small == []
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('input:not([type=hidden]), select, textarea')]
          .filter((field) => field.labels.length === 0).map((field) => field.name)"""
    )
    assert nameless == []
    context.close()


@pytest.mark.parametrize(
    ("locale", "opens", "other", "opens_other"),
    [
        ("sw-KE", "Fungua mipangilio", "Português", "Abrir as definições"),
        ("pt-AO", "Abrir as definições", "Kiswahili", "Fungua mipangilio"),
    ],
)
def test_a_shop_reads_the_page_in_its_language_or_in_the_one_that_it_chooses(
    browser: Browser, httpserver: HTTPServer, desk: SettingsDesk, locale: str, opens: str, other: str, opens_other: str
) -> None:
    # The real providers' settings: their words are the longest.
    nowhere = httpserver.url_for("").rstrip("/")
    hosts = {environment: Hosts(nowhere, nowhere, nowhere) for environment in Environment}
    holders = (Daraja(Wire(nowhere), desk.clock), Ekwanza(hosts, desk.clock))
    desk.book.holders = {holder.name: holder for holder in holders}
    context = browser.new_context(viewport=SMALL, is_mobile=True, has_touch=True, locale=locale)  # pyright: ignore[reportArgumentType]
    page = Watched(context, desk).page
    page.goto(f"{desk.public_url}/settings/{desk.ticket(rails=list(Rail))}")
    expect(page.get_by_role("button", name=opens)).to_be_visible()
    page.get_by_role("link", name=other).click()
    page.get_by_role("button", name=opens_other).click()
    expect(page.get_by_role("heading", name="M-Pesa")).to_be_visible()
    expect(page.get_by_role("link", name=other)).to_have_attribute("aria-current", "true")
    assert page.evaluate("document.documentElement.scrollWidth") == SMALL["width"]
    assert page.evaluate(_CONTRAST) == []
    context.close()
    for holder in holders:
        holder.close()


def test_every_field_and_button_is_reached_by_the_keyboard_in_order(browser: Browser, desk: SettingsDesk) -> None:
    context = browser.new_context()
    page = Watched(context, desk).open()
    reached: list[str] = []
    for _ in range(3):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.lang"))
    assert reached == ["en", "sw", "pt"]
    reached.clear()
    for _ in range(7):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.name + ':' + (document.activeElement.value || '')"))
    assert reached == ["key:", "passkey:", "kind:", "operator:", "certificate:", "action:save", "action:try"]
    context.close()
