"""Daraja over a real socket: the token, the push and what it refuses, the query."""

import re

import pytest
import requests

from tests.simulators.daraja_client import NUMBER, SHORTCODE, Daraja, error_of, password
from tests.simulators.running import Simulators
from tests.simulators.shop import wait_until
from tests.support.phone import Phone

BARAKA = "254700000001"
BUSY = "Unable to lock subscriber, a transaction is already in process for the current subscriber"


def test_a_token_lives_for_3599_seconds_as_text(daraja: Daraja, phone: Phone) -> None:
    answer = daraja.generate()
    assert answer.status_code == 200
    assert answer.json()["expires_in"] == "3599"
    assert re.fullmatch(r"[A-Za-z0-9]{28}", answer.json()["access_token"])
    phone.advance(3597)
    assert daraja.push().status_code == 200
    phone.advance(2)
    assert error_of(daraja.push()) == (404, "404.001.03", "Invalid Access Token")
    assert error_of(daraja.query("ws_CO_1"))[:2] == (400, "400.003.01")


@pytest.mark.parametrize(("key", "secret"), [("wrong-key", "secret"), ("key", "wrong-secret")])
def test_wrong_credentials_get_400_without_a_body(daraja: Daraja, key: str, secret: str) -> None:
    answer = daraja.generate(key, secret)
    assert (answer.status_code, answer.content) == (400, b"")


def test_a_token_needs_credentials_and_a_grant_type(daraja: Daraja) -> None:
    assert error_of(requests.get(f"{daraja.base_url}/oauth/v1/generate", timeout=5))[1] == "400.008.01"
    assert error_of(daraja.generate(key=""))[1] == "400.008.01"
    assert error_of(daraja.generate(grant="password"))[1] == "400.008.02"


@pytest.mark.parametrize("bearer", ["", "Bearer ", "Basic abc", "abc"])
def test_a_push_without_a_bearer_token_is_refused(daraja: Daraja, bearer: str) -> None:
    daraja.bearer = bearer
    assert error_of(daraja.push())[:2] == (404, "404.001.04")


def test_an_invented_token_is_refused(daraja: Daraja, phone: Phone) -> None:
    daraja.bearer = "Bearer " + "x" * 28
    assert error_of(daraja.push())[:2] == (404, "404.001.03")
    assert phone.pushes() == []


def test_an_accepted_push_answers_in_darajas_shape_and_rings(daraja: Daraja, phone: Phone) -> None:
    answer = daraja.push()
    body = answer.json()
    assert answer.status_code == 200
    assert body["ResponseCode"] == "0"
    assert set(body) == {
        "MerchantRequestID",
        "CheckoutRequestID",
        "ResponseCode",
        "ResponseDescription",
        "CustomerMessage",
    }
    assert re.fullmatch(r"ws_CO_[0-9]{14}[0-9]{1,3}708374149", body["CheckoutRequestID"])
    assert re.fullmatch(r"[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}[0-9]{7}", body["MerchantRequestID"])
    prompt = phone.wait_for_prompt("Achieng")
    assert prompt.id == body["CheckoutRequestID"]
    assert (prompt.amount_whole, prompt.account_reference, prompt.business) == (450, "C3D4F6", SHORTCODE)


def test_a_till_is_shown_by_its_name(daraja: Daraja, phone: Phone) -> None:
    daraja.pushed(TransactionType="CustomerBuyGoodsOnline", PartyB="600001")
    assert phone.wait_for_prompt("Achieng").business == "Mama Njeri"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("BusinessShortCode", None),
        ("BusinessShortCode", "12"),
        ("Password", None),
        ("Password", ""),
        ("Timestamp", None),
        ("Timestamp", "2016-02-16"),
        ("Timestamp", "20161316165627"),
        ("TransactionType", "CustomerPayBill"),
        ("Amount", 0),
        ("Amount", -5),
        ("Amount", "250001"),
        ("Amount", 10.5),
        ("Amount", True),
        ("Amount", None),
        ("PartyA", "0708374149"),
        ("PartyB", ""),
        ("PhoneNumber", "254208374149"),
        ("PhoneNumber", "+254708374149"),
        ("CallBackURL", None),
        ("CallBackURL", "nowhere"),
        ("CallBackURL", "http://shop.example.com/callbacks"),
        ("CallBackURL", "https://shop.example.com/ callbacks"),
        ("CallBackURL", "https://shop.example.com/mpesa/callbacks"),
        ("CallBackURL", "https://shop.example.com/SQL/callbacks"),
        ("CallBackURL", "https://shop.example.com/callbacks?query=1"),
        ("AccountReference", ""),
        ("AccountReference", "x" * 183),
    ],
)
def test_an_unusable_field_is_named_and_nothing_rings(daraja: Daraja, phone: Phone, field: str, value: object) -> None:
    message = f"Bad Request - Invalid {field}"
    assert error_of(daraja.push(**{field: value})) == (400, "400.002.02", message)
    assert phone.pushes() == []


def test_a_missing_description_is_called_remarks(daraja: Daraja) -> None:
    assert error_of(daraja.push(TransactionDesc=None)) == (400, "400.002.02", "Bad Request - Invalid Remarks")


@pytest.mark.parametrize("amount", [1, "1", 250_000, "250000"])
def test_whole_shillings_from_1_to_250000_are_taken_as_number_or_text(
    daraja: Daraja, phone: Phone, amount: object
) -> None:
    daraja.pushed(Amount=amount)
    assert phone.wait_for_prompt("Achieng").amount_whole == int(str(amount))


def test_a_long_reference_passes_unless_lengths_are_strict(daraja: Daraja, phone: Phone) -> None:
    phone.faults(strict_lengths=True)
    assert error_of(daraja.push(AccountReference="x" * 13))[2] == "Bad Request - Invalid AccountReference"
    assert error_of(daraja.push(TransactionDesc="x" * 14))[2] == "Bad Request - Invalid Remarks"
    phone.faults(strict_lengths=False)
    daraja.pushed(AccountReference="x" * 13, TransactionDesc="x" * 14)


@pytest.mark.parametrize(
    ("raw", "content_type", "code"),
    [
        (b"{", "application/json", "400.002.05"),
        (b"[]", "application/json", "400.002.05"),
        (b"[" * 90_000, "application/json", "400.002.05"),
        (b"{}", "text/plain", "400.002.02"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(daraja: Daraja, raw: bytes, content_type: str, code: str) -> None:
    answer = requests.post(
        f"{daraja.base_url}/mpesa/stkpush/v1/processrequest",
        data=raw,
        headers={"Authorization": daraja.bearer, "Content-Type": content_type},
        timeout=5,
    )
    assert error_of(answer)[:2] == (400, code)


def test_unknown_paths_and_methods_are_refused_in_darajas_shape(daraja: Daraja) -> None:
    assert error_of(requests.get(f"{daraja.base_url}/mpesa/nothing", timeout=5))[:2] == (404, "404.001.01")
    answer = requests.get(f"{daraja.base_url}/mpesa/stkpush/v1/processrequest", timeout=5)
    assert error_of(answer)[:2] == (405, "405.001")


def test_a_shortcode_keeps_the_passkey_of_its_first_push(daraja: Daraja, phone: Phone) -> None:
    wrong = (500, "500.001.1001", "[MerchantValidate] - Wrong credentials")
    assert error_of(daraja.push(Password=password(passkey="wrong-passkey"))) == wrong
    assert error_of(daraja.push(Password=password(timestamp="20200101000000"))) == wrong
    assert error_of(daraja.push(Password="not base64!")) == wrong
    first = daraja.pushed(Password=password(passkey="first"))
    assert error_of(daraja.push(PhoneNumber=BARAKA, Password=password(passkey="second"))) == wrong
    assert error_of(daraja.query(first, Password=password(passkey="second"))) == wrong
    daraja.pushed(PhoneNumber=BARAKA, Password=password(passkey="first"))
    assert len(phone.pushes()) == 2


def test_one_prompt_at_a_time_is_on_a_phone(daraja: Daraja, phone: Phone) -> None:
    daraja.pushed()
    assert error_of(daraja.push()) == (500, "500.001.1001", BUSY)
    daraja.pushed(PhoneNumber=BARAKA)
    phone.cancel("Achieng")
    daraja.pushed()
    assert len(phone.pushes()) == 3


def test_an_ignored_prompt_blocks_the_phone_until_it_expires(daraja: Daraja, phone: Phone) -> None:
    daraja.pushed()
    phone.ignore("Achieng")
    phone.advance(58)
    assert error_of(daraja.push())[1] == "500.001.1001"
    phone.advance(2)
    daraja.pushed()


@pytest.mark.parametrize(
    ("act", "code"),
    [("enter_pin", "0"), ("cancel", "1032"), ("has_no_money", "1"), ("wrong_pin", "2001"), ("expire", "1037")],
)
def test_a_query_tells_the_result_as_text_without_receipt_or_amount(
    daraja: Daraja, phone: Phone, act: str, code: str
) -> None:
    checkout = daraja.pushed()
    if act == "expire":
        phone.advance(60)
        wait_until(lambda: phone.callbacks() == 1)
    elif act == "wrong_pin":
        phone.enter_pin("Achieng", "9999")
    else:
        getattr(phone, act)("Achieng")
    answer = daraja.query(checkout)
    body = answer.json()
    assert (answer.status_code, body["ResponseCode"], body["ResultCode"]) == (200, "0", code)
    assert set(body) == {
        "ResponseCode",
        "ResponseDescription",
        "MerchantRequestID",
        "CheckoutRequestID",
        "ResultCode",
        "ResultDesc",
    }


def test_a_waiting_prompt_is_pending_in_the_shape_of_2026(daraja: Daraja) -> None:
    answer = daraja.query(daraja.pushed())
    assert (answer.status_code, answer.json()["ResultCode"]) == (200, "4999")


def test_pending_also_has_the_shape_of_an_error(daraja: Daraja, phone: Phone) -> None:
    checkout = daraja.pushed()
    phone.enter_pin("Achieng")
    phone.faults(query_pending_500=1)
    answer = daraja.query(checkout)
    assert error_of(answer) == (500, "500.001.1001", "The transaction is being processed")
    assert answer.json()["requestId"] == checkout
    assert daraja.query(checkout).json()["ResultCode"] == "0"


def test_a_query_can_be_behind_or_wrong_about_a_paid_push(daraja: Daraja, phone: Phone) -> None:
    checkout = daraja.pushed()
    phone.enter_pin("Achieng")
    phone.faults(query_4999=1)
    assert daraja.query(checkout).json()["ResultCode"] == "4999"
    phone.faults(query_says_failed=1)
    assert daraja.query(checkout).json()["ResultCode"] == "1037"
    assert daraja.query(checkout).json()["ResultCode"] == "0"


def test_a_query_about_nothing_or_anothers_push_is_refused(daraja: Daraja) -> None:
    checkout = daraja.pushed()
    other = {"BusinessShortCode": "600002", "Password": password("600002")}
    expected = (400, "400.002.02", "Bad Request - Invalid CheckoutRequestID")
    assert error_of(daraja.query("ws_CO_nothing")) == expected
    assert error_of(daraja.query(checkout, **other)) == expected


def test_what_was_refused_is_kept_without_its_password(daraja: Daraja, phone: Phone) -> None:
    daraja.push(Amount=0)
    (request,) = phone.daraja_requests()
    assert request["http_status"] == 400
    assert "Password" not in str(request["content"])
    assert NUMBER in str(request["content"])


def test_a_token_can_die_early_once(daraja: Daraja, phone: Phone) -> None:
    phone.faults(token_dead=1)
    assert error_of(daraja.push())[1] == "404.001.03"
    assert error_of(daraja.push())[1] == "404.001.03"
    daraja.sign_in()
    daraja.pushed()


def test_a_busy_or_broken_gateway_sends_no_prompt(daraja: Daraja, phone: Phone) -> None:
    phone.faults(push_busy=1)
    assert error_of(daraja.push()) == (500, "500.003.02", "System is busy. Please try again in few minutes.")
    phone.faults(push_error_html=1)
    answer = daraja.push()
    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "text/html")
    assert phone.pushes() == []
    daraja.pushed()


def test_a_push_whose_answer_is_cut_off_still_rings(daraja: Daraja, phone: Phone) -> None:
    phone.faults(push_timeout=1)
    with pytest.raises(requests.exceptions.RequestException):
        daraja.push()
    assert phone.wait_for_prompt("Achieng").amount_whole == 450
    assert len(phone.pushes()) == 1


def test_a_cut_off_answer_can_keep_the_client_waiting_first(daraja: Daraja, phone: Phone) -> None:
    phone.faults(push_timeout=1, cut_after_s=2)
    with pytest.raises(requests.exceptions.RequestException):
        requests.post(
            f"{daraja.base_url}/mpesa/stkpush/v1/processrequest",
            json=daraja.wanted(),
            headers={"Authorization": daraja.bearer},
            timeout=0.3,
        )
    assert len(phone.pushes()) == 1


def test_slow_answers_outlast_an_impatient_client_and_count_all_the_same(daraja: Daraja, phone: Phone) -> None:
    phone.faults(answer_delay_s=1)
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(
            f"{daraja.base_url}/mpesa/stkpush/v1/processrequest",
            json=daraja.wanted(),
            headers={"Authorization": daraja.bearer},
            timeout=0.2,
        )
    assert phone.wait_for_prompt("Achieng").amount_whole == 450


def test_prompts_and_chats_survive_a_restart(simulators: Simulators, daraja: Daraja, phone: Phone) -> None:
    phone.says("Achieng", "Hi")
    checkout = daraja.pushed()
    simulators.restart()
    assert phone.messages("Achieng")[0].body == "Hi"
    assert phone.enter_pin("Achieng").id == checkout
    wait_until(lambda: phone.callbacks() == 1)
