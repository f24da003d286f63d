"""Tokens of AppyPay's sign-in: one per set of settings, renewed in time, replaced once when the gateway forgets one."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from contracts.states import FailureReason, Rail
from kit.clock import FixedClock
from payment_adapter.providers.base import Accepted, NoAnswer, Refused, Report
from payment_adapter.providers.ekwanza.client import Ekwanza
from tests.support.ekwanza import (
    CHARGES,
    ID,
    TICKETS,
    TOKEN,
    charge_of,
    credentials,
    give_tokens,
    order_of,
    payment,
    requests_to,
    said,
)

ACCEPTED = {"id": ID, "responseStatus": said(101, "Pending")}
UNAUTHORIZED = {"statusCode": 401, "message": "Unauthorized. Access token is missing or invalid."}


def azure(error: str, description: str) -> dict[str, str]:
    return {"error": error, "error_description": description}


def bearers(httpserver: HTTPServer, path: str = CHARGES) -> list[str]:
    return [request.headers["authorization"] for request in requests_to(httpserver, path)]


def test_a_dead_token_is_dropped_and_the_charge_sent_once_more_with_a_fresh_one(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock
) -> None:
    give_tokens(httpserver)
    httpserver.expect_oneshot_request(CHARGES).respond_with_json(UNAUTHORIZED, status=401)
    httpserver.expect_request(CHARGES).respond_with_json(ACCEPTED)

    assert isinstance(ekwanza.create_charge(order_of(clock), credentials()), Accepted)
    assert bearers(httpserver) == ["Bearer token-1", "Bearer token-2"]


def test_a_dead_token_is_replaced_for_a_look_up_too(httpserver: HTTPServer, ekwanza: Ekwanza) -> None:
    give_tokens(httpserver)
    httpserver.expect_oneshot_request(f"{CHARGES}/{ID}").respond_with_data(b"", status=401)
    httpserver.expect_request(f"{CHARGES}/{ID}").respond_with_json({"payment": payment("Success", 100)})

    assert isinstance(ekwanza.look_up(charge_of(), credentials()), Report)
    assert bearers(httpserver, f"{CHARGES}/{ID}") == ["Bearer token-1", "Bearer token-2"]


def test_a_second_token_that_is_refused_ends_the_attempt(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(CHARGES).respond_with_json(UNAUTHORIZED, status=401)

    outcome = ekwanza.create_charge(order_of(clock), credentials())

    assert isinstance(outcome, Refused)
    assert outcome.failure.reason is FailureReason.SHOP_SETUP
    assert len(bearers(httpserver)) == 2
    assert isinstance(ekwanza.look_up(charge_of(), credentials()), NoAnswer)


def test_a_token_is_used_until_a_minute_before_its_end(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(CHARGES).respond_with_json(ACCEPTED)
    for step_s in (0, 3538, 1):
        clock.advance(timedelta(seconds=step_s))
        ekwanza.create_charge(order_of(clock), credentials())

    assert bearers(httpserver) == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize(("expires_in", "tokens"), [(3599, 1), ("3599", 1), ("soon", 2), (None, 2), (-5, 2), (60, 2)])
def test_a_lifetime_that_can_not_be_read_makes_a_token_for_one_use(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock, expires_in: Any, tokens: int
) -> None:
    give_tokens(httpserver, expires_in)
    httpserver.expect_request(CHARGES).respond_with_json(ACCEPTED)
    for _ in range(2):
        ekwanza.create_charge(order_of(clock), credentials())

    assert len(requests_to(httpserver, TOKEN)) == tokens


def test_a_longer_life_than_an_hour_is_not_believed(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock
) -> None:
    give_tokens(httpserver, "999999")
    httpserver.expect_request(CHARGES).respond_with_json(ACCEPTED)
    ekwanza.create_charge(order_of(clock), credentials())
    clock.advance(timedelta(minutes=59))
    ekwanza.create_charge(order_of(clock), credentials())

    assert len(requests_to(httpserver, TOKEN)) == 2


def test_shops_and_versions_have_tokens_of_their_own(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(CHARGES).respond_with_json(ACCEPTED)
    for given in (credentials(), credentials("another"), credentials(version=2), credentials("another")):
        ekwanza.create_charge(order_of(clock), given)

    assert bearers(httpserver) == [f"Bearer token-{number}" for number in (1, 2, 3, 2)]


def test_where_post_is_not_allowed_the_form_is_sent_with_get_as_the_documentation_has_it(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock
) -> None:
    httpserver.expect_request(TOKEN, method="POST").respond_with_data(b"", status=405)
    httpserver.expect_request(TOKEN, method="GET").respond_with_json({"access_token": "t", "expires_in": "3599"})
    httpserver.expect_request(CHARGES).respond_with_json(ACCEPTED)

    assert isinstance(ekwanza.create_charge(order_of(clock), credentials()), Accepted)
    asked = requests_to(httpserver, TOKEN)[1]
    assert (asked.method, asked.form["grant_type"]) == ("GET", "client_credentials")


@pytest.mark.parametrize(("given", "sent"), [("", "bee57785-7a19-4f1c-9c8d-aa03f2f0e333"), ("of-its-own", None)])
def test_the_resource_follows_the_environment_unless_the_shop_has_its_own(
    httpserver: HTTPServer, clock: FixedClock, given: str, sent: str | None
) -> None:
    from payment_adapter.providers.ekwanza.credentials import Environment
    from tests.support.ekwanza import hosts

    own = "11111111-2222-3333-4444-555555555555"
    give_tokens(httpserver)
    httpserver.expect_request(CHARGES).respond_with_json(ACCEPTED)
    everywhere = dict.fromkeys(Environment, hosts(httpserver)[Environment.SANDBOX])
    ekwanza = Ekwanza(everywhere, clock)
    ekwanza.create_charge(order_of(clock), credentials(environment="production", resource=own if given else ""))
    ekwanza.close()

    assert requests_to(httpserver, TOKEN)[0].form["resource"] == (sent or own)


@pytest.mark.parametrize(
    ("status", "body", "reason", "may_retry", "code"),
    [
        (401, azure("invalid_client", "AADSTS7000215: Invalid secret"), "shop_setup", False, "AADSTS7000215"),
        (400, azure("unauthorized_client", "AADSTS700016: No application"), "shop_setup", False, "AADSTS700016"),
        (400, azure("invalid_resource", "AADSTS500011: The resource …"), "shop_setup", False, "AADSTS500011"),
        (400, {"error": "invalid_request"}, "shop_setup", False, "invalid_request"),
        (403, b"", "shop_setup", False, "403"),
        (429, b"", "busy", True, "429"),
        (500, b"<html>", "not_sent", True, "500"),
        (200, b"", "not_sent", True, "200"),
        (200, {"access_token": ""}, "not_sent", True, "200"),
        (200, {"access_token": 5}, "not_sent", True, "200"),
    ],
)
def test_without_a_token_nothing_is_sent_and_the_reason_is_told(
    httpserver: HTTPServer,
    ekwanza: Ekwanza,
    clock: FixedClock,
    status: int,
    body: Any,
    reason: str,
    may_retry: bool,
    code: str,
) -> None:
    answer = httpserver.expect_request(TOKEN)
    if isinstance(body, bytes):
        answer.respond_with_data(body, status=status)
    else:
        answer.respond_with_json(body, status=status)

    outcome = ekwanza.create_charge(order_of(clock), credentials())

    assert isinstance(outcome, Refused)
    assert (outcome.failure.reason, outcome.failure.may_retry, outcome.failure.code) == (reason, may_retry, code)
    assert bearers(httpserver) == []
    assert isinstance(ekwanza.look_up(charge_of(), credentials()), NoAnswer)


def test_a_ticket_needs_no_token(httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock) -> None:
    httpserver.expect_request(TICKETS).respond_with_json({"Code": "CODE1", "Status": 0}, status=201)

    tickets_only = credentials(client_id="", client_secret="", payment_method_gpo="", payment_method_ref="")
    assert isinstance(ekwanza.create_charge(order_of(clock, Rail.TICKET), tickets_only), Accepted)
    assert requests_to(httpserver, TOKEN) == []
