"""e-Kwanza's own API: tickets and their look-ups, over a real socket."""

import base64
import re
from typing import Any

import pytest

from simulators.ekwanza import signature
from simulators.ekwanza.signature import Encoding
from tests.simulators.ekwanza_client import Ekwanza
from tests.support.phone import Phone, Refused

PNG = b"\x89PNG\r\n\x1a\n"


def test_a_ticket_has_a_code_a_picture_and_a_date_of_its_own(ekwanza: Ekwanza, phone: Phone) -> None:
    answer = ekwanza.ticket()
    body = answer.json()
    assert answer.status_code == 201
    assert set(body) == {"Code", "QRCode", "Range", "Status", "ExpirationDate"}
    assert (body["Range"], body["Status"]) == (None, 0)
    assert base64.b64decode(body["QRCode"]).startswith(PNG)
    assert re.fullmatch(r"/Date\([0-9]{13}\)/", body["ExpirationDate"])
    assert [one["reference"] for one in phone.references()] == [body["Code"]]


def test_a_ticket_without_a_number_has_no_picture(ekwanza: Ekwanza) -> None:
    assert ekwanza.ticket(mobileNumber=None).json()["QRCode"] is None


@pytest.mark.parametrize(
    ("changes", "http_status", "status"),
    [
        ({"amount": None}, 400, 1),
        ({"amount": "a lot"}, 400, 1),
        ({"referenceCode": None}, 500, 1),
        ({"amount": "0.50"}, 400, 0),
        ({"amount": "5000000.01"}, 400, 0),
    ],
)
def test_a_ticket_that_can_not_be_is_refused(
    ekwanza: Ekwanza, phone: Phone, changes: dict[str, Any], http_status: int, status: int
) -> None:
    answer = ekwanza.ticket(**changes)
    assert (answer.status_code, answer.json()["Code"], answer.json()["Status"]) == (http_status, None, status)
    assert phone.ekwanza_charges() == []


def test_an_amount_out_of_range_is_told_the_range(ekwanza: Ekwanza) -> None:
    assert ekwanza.ticket(amount="0.5").json()["Range"] == {"MaxValue": 5_000_000, "MinValue": 1}


def test_nobodys_token_is_status_36(ekwanza: Ekwanza) -> None:
    answer = ekwanza.ticket("wrong-token")
    assert (answer.status_code, answer.json()["Status"]) == (400, 36)


def test_the_token_is_not_kept_among_the_requests(ekwanza: Ekwanza, phone: Phone) -> None:
    ekwanza.ticketed()
    assert "TOKEN-123" not in str(phone.ekwanza_requests())


def test_a_look_up_gives_the_amount_as_text_and_how_it_stands(ekwanza: Ekwanza, phone: Phone) -> None:
    code = ekwanza.ticketed()
    body = ekwanza.ticket_status(code).json()
    assert set(body) == {"Amount", "Code", "CreationDate", "ExpirationDate", "Status"}
    assert (body["Amount"], body["Code"], body["Status"]) == ("1500.50", code, 0)
    phone.pay_reference(code, "254708374149")
    assert ekwanza.ticket_status(code).json()["Status"] == 1


def test_a_ticket_expires_can_be_cancelled_and_is_unknown_to_others(ekwanza: Ekwanza, phone: Phone) -> None:
    late, gone = ekwanza.ticketed(), ekwanza.ticketed()
    phone.call("POST", f"/sim/references/{gone}", {"action": "cancel"})
    assert ekwanza.ticket_status(gone).json()["Status"] == 3
    phone.advance(24 * 3600 + 1)
    phone.wait_for_state(late, "expired")
    assert ekwanza.ticket_status(late).json()["Status"] == 2
    assert ekwanza.ticket_status(late, "another-token").status_code == 404
    assert ekwanza.ticket_status("000000000").status_code == 404


def test_a_ticket_takes_its_own_amount_only(ekwanza: Ekwanza, phone: Phone) -> None:
    code = ekwanza.ticketed()
    with pytest.raises(Refused) as refused:
        phone.pay_reference(code, amount_minor=100)
    assert (refused.value.status, refused.value.code) == (409, "not_payable")
    assert ekwanza.ticket_status(code).json()["Status"] == 0


def test_dates_can_be_iso_and_look_ups_wrong(ekwanza: Ekwanza, phone: Phone) -> None:
    phone.faults(ekwanza_iso_dates=2)
    body = ekwanza.ticket().json()
    assert re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}", body["ExpirationDate"])
    assert ekwanza.ticket_status(body["Code"]).json()["ExpirationDate"] == body["ExpirationDate"]
    phone.faults(ekwanza_lookup_missing=1)
    assert ekwanza.ticket_status(body["Code"]).status_code == 404
    phone.faults(ekwanza_lookup_html=1)
    assert ekwanza.ticket_status(body["Code"]).status_code == 502
    phone.faults(ekwanza_lookup_says_failed=1)
    assert ekwanza.ticket_status(body["Code"]).json()["Status"] == 3


def test_a_known_ticket_is_signed_as_other_implementations_sign_it() -> None:
    digest = signature.sign("test-api-key", "CODE1", "OP-001", "MERCH-001", "TOKEN-123")
    expected = "22cf4295e332674b12d249de145df787adbbfc626871940b92c9043b96e649c8"
    assert signature.written(digest, Encoding.HEX) == expected
    assert signature.written(digest, Encoding.UPPER_HEX) == expected.upper()
    assert signature.written(digest, Encoding.BASE64) == "Is9CleMyZ0sS0kneFF33h627/GJocZQLkskEO5bmScg="
