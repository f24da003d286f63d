"""A headless browser, for pages that people use."""

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def launched() -> Generator[Browser]:
    """Skips the test where there is no browser, but on CI, where it fails."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        how = "this page is tested in a browser, and there is none: apt-get install chromium"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(how)
        pytest.skip(how)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()
