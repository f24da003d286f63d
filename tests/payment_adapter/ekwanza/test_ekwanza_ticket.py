"""A ticket of e-Kwanza: a code and a picture to pay it by, or the reason why there is none."""

import base64
import logging
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from structlog.testing import capture_logs

from contracts.money import Currency, Money
from contracts.payment_api import PaymentInstructions
from contracts.states import FailureReason, Rail
from kit.clock import FixedClock
from payment_adapter.providers.base import Accepted, Outcome, Refused, Unclear
from payment_adapter.providers.ekwanza.client import Ekwanza
from payment_adapter.providers.wire import Http
from tests.support.ekwanza import NOTIFICATION_TOKEN, OURS, TICKETS, credentials, hosts, order_of, requests_to
from tests.support.payments import PAYER

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"picture").decode()
MADE = {"Code": "CODE1", "QRCode": PNG, "Range": None, "Status": 0, "ExpirationDate": "/Date(1760873332995)/"}


def asked(httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock, body: Any, status: int) -> Outcome:
    answer = httpserver.expect_request(TICKETS, method="POST")
    if isinstance(body, bytes):
        answer.respond_with_data(body, status=status)
    else:
        answer.respond_with_json(body, status=status)
    outcome = ekwanza.create_charge(order_of(clock, Rail.TICKET), credentials())
    assert len(requests_to(httpserver, TICKETS)) == 1, "a ticket is asked for once, whatever the answer"
    return outcome


def test_a_ticket_comes_with_a_code_a_picture_and_the_moment_it_expires(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock
) -> None:
    assert asked(httpserver, ekwanza, clock, MADE, 201) == Accepted(
        "CODE1",
        None,
        PaymentInstructions(
            reference="CODE1", qr_png=PNG, expires_at=datetime(2025, 10, 19, 11, 28, 52, 995_000, tzinfo=UTC)
        ),
    )
    (request,) = requests_to(httpserver, TICKETS)
    assert request.args.to_dict() == {"amount": "150", "referenceCode": OURS}
    assert request.get_data() == b""
    assert "authorization" not in request.headers


def test_the_number_of_the_payer_is_sent_where_it_is_known(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock
) -> None:
    httpserver.expect_request(TICKETS).respond_with_json(MADE, status=201)

    order = order_of(clock, Rail.TICKET, payer_msisdn=PAYER, amount=Money(15_050, Currency.AOA))
    ekwanza.create_charge(order, credentials())

    assert requests_to(httpserver, TICKETS)[0].args.to_dict() == {
        "amount": "150.5",
        "referenceCode": OURS,
        "mobileNumber": PAYER,
    }


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-11-25T15:00:00Z", datetime(2026, 11, 25, 15, 0, tzinfo=UTC)),
        ("2026-11-25T15:00:00+01:00", datetime(2026, 11, 25, 14, 0, tzinfo=UTC)),
        ("2026-11-25T15:00:00.1234567", datetime(2026, 11, 25, 14, 0, 0, 123_456, tzinfo=UTC)),
        ("/Date(1760873332995+0100)/", datetime(2025, 10, 19, 11, 28, 52, 995_000, tzinfo=UTC)),
        ("/Date(invalid)/", None),
        ("/Date(999999999999999)/", None),
        ("soon", None),
        (None, None),
        (7, None),
    ],
)
def test_a_date_is_read_in_every_way_in_which_e_kwanza_writes_it(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock, written: object, read: datetime | None
) -> None:
    outcome = asked(httpserver, ekwanza, clock, {**MADE, "ExpirationDate": written}, 201)

    assert isinstance(outcome, Accepted)
    assert outcome.instructions is not None
    assert outcome.instructions.expires_at == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (f"data:image/png;base64,{PNG}", PNG),
        (base64.b64encode(b"BM a bitmap").decode(), None),
        ("no base64!", None),
        ("", None),
        (None, None),
    ],
)
def test_a_picture_that_no_phone_shows_is_left_out(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock, written: object, read: str | None
) -> None:
    outcome = asked(httpserver, ekwanza, clock, {**MADE, "QRCode": written}, 201)

    assert isinstance(outcome, Accepted)
    assert outcome.instructions is not None
    assert (outcome.instructions.reference, outcome.instructions.qr_png) == ("CODE1", read)


@pytest.mark.parametrize(
    ("status", "body", "reason", "code"),
    [
        (400, {"Code": None, "Range": None, "Status": 36}, "shop_setup", "36"),
        (400, {"Code": None, "Range": None, "Status": "36"}, "shop_setup", "36"),
        (400, {"Code": None, "Range": {"MaxValue": "100", "MinValue": "50000"}, "Status": 0}, "amount_refused", "0"),
        (400, {"Code": None, "Range": {"MaxValue": None, "MinValue": None}, "Status": 0}, "amount_refused", "0"),
        (400, {"Code": None, "Range": None, "Status": 1}, "not_sent", "1"),
        (500, {"Code": None, "Range": None, "Status": 1}, "not_sent", "1"),
        (400, {"Code": None, "Range": None, "Status": 77}, "provider_error", "77"),
        (429, {}, "busy", "429"),
    ],
)
def test_a_refused_ticket_says_why(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock, status: int, body: Any, reason: str, code: str
) -> None:
    outcome = asked(httpserver, ekwanza, clock, body, status)

    assert isinstance(outcome, Refused)
    assert (outcome.failure.reason, outcome.failure.code) == (reason, code)


def test_the_smaller_bound_is_the_lower_one_whatever_it_is_called(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock
) -> None:
    body = {"Code": None, "Range": {"MaxValue": "100", "MinValue": "50000"}, "Status": 0}
    outcome = asked(httpserver, ekwanza, clock, body, 400)

    assert isinstance(outcome, Refused)
    assert outcome.failure.detail == "e-Kwanza takes tickets from 100 to 50000 kwanzas"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (201, b""),
        (201, {"Code": None, "Status": 0}),
        (201, {"Code": "CODE1", "Status": 5}),
        (200, b"<html>"),
        (400, b"<html>"),
        (400, {"Message": "The request is invalid."}),
        (404, b""),
        (500, {"Code": None, "Status": 99}),
        (502, b"<html>Bad Gateway</html>"),
        (302, b""),
    ],
)
def test_an_answer_that_proves_nothing_leaves_the_ticket_in_doubt(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock, status: int, body: Any
) -> None:
    assert isinstance(asked(httpserver, ekwanza, clock, body, status), Unclear)


def test_a_ticket_does_not_leave_once_its_grant_ran_out(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock
) -> None:
    outcome = ekwanza.create_charge(order_of(clock, Rail.TICKET, send_before=clock.now()), credentials())

    assert isinstance(outcome, Refused)
    assert outcome.failure.reason is FailureReason.NOT_SENT
    assert httpserver.log == []


def test_a_notification_token_never_leaves_by_a_text_or_a_log(
    httpserver: HTTPServer, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    """It stands in the address, which HTTP libraries like to write down: refused, cut off, or with odd headers."""
    caplog.set_level(logging.DEBUG)
    httpserver.expect_request(TICKETS).respond_with_data(b"x", status=500, headers={"x-odd": "a\u00a0b"})
    ekwanza = Ekwanza(hosts(httpserver), clock, http=Http(connect_timeout_s=2))
    with capture_logs() as logged:
        outcomes = [
            ekwanza.create_charge(order_of(clock, Rail.TICKET), credentials(environment=environment))
            for environment in ("sandbox", "production")
        ]
    ekwanza.close()

    assert [type(outcome) for outcome in outcomes] == [Unclear, Refused]
    ours = [record.getMessage() for record in caplog.records if record.name != "werkzeug"]  # which is the other side
    everything = f"{outcomes!r} {logged!r} {ours!r} {credentials()!r}"
    assert NOTIFICATION_TOKEN not in everything
