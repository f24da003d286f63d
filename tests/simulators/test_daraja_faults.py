"""Daraja's rarer faults: empty bodies, a gateway that refuses, keys that don't work, another shop's result."""

import pytest
import requests

from tests.simulators.daraja_client import Daraja, error_of, password
from tests.simulators.shop import Shop
from tests.support.phone import Phone

BARAKA = "254700000001"


def test_a_push_answered_with_nothing_still_rings(daraja: Daraja, phone: Phone) -> None:
    phone.faults(push_empty=1)
    answer = daraja.push()
    assert (answer.status_code, answer.content) == (200, b"")
    assert phone.wait_for_prompt("Achieng").amount_whole == 450


def test_an_error_without_a_body_sends_no_prompt(daraja: Daraja, phone: Phone) -> None:
    phone.faults(push_error_empty=1)
    answer = daraja.push()
    assert (answer.status_code, answer.content) == (503, b"")
    assert phone.pushes() == []


def test_a_push_can_be_dropped_after_it_was_accepted(daraja: Daraja, phone: Phone, shop: Shop) -> None:
    phone.faults(push_dropped=1)
    checkout = daraja.pushed()
    heard = shop.at(shop.callback_url.removeprefix(shop.url))[0]
    assert (heard.result["CheckoutRequestID"], heard.result["ResultCode"]) == (checkout, 1025)
    assert phone.prompts("Achieng") == []


def test_a_spike_is_arrested_in_the_gateways_own_words(daraja: Daraja, phone: Phone) -> None:
    phone.faults(spike_arrest=2)
    for answer in (daraja.push(), daraja.query("ws_CO_1")):
        assert answer.status_code == 429
        detail = answer.json()["fault"]["detail"]
        assert detail == {"errorcode": "policies.ratelimit.SpikeArrestViolation"}
    assert phone.pushes() == []


def test_a_quota_runs_out_for_any_request(daraja: Daraja, phone: Phone) -> None:
    phone.faults(quota=2)
    for answer in (daraja.push(), daraja.query("ws_CO_1")):
        assert error_of(answer)[:2] == (500, "500.003.03")
    assert phone.pushes() == []


def test_a_query_can_lack_its_result_be_empty_or_a_page(daraja: Daraja, phone: Phone) -> None:
    checkout = daraja.pushed()
    phone.enter_pin("Achieng")
    phone.faults(query_no_result_code=1)
    answer = daraja.query(checkout)
    assert (answer.status_code, answer.json()["ResponseCode"]) == (200, "0")
    assert "ResultCode" not in answer.json()
    phone.faults(query_empty=1)
    assert daraja.query(checkout).content == b""
    phone.faults(query_error_html=1)
    answer = daraja.query(checkout)
    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "text/html")
    assert daraja.query(checkout).json()["ResultCode"] == "0"


def test_good_keys_can_be_refused_in_both_known_shapes(daraja: Daraja, phone: Phone) -> None:
    phone.faults(credentials_empty_400=1)
    answer = daraja.generate()
    assert (answer.status_code, answer.content) == (400, b"")
    phone.faults(credentials_400_008_01=1)
    assert error_of(daraja.generate())[:2] == (400, "400.008.01")
    phone.faults(token_error_html=1)
    assert daraja.generate().headers["Content-Type"] == "text/html"
    assert daraja.generate().status_code == 200


def test_a_wrong_passkey_is_told_before_an_unknown_push(daraja: Daraja) -> None:
    daraja.pushed(Password=password(passkey="first"))
    answer = daraja.query("ws_CO_nothing", Password=password(passkey="second"))
    assert error_of(answer)[2] == "[MerchantValidate] - Wrong credentials"


def test_a_callback_can_come_with_text_for_numbers(daraja: Daraja, phone: Phone, shop: Shop) -> None:
    phone.faults(callback_text_values=1)
    daraja.pushed()
    phone.enter_pin("Achieng")
    heard = shop.at(shop.callback_url.removeprefix(shop.url))[0]
    assert heard.result["ResultCode"] == "0"
    assert (heard.metadata()["Amount"], heard.metadata()["PhoneNumber"]) == ("450", "254708374149")
    assert heard.metadata()["Balance"] is None


def test_a_paid_callback_can_lack_its_metadata(daraja: Daraja, phone: Phone, shop: Shop) -> None:
    phone.faults(callback_no_metadata=1)
    daraja.pushed()
    phone.enter_pin("Achieng")
    result = shop.at(shop.callback_url.removeprefix(shop.url))[0].result
    assert result["ResultCode"] == 0
    assert "CallbackMetadata" not in result


@pytest.mark.parametrize("has_other", [False, True])
def test_an_address_can_be_told_of_another_shops_push(
    daraja: Daraja, phone: Phone, shop: Shop, has_other: bool
) -> None:
    theirs = ""
    if has_other:
        other = {"BusinessShortCode": "600002", "PartyB": "600002", "Password": password("600002")}
        theirs = daraja.pushed(PhoneNumber=BARAKA, **other)
    phone.faults(callback_other_shop=1)
    ours = daraja.pushed()
    phone.enter_pin("Achieng")
    named = shop.at(shop.callback_url.removeprefix(shop.url))[0].result["CheckoutRequestID"]
    assert named != ours
    assert (named == theirs) == has_other
    assert daraja.query(ours).json()["ResultCode"] == "0"


def test_a_slow_daraja_alone_delays_its_own_answers(daraja: Daraja, phone: Phone) -> None:
    phone.faults(daraja_delay_s=1)
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.get(f"{daraja.base_url}/oauth/v1/generate?grant_type=client_credentials", auth=("k", "s"), timeout=0.2)
    assert daraja.push().status_code == 200
