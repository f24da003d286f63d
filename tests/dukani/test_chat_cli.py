"""A shop without software answers its customers from the command line, and invites whoever is to be told of things."""

import re
from collections.abc import Callable, Generator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from dukani.chat_cli import alerts, chat
from kit.clock import FixedClock
from kit.db import Database
from kit.settings import load_settings
from router.conversations.models import alert_recipients, conversations
from tests.router.conversations.test_people import ask, chat_news, say
from tests.support.counter import BARAKA, Counter, make_counter


@pytest.fixture
def counter(
    sqlite_database: Callable[[str], Database], clock: FixedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Generator[Counter]:
    for counter in make_counter(sqlite_database, clock, tmp_path):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("DUKANI_DATA_DIR", str(tmp_path / "var"))
        monkeypatch.setenv("PLATFORM_DATABASE_URL", counter.platform.engine.url.render_as_string())
        monkeypatch.setenv("OPS_DATABASE_URL", counter.db.engine.url.render_as_string())
        clock.advance(load_settings().clock().now() - clock.now())  # as the commands see it
        yield counter


def run(group: click.Group, *arguments: str) -> str:
    ran = CliRunner().invoke(group, list(arguments))
    assert ran.exit_code == 0, ran.output
    return ran.output


def refusal(group: click.Group, *arguments: str) -> str:
    ran = CliRunner().invoke(group, list(arguments))
    assert ran.exit_code != 0
    return ran.output


def waiting(counter: Counter) -> str:
    """Somebody asked for a person; the conversation's id."""
    ask(counter)
    say(counter, "SM1", "Is the milk fresh?")
    (row,) = counter.rows(conversations)
    return str(row["id"])


def test_who_waits_is_found_read_and_answered(counter: Counter) -> None:
    one = waiting(counter)
    listed = run(chat, "list", "mama", "--mode", "waiting")
    assert one in listed
    assert "Amina" in listed
    assert "Is the milk fresh?" in run(chat, "show", "mama", one)
    run(chat, "reply", "mama", one, "From this morning.", "--by", "Wanjiru")
    assert chat_news(counter) == ["chat.waiting", "chat.staff_message"]
    shown = run(chat, "show", "mama", one)
    assert "Wanjiru" in shown
    assert "queued" in shown
    assert run(chat, "list", "mama", "--mode", "waiting") == "Nobody waits.\n"


def test_what_customers_did_not_get_is_listed_with_the_reason(counter: Counter) -> None:
    assert run(chat, "undelivered", "mama") == "Every message arrived, or still may.\n"
    one = waiting(counter)
    say(counter, "out:1", "Not paid yet", author="bot", status="expired", reason="no_longer_so")
    say(counter, "out:2", "Your receipt", author="bot", status="failed", reason="answered 400", error_code=63016)
    listed = run(chat, "undelivered", "mama")
    for words in ("Amina", "Not paid yet", "expired: no_longer_so", "failed: answered 400", "63016"):
        assert words in listed
    assert "expired: no_longer_so" in run(chat, "show", "mama", one)


def test_a_conversation_is_taken_and_given_back(counter: Counter) -> None:
    one = waiting(counter)
    run(chat, "take", "mama", one)
    assert "staff" in run(chat, "list", "mama")
    run(chat, "return", "mama", one)
    assert chat_news(counter) == ["chat.waiting", "chat.taken", "chat.returned"]


@pytest.mark.parametrize("verb", [("show",), ("take",), ("return",), ("reply", "Hello")])
def test_a_conversation_that_is_not_there_is_said_to_be_none(counter: Counter, verb: tuple[str, ...]) -> None:
    assert "conversation" in refusal(chat, verb[0], "mama", "no-such", *verb[1:]).lower()


def test_nothing_and_too_much_is_not_sent(counter: Counter) -> None:
    one = waiting(counter)
    for words in (" ", "w" * 1601):
        assert "1600" in refusal(chat, "reply", "mama", one, words)


def test_an_invitation_says_what_to_write_to_which_number(counter: Counter) -> None:
    printed = run(alerts, "invite", "mama")
    assert "+14155238886" in printed
    assert "SHOP mama" in printed
    code = re.search(r"ALERTS ([A-Z0-9]+)", printed)
    assert code is not None
    joined = {"customer": {"address": BARAKA, "name": "Baraka"}, "code": code[1]}
    assert counter.post("/v1/chat/alerts", joined).status == 200
    listed = run(alerts, "list", "mama")
    assert "Baraka" in listed
    (row,) = counter.rows(alert_recipients)
    run(alerts, "remove", "mama", str(row["id"]))
    assert "Nobody is told" in run(alerts, "list", "mama")


def test_a_shop_that_is_not_there_is_said_to_be_none(counter: Counter) -> None:
    assert "no shop" in refusal(alerts, "invite", "nowhere")
    assert counter.rows(alert_recipients) == []
