"""A charge by Multicaixa Express: what is sent, and what is concluded from every answer."""

import socket
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from contracts.money import Currency, Money
from contracts.states import FailureReason, PaymentEventStatus
from kit.clock import FixedClock
from payment_adapter.providers.base import Accepted, Refused, Settled, Unclear
from payment_adapter.providers.ekwanza.client import Ekwanza
from payment_adapter.providers.ekwanza.credentials import Environment
from tests.support.ekwanza import (
    ACCOUNT,
    API_KEY,
    CHARGES,
    GPO_METHOD,
    ID,
    OURS,
    TOKEN,
    charged,
    credentials,
    give_tokens,
    hosts,
    order_of,
    requests_to,
    said,
)
from tests.support.payments import PAYER


def test_a_prompt_is_asked_for_as_the_documentation_says(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock
) -> None:
    charged(httpserver, ekwanza, clock, {"id": ID, "responseStatus": said(101, "Pending")})

    (token,) = requests_to(httpserver, TOKEN)
    assert token.form.to_dict() == {
        "grant_type": "client_credentials",
        "client_id": "client-id-of-the-shop",
        "client_secret": "client~secret~of~the~shop",
        "resource": "2aed7612-de64-46b5-9e59-1f48f8902d14",
    }
    (charge,) = requests_to(httpserver, CHARGES)
    assert charge.headers["authorization"] == "Bearer token-1"
    assert charge.headers["accept"] == "application/json"
    assert charge.mimetype == "application/json"
    assert charge.get_json() == {
        "amount": 150,
        "currency": "AOA",
        "description": "Loja_da_Ana_K7M3QD",
        "merchantTransactionId": OURS,
        "paymentMethod": f"GPO_{GPO_METHOD}",
        "options": {"MerchantIdentifier": ACCOUNT, "ApiKey": API_KEY},
        "paymentInfo": {"phoneNumber": PAYER},
    }


@pytest.mark.parametrize(
    ("minor", "written"),
    [(100, "1"), (15_000, "150"), (15_050, "150.5"), (15_001, "150.01"), (123_456_789, "1234567.89")],
)
def test_an_amount_is_written_with_its_own_digits(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock, minor: int, written: str
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(CHARGES).respond_with_json({"id": ID, "responseStatus": said(101, "Pending")})

    ekwanza.create_charge(order_of(clock, amount=Money(minor, Currency.AOA)), credentials())

    assert f'"amount": {written},'.encode() in requests_to(httpserver, CHARGES)[0].get_data()


@pytest.mark.parametrize(
    ("description", "sent"),
    [
        ("Açaí & Irmãos:", "Acai_Irmaos_K7M3QD"),
        ("", "K7M3QD"),
        ("x" * 60, "x" * 40),
        ("—", "K7M3QD"),
    ],
)
def test_a_description_holds_no_special_characters(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock, description: str, sent: str
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(CHARGES).respond_with_json({"id": ID, "responseStatus": said(101, "Pending")})

    ekwanza.create_charge(order_of(clock, description=description), credentials())

    assert requests_to(httpserver, CHARGES)[0].get_json()["description"] == sent


@pytest.mark.parametrize("method", [GPO_METHOD, f"GPO_{GPO_METHOD}"])
def test_the_prefix_that_the_portal_leaves_out_is_sent_once(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock, method: str
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(CHARGES).respond_with_json({"id": ID, "responseStatus": said(101, "Pending")})

    ekwanza.create_charge(order_of(clock), credentials(payment_method_gpo=method))

    assert requests_to(httpserver, CHARGES)[0].get_json()["paymentMethod"] == f"GPO_{GPO_METHOD}"


@pytest.mark.parametrize(
    "response_status",
    [
        said(100, "Success", successful=True),
        said("100", "Success"),
        said(100, successful=True),  # before version 2.0.13 there was no status
        said(None, "Success", successful=True),
    ],
)
def test_a_customer_who_approved_while_we_waited_has_paid(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock, response_status: Mapping[str, Any]
) -> None:
    outcome = charged(httpserver, ekwanza, clock, {"id": ID, "responseStatus": response_status})

    assert isinstance(outcome, Settled)
    assert outcome.report.status is PaymentEventStatus.PAID
    assert (outcome.report.transaction_id, outcome.report.failure) == (ID, None)


@pytest.mark.parametrize(
    ("response_status", "status"),
    [
        (said(101, "Pending", successful=True), 202),
        (said(101, "Requested", successful=True), 200),
        (said(319, "Pending", successful=False), 200),
        (said(319, successful=False), 200),
        (said(100, "Pending", successful=True), 200),
        (said(None, "Requested", successful=True), 200),
    ],
)
def test_what_is_not_decided_is_accepted_and_not_paid(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock, response_status: Mapping[str, Any], status: int
) -> None:
    assert charged(httpserver, ekwanza, clock, {"id": ID, "responseStatus": response_status}, status) == Accepted(
        ID, None
    )


@pytest.mark.parametrize(
    ("response_status", "expected", "reason", "code"),
    [
        (said(231, "Failed", successful=False), "failed", "cancelled_by_customer", "231"),
        (said("231", "Cancelled", successful=False), "failed", "cancelled_by_customer", "231"),
        (said(231, successful=False), "failed", "cancelled_by_customer", "231"),
        (said(209, "Failed", successful=False), "failed", "insufficient_funds", "209"),
        (said(211, "Failed", successful=False), "expired", "prompt_expired", "211"),
        (said(9876, "Failed", successful=False), "failed", "provider_error", "9876"),
        (said(9876, successful=False), "failed", "provider_error", "9876"),
        (said(None, "Failed", successful=False), "failed", "provider_error", "Failed"),
        (said(None, "Expired"), "expired", "prompt_expired", "Expired"),
    ],
)
def test_a_business_failure_comes_with_http_200_and_settles_the_charge(
    httpserver: HTTPServer,
    ekwanza: Ekwanza,
    clock: FixedClock,
    response_status: Mapping[str, Any],
    expected: str,
    reason: str,
    code: str,
) -> None:
    outcome = charged(httpserver, ekwanza, clock, {"id": ID, "responseStatus": response_status})

    assert isinstance(outcome, Settled)
    assert outcome.report.failure is not None
    assert (outcome.report.status, outcome.report.failure.reason) == (expected, reason)
    assert (outcome.report.failure.code, outcome.report.transaction_id) == (code, ID)


IN_DOUBT: list[tuple[int, Any]] = [
    (200, {"id": ID, "responseStatus": {"successful": True}}),
    (200, {"id": ID, "responseStatus": said(None, successful=True)}),
    (200, {"id": ID, "responseStatus": said(100, "Failed", successful=False)}),
    (200, {"id": ID, "responseStatus": said(100, successful=False)}),
    (200, {"id": ID, "responseStatus": said(231, "Success", successful=True)}),
    (200, {"id": ID, "responseStatus": said(9876, "Perhaps")}),
    (200, {"responseStatus": said(100, "Success", successful=True)}),
    (200, {"id": ID}),
    (200, b""),
    (200, b"<html>ok</html>"),
    (200, b"[]"),
    (202, b""),
    (400, {"responseStatus": said(726, "Failed", successful=False)}),
    (200, {"id": ID, "responseStatus": said(726, "Failed", successful=False)}),
    (400, b""),
    (403, b"<html>blocked</html>"),
    (408, {"responseStatus": said(800, "Failed")}),
    (500, {"responseStatus": said(-1, "Failed", successful=False)}),
    (500, {"responseStatus": said(802, "Failed", successful=False)}),
    (502, b"<html>Bad Gateway</html>"),
    (503, b""),
    (307, b""),
]


@pytest.mark.parametrize(("status", "body"), IN_DOUBT)
def test_an_answer_that_proves_nothing_leaves_the_charge_in_doubt_and_is_not_repeated(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock, status: int, body: Any
) -> None:
    assert isinstance(charged(httpserver, ekwanza, clock, body, status), Unclear)


@pytest.mark.parametrize(
    ("status", "code", "reason", "may_retry"),
    [
        (400, 717, "not_sent", False),
        (400, 718, "amount_refused", False),
        (400, 719, "not_sent", False),
        (404, 720, "not_sent", False),
        (400, 800, "not_sent", False),
        (400, 803, "shop_setup", False),
        (400, "INVALID_FORMAT", "provider_error", True),
        (403, 801, "shop_setup", False),
        (429, 429, "busy", True),
    ],
)
def test_a_refusal_that_can_be_read_means_that_nothing_reached_the_customer(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock, status: int, code: object, reason: str, may_retry: bool
) -> None:
    outcome = charged(
        httpserver, ekwanza, clock, {"responseStatus": said(code, "Failed", successful=False)}, status=status
    )

    assert isinstance(outcome, Refused)
    assert (outcome.failure.reason, outcome.failure.may_retry) == (reason, may_retry)
    assert outcome.failure.code == str(code)


def test_a_request_that_the_gateways_framework_refuses_was_not_passed_on(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock
) -> None:
    body = {"title": "One or more validation errors occurred.", "status": 400, "errors": {"Amount": ["bad"]}}
    outcome = charged(httpserver, ekwanza, clock, body, status=400)

    assert isinstance(outcome, Refused)
    assert (outcome.failure.reason, outcome.failure.code) == (FailureReason.NOT_SENT, "HTTP 400")


def test_a_gateway_that_turns_requests_away_says_when_to_come_back(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(CHARGES).respond_with_data(b"", status=429, headers={"retry-after": "12"})

    outcome = ekwanza.create_charge(order_of(clock), credentials())

    assert isinstance(outcome, Refused)
    assert (outcome.failure.reason, outcome.failure.retry_after_s) == (FailureReason.BUSY, 12)


def test_a_charge_that_is_not_answered_in_time_is_in_doubt(httpserver: HTTPServer, clock: FixedClock) -> None:
    give_tokens(httpserver)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sandbox = hosts(httpserver)[Environment.SANDBOX]
        there = {Environment.SANDBOX: replace(sandbox, gateway=f"http://127.0.0.1:{silent.getsockname()[1]}")}
        ekwanza = Ekwanza(there, clock, charge_timeout_s=0.2)
        outcome = ekwanza.create_charge(order_of(clock), credentials())
        ekwanza.close()
    assert isinstance(outcome, Unclear)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount": Money(99, Currency.AOA)}, "amount_refused"),
        ({"amount": Money(15_000, Currency.KES)}, "amount_refused"),
        ({"payer_msisdn": None}, "not_sent"),
        ({"payer_msisdn": "12345678"}, "not_sent"),
        ({"payer_msisdn": "1" * 16}, "not_sent"),
    ],
)
def test_what_could_only_be_refused_costs_no_call(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock, changes: dict[str, Any], reason: str
) -> None:
    outcome = ekwanza.create_charge(order_of(clock, **changes), credentials())

    assert isinstance(outcome, Refused)
    assert outcome.failure.reason == reason
    assert httpserver.log == []


@pytest.mark.parametrize("name", ["client_id", "api_key", "payment_method_gpo", "merchant_account", "environment"])
def test_a_shop_that_lacks_a_setting_is_told_which(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock, name: str
) -> None:
    changes: dict[str, Any] = {name: ""}
    outcome = ekwanza.create_charge(order_of(clock), credentials(**changes))

    assert isinstance(outcome, Refused)
    assert outcome.failure.reason is FailureReason.SHOP_SETUP
    assert name in outcome.failure.detail
    assert httpserver.log == []


def test_a_charge_does_not_leave_once_its_grant_ran_out(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock
) -> None:
    give_tokens(httpserver)

    outcome = ekwanza.create_charge(order_of(clock, send_before=clock.now()), credentials())

    assert isinstance(outcome, Refused)
    assert (outcome.failure.reason, outcome.failure.code) == (FailureReason.NOT_SENT, "too_late")
    assert requests_to(httpserver, CHARGES) == []


def test_a_gateway_that_can_not_be_reached_means_that_nothing_was_sent(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock
) -> None:
    outcome = ekwanza.create_charge(order_of(clock), credentials(environment="production"))

    assert isinstance(outcome, Refused)
    assert (outcome.failure.reason, outcome.failure.may_retry) == (FailureReason.NOT_SENT, True)
    assert httpserver.log == [], "a shop in production never asks the sandbox"
