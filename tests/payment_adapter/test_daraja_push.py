"""The Daraja client against a real socket: what it sends, and what it concludes from every answer it may get."""

import socket
import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from contracts.money import Currency, Money
from kit.clock import FixedClock
from payment_adapter.providers.base import Accepted, ChargeOrder, Refused, Unclear
from payment_adapter.providers.daraja.client import PUSH_PATH, Daraja
from payment_adapter.providers.daraja.credentials import DarajaCredentials, TransactionType, timestamp_of
from payment_adapter.providers.daraja.wire import Wire
from tests.support.daraja import (
    ACCEPTED,
    CALLBACK,
    PASSKEY,
    TOKEN_PATH,
    credentials,
    error,
    give_tokens,
    order_of,
    pushes,
    tokens,
)
from tests.support.payments import PAYER
from tests.support.processes import eventually


def test_the_password_is_the_published_one_for_the_public_sandbox_pair() -> None:
    expected = (
        "MTc0Mzc5YmZiMjc5ZjlhYTliZGJjZjE1OGU5N2RkNzFhNDY3Y2QyZTBjODkzMDU5YjEwZjc4ZTZiNzJhZGExZWQyYzkxOTIw"
        "MTYwMjE2MTY1NjI3"
    )
    assert DarajaCredentials.of(credentials()).password("20160216165627") == expected


def test_a_timestamp_is_in_east_africa_time() -> None:
    assert timestamp_of(datetime(2026, 12, 31, 22, 0, 5, tzinfo=UTC)) == "20270101010005"


def test_a_push_says_what_the_documentation_asks_for(
    httpserver: HTTPServer, daraja: Daraja, order: ChargeOrder
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(PUSH_PATH, method="POST").respond_with_json(ACCEPTED)

    assert daraja.create_charge(order, credentials()) == Accepted(
        "ws_CO_20112026120000708374149", "8fc3-415b-ba79-04f852fc58507383726"
    )

    (token,) = tokens(httpserver)
    assert token.args.to_dict() == {"grant_type": "client_credentials"}
    assert token.authorization is not None
    assert (token.authorization.username, token.authorization.password) == ("key", "secret")
    (push,) = pushes(httpserver)
    assert push.headers["authorization"] == "Bearer token-1"
    assert push.mimetype == "application/json"
    assert push.get_json() == {
        "BusinessShortCode": "174379",
        "Password": DarajaCredentials.of(credentials()).password("20261120120000"),
        "Timestamp": "20261120120000",
        "TransactionType": "CustomerPayBillOnline",
        "Amount": 450,
        "PartyA": PAYER,
        "PartyB": "174379",
        "PhoneNumber": PAYER,
        "CallBackURL": CALLBACK,
        "AccountReference": "K7M3QD",
        "TransactionDesc": "Mama Njeri",
    }


def test_a_till_is_asked_for_under_its_stores_number(
    httpserver: HTTPServer, daraja: Daraja, order: ChargeOrder
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(PUSH_PATH).respond_with_json(ACCEPTED)

    daraja.create_charge(
        order, credentials(shortcode="600000", party_b="500123", transaction_type=TransactionType.TILL)
    )

    body = pushes(httpserver)[0].get_json()
    assert (body["BusinessShortCode"], body["PartyB"]) == ("600000", "500123")
    assert body["TransactionType"] == "CustomerBuyGoodsOnline"


@pytest.mark.parametrize(("description", "sent"), [("", "Payment"), ("   ", "Payment"), ("x" * 40, "x" * 13)])
def test_a_description_is_always_sent_and_never_too_long(
    httpserver: HTTPServer, daraja: Daraja, clock: FixedClock, description: str, sent: str
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(PUSH_PATH).respond_with_json(ACCEPTED)

    daraja.create_charge(order_of(clock, description=description, account_reference="R" * 20), credentials())

    body = pushes(httpserver)[0].get_json()
    assert (body["TransactionDesc"], body["AccountReference"]) == (sent, "R" * 12)


def fault(code: str) -> dict[str, Any]:
    return {"fault": {"faultstring": "Spike arrest violation. Allowed rate : 5ps", "detail": {"errorcode": code}}}


SURELY_NOT_SENT: list[tuple[int, dict[str, Any], str, bool]] = [
    (400, error("400.002.02", "Bad Request - Invalid CallBackURL"), "not_sent", False),
    (400, error("400.002.02", "Bad Request - Invalid PhoneNumber"), "not_sent", False),
    (400, error("400.002.02", "Bad Request - Invalid Amount"), "amount_refused", False),
    (400, error("400.002.05", "Invalid Request Payload"), "not_sent", False),
    (400, error("400.003.02", "Bad Request"), "not_sent", False),
    (404, error("404.001.01", "Resource not found"), "not_sent", False),
    (404, error("404.003.01", "Resource not found"), "not_sent", False),
    (405, error("405.001", "Method Not Allowed"), "not_sent", False),
    (500, error("500.001.1001", "Merchant does not exist"), "shop_setup", False),
    (500, error("500.001.1001", "[MerchantValidate] - Wrong credentials"), "shop_setup", False),
    (
        500,
        error(
            "500.001.1001",
            "Unable to lock subscriber, a transaction is already in process for the current subscriber",
        ),
        "busy",
        True,
    ),
    (500, error("500.003.02", "System is busy. Please try again in few minutes."), "busy", True),
    (500, error("500.003.02", "Error Occurred: Spike Arrest Violation"), "busy", True),
    (500, error("500.003.03", "Quota Violation"), "busy", True),
    (429, {}, "busy", True),
    (500, fault("policies.ratelimit.SpikeArrestViolation"), "busy", True),
    (200, {**ACCEPTED, "ResponseCode": "1", "ResponseDescription": "Rejected"}, "not_sent", False),
]


@pytest.mark.parametrize(("status", "body", "reason", "may_retry"), SURELY_NOT_SENT)
def test_a_refusal_that_can_be_read_means_that_no_prompt_left(
    httpserver: HTTPServer,
    daraja: Daraja,
    order: ChargeOrder,
    status: int,
    body: dict[str, Any],
    reason: str,
    may_retry: bool,
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(PUSH_PATH).respond_with_json(body, status=status)

    outcome = daraja.create_charge(order, credentials())

    assert isinstance(outcome, Refused)
    assert (outcome.failure.reason, outcome.failure.may_retry) == (reason, may_retry)
    assert len(pushes(httpserver)) == 1


@pytest.mark.parametrize(
    ("status", "body", "retry_after", "wait_s"),
    [
        (500, error("500.003.02", "System is busy. Please try again in few minutes."), None, 120),
        (500, error("500.003.03", "Quota Violation"), None, 300),
        (500, error("500.001.1001", "Unable to lock subscriber, a transaction is already in process"), "9", 60),
        (429, {}, None, 30),
        (429, {}, "7", 7),
        (429, {}, "999999", 3600),
        (429, {}, "Fri, 20 Nov 2026 09:00:00 GMT", 30),
        (500, fault("policies.ratelimit.QuotaViolation"), None, 30),
        (400, error("400.002.02", "Bad Request - Invalid PhoneNumber"), "9", None),
    ],
)
def test_a_daraja_that_is_busy_says_how_long_the_next_try_should_wait(
    httpserver: HTTPServer,
    daraja: Daraja,
    order: ChargeOrder,
    status: int,
    body: dict[str, Any],
    retry_after: str | None,
    wait_s: int | None,
) -> None:
    give_tokens(httpserver)
    headers = {} if retry_after is None else {"retry-after": retry_after}
    httpserver.expect_request(PUSH_PATH).respond_with_json(body, status=status, headers=headers)

    outcome = daraja.create_charge(order, credentials())

    assert isinstance(outcome, Refused)
    assert outcome.failure.retry_after_s == wait_s


IN_DOUBT = [
    (500, b"<html>oops</html>"),
    (502, b"<html>Bad Gateway</html>"),
    (503, b""),
    (504, b'{"fault": {"faultstring": "Gateway Timeout", "detail": {"errorcode": "messaging.GatewayTimeout"}}}'),
    (500, b'{"errorCode": "500.003.1001", "errorMessage": "Internal Server Error"}'),
    (500, b'{"errorCode": "500.001.1001", "errorMessage": "The transaction is being processed"}'),
    (500, b'{"errorCode": "500.001.1001", "errorMessage": "something new"}'),
    (500, b'{"errorCode": "599.1", "errorMessage": "something new"}'),
    (500, b"{"),
    (500, b"[]"),
    (403, b"<html>blocked</html>"),
    (200, b"<html>ok</html>"),
    (200, b"{}"),
    (200, b'{"ResponseCode": null}'),
    (200, b'{"ResponseCode": "0"}'),
    (200, b'{"ResponseCode": "0", "CheckoutRequestID": ""}'),
    (200, b'{"ResponseCode": "0", "CheckoutRequestID": "ws", "x": "' + b"y" * 70_000 + b'"}'),
    (302, b""),
    (307, b""),
]


@pytest.mark.parametrize(("status", "body"), IN_DOUBT)
def test_an_answer_that_proves_nothing_leaves_the_push_in_doubt_and_is_not_repeated(
    httpserver: HTTPServer, daraja: Daraja, order: ChargeOrder, status: int, body: bytes
) -> None:
    give_tokens(httpserver)
    elsewhere = {"location": httpserver.url_for(PUSH_PATH + "/elsewhere")}
    httpserver.expect_request(PUSH_PATH).respond_with_data(body, status=status, headers=elsewhere)

    assert isinstance(daraja.create_charge(order, credentials()), Unclear)
    assert len(pushes(httpserver)) == 1
    assert all(request.path in (PUSH_PATH, TOKEN_PATH) for request, _ in httpserver.log)


def test_a_push_that_is_not_answered_in_time_is_in_doubt(
    httpserver: HTTPServer, daraja: Daraja, order: ChargeOrder
) -> None:
    give_tokens(httpserver)
    may_end = threading.Event()

    def hang(_request: Request) -> Response:
        may_end.wait(10)
        return Response("late")

    httpserver.expect_request(PUSH_PATH).respond_with_handler(hang)
    try:
        assert isinstance(daraja.create_charge(order, credentials()), Unclear)
    finally:
        may_end.set()
    # A request is noted once it is answered: after that it is in no other test's notes.
    eventually(lambda: bool(pushes(httpserver)), "the push was answered at last")


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{", b"nonsense\r\n\r\n"])
def test_a_push_whose_connection_is_cut_is_in_doubt(
    httpserver: HTTPServer, clock: FixedClock, order: ChargeOrder, reply: bytes
) -> None:
    give_tokens(httpserver)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()  # the token, passed on as the other server would give it
            with connection:
                connection.recv(65536)
                body = b'{"access_token": "t", "expires_in": "3599"}'
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(reply)

        thread = threading.Thread(target=serve)
        thread.start()
        daraja = Daraja(Wire(f"http://127.0.0.1:{server.getsockname()[1]}", read_timeout_s=2), clock)
        outcome = daraja.create_charge(order, credentials())
        thread.join(5)
        daraja.close()
    assert isinstance(outcome, Unclear)


def test_a_daraja_that_can_not_be_reached_means_that_nothing_was_sent(clock: FixedClock, order: ChargeOrder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    daraja = Daraja(Wire(f"http://127.0.0.1:{port}"), clock)
    outcome = daraja.create_charge(order, credentials())
    daraja.close()
    assert isinstance(outcome, Refused)
    assert (outcome.failure.reason, outcome.failure.may_retry) == ("not_sent", True)


def test_a_daraja_that_is_gone_when_the_push_should_leave_means_that_nothing_was_sent(
    clock: FixedClock, order: ChargeOrder
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def give_one_token_and_leave() -> None:
            connection, _ = server.accept()
            server.close()
            with connection:
                connection.recv(65536)
                body = b'{"access_token": "t", "expires_in": "3599"}'
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

        thread = threading.Thread(target=give_one_token_and_leave)
        thread.start()
        daraja = Daraja(Wire(f"http://127.0.0.1:{port}", read_timeout_s=2), clock)
        outcome = daraja.create_charge(order, credentials())
        thread.join(5)
        daraja.close()
    assert isinstance(outcome, Refused)
    assert (outcome.failure.reason, outcome.failure.code) == ("not_sent", "unreachable")


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": Money(45_050, Currency.KES)},
        {"amount": Money(0, Currency.KES)},
        {"amount": Money(45_000, Currency.AOA)},
        {"payer_msisdn": "0708374149"},
        {"payer_msisdn": "+25470837414"},
        {"payer_msisdn": "25470837414９"},
    ],
)
def test_what_mpesa_can_only_refuse_is_refused_without_a_call(
    httpserver: HTTPServer, daraja: Daraja, clock: FixedClock, changes: dict[str, Any]
) -> None:
    assert isinstance(daraja.create_charge(order_of(clock, **changes), credentials()), Refused)
    assert httpserver.log == []


@pytest.mark.parametrize(
    "changes",
    [{"passkey": ""}, {"consumer_key": ""}, {"shortcode": "17a"}, {"party_b": ""}, {"transaction_type": "Other"}],
)
def test_credentials_that_lack_something_are_named_and_never_shown(
    httpserver: HTTPServer, daraja: Daraja, order: ChargeOrder, changes: dict[str, str]
) -> None:
    outcome = daraja.create_charge(order, credentials("mama", 1, **changes))

    assert isinstance(outcome, Refused)
    assert outcome.failure.reason == "shop_setup"
    assert next(iter(changes)) in outcome.failure.detail
    assert PASSKEY not in outcome.failure.detail
    assert httpserver.log == []


def test_no_outcome_repeats_the_number_the_token_or_the_callback_address(
    httpserver: HTTPServer, daraja: Daraja, order: ChargeOrder
) -> None:
    give_tokens(httpserver)
    shown = repr(order)
    httpserver.expect_oneshot_request(PUSH_PATH).respond_with_data(b"x", status=500)
    shown += repr(daraja.create_charge(order, credentials()))
    httpserver.expect_oneshot_request(PUSH_PATH).respond_with_json(error("400.002.02", "Bad Request"), status=400)
    shown += repr(daraja.create_charge(order, credentials()))
    httpserver.expect_oneshot_request(PUSH_PATH).respond_with_handler(
        lambda _: Response(b"", 200, {"content-length": "9"})
    )
    shown += repr(daraja.create_charge(order, credentials()))
    assert len(pushes(httpserver)) == 3
    for hidden in (PAYER, "token-1", "ab" * 32, PASSKEY):
        assert hidden not in shown
