"""A browser, the simulators with a small shop behind them, and the page on a large and on a small screen."""

import os
import shutil
from collections.abc import Generator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from pytest_httpserver import HTTPServer

from simulators.customers import DEFAULT_CUSTOMERS
from tests.simulators.phone.screen import DESKTOP, SMALL_PHONE, Size, Watched
from tests.simulators.phone.shop import PhoneShop, open_shop
from tests.support.processes import free_ports

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET_BROWSER = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="package")
def browser() -> Generator[Browser]:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        how = "the phone page is tested in a browser, and there is none: apt-get install chromium"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(how)
        pytest.skip(how)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET_BROWSER)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def standing_shop(tmp_path_factory: pytest.TempPathFactory) -> Generator[PhoneShop]:
    with HTTPServer(host="127.0.0.1", port=0, threaded=True) as server:
        shop = open_shop(tmp_path_factory.mktemp("simulators"), server, free_ports(1)[0])
        yield shop
        shop.stop_simulators()


@pytest.fixture
def shop(standing_shop: PhoneShop) -> PhoneShop:
    """Nothing said, nothing broken."""
    standing_shop.control("POST", "/sim/reset", {})
    standing_shop.refuses = False
    for told in (
        standing_shop.heard,
        standing_shop.forms,
        standing_shop.media,
        standing_shop.results,
        standing_shop.told,
    ):
        told.clear()
    return standing_shop


def _open(browser: Browser, shop: PhoneShop, size: Size, *, is_touch: bool = False) -> Generator[Watched]:
    context = browser.new_context(viewport=size, has_touch=is_touch, is_mobile=is_touch, reduced_motion="reduce")
    watched = Watched(context, shop)
    watched.page.goto(f"{shop.page}/")
    expect(watched.page.locator(".phone-column")).to_have_count(len(DEFAULT_CUSTOMERS))
    yield watched
    context.close()
    watched.check()


@pytest.fixture
def desktop(browser: Browser, shop: PhoneShop) -> Generator[Watched]:
    yield from _open(browser, shop, DESKTOP)


@pytest.fixture
def handheld(browser: Browser, shop: PhoneShop) -> Generator[Watched]:
    yield from _open(browser, shop, SMALL_PHONE, is_touch=True)
