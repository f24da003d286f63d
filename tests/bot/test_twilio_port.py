"""Over a real socket, with the SDK: every way a call to Twilio can end is told apart, and nothing is sent twice."""

import json
import time
from base64 import b64encode
from collections.abc import Callable, Generator
from datetime import datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from bot.ports.messenger import LookUpFailed, NotTaken, Outbound, Refused, Taken, Unsure
from bot.ports.twilio import Twilio
from bot.replies.tappable import Choice, Tappable
from bot.sending import Sender
from kit.clock import FixedClock
from kit.db import Database
from tests.support.bot import ACCOUNT, ACHIENG, SHOP, TOKEN, BotUnderTest, settings_of, sid
from tests.support.processes import free_ports

MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
CALLBACK = "https://shop.example.com/webhooks/twilio/status"


class TwilioServer:
    """Twilio's Messages resource on a port of this machine. `fail` ends the next sends; the list tells the truth."""

    def __init__(self, server: HTTPServer, clock: FixedClock) -> None:
        self.clock = clock
        self.taken: list[dict[str, str]] = []
        self.listed: list[dict[str, str]] = []
        self.fail: list[Callable[[], Response]] = []
        self.takes_before_failing = False
        server.expect_request(MESSAGES, method="POST").respond_with_handler(self._send)
        server.expect_request(MESSAGES, method="GET").respond_with_handler(self._list)

    def _send(self, request: Request) -> Response:
        assert request.headers["Authorization"] == "Basic " + b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        form = {name: values[0] for name, values in parse_qs(request.get_data(as_text=True)).items()}
        if not self.fail or self.takes_before_failing:
            self.taken.append(form)
        if self.fail:
            return self.fail.pop(0)()
        return Response(json.dumps(self._resource(len(self.taken))), 201, content_type="application/json")

    def _list(self, request: Request) -> Response:
        self.listed.append(dict(request.args))
        found = [self._resource(number) for number in range(len(self.taken), 0, -1)]
        return Response(json.dumps({"messages": found, "next_page_uri": None}), 200, content_type="application/json")

    def _resource(self, number: int) -> dict[str, object]:
        form = self.taken[number - 1]
        return {
            "sid": sid(number),
            "account_sid": ACCOUNT,
            "status": "queued",
            "to": form["To"],
            "from": form["From"],
            "body": form["Body"],
            "date_created": format_datetime(self.clock.now()),
            "date_sent": None,
        }


def error(status: int, code: int = 20000, **headers: str) -> Callable[[], Response]:
    body = json.dumps({"code": code, "message": "no", "more_info": "", "status": status})
    return lambda: Response(body, status, headers=headers, content_type="application/json")


def slow() -> Response:
    time.sleep(2.5)  # longer than the port waits: what it sees is a timeout
    return Response("{}", 201, content_type="application/json")


@pytest.fixture
def httpserver() -> Generator[HTTPServer]:
    """Threaded: a slow answer must not hold up the look-up that follows it."""
    with HTTPServer(threaded=True) as server:
        yield server


@pytest.fixture
def twilio_server(httpserver: HTTPServer, clock: FixedClock) -> TwilioServer:
    return TwilioServer(httpserver, clock)


@pytest.fixture
def port(httpserver: HTTPServer, twilio_server: TwilioServer) -> Generator[Twilio]:
    settings = settings_of(TWILIO_API_BASE_URL=httpserver.url_for("").rstrip("/"))
    made = Twilio(settings, CALLBACK, pool_size=2, read_s=1.5)
    yield made
    made.close()


def message(body: str) -> Outbound:
    return Outbound(SHOP, ACHIENG, body)


def send(port: Twilio, body: str = "Karibu 🍌") -> object:
    return port.send(message(body))


def test_a_message_is_sent_as_twilio_documents_it(port: Twilio, twilio_server: TwilioServer) -> None:
    assert send(port) == Taken(sid(1))
    assert twilio_server.taken == [{"To": ACHIENG, "From": SHOP, "Body": "Karibu 🍌", "StatusCallback": CALLBACK}]


def test_without_a_content_for_it_a_picture_with_buttons_is_a_picture_above_the_whole_text(
    port: Twilio, twilio_server: TwilioServer
) -> None:
    buttons = Tappable("Milk", (Choice("add:1:1:3", "Add to cart"),))
    picture = "https://shop.example.com/media/milk.jpg"
    port.send(Outbound(SHOP, ACHIENG, "Milk: KES 60. ADD adds it.", buttons, picture))
    (form,) = twilio_server.taken
    assert (form["Body"], form["MediaUrl"]) == ("Milk: KES 60. ADD adds it.", picture)
    assert "ContentSid" not in form


def test_too_busy_was_not_processed(port: Twilio, twilio_server: TwilioServer) -> None:
    twilio_server.fail = [error(429, 20429), error(429, 20429, **{"Retry-After": "7"})]
    assert send(port) == NotTaken("429", None)
    assert send(port) == NotTaken("429", 7)


@pytest.mark.parametrize(("given", "understood_s"), [("86400", 300), ("soon", None), ("-1", None)])
def test_a_pause_is_bounded_and_only_a_number_counts(
    port: Twilio, twilio_server: TwilioServer, given: str, understood_s: int | None
) -> None:
    twilio_server.fail = [error(429, 20429, **{"Retry-After": given})]
    assert send(port) == NotTaken("429", understood_s)


@pytest.mark.parametrize("status", [500, 502, 503, 408])
def test_an_error_on_twilios_side_is_ambiguous(port: Twilio, twilio_server: TwilioServer, status: int) -> None:
    twilio_server.fail = [error(status)]
    assert isinstance(send(port), Unsure)


def test_a_timeout_is_ambiguous(port: Twilio, twilio_server: TwilioServer) -> None:
    twilio_server.fail = [slow]
    assert isinstance(send(port), Unsure)


@pytest.mark.parametrize("answer", ["", "not json", "{}", '{"sid": null}', "[]"])
def test_an_answer_that_can_not_be_read_is_ambiguous(port: Twilio, twilio_server: TwilioServer, answer: str) -> None:
    twilio_server.fail = [lambda: Response(answer, 201, content_type="application/json")]
    assert isinstance(send(port), Unsure)


def test_a_refusal_keeps_twilios_code(port: Twilio, twilio_server: TwilioServer) -> None:
    twilio_server.fail = [error(400, 21617)]
    assert send(port) == Refused("answered 400", 21617)


@pytest.mark.parametrize("status", [401, 404, 307])
def test_a_mistake_in_our_settings_loses_no_message(port: Twilio, twilio_server: TwilioServer, status: int) -> None:
    twilio_server.fail = [error(status, 20003, Location="http://127.0.0.1:9/")]
    assert isinstance(send(port), NotTaken | Unsure)


def test_a_refused_connection_sent_nothing() -> None:
    (closed,) = free_ports(1)
    settings = settings_of(TWILIO_API_BASE_URL=f"http://127.0.0.1:{closed}")
    port = Twilio(settings, CALLBACK, pool_size=1)
    assert isinstance(send(port), NotTaken)
    with pytest.raises(LookUpFailed):
        port.find(message("hello"), datetime.fromisoformat("2026-11-20T09:00:00+00:00"))
    port.close()


class TestLookingUp:
    def test_messages_of_the_same_text_are_found_newest_first(
        self, port: Twilio, twilio_server: TwilioServer, clock: FixedClock
    ) -> None:
        for body in ("one", "two", "one"):
            send(port, body)
        assert port.find(message("one"), clock.now()) == [sid(3), sid(1)]
        assert port.find(message("three"), clock.now()) == []

    def test_one_page_of_this_customers_messages_is_asked_for(
        self, port: Twilio, twilio_server: TwilioServer, clock: FixedClock
    ) -> None:
        port.find(message("one"), clock.now())
        assert twilio_server.listed == [{"To": ACHIENG, "From": SHOP, "PageSize": "100"}]

    def test_what_was_made_long_before_is_another_message(
        self, port: Twilio, twilio_server: TwilioServer, clock: FixedClock
    ) -> None:
        send(port, "one")
        clock_differs_by = timedelta(minutes=9)
        assert port.find(message("one"), clock.now() + clock_differs_by) == [sid(1)]
        assert port.find(message("one"), clock.now() + timedelta(minutes=11)) == []


class TestTheSenderOverThisPort:
    @pytest.fixture
    def bot(self, sqlite_database: Callable[[str], Database], clock: FixedClock, port: Twilio) -> BotUnderTest:
        db = sqlite_database("conversations")
        bot = BotUnderTest(db, clock)
        bot.sender = Sender(db, clock, "bot-1", port, threads=2)
        bot.turns._sender = bot.sender  # pyright: ignore[reportPrivateUsage]
        return bot

    def hear_and_wait(self, bot: BotUnderTest, clock: FixedClock) -> None:
        bot.hears("hello")
        for _ in range(4):
            bot.work()
            clock.advance(timedelta(seconds=5))

    @pytest.mark.parametrize("failure", [slow, error(500), lambda: Response("cut", 201)])
    def test_what_twilio_took_before_failing_is_not_sent_twice(
        self, bot: BotUnderTest, clock: FixedClock, twilio_server: TwilioServer, failure: Callable[[], Response]
    ) -> None:
        twilio_server.takes_before_failing = True
        twilio_server.fail = [failure]
        self.hear_and_wait(bot, clock)
        assert [form["Body"] for form in twilio_server.taken] == ["you said hello"]
        assert len(twilio_server.listed) == 1
        assert bot.rows("SELECT status, sid FROM messages") == [{"status": "sent", "sid": sid(1)}]

    @pytest.mark.parametrize("failure", [slow, error(500), error(429), error(401)])
    def test_what_twilio_did_not_take_is_sent_again(
        self, bot: BotUnderTest, clock: FixedClock, twilio_server: TwilioServer, failure: Callable[[], Response]
    ) -> None:
        twilio_server.fail = [failure]
        self.hear_and_wait(bot, clock)
        assert [form["Body"] for form in twilio_server.taken] == ["you said hello"]
        assert bot.outgoing() == [("you said hello", "sent")]

    def test_what_twilio_refuses_is_not_tried_again(
        self, bot: BotUnderTest, clock: FixedClock, twilio_server: TwilioServer
    ) -> None:
        twilio_server.fail = [error(400, 63016)]
        self.hear_and_wait(bot, clock)
        assert twilio_server.taken == []
        assert bot.rows("SELECT status, error_code FROM messages") == [{"status": "failed", "error_code": 63016}]
