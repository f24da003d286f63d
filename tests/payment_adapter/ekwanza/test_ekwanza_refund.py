"""Giving money back by the gateway, the answers to callbacks, and trying a shop's settings."""

import json
import socket
from dataclasses import replace
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from contracts.money import Currency, Money
from contracts.payment_api import RefundStatus
from contracts.states import Rail
from kit.clock import FixedClock
from payment_adapter.providers.base import (
    CallbackUnreadable,
    NoticeReader,
    Provider,
    RefundAnswer,
    Refunder,
    RefundLimits,
    RefundOrder,
    SecretEchoer,
    SettingsHolder,
)
from payment_adapter.providers.ekwanza.client import Ekwanza
from payment_adapter.providers.ekwanza.credentials import Environment
from payment_adapter.vault.secret import Secret
from tests.support.ekwanza import (
    ACCOUNT,
    CHARGES,
    ID,
    NOTIFICATION_TOKEN,
    REFUNDS,
    TICKETS,
    TOKEN,
    charge_of,
    credentials,
    gateway_body,
    give_tokens,
    hosts,
    payment,
    requests_to,
    said,
    ticket_body,
)


def order_of(rail: Rail = Rail.GPO, minor: int = 15_000, transaction_id: str | None = ID) -> RefundOrder:
    amount = Money(minor, Currency.AOA)
    return RefundOrder("refund-1", charge_of(rail, transaction_id), amount, "Troca: não serviu", Secret("http://x"))


def refunded(httpserver: HTTPServer, ekwanza: Ekwanza, status: int, body: Any) -> RefundAnswer:
    give_tokens(httpserver)
    answer = httpserver.expect_request(f"{REFUNDS}/{ID}", method="POST")
    if isinstance(body, bytes):
        answer.respond_with_data(body, status=status)
    else:
        answer.respond_with_json(body, status=status)
    told = ekwanza.refund(order_of(minor=5_050), credentials())
    assert len(requests_to(httpserver, f"{REFUNDS}/{ID}")) == 1, "money is given back once, whatever the answer"
    return told


def test_it_is_the_whole_contract(ekwanza: Ekwanza) -> None:
    provider: Provider = ekwanza
    reader: NoticeReader = ekwanza
    refunder: Refunder = ekwanza
    limits: RefundLimits = ekwanza
    holder: SettingsHolder = ekwanza
    echoer: SecretEchoer = ekwanza
    assert (provider.name, provider.rails) == ("ekwanza", {Rail.GPO, Rail.EMIS_REF, Rail.TICKET})
    assert reader is refunder is limits is holder is echoer


def test_a_refund_names_the_charge_and_its_own_amount(httpserver: HTTPServer, ekwanza: Ekwanza) -> None:
    answer = refunded(httpserver, ekwanza, 200, {"id": "refund-id", "responseStatus": said(100, "Success")})

    assert (answer.status, answer.provider_refund_id) == (RefundStatus.DONE, "refund-id")
    (request,) = requests_to(httpserver, f"{REFUNDS}/{ID}")
    assert request.get_json() == {"amount": 50.5, "description": "Troca_nao_serviu"}
    assert b'"amount": 50.5,' in request.get_data()


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, {"id": "r", "responseStatus": said(101, "Pending")}, "pending"),
        (202, {"id": "r", "responseStatus": said(101, "Requested")}, "pending"),
        (200, {"id": "r", "responseStatus": said(221, "Failed", successful=False)}, "failed"),
        (200, {"id": "r", "responseStatus": said(901, "Failed", successful=False)}, "failed"),
        (400, {"responseStatus": said(760, "Failed", successful=False)}, "failed"),
        (404, {"responseStatus": said(720, "Failed", successful=False)}, "failed"),
        (429, b"", "failed"),
        (200, {"id": "r", "responseStatus": {"successful": True}}, "unknown"),
        (200, b"", "unknown"),
        (400, b"", "unknown"),
        (500, {"responseStatus": said(-1, "Failed", successful=False)}, "unknown"),
        (502, b"<html>Bad Gateway</html>", "unknown"),
    ],
)
def test_a_refund_has_failed_only_where_it_is_certain(
    httpserver: HTTPServer, ekwanza: Ekwanza, status: int, body: Any, expected: str
) -> None:
    assert refunded(httpserver, ekwanza, status, body).status == expected


def test_a_refund_whose_answer_is_lost_is_unknown(httpserver: HTTPServer, clock: FixedClock) -> None:
    give_tokens(httpserver)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sandbox = hosts(httpserver)[Environment.SANDBOX]
        there = {Environment.SANDBOX: replace(sandbox, gateway=f"http://127.0.0.1:{silent.getsockname()[1]}")}
        ekwanza = Ekwanza(there, clock, charge_timeout_s=0.2)
        answer = ekwanza.refund(order_of(), credentials())
        ekwanza.close()
    assert answer.status is RefundStatus.UNKNOWN


def test_a_charge_whose_id_was_lost_is_found_before_it_is_given_back(httpserver: HTTPServer, ekwanza: Ekwanza) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(CHARGES).respond_with_json({"payments": [payment("Success")]})
    httpserver.expect_request(f"{REFUNDS}/{ID}").respond_with_json({"id": "r", "responseStatus": said(100, "Success")})

    assert ekwanza.refund(order_of(transaction_id=None), credentials()).status is RefundStatus.DONE


def test_what_was_not_found_is_not_given_back(httpserver: HTTPServer, ekwanza: Ekwanza) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(CHARGES).respond_with_json({"payments": []})

    assert ekwanza.refund(order_of(transaction_id=None), credentials()).status is RefundStatus.FAILED


@pytest.mark.parametrize(
    ("order", "changes"),
    [
        (order_of(Rail.EMIS_REF), {}),
        (order_of(Rail.TICKET), {}),
        (order_of(minor=15_001), {}),
        (order_of(minor=99), {}),
        (order_of(), {"client_secret": ""}),
    ],
)
def test_what_can_not_be_given_back_is_said_before_anybody_is_asked(
    httpserver: HTTPServer, ekwanza: Ekwanza, order: RefundOrder, changes: dict[str, Any]
) -> None:
    given = credentials(**changes)
    assert ekwanza.why_not_refund(order.charge, order.amount, given)
    assert ekwanza.refund(order, given).status is RefundStatus.FAILED
    assert httpserver.log == []


@pytest.mark.parametrize("status", [401, 500])
def test_without_a_token_no_money_goes_back(httpserver: HTTPServer, ekwanza: Ekwanza, status: int) -> None:
    httpserver.expect_request(TOKEN).respond_with_json({"error": "invalid_client"}, status=status)
    assert ekwanza.refund(order_of(), credentials()).status is RefundStatus.FAILED


def test_a_charge_has_no_callback_address_of_its_own(ekwanza: Ekwanza) -> None:
    with pytest.raises(CallbackUnreadable):
        ekwanza.read_callback(b"{}", {})


def test_the_answer_to_a_callback_says_whether_it_was_noted(ekwanza: Ekwanza) -> None:
    assert ekwanza.acknowledgement(is_kept=True) == {"status": "0"}
    assert ekwanza.acknowledgement(is_kept=False) == {"status": "1"}


def test_what_is_kept_of_a_callback_holds_no_secret_and_reads_the_same(ekwanza: Ekwanza) -> None:
    given = credentials(api_key='an "api" key')
    body = json.dumps(gateway_body(options={"MerchantIdentifier": ACCOUNT, "ApiKey": 'an "api" key'})).encode()

    kept = ekwanza.without_secrets(body, given)

    assert b"api" in body
    assert b"api" not in kept
    assert ekwanza.read_notice(kept, {}, given) == ekwanza.read_notice(body, {}, given)
    signed = json.dumps(ticket_body()).encode()
    assert ekwanza.without_secrets(signed, given) == signed


def tried(ekwanza: Ekwanza, **changes: Any) -> dict[str, bool]:
    findings = ekwanza.try_out(credentials(**changes))
    texts = " ".join(finding.says for finding in findings)
    for name in ("client_secret", "client_id", "api_key", "notification_token"):
        assert credentials().fields[name].reveal() not in texts
    return {finding.setting: finding.is_good for finding in findings}


def test_good_settings_are_proven_with_a_live_token_and_harmless_look_ups(
    httpserver: HTTPServer, ekwanza: Ekwanza
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(CHARGES, method="GET", query_string={"limit": "1"}).respond_with_json({"payments": []})
    missing = {"Code": None, "Range": None, "Status": 1}
    httpserver.expect_request(TICKETS, method="POST").respond_with_json(missing, status=400)

    assert tried(ekwanza) == {"client_secret": True, "notification_token": True}
    (ticket,) = requests_to(httpserver, TICKETS)
    assert "amount" not in ticket.args, "there can be no ticket without one"
    assert {request.method for request, _ in httpserver.log if request.path not in (TOKEN, TICKETS)} == {"GET"}


@pytest.mark.parametrize(
    ("status", "code", "setting"),
    [
        (401, "AADSTS7000215", "client_secret"),
        (400, "AADSTS700016", "client_id"),
        (400, "AADSTS500011", "resource"),
    ],
)
def test_a_refused_sign_in_names_the_setting(
    httpserver: HTTPServer, ekwanza: Ekwanza, status: int, code: str, setting: str
) -> None:
    refusal = {"error": "x", "error_description": f"{code}: the application client-id-of-the-shop …"}
    httpserver.expect_request(TOKEN).respond_with_json(refusal, status=status)

    assert tried(ekwanza, notification_token="", company_registration="") == {setting: False}


def test_a_token_that_the_gateway_does_not_take_points_at_the_resource(
    httpserver: HTTPServer, ekwanza: Ekwanza
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(CHARGES).respond_with_data(b"", status=401)
    assert tried(ekwanza)["resource"] is False


def test_a_notification_token_that_e_kwanza_does_not_know_is_found_out(
    httpserver: HTTPServer, ekwanza: Ekwanza
) -> None:
    body = {"Code": None, "Range": None, "Status": 36}
    httpserver.expect_request(TICKETS).respond_with_json(body, status=400)

    only_tickets = {"client_id": "", "client_secret": "", "payment_method_gpo": "", "payment_method_ref": ""}
    assert tried(ekwanza, **only_tickets) == {"notification_token": False}
    assert NOTIFICATION_TOKEN in httpserver.log[0][0].path


@pytest.mark.parametrize(("status", "body"), [(500, b""), (200, b"<html>")])
def test_a_provider_that_is_unwell_proves_nothing(
    httpserver: HTTPServer, ekwanza: Ekwanza, status: int, body: bytes
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(CHARGES).respond_with_data(body, status=status)
    httpserver.expect_request(TICKETS).respond_with_data(body, status=status)
    findings = [finding for finding in ekwanza.try_out(credentials()) if not finding.is_good]
    assert {finding.setting for finding in findings} == {"client_secret", "notification_token"}
    assert all("not proven" in finding.says for finding in findings)


def test_what_a_begun_rail_lacks_is_said_and_what_nobody_began_is_left_alone(
    httpserver: HTTPServer, ekwanza: Ekwanza
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(CHARGES).respond_with_json({"payments": []})

    only_gpo = {"payment_method_ref": "", "notification_token": "", "company_registration": ""}
    assert tried(ekwanza, **only_gpo) == {"client_secret": True}
    assert tried(ekwanza, **{**only_gpo, "api_key": ""}) == {"api_key": False}
    assert tried(ekwanza, **{**only_gpo, "payment_method_gpo": "nonsense"})["payment_method_gpo"] is False


def test_a_shop_without_settings_is_told_all_that_it_needs(ekwanza: Ekwanza) -> None:
    empty = replace(credentials(), fields={})
    findings = ekwanza.try_out(empty)
    optional = {"resource", "signature_encoding"}
    assert {finding.setting for finding in findings} == {setting.name for setting in ekwanza.settings} - optional
    assert all(finding.says.startswith("is missing. ") for finding in findings)
