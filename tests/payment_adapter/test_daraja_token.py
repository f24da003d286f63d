"""Tokens: one per set of keys, kept until a minute before their end, replaced once when Daraja forgets one."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from kit.clock import FixedClock
from payment_adapter.providers.base import Accepted, ChargeOrder, Refused
from payment_adapter.providers.daraja.client import PUSH_PATH, Daraja
from tests.support.daraja import ACCEPTED, TOKEN_PATH, credentials, error, give_tokens, order_of, pushes, tokens


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, error("404.001.03", "Invalid Access Token")),
        (400, error("400.003.01", "Invalid Access Token")),
        (404, error("404.001.04", "Invalid Authentication Header")),
        (401, error("401.002.01", "Error Occurred - Invalid Access Token")),
        (401, {}),
    ],
)
def test_a_dead_token_is_dropped_and_the_push_sent_once_more_with_a_fresh_one(
    httpserver: HTTPServer, daraja: Daraja, order: ChargeOrder, status: int, body: dict[str, str]
) -> None:
    give_tokens(httpserver)
    httpserver.expect_oneshot_request(PUSH_PATH).respond_with_json(body, status=status)
    httpserver.expect_request(PUSH_PATH).respond_with_json(ACCEPTED)

    assert isinstance(daraja.create_charge(order, credentials()), Accepted)
    assert [push.headers["authorization"] for push in pushes(httpserver)] == ["Bearer token-1", "Bearer token-2"]


def test_a_second_token_that_is_refused_ends_the_attempt(
    httpserver: HTTPServer, daraja: Daraja, order: ChargeOrder
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(PUSH_PATH).respond_with_json(error("404.001.03", "Invalid Access Token"), status=404)

    outcome = daraja.create_charge(order, credentials())

    assert isinstance(outcome, Refused)
    assert (outcome.failure.reason, outcome.failure.may_retry) == ("shop_setup", False)
    assert len(pushes(httpserver)) == 2


@pytest.mark.parametrize(
    ("status", "body", "reason", "may_retry"),
    [
        (400, b"", "shop_setup", False),
        (400, b'{"errorCode": "400.008.01", "errorMessage": "Invalid Authentication passed"}', "shop_setup", False),
        (401, b"", "shop_setup", False),
        (429, b"", "busy", True),
        (500, b'{"errorCode": "500.003.02", "errorMessage": "Spike Arrest Violation"}', "busy", True),
        (500, b"<html>", "not_sent", True),
        (200, b"{}", "not_sent", True),
        (200, b'{"access_token": ""}', "not_sent", True),
        (200, b'{"access_token": 5}', "not_sent", True),
    ],
)
def test_without_a_token_nothing_is_pushed(
    httpserver: HTTPServer,
    daraja: Daraja,
    order: ChargeOrder,
    status: int,
    body: bytes,
    reason: str,
    may_retry: bool,
) -> None:
    httpserver.expect_request(TOKEN_PATH).respond_with_data(body, status=status)

    outcome = daraja.create_charge(order, credentials())

    assert isinstance(outcome, Refused)
    assert (outcome.failure.reason, outcome.failure.may_retry) == (reason, may_retry)
    assert pushes(httpserver) == []


@pytest.mark.parametrize(
    ("expires_in", "after_s", "fetched"),
    [
        ("3599", 3538, 1),
        ("3599", 3540, 2),
        (3599, 3538, 1),
        ("99999999", 3539, 1),
        ("99999999", 3541, 2),
        ("soon", 0, 2),
    ],
)
def test_a_token_is_kept_until_a_minute_before_its_end(
    httpserver: HTTPServer, daraja: Daraja, clock: FixedClock, expires_in: Any, after_s: int, fetched: int
) -> None:
    give_tokens(httpserver, expires_in)
    httpserver.expect_request(PUSH_PATH).respond_with_json(ACCEPTED)

    daraja.create_charge(order_of(clock), credentials())
    clock.advance(timedelta(seconds=after_s))
    daraja.create_charge(order_of(clock), credentials())

    assert len(tokens(httpserver)) == fetched


def test_each_vendor_and_each_version_of_its_keys_has_its_own_token(
    httpserver: HTTPServer, daraja: Daraja, order: ChargeOrder
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(PUSH_PATH).respond_with_json(ACCEPTED)

    daraja.create_charge(order, credentials("mama"))
    daraja.create_charge(order, credentials("baraka"))
    daraja.create_charge(order, credentials("mama", version=2))

    assert len({push.headers["authorization"] for push in pushes(httpserver)}) == 3


def test_many_pushes_at_once_fetch_one_token(httpserver: HTTPServer, daraja: Daraja, order: ChargeOrder) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(PUSH_PATH).respond_with_json(ACCEPTED)
    barrier = threading.Barrier(8)

    def push() -> None:
        barrier.wait()
        daraja.create_charge(order, credentials())

    threads = [threading.Thread(target=push) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(tokens(httpserver)), len(pushes(httpserver))) == (1, 8)


def test_a_push_that_would_leave_too_late_does_not_leave(
    httpserver: HTTPServer, daraja: Daraja, clock: FixedClock
) -> None:
    order = order_of(clock)

    def slow_token(_request: Request) -> Response:
        clock.advance(timedelta(seconds=61))  # the token took longer than the grant lives
        return Response('{"access_token": "t", "expires_in": "3599"}')

    httpserver.expect_request(TOKEN_PATH).respond_with_handler(slow_token)

    outcome = daraja.create_charge(order, credentials())

    assert isinstance(outcome, Refused)
    assert (outcome.failure.reason, outcome.failure.may_retry) == ("not_sent", True)
    assert pushes(httpserver) == []
