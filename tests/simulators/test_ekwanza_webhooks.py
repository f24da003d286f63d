"""What a merchant's address hears of its charges, in three shapes, and how that can go wrong."""

import hashlib
import hmac

import pytest
from werkzeug import Response

from tests.simulators.ekwanza_client import API_KEY, MERCHANT, NOTIFICATION_TOKEN, REGISTRATION, Ekwanza
from tests.simulators.shop import WEBHOOK_PATH, Heard, Shop, wait_until
from tests.support.phone import Phone, Refused


@pytest.mark.parametrize(
    ("act", "status"), [("enter_pin", 1), ("cancel", 3), ("expire", 3), ("has_no_money", 4), ("wrong_pin", 4)]
)
def test_a_gpo_charge_is_reported_in_ekwanzas_shape(
    ekwanza: Ekwanza, phone: Phone, shop: Shop, act: str, status: int
) -> None:
    ekwanza.charged()
    if act == "expire":
        phone.advance(91)
    elif act == "wrong_pin":
        phone.enter_pin("Achieng", "0000")
    else:
        getattr(phone, act)("Achieng")
    (heard,) = shop.at(WEBHOOK_PATH)
    body = heard.body
    assert set(body) == {"merchantTransactionId", "ekwanzaTransactionId", "operationStatus", "operationData"}
    assert (body["merchantTransactionId"], body["operationStatus"]) == ("OURSOURSOURS234", status)
    assert type(body["ekwanzaTransactionId"]) is int
    assert body["operationData"] == {"amount": 1500.5, "merchantIdentifier": MERCHANT, "referenceType": "GPO"}
    assert "x-signature" not in {name.lower() for name in heard.headers}


def test_no_two_payments_ever_have_the_same_number_not_even_after_everything_is_forgotten(
    ekwanza: Ekwanza, phone: Phone, shop: Shop
) -> None:
    for count in (1, 2):
        ekwanza.charged(merchantTransactionId=f"OURS{count}")
        phone.enter_pin("Achieng")
    shop.at(WEBHOOK_PATH, 2)
    phone.reset()
    ekwanza.sign_in()
    ekwanza.charged()
    phone.enter_pin("Achieng")
    numbers = [heard.body["ekwanzaTransactionId"] for heard in shop.at(WEBHOOK_PATH, 3)]
    assert len(set(numbers)) == 3


def test_a_failure_of_the_provider_is_operation_status_5(ekwanza: Ekwanza, phone: Phone, shop: Shop) -> None:
    phone.faults(ekwanza_dropped=1)
    ekwanza.charged()
    assert shop.at(WEBHOOK_PATH)[0].body["operationStatus"] == 5


def test_whole_kwanzas_have_a_decimal_in_ekwanzas_shape(ekwanza: Ekwanza, phone: Phone, shop: Shop) -> None:
    ekwanza.charged(amount=150)
    phone.enter_pin("Achieng")
    assert b'"amount": 150.0,' in shop.at(WEBHOOK_PATH)[0].raw


def test_a_reference_is_reported_when_it_is_paid_by_whomever_and_with_whatever(
    ekwanza: Ekwanza, phone: Phone, shop: Shop
) -> None:
    reference = ekwanza.referenced()["reference"]["referenceNumber"]
    paid = phone.pay_reference(reference, amount_minor=2000_00)
    assert (paid["state"], paid["paid_minor"]) == ("paid", 2000_00)
    body = shop.at(WEBHOOK_PATH)[0].body
    assert body["operationStatus"] == 1
    assert body["operationData"] == {"amount": 2000.0, "merchantIdentifier": MERCHANT, "referenceType": "REF"}
    assert phone.references() == []


def test_a_reference_expires_after_72_hours_and_can_be_paid_all_the_same(
    ekwanza: Ekwanza, phone: Phone, shop: Shop
) -> None:
    body = ekwanza.referenced()
    phone.advance(72 * 3600 - 5)
    assert phone.ekwanza_charges()[0]["state"] == "waiting"
    phone.advance(5)
    phone.wait_for_state(body["id"], "expired")
    assert shop.at(WEBHOOK_PATH)[0].body["operationStatus"] == 3
    ekwanza.sign_in()
    assert ekwanza.look_up(body["id"]).json()["payment"]["status"] == "Expired"
    phone.pay_reference(body["reference"]["referenceNumber"], "254708374149")
    assert shop.at(WEBHOOK_PATH, 2)[1].body["operationStatus"] == 1
    assert ekwanza.look_up(body["id"]).json()["payment"]["status"] == "Success"


def test_a_reference_is_paid_once_and_only_with_money(ekwanza: Ekwanza, phone: Phone) -> None:
    body = ekwanza.referenced(amount=600_000)
    path = f"/sim/references/{body['id']}"
    with pytest.raises(Refused) as poor:
        phone.call("POST", path, {"action": "pay", "payer": "254708374149"})
    assert poor.value.code == "not_payable"
    phone.call("POST", path, {"action": "pay"})
    with pytest.raises(Refused) as twice:
        phone.call("POST", path, {"action": "pay"})
    assert twice.value.status == 409


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"action": "steal"}, 400),
        ({"action": "pay", "payer": 5}, 400),
        ({"action": "pay", "amount_minor": 0}, 400),
        ({"action": "pay", "amount_minor": 1.5}, 400),
        ({"action": "cancel"}, 409),
    ],
)
def test_a_payment_by_hand_that_makes_no_sense_changes_nothing(
    ekwanza: Ekwanza, phone: Phone, body: dict[str, object], status: int
) -> None:
    reference = ekwanza.referenced()
    with pytest.raises(Refused) as refused:
        phone.call("POST", f"/sim/references/{reference['id']}", body)
    assert refused.value.status == status
    assert phone.ekwanza_charges()[0]["state"] == "waiting"


def test_a_ticket_is_reported_signed_when_it_is_paid(ekwanza: Ekwanza, phone: Phone, shop: Shop) -> None:
    code = ekwanza.ticketed()
    phone.pay_reference(code)
    (heard,) = shop.at(WEBHOOK_PATH)
    assert heard.body == {
        "code": code,
        "operationCode": "OURSOURSOURS234",
        "status": "processed",
        "amount": 1500.5,
    }
    assert _signature(heard) == _expected(code).hex()


@pytest.mark.parametrize(
    ("fault", "is_right"),
    [
        ("ekwanza_signature_upper", True),
        ("ekwanza_signature_base64", False),
        ("ekwanza_signature_wrong", False),
        ("ekwanza_signature_missing", False),
    ],
)
def test_a_signature_can_be_written_otherwise_wrong_or_missing(
    ekwanza: Ekwanza, phone: Phone, shop: Shop, fault: str, is_right: bool
) -> None:
    phone.faults(**{fault: 1})
    code = ekwanza.ticketed()
    phone.pay_reference(code)
    given = _signature(shop.at(WEBHOOK_PATH)[0])
    assert (given is None) == (fault == "ekwanza_signature_missing")
    assert given != _expected(code).hex()
    assert ((given or "").lower() == _expected(code).hex()) == is_right


def test_appypays_own_shape_tells_the_whole_status(ekwanza: Ekwanza, phone: Phone, shop: Shop) -> None:
    phone.register_merchant(MERCHANT, shape="appypay")
    body = ekwanza.referenced()
    phone.pay_reference(body["reference"]["referenceNumber"])
    told = shop.at(WEBHOOK_PATH)[0].body
    assert set(told) == {"id", "merchantTransactionId", "amount", "options", "reference", "responseStatus"}
    assert (told["id"], told["merchantTransactionId"], told["amount"]) == (body["id"], "OURSOURSOURS234", 1500.5)
    assert told["reference"] == body["reference"]
    status = told["responseStatus"]
    assert isinstance(status, dict)
    assert (status["successful"], status["status"], status["code"], status["source"]) == (True, "Success", 100, "REF")


def test_both_shapes_can_be_wanted(ekwanza: Ekwanza, phone: Phone, shop: Shop) -> None:
    phone.register_merchant(MERCHANT, shape="both")
    ekwanza.charged()
    phone.cancel("Achieng")
    first, second = shop.at(WEBHOOK_PATH, 2)
    assert ("operationStatus" in first.body, "responseStatus" in second.body) == (True, True)


def test_a_webhook_can_come_twice_late_or_never(ekwanza: Ekwanza, phone: Phone, shop: Shop) -> None:
    phone.faults(ekwanza_webhook_twice=1)
    ekwanza.charged(merchantTransactionId="TWICE")
    phone.enter_pin("Achieng")
    first, second = shop.at(WEBHOOK_PATH, 2)
    assert first.raw == second.raw
    phone.faults(ekwanza_webhook_delay_s=3600)
    ekwanza.charged(merchantTransactionId="LATE")
    phone.enter_pin("Achieng")
    phone.faults(ekwanza_webhook_delay_s=0, ekwanza_webhook_lost=1)
    lost = ekwanza.charged(merchantTransactionId="NEVER")
    phone.enter_pin("Achieng")
    assert ekwanza.look_up(lost).json()["payment"]["status"] == "Success"
    assert len(shop.at(WEBHOOK_PATH)) == 2
    phone.advance(3600)
    assert shop.at(WEBHOOK_PATH, 3)[2].body["merchantTransactionId"] == "LATE"


@pytest.mark.parametrize("what", ["gpo", "emis_ref", "ticket"])
def test_a_webhook_can_come_before_the_reply(ekwanza: Ekwanza, phone: Phone, shop: Shop, what: str) -> None:
    phone.faults(ekwanza_webhook_before_reply=1)
    replied: list[str] = []
    came_first: list[bool] = []

    def note(heard: Heard) -> Response:
        came_first.append(not replied)
        return Response("", 200)

    shop.answer = note
    if what == "ticket":
        replied.append(ekwanza.ticketed())
    else:
        replied.append(ekwanza.charged() if what == "gpo" else ekwanza.referenced()["id"])
    assert came_first == [True]
    assert phone.ekwanza_charges()[0]["state"] == "paid"


def test_the_amount_can_be_one_kwanza_less(ekwanza: Ekwanza, phone: Phone, shop: Shop) -> None:
    phone.faults(ekwanza_wrong_amount=1)
    charge_id = ekwanza.charged()
    phone.enter_pin("Achieng")
    assert b'"amount": 1499.5,' in shop.at(WEBHOOK_PATH)[0].raw
    assert ekwanza.look_up(charge_id).json()["payment"]["amount"] == 1500.5


@pytest.mark.parametrize("has_other", [False, True])
def test_an_address_can_be_told_of_another_shops_charge(
    ekwanza: Ekwanza, phone: Phone, shop: Shop, has_other: bool
) -> None:
    if has_other:
        phone.register_merchant("5001")
        options = {"MerchantIdentifier": "5001", "ApiKey": "any"}
        ekwanza.charged(merchantTransactionId="THEIRS", options=options)
        phone.ignore("Achieng")
    phone.faults(ekwanza_webhook_other_shop=1)
    ekwanza.charged()
    phone.enter_pin("Achieng")
    named = shop.at(WEBHOOK_PATH)[0].body["merchantTransactionId"]
    assert named != "OURSOURSOURS234"
    assert (named == "THEIRS") == has_other


def test_a_merchant_without_an_address_is_told_nothing(ekwanza: Ekwanza, phone: Phone, shop: Shop) -> None:
    ekwanza.charged(options={"MerchantIdentifier": "5009", "ApiKey": "any"})
    phone.enter_pin("Achieng")
    phone.register_merchant("5001")
    ekwanza.charged(merchantTransactionId="B", options={"MerchantIdentifier": "5001", "ApiKey": "any"})
    phone.enter_pin("Achieng")
    wait_until(lambda: phone.callbacks() == 2)
    outcomes = [charge["webhooks"][0]["outcome"] for charge in phone.ekwanza_charges()]
    assert outcomes == ["no address is registered"] * 2


def test_a_registration_can_be_repeated_and_outlives_a_reset(ekwanza: Ekwanza, phone: Phone, shop: Shop) -> None:
    phone.reset()
    assert phone.register_merchant(MERCHANT)["webhook_url"] == shop.webhook_url
    (listed,) = phone.call("GET", "/sim/ekwanza/merchants")["merchants"]
    assert (listed["merchant"], listed["api_key"]) == (MERCHANT, True)
    assert API_KEY not in str(listed)


@pytest.mark.parametrize(
    "merchant",
    [
        {},
        {"merchant": ""},
        {"merchant": 5},
        {"merchant": "5001", "webhook_url": "nowhere"},
        {"merchant": "5001", "webhook_url": "ftp://shop.example.com"},
        {"merchant": "5001", "shape": "letter"},
        {"merchant": "5001", "colour": "green"},
        {"merchant": "5001", "api_key": "line\nbreak"},
        {"merchant": "5001", "name": "x" * 301},
    ],
)
def test_a_merchant_who_can_not_be_is_refused(phone: Phone, merchant: dict[str, object]) -> None:
    with pytest.raises(Refused) as refused:
        phone.call("POST", "/sim/ekwanza/merchants", merchant)
    assert (refused.value.status, refused.value.code) == (400, "bad_merchant")
    assert phone.call("GET", "/sim/ekwanza/merchants")["merchants"] == []


def test_a_notification_token_is_one_merchants_only(ekwanza: Ekwanza, phone: Phone) -> None:
    with pytest.raises(Refused) as refused:
        phone.register_merchant("5001", notification_token=NOTIFICATION_TOKEN)
    assert refused.value.code == "bad_merchant"
    assert len(phone.call("GET", "/sim/ekwanza/merchants")["merchants"]) == 1


def _signature(heard: Heard) -> str | None:
    return next((value for name, value in heard.headers.items() if name.lower() == "x-signature"), None)


def _expected(code: str) -> bytes:
    message = f"{code}OURSOURSOURS234{REGISTRATION}{NOTIFICATION_TOKEN}"
    return hmac.new(API_KEY.encode(), message.encode(), hashlib.sha256).digest()
