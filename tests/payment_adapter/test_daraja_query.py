"""What Daraja's query says, in both of its shapes for "pending", and what it must never be taken to say."""

import json
from collections.abc import Generator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from contracts.money import Currency, Money
from contracts.states import PaymentEventStatus, Rail
from kit.clock import FixedClock
from payment_adapter.providers.base import ChargeRef, NoAnswer, Report
from payment_adapter.providers.daraja.client import QUERY_PATH, Daraja
from payment_adapter.providers.daraja.wire import Wire
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials, Origin

FIELDS = {
    "consumer_key": "key",
    "consumer_secret": "secret",
    "shortcode": "174379",
    "passkey": "pass",
    "party_b": "174379",
    "transaction_type": "CustomerPayBillOnline",
}
CHARGE = ChargeRef(Rail.MPESA_STK, Money.of_whole(450, Currency.KES), "OURSOURSOURS234", "ws_CO_1", None)
CREDENTIALS = Credentials("mama", "mpesa", 1, Origin.VENDOR, {name: Secret(value) for name, value in FIELDS.items()})


@pytest.fixture
def daraja(httpserver: HTTPServer, clock: FixedClock) -> Generator[Daraja]:
    def token(_request: Request) -> Response:
        return Response(json.dumps({"access_token": f"token-{len(httpserver.log)}", "expires_in": "3599"}))

    httpserver.expect_request("/oauth/v1/generate").respond_with_handler(token)
    made = Daraja(Wire(httpserver.url_for("").rstrip("/"), read_timeout_s=0.4), clock)
    yield made
    made.close()


def result(code: Any, text: str = "text", **more: Any) -> dict[str, Any]:
    return {
        "ResponseCode": "0",
        "ResponseDescription": "The service request has been accepted successfully",
        "MerchantRequestID": "merchant-1",
        "CheckoutRequestID": "ws_CO_1",
        "ResultCode": code,
        "ResultDesc": text,
        **more,
    }


def error(code: str, message: str) -> dict[str, str]:
    return {"requestId": "ws_CO_1", "errorCode": code, "errorMessage": message}


def ask(httpserver: HTTPServer, daraja: Daraja, status: int, body: Any) -> Report | NoAnswer:
    httpserver.expect_request(QUERY_PATH, method="POST").respond_with_json(body, status=status)
    return daraja.look_up(CHARGE, CREDENTIALS)


def test_a_query_names_the_transaction_and_signs_itself(httpserver: HTTPServer, daraja: Daraja) -> None:
    ask(httpserver, daraja, 200, result("0"))

    request = httpserver.log[-1][0]
    body = request.get_json()
    assert request.headers["authorization"] == "Bearer token-0"
    assert set(body) == {"BusinessShortCode", "Password", "Timestamp", "CheckoutRequestID"}
    assert (body["BusinessShortCode"], body["Timestamp"], body["CheckoutRequestID"]) == (
        "174379",
        "20261120120000",
        "ws_CO_1",
    )


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, error("500.001.1001", "The transaction is being processed")),
        (200, {"ResultCode": "4999", "ResultDesc": "The transaction is still under processing"}),
        (200, result("4999", "The transaction is still under processing")),
        (200, result(4999)),
        (200, {"ResponseCode": "0", "ResponseDescription": "accepted"}),
    ],
)
def test_every_shape_of_pending_is_pending(httpserver: HTTPServer, daraja: Daraja, status: int, body: Any) -> None:
    found = ask(httpserver, daraja, status, body)
    assert isinstance(found, Report)
    assert found.status is PaymentEventStatus.PENDING


@pytest.mark.parametrize("code", ["0", 0])
def test_a_paid_query_names_neither_amount_nor_receipt(httpserver: HTTPServer, daraja: Daraja, code: Any) -> None:
    found = ask(httpserver, daraja, 200, result(code))
    assert isinstance(found, Report)
    assert (found.status, found.amount_minor, found.receipt) == (PaymentEventStatus.PAID, None, None)


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("1037", "failed", "unreachable"),
        ("1032", "failed", "cancelled_by_customer"),
        ("1019", "expired", "prompt_expired"),
        ("E3008", "failed", "provider_error"),
        ("31337", "failed", "provider_error"),
    ],
)
def test_a_failed_query_says_why(httpserver: HTTPServer, daraja: Daraja, code: str, status: str, reason: str) -> None:
    found = ask(httpserver, daraja, 200, result(code, "what it says"))
    assert isinstance(found, Report)
    assert found.failure is not None
    assert (found.status, found.failure.reason, found.failure.detail) == (status, reason, "what it says")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, error("500.001.1001", "Wrong credentials")),
        (500, error("500.003.02", "System is busy. Please try again in few minutes.")),
        (400, error("400.002.02", "Bad Request - Invalid CheckoutRequestID")),
        (404, error("404.001.01", "Resource not found")),
        (429, {}),
        (200, []),
        (200, {}),
        (200, {"ResponseCode": "1", "ResponseDescription": "rejected"}),
        (200, result("0", CheckoutRequestID="ws_CO_2")),
    ],
)
def test_an_answer_that_is_not_about_this_charge_teaches_nothing(
    httpserver: HTTPServer, daraja: Daraja, status: int, body: Any
) -> None:
    assert isinstance(ask(httpserver, daraja, status, body), NoAnswer)


@pytest.mark.parametrize("body", [b"", b"<html>", b"{"])
def test_an_answer_that_can_not_be_read_teaches_nothing(httpserver: HTTPServer, daraja: Daraja, body: bytes) -> None:
    httpserver.expect_request(QUERY_PATH).respond_with_data(body, status=502)
    assert isinstance(daraja.look_up(CHARGE, CREDENTIALS), NoAnswer)


@pytest.mark.parametrize(
    ("status", "code"), [(400, "400.003.01"), (404, "404.001.03"), (401, "401.002.01"), (404, "404.001.04")]
)
def test_a_dead_token_is_replaced_once(httpserver: HTTPServer, daraja: Daraja, status: int, code: str) -> None:
    httpserver.expect_oneshot_request(QUERY_PATH).respond_with_json(error(code, "Invalid Access Token"), status=status)
    found = ask(httpserver, daraja, 200, result("0"))
    assert isinstance(found, Report)
    assert [r.headers["authorization"] for r, _ in httpserver.log if r.path == QUERY_PATH] == [
        "Bearer token-0",
        "Bearer token-2",
    ]


def test_a_token_that_is_never_taken_teaches_nothing(httpserver: HTTPServer, daraja: Daraja) -> None:
    assert isinstance(ask(httpserver, daraja, 404, error("404.001.03", "Invalid Access Token")), NoAnswer)
    assert len([1 for r, _ in httpserver.log if r.path == QUERY_PATH]) == 2


def test_a_daraja_without_tokens_teaches_nothing(httpserver: HTTPServer, clock: FixedClock) -> None:
    httpserver.expect_request("/oauth/v1/generate").respond_with_data(b"", status=400)
    daraja = Daraja(Wire(httpserver.url_for("").rstrip("/")), clock)
    assert isinstance(daraja.look_up(CHARGE, CREDENTIALS), NoAnswer)
    daraja.close()


def test_credentials_that_lack_something_teach_nothing(httpserver: HTTPServer, daraja: Daraja) -> None:
    assert isinstance(daraja.look_up(CHARGE, Credentials("mama", "mpesa", 1, Origin.VENDOR, {})), NoAnswer)
    assert httpserver.log == []


@pytest.mark.parametrize(
    ("status", "body", "is_refused"),
    [
        (500, error("500.001.1001", "Wrong credentials"), True),
        (500, error("500.001.1001", "Merchant does not exist"), True),
        (401, error("401.002.01", "Invalid Access Token"), True),
        (500, error("500.003.02", "System is busy. Please try again in few minutes."), False),
        (400, error("400.002.02", "Bad Request - Invalid CheckoutRequestID"), False),
    ],
)
def test_credentials_that_are_not_taken_are_told_from_a_bad_day(
    httpserver: HTTPServer, daraja: Daraja, status: int, body: Any, is_refused: bool
) -> None:
    found = ask(httpserver, daraja, status, body)
    assert isinstance(found, NoAnswer)
    assert found.is_refused is is_refused


@pytest.mark.parametrize(("status", "is_refused"), [(400, True), (401, True), (500, False), (429, False)])
def test_a_consumer_key_that_is_not_taken_is_told_from_a_bad_day(
    httpserver: HTTPServer, clock: FixedClock, status: int, is_refused: bool
) -> None:
    httpserver.expect_request("/oauth/v1/generate").respond_with_data("", status=status)
    daraja = Daraja(Wire(httpserver.url_for("").rstrip("/"), read_timeout_s=0.4), clock)
    found = daraja.look_up(CHARGE, CREDENTIALS)
    daraja.close()
    assert isinstance(found, NoAnswer)
    assert found.is_refused is is_refused


def test_credentials_that_lack_something_are_as_good_as_not_taken(daraja: Daraja) -> None:
    without = Credentials("mama", "mpesa", 2, Origin.VENDOR, {"consumer_key": Secret("key")})
    found = daraja.look_up(CHARGE, without)
    assert isinstance(found, NoAnswer)
    assert found.is_refused
