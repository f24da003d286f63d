"""What a shop fills in for M-Pesa: what is missing, and what a trial at Daraja says of it, in words for the shop."""

from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from contracts.states import Rail
from kit.clock import FixedClock
from payment_adapter.providers.base import Accepted, Finding, SettingsHolder
from payment_adapter.providers.daraja.client import PUSH_PATH, QUERY_PATH, Daraja
from payment_adapter.providers.daraja.credentials import NEEDED
from payment_adapter.providers.daraja.wire import Wire
from tests.support.daraja import ACCEPTED, PASSKEY, TOKEN_PATH, credentials, error, give_tokens, order_of, tokens

NO_SUCH_PUSH = error("400.002.02", "Bad Request - Invalid CheckoutRequestID")


def found(daraja: Daraja, **changes: Any) -> dict[str, Finding]:
    return {finding.setting: finding for finding in daraja.try_out(credentials(**changes))}


def test_every_setting_says_what_it_is_and_where_it_is_found(daraja: Daraja) -> None:
    holder: SettingsHolder = daraja
    names = [setting.name for setting in holder.settings]
    assert tuple(name for name in names if name in NEEDED) == NEEDED
    assert len(set(names)) == len(names)
    assert all(setting.label and setting.hint for setting in holder.settings)
    secret = {setting.name for setting in holder.settings if setting.is_secret}
    assert secret == {"consumer_key", "consumer_secret", "passkey", "initiator_password", "security_credential"}
    assert {setting.name for setting in holder.settings if setting.rails} == set(NEEDED)


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({}, []),
        ({"passkey": ""}, ["passkey"]),
        ({"shortcode": "17a", "party_b": ""}, ["shortcode", "party_b"]),
        ({"transaction_type": "Other"}, ["transaction_type"]),
        ({"shortcode": "12345678901"}, ["shortcode"]),
        ({"shortcode": "１７４３７９"}, ["shortcode"]),
        ({"initiator_name": ""}, []),
    ],
)
def test_a_rail_is_ready_when_nothing_it_needs_is_missing_or_malformed(
    daraja: Daraja, changes: dict[str, Any], missing: list[str]
) -> None:
    assert daraja.missing(credentials(**changes).fields) == {Rail.MPESA_STK: missing}


def test_a_shop_without_any_settings_lacks_all_of_them(daraja: Daraja) -> None:
    assert daraja.missing({}) == {Rail.MPESA_STK: list(NEEDED)}


def test_what_is_missing_is_said_without_a_call(httpserver: HTTPServer, daraja: Daraja) -> None:
    said = found(daraja, passkey="", shortcode="17a")
    assert {name: finding.is_good for name, finding in said.items()} == {"passkey": False, "shortcode": False}
    assert httpserver.log == []


def test_good_settings_are_proven_by_a_live_token_and_a_query_that_changes_nothing(
    httpserver: HTTPServer, daraja: Daraja
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(QUERY_PATH).respond_with_json(NO_SUCH_PUSH, status=400)
    assert {name: finding.is_good for name, finding in found(daraja).items()} == {
        "consumer_key": True,
        "shortcode": True,
    }
    assert [request.path for request, _ in httpserver.log] == [TOKEN_PATH, QUERY_PATH]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, b""),
        (400, b'{"errorCode": "400.008.01", "errorMessage": "Invalid Authentication passed"}'),
        (401, b""),
    ],
)
def test_wrong_keys_are_said_to_be_wrong_whatever_daraja_answers(
    httpserver: HTTPServer, daraja: Daraja, status: int, body: bytes
) -> None:
    httpserver.expect_request(TOKEN_PATH).respond_with_data(body, status=status)
    finding = found(daraja)["consumer_key"]
    assert (finding.is_good, "copy both again" in finding.says) == (False, True)


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [(500, b"<html>", "gave no token"), (429, b"", "busy"), (200, b"{}", "gave no token")],
)
def test_a_daraja_in_trouble_is_not_taken_for_wrong_keys(
    httpserver: HTTPServer, daraja: Daraja, status: int, body: bytes, says: str
) -> None:
    httpserver.expect_request(TOKEN_PATH).respond_with_data(body, status=status)
    finding = found(daraja)["consumer_key"]
    assert (finding.is_good, says in finding.says, "try again later" in finding.says) == (False, True, True)


def test_a_daraja_that_can_not_be_reached_proves_nothing(clock: FixedClock) -> None:
    daraja = Daraja(Wire("http://127.0.0.1:9", connect_timeout_s=1), clock)
    finding = found(daraja)["consumer_key"]
    daraja.close()
    assert (finding.is_good, "try again later" in finding.says) == (False, True)


@pytest.mark.parametrize(
    ("message", "setting"),
    [
        ("[MerchantValidate] - Wrong credentials", "passkey"),
        ("Wrong credentials", "passkey"),
        ("Merchant does not exist", "shortcode"),
    ],
)
def test_a_passkey_or_short_code_that_daraja_does_not_know_is_told_apart(
    httpserver: HTTPServer, daraja: Daraja, message: str, setting: str
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(QUERY_PATH).respond_with_json(error("500.001.1001", message), status=500)
    said = found(daraja)
    assert {name: finding.is_good for name, finding in said.items()} == {"consumer_key": True, setting: False}


def test_a_trial_believes_no_token_from_before_leaves_none_behind_and_takes_nobody_s(
    httpserver: HTTPServer, daraja: Daraja, clock: FixedClock
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(PUSH_PATH).respond_with_json(ACCEPTED)
    httpserver.expect_request(QUERY_PATH).respond_with_json(NO_SUCH_PUSH, status=400)

    assert isinstance(daraja.create_charge(order_of(clock), credentials()), Accepted)
    found(daraja)
    found(daraja)
    assert isinstance(daraja.create_charge(order_of(clock), credentials()), Accepted)

    assert len(tokens(httpserver)) == 3  # the pushes', and one of each trial's own


@pytest.mark.parametrize(
    ("changes", "setting", "is_good"),
    [
        ({"initiator_name": "dukani", "security_credential": "QUJD" * 64}, "initiator_name", True),
        ({"initiator_name": "dukani"}, "initiator_password", False),
        ({"initiator_name": "dukani", "initiator_password": "hush-hush"}, "certificate", False),
        ({"security_credential": "QUJD" * 64}, "initiator_name", False),
        ({"initiator_name": "dukani", "security_credential": "hush-hush"}, "security_credential", False),
    ],
)
def test_what_refunds_need_is_looked_at_only_once_something_of_it_is_given(
    httpserver: HTTPServer, daraja: Daraja, changes: dict[str, str], setting: str, is_good: bool
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(QUERY_PATH).respond_with_json(NO_SUCH_PUSH, status=400)
    said = found(daraja, **changes)
    assert set(said) == {"consumer_key", "shortcode", setting}
    assert said[setting].is_good is is_good


@pytest.mark.parametrize("given", [{}, {"passkey": ""}, {"initiator_name": "x", "security_credential": "hush-hush"}])
def test_no_finding_shows_a_secret(httpserver: HTTPServer, daraja: Daraja, given: dict[str, Any]) -> None:
    httpserver.expect_request(TOKEN_PATH).respond_with_data(b"", status=400)
    shown = repr(daraja.try_out(credentials(consumer_key="hush-key", **given)))
    assert not [hidden for hidden in ("hush-hush", "hush-key", PASSKEY) if hidden in shown]
