"""Money paid by hand (C2B): the registration, what is asked and told, and how it can go wrong."""

import hashlib
import json
import re
from collections.abc import Callable

import pytest
from werkzeug import Response

from tests.simulators.daraja_client import NUMBER, SHORTCODE, Daraja, JsonObject, error_of
from tests.simulators.shop import CALLBACK_PATH, CHECK_PATH, CONFIRMATION_PATH, Heard, Shop, wait_until
from tests.support.phone import Phone, Refused

FIELDS = [
    "TransactionType",
    "TransID",
    "TransTime",
    "TransAmount",
    "BusinessShortCode",
    "BillRefNumber",
    "InvoiceNumber",
    "OrgAccountBalance",
    "ThirdPartyTransID",
    "MSISDN",
    "FirstName",
    "MiddleName",
    "LastName",
]


def wanted(shop: Shop, **changes: object) -> JsonObject:
    body: JsonObject = {
        "ShortCode": SHORTCODE,
        "ResponseType": "Completed",
        "ConfirmationURL": shop.url + CONFIRMATION_PATH,
        "ValidationURL": shop.url + CHECK_PATH,
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def register(daraja: Daraja, shop: Shop, version: str = "v2", **changes: object) -> None:
    answer = daraja.post(f"/mpesa/c2b/{version}/registerurl", wanted(shop, **changes))
    assert answer.status_code == 200, answer.text


def answering(path: str, body: object, status: int = 200) -> Callable[[Heard], Response]:
    def answer(heard: Heard) -> Response:
        told = json.dumps(body) if heard.path == path else ""
        return Response(told, status if heard.path == path else 200)

    return answer


def test_addresses_are_registered_with_a_misspelt_key(daraja: Daraja, phone: Phone, shop: Shop) -> None:
    body = daraja.post("/mpesa/c2b/v2/registerurl", wanted(shop)).json()
    assert set(body) == {"OriginatorCoversationID", "ResponseCode", "ResponseDescription"}
    assert body["ResponseCode"] == "0"
    (kept,) = phone.by_hand()["addresses"]
    assert (kept["shortcode"], kept["version"], kept["response_type"]) == (SHORTCODE, "v2", "Completed")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ShortCode", None),
        ("ShortCode", "12"),
        ("ResponseType", "completed"),
        ("ResponseType", None),
        ("ConfirmationURL", "https://shop.example.com/mpesa/paid"),
        ("ConfirmationURL", "http://shop.example.com/paid"),
        ("ValidationURL", "https://shop.example.com/SQL"),
        ("ValidationURL", None),
    ],
)
def test_an_unusable_registration_names_its_field(
    daraja: Daraja, phone: Phone, shop: Shop, field: str, value: object
) -> None:
    answer = daraja.post("/mpesa/c2b/v2/registerurl", wanted(shop, **{field: value}))
    assert error_of(answer) == (400, "400.002.02", f"Bad Request - Invalid {field}")
    assert phone.by_hand()["addresses"] == []


def test_addresses_can_be_replaced_unless_they_are_final(daraja: Daraja, phone: Phone, shop: Shop) -> None:
    register(daraja, shop)
    register(daraja, shop, ResponseType="Cancelled")
    phone.faults(c2b_register_once=True)
    answer = daraja.post("/mpesa/c2b/v2/registerurl", wanted(shop))
    assert error_of(answer)[:2] == (500, "500.003.1001")
    assert phone.by_hand()["addresses"][0]["response_type"] == "Cancelled"


def test_c2b_words_a_dead_token_in_its_own_way(daraja: Daraja, shop: Shop) -> None:
    daraja.bearer = "Bearer " + "x" * 28
    answer = daraja.post("/mpesa/c2b/v2/registerurl", wanted(shop))
    assert error_of(answer) == (400, "400.003.01", "Invalid Access Token")


def test_a_payment_by_hand_is_confirmed_with_a_masked_number(daraja: Daraja, phone: Phone, shop: Shop) -> None:
    register(daraja, shop)
    paid = phone.pay_till("Achieng", SHORTCODE, 450, "C3D4F6")
    (heard,) = shop.at(CONFIRMATION_PATH)
    body = heard.body
    assert list(body) == FIELDS
    assert (body["TransID"], body["TransactionType"]) == (paid["id"], "Pay Bill")
    assert re.fullmatch(r"[A-Z0-9]{10}", str(body["TransID"]))
    assert re.fullmatch(r"[0-9]{14}", str(body["TransTime"]))
    assert (body["TransAmount"], body["BusinessShortCode"]) == ("450.00", SHORTCODE)
    assert (body["BillRefNumber"], body["MSISDN"], body["FirstName"]) == ("C3D4F6", "2547 ***** 149", "Achieng")
    assert all(isinstance(value, str) for value in body.values())
    assert body["OrgAccountBalance"] != ""
    assert phone.balance("Achieng") == 50_000 - 450
    assert shop.at(CONFIRMATION_PATH, 1) == [heard]


def test_version_1_hashes_the_number(daraja: Daraja, phone: Phone, shop: Shop) -> None:
    register(daraja, shop, "v1")
    phone.pay_till("Achieng", SHORTCODE, 450)
    body = shop.at(CONFIRMATION_PATH)[0].body
    assert body["MSISDN"] == hashlib.sha256(NUMBER.encode()).hexdigest()
    assert (body["TransactionType"], body["BillRefNumber"]) == ("Buy Goods", "")


def test_the_sandbox_simulates_a_customer(daraja: Daraja, phone: Phone, shop: Shop) -> None:
    register(daraja, shop)
    simulated: JsonObject = {
        "ShortCode": SHORTCODE,
        "CommandID": "CustomerPayBillOnline",
        "Amount": 10,
        "Msisdn": NUMBER,
        "BillRefNumber": "K7M3QD",
    }
    answer = daraja.post("/mpesa/c2b/v2/simulate", simulated)
    assert (answer.status_code, answer.json()["ResponseCode"]) == (200, "0")
    assert shop.at(CONFIRMATION_PATH)[0].body["BillRefNumber"] == "K7M3QD"
    for field, value in (("CommandID", "Pay"), ("Amount", 0), ("Msisdn", "0708"), ("BillRefNumber", "x" * 21)):
        refused = daraja.post("/mpesa/c2b/v2/simulate", {**simulated, field: value})
        assert error_of(refused)[2] == f"Bad Request - Invalid {field}"
    till = {**simulated, "CommandID": "CustomerBuyGoodsOnline", "BillRefNumber": None}
    assert daraja.post("/mpesa/c2b/v2/simulate", till).status_code == 200


@pytest.mark.parametrize("code", ["0", 0])
def test_validation_asks_first_and_echoes_the_shops_own_id(
    daraja: Daraja, phone: Phone, shop: Shop, code: object
) -> None:
    register(daraja, shop)
    phone.faults(c2b_validation=True)
    shop.answer = answering(CHECK_PATH, {"ResultCode": code, "ResultDesc": "Accepted", "ThirdPartyTransID": "T-1"})
    phone.pay_till("Achieng", SHORTCODE, 450, "C3D4F6")
    asked, told = shop.at(CHECK_PATH)[0].body, shop.at(CONFIRMATION_PATH)[0].body
    assert list(asked) == FIELDS
    assert (asked["OrgAccountBalance"], asked["ThirdPartyTransID"]) == ("", "")
    assert (told["TransID"], told["ThirdPartyTransID"]) == (asked["TransID"], "T-1")


@pytest.mark.parametrize("body", [{"ResultCode": "C2B00012", "ResultDesc": "Rejected"}, {"ResultCode": 1}])
def test_a_payment_that_the_shop_refuses_moves_no_money(
    daraja: Daraja, phone: Phone, shop: Shop, body: dict[str, object]
) -> None:
    register(daraja, shop)
    phone.faults(c2b_validation=1)
    shop.answer = answering(CHECK_PATH, body)
    phone.pay_till("Achieng", SHORTCODE, 450, "WRONG")
    wait_until(lambda: phone.by_hand()["payments"][0]["state"] == "refused")
    assert phone.balance("Achieng") == 50_000
    phone.pay_till("Achieng", SHORTCODE, 20, "RIGHT")
    assert [heard.body["BillRefNumber"] for heard in shop.at(CONFIRMATION_PATH)] == ["RIGHT"]


@pytest.mark.parametrize(("response_type", "state"), [("Completed", "done"), ("Cancelled", "refused")])
@pytest.mark.parametrize("broken", [{"status": 500}, {"body": "no object"}, {"body": {}}])
def test_without_a_usable_answer_the_response_type_decides(
    daraja: Daraja, phone: Phone, shop: Shop, response_type: str, state: str, broken: dict[str, object]
) -> None:
    register(daraja, shop, ResponseType=response_type)
    phone.faults(c2b_validation=True)
    status = 500 if "status" in broken else 200
    shop.answer = answering(CHECK_PATH, broken.get("body", {"ResultCode": "0"}), status)
    phone.pay_till("Achieng", SHORTCODE, 450, "C3D4F6")
    wait_until(lambda: phone.by_hand()["payments"][0]["state"] == state)
    assert phone.balance("Achieng") == (50_000 - 450 if state == "done" else 50_000)


def test_a_confirmation_can_come_twice_late_or_never(daraja: Daraja, phone: Phone, shop: Shop) -> None:
    register(daraja, shop)
    phone.faults(c2b_twice=1)
    phone.pay_till("Achieng", SHORTCODE, 1, "TWICE")
    first, second = shop.at(CONFIRMATION_PATH, 2)
    assert first.raw == second.raw
    phone.faults(c2b_delay_s=3600)
    phone.pay_till("Achieng", SHORTCODE, 1, "LATE")
    phone.faults(c2b_delay_s=0, c2b_lost=1)
    phone.pay_till("Achieng", SHORTCODE, 1, "NEVER")
    assert len(shop.at(CONFIRMATION_PATH)) == 2
    phone.advance(3600)
    assert shop.at(CONFIRMATION_PATH, 3)[2].body["BillRefNumber"] == "LATE"
    assert phone.balance("Achieng") == 50_000 - 3


def test_a_prompt_can_be_confirmed_there_too_under_its_receipt(daraja: Daraja, phone: Phone, shop: Shop) -> None:
    register(daraja, shop)
    daraja.pushed()
    phone.enter_pin("Achieng")
    shop.at(CALLBACK_PATH)
    phone.faults(c2b_stk=True, callback_lost=True)
    daraja.pushed(AccountReference="K7M3QD", Amount=30)
    receipt = phone.enter_pin("Achieng").receipt
    (heard,) = shop.at(CONFIRMATION_PATH)
    assert (heard.body["TransID"], heard.body["TransAmount"]) == (receipt, "30.00")
    assert (heard.body["BillRefNumber"], heard.body["TransactionType"]) == ("K7M3QD", "Pay Bill")
    assert len(shop.callbacks()) == 1


def test_a_shortcode_without_addresses_takes_money_and_tells_nobody(phone: Phone, shop: Shop) -> None:
    assert phone.pay_till("Achieng", SHORTCODE, 450)["state"] == "done"
    assert phone.balance("Achieng") == 50_000 - 450
    assert phone.callbacks() == 0


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"shortcode": "12"}, 400),
        ({"shortcode": 174379}, 400),
        ({"payer": "0708374149"}, 400),
        ({"payer": None}, 400),
        ({"account_reference": "x" * 21}, 400),
        ({"account_reference": "a\nb"}, 400),
        ({"amount_whole": 0}, 400),
        ({"amount_whole": 1.5}, 400),
        ({"amount_whole": 250_001}, 400),
        ({"amount_whole": 50_001}, 409),
    ],
)
def test_a_payment_by_hand_that_can_not_be_is_refused(phone: Phone, changes: dict[str, object], status: int) -> None:
    body = {"shortcode": SHORTCODE, "account_reference": "", "amount_whole": 5, "payer": NUMBER, **changes}
    with pytest.raises(Refused) as refused:
        phone.call("POST", "/sim/till", body)
    assert refused.value.status == status
    assert phone.by_hand()["payments"] == []
