"""What M-Pesa reports after each thing a customer can do, and how the report can go wrong."""

import re
from datetime import datetime, timedelta

import pytest
from werkzeug import Response

from simulators.moments import EAT
from tests.simulators.daraja_client import Daraja
from tests.simulators.running import Simulators
from tests.simulators.shop import Heard, Shop, wait_until
from tests.support.phone import Phone, Refused


def only_callback(shop: Shop) -> Heard:
    wait_until(lambda: len(shop.callbacks()) == 1)
    return shop.callbacks()[0]


def test_the_right_pin_pays_and_reports_it_with_a_receipt(
    simulators: Simulators, daraja: Daraja, phone: Phone, shop: Shop
) -> None:
    checkout = daraja.pushed(Amount=450)
    prompt = phone.enter_pin("Achieng")
    heard = only_callback(shop)
    assert heard.headers["Content-Type"] == "application/json"
    result = heard.result
    assert (result["CheckoutRequestID"], result["ResultCode"]) == (checkout, 0)
    items = heard.metadata()
    assert list(items) == ["Amount", "MpesaReceiptNumber", "Balance", "TransactionDate", "PhoneNumber"]
    assert (items["Amount"], items["PhoneNumber"], items["Balance"]) == (450, 254708374149, None)
    assert b'{"Name": "Balance"}' in heard.raw
    assert items["MpesaReceiptNumber"] == prompt.receipt
    assert re.fullmatch(r"[A-Z0-9]{10}", str(items["MpesaReceiptNumber"]))
    assert type(items["TransactionDate"]) is int
    paid_at = datetime.strptime(str(items["TransactionDate"]), "%Y%m%d%H%M%S").replace(tzinfo=EAT)
    assert abs(simulators.clock.now() - paid_at) < timedelta(seconds=30)
    assert phone.balance("Achieng") == 50_000 - 450
    assert (prompt.state, phone.callbacks(), phone.pushes()[0]["result_code"]) == ("paid", 1, 0)


@pytest.mark.parametrize(
    ("action", "code", "state"),
    [
        ({"action": "pin", "pin": "0000"}, 2001, "wrong_pin"),
        ({"action": "cancel"}, 1032, "cancelled"),
        ({"action": "no_money"}, 1, "no_money"),
    ],
)
def test_a_failure_reports_a_number_and_no_metadata(
    daraja: Daraja, phone: Phone, shop: Shop, action: dict[str, object], code: int, state: str
) -> None:
    checkout = daraja.pushed()
    assert phone.call("POST", f"/sim/prompts/{checkout}", action)["state"] == state
    result = only_callback(shop).result
    assert result["ResultCode"] == code
    assert set(result) == {"MerchantRequestID", "CheckoutRequestID", "ResultCode", "ResultDesc"}
    assert phone.balance("Achieng") == 50_000


def test_a_wallet_that_holds_too_little_pays_nothing(daraja: Daraja, phone: Phone, shop: Shop) -> None:
    daraja.pushed(Amount=50_001)
    assert phone.enter_pin("Achieng").state == "no_money"
    assert only_callback(shop).result["ResultCode"] == 1
    assert phone.balance("Achieng") == 50_000


@pytest.mark.parametrize("is_ignored", [False, True])
def test_an_unanswered_prompt_is_reported_after_60_seconds_of_the_clock(
    daraja: Daraja, phone: Phone, shop: Shop, is_ignored: bool
) -> None:
    checkout = daraja.pushed()
    if is_ignored:
        phone.ignore("Achieng")
    phone.advance(55)
    assert shop.callbacks() == []
    phone.advance(5)
    result = only_callback(shop).result
    assert (result["CheckoutRequestID"], result["ResultCode"]) == (checkout, 1037)
    assert phone.prompts("Achieng")[0].state == ("ignored" if is_ignored else "expired")


@pytest.mark.parametrize("before", ["pin", "cancel", "ignore", "expiry"])
def test_a_prompt_that_left_the_phone_can_not_be_answered(daraja: Daraja, phone: Phone, before: str) -> None:
    checkout = daraja.pushed()
    if before == "expiry":
        phone.advance(60)
    else:
        phone.call("POST", f"/sim/prompts/{checkout}", {"action": before, "pin": "1234"})
    balance = phone.balance("Achieng")
    with pytest.raises(Refused) as refused:
        phone.call("POST", f"/sim/prompts/{checkout}", {"action": "pin", "pin": "1234"})
    assert (refused.value.status, refused.value.code) == (409, "not_waiting")
    assert phone.balance("Achieng") == balance


@pytest.mark.parametrize(
    "body",
    [{}, {"action": "steal"}, {"action": "pin"}, {"action": "pin", "pin": 1234}, {"action": "pin", "pin": "12345"}],
)
def test_an_answer_that_makes_no_sense_leaves_the_prompt_waiting(
    daraja: Daraja, phone: Phone, body: dict[str, object]
) -> None:
    checkout = daraja.pushed()
    with pytest.raises(Refused) as refused:
        phone.call("POST", f"/sim/prompts/{checkout}", body)
    assert refused.value.status == 400
    assert phone.wait_for_prompt("Achieng").id == checkout


def test_callback_twice_sends_the_same_report_two_times(daraja: Daraja, phone: Phone, shop: Shop) -> None:
    phone.faults(callback_twice=True)
    daraja.pushed()
    phone.enter_pin("Achieng")
    wait_until(lambda: phone.callbacks() == 2)
    assert shop.callbacks()[0].raw == shop.callbacks()[1].raw


def test_a_late_callback_waits_for_the_clock(daraja: Daraja, phone: Phone, shop: Shop) -> None:
    phone.faults(callback_delay_s=3600)
    daraja.pushed()
    phone.enter_pin("Achieng")
    phone.advance(3595)
    assert shop.callbacks() == []
    phone.advance(5)
    assert only_callback(shop).result["ResultCode"] == 0


def test_a_lost_callback_is_known_to_a_query_only(daraja: Daraja, phone: Phone, shop: Shop) -> None:
    phone.faults(callback_lost=1)
    lost = daraja.pushed()
    phone.enter_pin("Achieng")
    assert daraja.query(lost).json()["ResultCode"] == "0"
    told = daraja.pushed()
    phone.enter_pin("Achieng")
    assert only_callback(shop).result["CheckoutRequestID"] == told


def test_the_callback_can_come_before_the_reply(daraja: Daraja, phone: Phone, shop: Shop) -> None:
    phone.faults(callback_before_reply=1)
    answered: list[str] = []
    heard_first: list[bool] = []

    def note(heard: Heard) -> Response:
        heard_first.append(not answered)
        return Response("", 200)

    shop.answer = note
    answered.append(daraja.pushed())
    assert heard_first == [True]
    assert shop.callbacks()[0].result["CheckoutRequestID"] == answered[0]
    assert phone.prompts("Achieng")[0].state == "paid"


def test_the_amount_can_be_one_shilling_less(daraja: Daraja, phone: Phone, shop: Shop) -> None:
    phone.faults(wrong_amount=1)
    daraja.pushed(Amount=450)
    phone.enter_pin("Achieng")
    assert only_callback(shop).metadata()["Amount"] == 449
    assert phone.balance("Achieng") == 50_000 - 449


def test_a_refused_callback_is_not_repeated(daraja: Daraja, phone: Phone, shop: Shop) -> None:
    shop.answer = lambda heard: Response("", 503)
    daraja.pushed()
    phone.enter_pin("Achieng")
    wait_until(lambda: phone.callbacks() == 1)
    phone.advance(600)
    daraja.sign_in()
    daraja.pushed()
    phone.cancel("Achieng")
    wait_until(lambda: phone.callbacks() == 2)
    assert [heard.result["ResultCode"] for heard in shop.callbacks()] == [0, 1032]


def test_a_paybill_can_not_collect_for_another_number(daraja: Daraja, phone: Phone, shop: Shop) -> None:
    daraja.pushed(PartyB="600001")
    assert only_callback(shop).result["ResultCode"] == 2028
    assert phone.prompts("Achieng") == []


def test_a_number_nobody_holds_gets_a_prompt_without_a_customer(daraja: Daraja, phone: Phone, shop: Shop) -> None:
    daraja.pushed(PhoneNumber="254700000050")
    (prompt,) = phone.prompts("254700000050")
    assert prompt.customer is None
    phone.enter_pin("254700000050")
    assert only_callback(shop).metadata()["PhoneNumber"] == 254700000050


def test_a_hidden_customers_phone_rings_by_its_number(daraja: Daraja, phone: Phone) -> None:
    address = phone.add_customer("Zawadi", "254700000003", hidden=True)
    daraja.pushed(PhoneNumber="254700000003")
    assert phone.wait_for_prompt("Zawadi").customer == address
