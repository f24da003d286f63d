"""Reversals and questions about a transaction's status: taken at first, told later."""

import base64
from typing import cast

import pytest
import requests

from tests.simulators.daraja_client import SHORTCODE, Daraja, JsonObject, error_of
from tests.simulators.shop import RESULT_PATH, TIMEOUT_PATH, Shop
from tests.support.phone import Phone

CREDENTIAL = base64.b64encode(b"encrypted for Safaricom").decode()


@pytest.fixture
def receipt(daraja: Daraja, phone: Phone) -> str:
    """Of a payment of 450 shillings by prompt."""
    daraja.pushed()
    return str(phone.enter_pin("Achieng").receipt)


def reversal(shop: Shop, receipt: str, **changes: object) -> JsonObject:
    return {
        "Initiator": "shopoperator",
        "SecurityCredential": CREDENTIAL,
        "CommandID": "TransactionReversal",
        "TransactionID": receipt,
        "Amount": 450,
        "ReceiverParty": SHORTCODE,
        "RecieverIdentifierType": "11",
        "ResultURL": shop.url + RESULT_PATH,
        "QueueTimeOutURL": shop.url + TIMEOUT_PATH,
        "Remarks": "Refund",
        **changes,
    }


def question(shop: Shop, **changes: object) -> JsonObject:
    body: JsonObject = {
        "Initiator": "shopoperator",
        "SecurityCredential": CREDENTIAL,
        "CommandID": "TransactionStatusQuery",
        "PartyA": SHORTCODE,
        "IdentifierType": "4",
        "ResultURL": shop.url + RESULT_PATH,
        "QueueTimeOutURL": shop.url + TIMEOUT_PATH,
        "Remarks": "Status",
        "Occasion": "",
        **changes,
    }
    return body


def reverse(daraja: Daraja, shop: Shop, receipt: str, **changes: object) -> requests.Response:
    return daraja.post("/mpesa/reversal/v1/request", reversal(shop, receipt, **changes))


def ask(daraja: Daraja, shop: Shop, **changes: object) -> requests.Response:
    return daraja.post("/mpesa/transactionstatus/v1/query", question(shop, **changes))


def result(shop: Shop, count: int = 1) -> JsonObject:
    return cast(JsonObject, shop.at(RESULT_PATH, count)[count - 1].body["Result"])


def parameters(told: JsonObject) -> list[JsonObject]:
    return list(told["ResultParameters"]["ResultParameter"])


def test_a_reversal_is_taken_and_told_later(daraja: Daraja, phone: Phone, shop: Shop, receipt: str) -> None:
    taken = reverse(daraja, shop, receipt)
    assert taken.status_code == 200
    assert set(taken.json()) == {
        "OriginatorConversationID",
        "ConversationID",
        "ResponseCode",
        "ResponseDescription",
    }
    told = result(shop)
    assert (told["ResultType"], told["ResultCode"]) == (0, 0)
    assert told["OriginatorConversationID"] == taken.json()["OriginatorConversationID"]
    found = {one["Key"]: one.get("Value") for one in parameters(told)}
    assert (found["OriginalTransactionID"], found["Amount"]) == (receipt, 450)
    assert told["TransactionID"] != receipt
    assert phone.balance("Achieng") == 50_000


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"TransactionID": "NOSUCHPAID"}, "R000002"),
        ({"ReceiverParty": "600002"}, "R000002"),
        ({"Amount": 451}, 2028),
        ({"Initiator": "wrong"}, 2001),
    ],
)
def test_a_reversal_that_can_not_be_says_so_in_its_result(
    daraja: Daraja, phone: Phone, shop: Shop, receipt: str, changes: dict[str, object], code: object
) -> None:
    assert reverse(daraja, shop, receipt, **changes).json()["ResponseCode"] == "0"
    told = result(shop)
    assert told["ResultCode"] == code
    assert "ResultParameters" not in told
    assert phone.balance("Achieng") == 50_000 - 450


def test_money_goes_back_once(daraja: Daraja, phone: Phone, shop: Shop, receipt: str) -> None:
    reverse(daraja, shop, receipt, Amount=100)
    result(shop)
    reverse(daraja, shop, receipt, Amount=100)
    assert result(shop, 2)["ResultCode"] == "R000001"
    assert phone.balance("Achieng") == 50_000 - 350


def test_money_paid_by_hand_can_go_back_too(daraja: Daraja, phone: Phone, shop: Shop) -> None:
    paid = phone.pay_till("Achieng", SHORTCODE, 450, "C3D4F6")
    reverse(daraja, shop, paid["id"])
    assert result(shop)["ResultCode"] == 0
    assert phone.balance("Achieng") == 50_000


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("Initiator", ""),
        ("SecurityCredential", "not base64!"),
        ("CommandID", "Reverse"),
        ("TransactionID", "short"),
        ("Amount", 0),
        ("ReceiverParty", "x"),
        ("RecieverIdentifierType", "4"),
        ("ResultURL", "https://shop.example.com/mpesa"),
        ("QueueTimeOutURL", "nowhere"),
        ("Remarks", ""),
    ],
)
def test_an_unusable_reversal_names_its_field(
    daraja: Daraja, phone: Phone, shop: Shop, receipt: str, field: str, value: object
) -> None:
    answer = reverse(daraja, shop, receipt, **{field: value})
    assert error_of(answer) == (400, "400.002.02", f"Bad Request - Invalid {field}")
    assert phone.by_hand()["orders"] == []


def test_a_transactions_status_is_told_with_repeated_and_empty_keys(daraja: Daraja, shop: Shop, receipt: str) -> None:
    assert ask(daraja, shop, TransactionID=receipt).json()["ResponseCode"] == "0"
    told = result(shop)
    listed = parameters(told)
    keys = [one["Key"] for one in listed]
    assert keys.count("DebitPartyName") == 2
    assert {"Key": "TransactionReason"} in listed
    found = {one["Key"]: one.get("Value") for one in listed}
    assert (found["TransactionStatus"], found["ReceiptNo"], found["Amount"]) == ("Completed", receipt, 450)
    assert isinstance(told["ReferenceData"]["ReferenceItem"], dict)


def test_a_reversal_is_found_by_the_conversation_that_made_it(
    daraja: Daraja, phone: Phone, shop: Shop, receipt: str
) -> None:
    phone.faults(result_lost=1)
    taken = reverse(daraja, shop, receipt).json()
    ask(daraja, shop, OriginalConversationID=taken["OriginatorConversationID"])
    found = {one["Key"]: one.get("Value") for one in parameters(result(shop))}
    assert found["TransactionStatus"] == "Completed"
    assert found["ReceiptNo"] != receipt


def test_an_unknown_transaction_has_no_status(daraja: Daraja, shop: Shop) -> None:
    ask(daraja, shop, TransactionID="NOSUCHPAID")
    assert result(shop)["ResultCode"] == 25


def test_a_question_needs_a_transaction_and_identifier_type_4(daraja: Daraja, shop: Shop) -> None:
    assert error_of(ask(daraja, shop))[2] == "Bad Request - Invalid TransactionID"
    assert error_of(ask(daraja, shop, TransactionID="NOSUCHPAID", IdentifierType="1"))[2].endswith("IdentifierType")


def test_an_outcome_can_come_twice_late_to_the_queue_or_never(
    daraja: Daraja, phone: Phone, shop: Shop, receipt: str
) -> None:
    phone.faults(result_timeout=1)
    reverse(daraja, shop, receipt)
    assert shop.at(TIMEOUT_PATH)[0].body["Result"]
    assert phone.balance("Achieng") == 50_000 - 450
    phone.faults(reversal_refused=1)
    reverse(daraja, shop, receipt)
    assert result(shop)["ResultCode"] == 21
    phone.faults(result_delay_s=3600)
    reverse(daraja, shop, receipt)
    phone.faults(result_delay_s=0, result_twice=1)
    ask(daraja, shop, TransactionID=receipt)
    shop.at(RESULT_PATH, 3)
    phone.advance(3600)
    assert result(shop, 4)["ResultCode"] == 0


def test_a_reversal_whose_answer_is_lost_was_made(daraja: Daraja, phone: Phone, shop: Shop, receipt: str) -> None:
    phone.faults(reversal_timeout=1)
    with pytest.raises(requests.exceptions.RequestException):
        reverse(daraja, shop, receipt)
    assert result(shop)["ResultCode"] == 0
    assert phone.balance("Achieng") == 50_000


def test_what_is_kept_holds_no_credential(daraja: Daraja, phone: Phone, shop: Shop, receipt: str) -> None:
    reverse(daraja, shop, receipt)
    assert CREDENTIAL not in str(phone.daraja_requests())
