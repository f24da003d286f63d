"""The gateway's charges over a real socket: what it takes, how it answers, what a look-up says."""

import re
import threading
from typing import Any

import pytest
import requests

from tests.simulators.ekwanza_client import ASYNC, GPO_METHOD, MERCHANT, NUMBER, REF_METHOD, Ekwanza, status_of
from tests.simulators.shop import wait_until
from tests.support.phone import Phone

SYNC = "application/json"


def test_an_asynchronous_charge_is_taken_with_202_and_rings(ekwanza: Ekwanza, phone: Phone) -> None:
    answer = ekwanza.charge(accept=ASYNC)
    assert answer.status_code == 202
    assert status_of(answer) == (True, "Pending", 101)
    assert set(answer.json()["responseStatus"]) == {
        "successful",
        "status",
        "code",
        "message",
        "source",
        "sourceDetails",
    }
    prompt = phone.wait_for_prompt("Achieng")
    assert prompt.id == answer.json()["id"]
    assert (prompt.provider, prompt.amount_minor, prompt.currency) == ("multicaixa", 1500_50, "AOA")
    assert (prompt.business, prompt.account_reference) == ("Mercearia Kianda", "Order C3D4F6")


@pytest.mark.parametrize(
    ("act", "successful", "status", "code"),
    [
        ("enter_pin", True, "Success", 100),
        ("wrong_pin", False, "Failed", 221),
        ("cancel", False, "Failed", 231),
        ("has_no_money", False, "Failed", 209),
    ],
)
def test_a_synchronous_charge_is_answered_when_the_person_has(
    ekwanza: Ekwanza, phone: Phone, act: str, successful: bool, status: str, code: int
) -> None:
    answers: list[requests.Response] = []
    waiting = threading.Thread(target=lambda: answers.append(ekwanza.charge(accept=SYNC)))
    waiting.start()
    if act == "wrong_pin":
        phone.enter_pin("Achieng", "0000")
    else:
        getattr(phone, act)("Achieng")
    waiting.join(10)
    (answer,) = answers
    assert (answer.status_code, status_of(answer)) == (200, (successful, status, code))


def test_a_prompt_nobody_answers_fails_after_90_seconds_of_the_clock(ekwanza: Ekwanza, phone: Phone) -> None:
    answers: list[requests.Response] = []
    waiting = threading.Thread(target=lambda: answers.append(ekwanza.charge(accept=SYNC)))
    waiting.start()
    phone.wait_for_prompt("Achieng")
    phone.advance(91)
    waiting.join(10)
    assert status_of(answers[0]) == (False, "Failed", 211)


def test_an_emis_reference_is_requested_and_not_paid(ekwanza: Ekwanza, phone: Phone) -> None:
    body = ekwanza.referenced()
    assert (body["responseStatus"]["status"], body["responseStatus"]["code"]) == ("Requested", 101)
    assert set(body["reference"]) == {"referenceNumber", "dueDate", "entity"}
    assert re.fullmatch(r"[0-9]{9}", body["reference"]["referenceNumber"])
    assert re.fullmatch(r"[0-9]{5}", body["reference"]["entity"])
    (listed,) = phone.references()
    assert listed["reference"] == body["reference"]["referenceNumber"]
    assert phone.prompts("Achieng") == []
    assert ekwanza.look_up(body["id"]).json()["payment"]["status"] == "Requested"


def test_old_answers_lack_a_status_and_keep_the_reference_inside(ekwanza: Ekwanza, phone: Phone) -> None:
    phone.faults(ekwanza_no_status=1, ekwanza_reference_inside=1)
    body = ekwanza.referenced()
    assert "status" not in body["responseStatus"]
    assert "reference" not in body
    assert body["responseStatus"]["reference"]["entity"] == "00123"


def test_a_look_up_tells_the_whole_payment_and_its_events(ekwanza: Ekwanza, phone: Phone) -> None:
    charge_id = ekwanza.charged()
    phone.enter_pin("Achieng")
    answer = ekwanza.look_up(charge_id)
    payment = answer.json()["payment"]
    assert (payment["id"], payment["status"], payment["type"]) == (charge_id, "Success", "Charge")
    assert (payment["merchantTransactionId"], payment["currency"]) == ("OURSOURSOURS234", "AOA")
    assert '"amount": 1500.5,' in answer.text
    assert payment["transactionEvents"][0]["responseStatus"]["code"] == 100
    assert payment["options"] == {"MerchantIdentifier": MERCHANT}


def test_charges_are_found_by_the_merchants_own_id(ekwanza: Ekwanza) -> None:
    charge_id = ekwanza.charged(merchantTransactionId="ABC123")
    ekwanza.charged(merchantTransactionId="ABC124")
    found = ekwanza.listed(merchantTransactionId="ABC123").json()
    assert [payment["id"] for payment in found["payments"]] == [charge_id]
    assert (found["totalCount"], found["hasMorePages"]) == (1, False)
    assert ekwanza.listed(merchantTransactionId="NONE").json()["payments"] == []
    page = ekwanza.listed(limit="1").json()
    assert (len(page["payments"]), page["hasMorePages"]) == (1, True)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": None}, 719),
        ({"amount": 0}, 718),
        ({"amount": 0.5}, 718),
        ({"amount": -5}, 718),
        ({"amount": 1.005}, 718),
        ({"amount": "1500"}, 718),
        ({"amount": True}, 718),
        ({"currency": "KES"}, 800),
        ({"currency": None}, 719),
        ({"merchantTransactionId": ""}, 719),
        ({"merchantTransactionId": "x" * 16}, 800),
        ({"merchantTransactionId": "with-dash"}, 800),
        ({"paymentMethod": "53c70da3-1c88-4391-8b60-ab4757fbb044"}, 800),
        ({"paymentMethod": "UMM_53c70da3-1c88-4391-8b60-ab4757fbb044"}, 800),
        ({"description": "Order: C3D4F6"}, 800),
        ({"description": "Pão"}, 800),
        ({"paymentInfo": None}, 717),
        ({"paymentInfo": {"phoneNumber": "12345678"}}, 800),
        ({"paymentInfo": {"phoneNumber": "+254708374149"}}, 800),
        ({"options": {"MerchantIdentifier": MERCHANT, "ApiKey": "another"}}, 803),
        ({"options": {"MerchantIdentifier": MERCHANT}}, 803),
        ({"options": {"a": "1", "b": "2", "c": "3"}}, 803),
    ],
)
def test_an_unusable_charge_is_refused_with_its_code_and_nothing_rings(
    ekwanza: Ekwanza, phone: Phone, changes: dict[str, Any], code: int
) -> None:
    answer = ekwanza.charge(**changes)
    assert (answer.status_code, status_of(answer)) == (400, (False, "Failed", code))
    assert phone.ekwanza_charges() == []


def test_a_body_that_is_no_json_is_refused(ekwanza: Ekwanza) -> None:
    for raw in (b"{", b"[]", b"[" * 50_000):
        answer = requests.post(
            f"{ekwanza.gateway}/charges",
            data=raw,
            headers={"Authorization": ekwanza.bearer, "Content-Type": "application/json"},
            timeout=5,
        )
        assert status_of(answer)[2] == 800


def test_the_merchants_id_is_used_once(ekwanza: Ekwanza, phone: Phone) -> None:
    ekwanza.charged()
    again = ekwanza.charge()
    assert (again.status_code, status_of(again)[2]) == (400, 726)
    assert "OURSOURSOURS234" in again.json()["responseStatus"]["message"]
    assert len(phone.ekwanza_charges()) == 1


def test_a_reference_can_be_chosen_once_and_falls_due_in_future(ekwanza: Ekwanza) -> None:
    def wanted(name: str, **info: str) -> requests.Response:
        return ekwanza.charge(accept=SYNC, paymentMethod=REF_METHOD, merchantTransactionId=name, paymentInfo={**info})

    chosen = wanted("A", referenceNumber="123456789", dueDate="2099-01-01T00:00:00").json()["reference"]
    assert (chosen["referenceNumber"], chosen["dueDate"][:10]) == ("123456789", "2099-01-01")
    assert status_of(wanted("B", referenceNumber="123456789"))[2] == 763
    assert status_of(wanted("C", dueDate="2001-01-01T00:00:00"))[2] == 762


def test_messages_come_in_portuguese_unless_english_is_asked_for(ekwanza: Ekwanza) -> None:
    english = ekwanza.charge(amount=0, language="en").json()["responseStatus"]["message"]
    portuguese = ekwanza.charge(amount=0, language="pt-BR").json()["responseStatus"]["message"]
    assert english.startswith("Amount has to be greater")
    assert portuguese.startswith("O valor do pagamento")


def test_a_phone_number_may_lack_the_countrys_code(ekwanza: Ekwanza, phone: Phone) -> None:
    ekwanza.charged(paymentInfo={"phoneNumber": "700000050"})
    (charge,) = phone.ekwanza_charges()
    assert charge["msisdn"] == "244700000050"


def test_a_charge_of_another_client_is_not_found(ekwanza: Ekwanza) -> None:
    charge_id = ekwanza.charged()
    ekwanza.sign_in(client_id="another")
    answer = ekwanza.look_up(charge_id)
    assert (answer.status_code, status_of(answer)[2]) == (404, 720)
    assert ekwanza.refund(charge_id, 1).status_code == 404
    assert ekwanza.listed().json()["payments"] == []


def test_a_payment_takes_kwanzas_and_a_refund_brings_them_back(ekwanza: Ekwanza, phone: Phone) -> None:
    charge_id = ekwanza.charged()
    assert ekwanza.refund(charge_id, 10).status_code == 404
    phone.enter_pin("Achieng")
    assert kwanzas(phone) == 500_000_00 - 1500_50
    part = ekwanza.refund(charge_id, 500.5)
    assert (part.status_code, status_of(part)) == (200, (True, "Success", 100))
    assert part.json()["id"] != charge_id
    assert status_of(ekwanza.refund(charge_id, 1000.01))[2] == 760
    phone.faults(ekwanza_refund_refused=1)
    assert status_of(ekwanza.refund(charge_id, 1000))[:2] == (False, "Failed")
    phone.faults(ekwanza_refund_timeout=1)
    with pytest.raises(requests.exceptions.RequestException):
        ekwanza.refund(charge_id, 1000)
    assert kwanzas(phone) == 500_000_00
    assert phone.ekwanza_charges()[0]["refunded_minor"] == 1500_50


def test_a_reference_can_not_be_refunded(ekwanza: Ekwanza, phone: Phone) -> None:
    body = ekwanza.referenced()
    phone.pay_reference(body["reference"]["referenceNumber"])
    assert ekwanza.refund(body["id"], 10).status_code == 400


@pytest.mark.parametrize(
    ("fault", "http_status", "content_type"),
    [
        ("ekwanza_busy", 429, "application/json; charset=utf-8"),
        ("ekwanza_error_html", 502, "text/html"),
        ("ekwanza_error_empty", 503, "text/html; charset=utf-8"),
    ],
)
def test_an_outage_makes_no_charge(
    ekwanza: Ekwanza, phone: Phone, fault: str, http_status: int, content_type: str
) -> None:
    phone.faults(**{fault: 2})
    for answer in (ekwanza.charge(), ekwanza.ticket()):
        assert (answer.status_code, answer.headers["Content-Type"]) == (http_status, content_type)
    assert phone.ekwanza_charges() == []
    ekwanza.charged()


def test_a_charge_whose_answer_is_lost_or_empty_was_made(ekwanza: Ekwanza, phone: Phone) -> None:
    phone.faults(ekwanza_timeout=1)
    with pytest.raises(requests.exceptions.RequestException):
        ekwanza.charge(merchantTransactionId="LOST")
    phone.faults(ekwanza_empty=1)
    empty = ekwanza.charge(merchantTransactionId="EMPTY", paymentInfo={"phoneNumber": "254700000001"})
    assert (empty.status_code, empty.content) == (200, b"")
    assert [charge["our_reference"] for charge in phone.ekwanza_charges()] == ["LOST", "EMPTY"]
    assert len(ekwanza.listed(merchantTransactionId="LOST").json()["payments"]) == 1


def test_a_charge_can_fail_at_once_with_200(ekwanza: Ekwanza, phone: Phone) -> None:
    phone.faults(ekwanza_refused=1)
    answer = ekwanza.charge(accept=SYNC)
    assert (answer.status_code, status_of(answer)) == (200, (False, "Failed", 306))
    assert phone.prompts("Achieng") == []


def test_a_charge_can_fail_after_it_was_accepted(ekwanza: Ekwanza, phone: Phone) -> None:
    phone.faults(ekwanza_dropped=1)
    charge_id = ekwanza.charged()
    assert phone.prompts("Achieng") == []
    wait_until(lambda: ekwanza.look_up(charge_id).json()["payment"]["status"] == "Failed")


def test_319_means_that_the_provider_does_not_know_yet(ekwanza: Ekwanza, phone: Phone) -> None:
    phone.faults(ekwanza_pending_319=1)
    answer = ekwanza.charge(accept=SYNC)
    assert (answer.status_code, status_of(answer)) == (200, (True, "Pending", 319))
    phone.enter_pin("Achieng")
    assert ekwanza.look_up(answer.json()["id"]).json()["payment"]["status"] == "Success"


def test_look_ups_can_be_behind_wrong_or_out_of_order(ekwanza: Ekwanza, phone: Phone) -> None:
    charge_id = ekwanza.charged()
    phone.enter_pin("Achieng")
    phone.faults(ekwanza_lookup_pending=1)
    assert ekwanza.look_up(charge_id).json()["payment"]["status"] == "Pending"
    phone.faults(ekwanza_lookup_says_failed=1)
    assert ekwanza.look_up(charge_id).json()["payment"]["status"] == "Failed"
    phone.faults(ekwanza_lookup_missing=1)
    assert ekwanza.look_up(charge_id).status_code == 404
    phone.faults(ekwanza_lookup_html=1)
    assert ekwanza.look_up(charge_id).headers["Content-Type"] == "text/html"
    assert ekwanza.look_up(charge_id).json()["payment"]["status"] == "Success"


def test_one_client_of_several_merchants_must_name_one(ekwanza: Ekwanza, phone: Phone) -> None:
    for merchant in ("5001", "5002"):
        phone.register_merchant(merchant, client_id="shared")
    ekwanza.sign_in(client_id="shared")
    assert status_of(ekwanza.charge(options=None))[2] == 803
    ekwanza.charged(options={"MerchantIdentifier": "5002", "ApiKey": "any"})
    assert phone.ekwanza_charges()[0]["merchant"] == "5002"


def test_a_merchants_payment_method_is_its_own(ekwanza: Ekwanza, phone: Phone) -> None:
    phone.register_merchant(MERCHANT, gpo_payment_method=GPO_METHOD)
    ekwanza.charged()
    other = GPO_METHOD.replace("5", "6")
    assert status_of(ekwanza.charge(merchantTransactionId="B", paymentMethod=other))[2] == 800


def test_a_slow_ekwanza_outlasts_an_impatient_client_and_counts_all_the_same(ekwanza: Ekwanza, phone: Phone) -> None:
    phone.faults(ekwanza_delay_s=1)
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(
            f"{ekwanza.gateway}/charges",
            json=ekwanza.wanted(),
            headers={"Authorization": ekwanza.bearer, "Accept": ASYNC},
            timeout=0.2,
        )
    assert phone.wait_for_prompt("Achieng").msisdn == NUMBER


def kwanzas(phone: Phone) -> int:
    (one,) = [one for one in phone.state()["customers"] if one["msisdn"] == NUMBER]
    return int(one["kwanza_minor"])
