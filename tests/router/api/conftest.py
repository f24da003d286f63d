"""The router as it is in production, and a world in which every name is known."""

from collections.abc import Generator
from ipaddress import ip_address
from pathlib import Path

import pytest

from kit.clock import FixedClock
from kit.outside import Outside
from tests.support.counter import Counter, make_counter
from tests.support.databases import NewDatabase


@pytest.fixture
def in_production(sqlite_database: NewDatabase, clock: FixedClock, tmp_path: Path) -> Generator[Counter]:
    yield from make_counter(
        sqlite_database,
        clock,
        tmp_path,
        DUKANI_ENV="production",
        DUKANI_BOT_PUBLIC_URL="https://bot.example.com",
        DUKANI_ADAPTER_PUBLIC_URL="https://pay.example.com",
        TWILIO_ACCOUNT_SID="AC" + "0" * 32,
        TWILIO_WHATSAPP_FROM="whatsapp:+14155238886",
        DUKANI_KEY_WEBHOOKS="w" * 32,
    )


@pytest.fixture
def names_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every address that is given for a webhook leads to a machine on the internet, which nobody calls."""

    def known(_outside: Outside, _to: object, _within_s: object) -> list[object]:
        return [ip_address("93.184.215.14")]

    monkeypatch.setattr(Outside, "_addresses", known)
