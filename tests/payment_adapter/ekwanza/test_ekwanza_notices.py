"""The three bodies that e-Kwanza and AppyPay send: who may be believed, what they say, and which fact they are."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payment_adapter.providers.base import CallbackForged, CallbackUnreadable, Notice
from payment_adapter.providers.ekwanza.notices import read
from tests.support.ekwanza import ACCOUNT, ID, credentials, gateway_body, operation_body, said, sign, ticket_body

HEX = "22cf4295e332674b12d249de145df787adbbfc626871940b92c9043b96e649c8"
BASE64 = "Is9CleMyZ0sS0kneFF33h627/GJocZQLkskEO5bmScg="


def noticed(body: Mapping[str, Any], signature: str | None = None, **changes: Any) -> Notice:
    headers = {} if signature is None else {"x-signature": signature}
    return read(json.dumps(body).encode(), headers, credentials(**changes))


def test_the_signature_is_the_computed_one_for_the_known_vector() -> None:
    """HMAC-SHA256 of CODE1OP-001MERCH-001TOKEN-123 under test-api-key."""
    assert sign().hex() == HEX
    assert base64.b64encode(sign()).decode() == BASE64


@pytest.mark.parametrize(
    ("signature", "encoding"),
    [
        (HEX, ""),
        (HEX, "hex"),
        (HEX.upper(), ""),
        (f" {HEX} ", ""),
        (BASE64, "base64"),
    ],
)
def test_a_signed_ticket_is_taken_in_the_encoding_of_the_settings(signature: str, encoding: str) -> None:
    notice = noticed(ticket_body(), signature, signature_encoding=encoding)

    assert notice.event_id == "ekwanza-ticket:OP-001:CODE1:paid"
    assert (notice.our_reference, notice.report.transaction_id) == ("OP-001", "CODE1")
    assert (notice.report.status, notice.report.amount_minor, notice.report.receipt) == ("paid", 15_000, "CODE1")
    assert not notice.must_be_confirmed


@pytest.mark.parametrize(
    ("signature", "encoding"),
    [
        (None, ""),
        ("", ""),
        (HEX[:-1] + "0", ""),
        (HEX[:-2], ""),
        (HEX + "00", ""),
        (BASE64, ""),
        (BASE64, "hex"),
        (HEX, "base64"),
        ("\u0660" * 64, ""),
        ("nonsense", "base64"),
        (sign(key="another-key").hex(), ""),
        (sign(third="").hex(), ""),
        (sign(third="ANOTHER").hex(), ""),
        (sign(code="CODE2").hex(), ""),
    ],
)
def test_a_ticket_without_the_right_signature_is_forged(signature: str | None, encoding: str) -> None:
    with pytest.raises(CallbackForged):
        noticed(ticket_body(), signature, signature_encoding=encoding)


@pytest.mark.parametrize(
    "lacking",
    [
        {"api_key": ""},
        {"notification_token": ""},
        {"company_registration": "", "merchant_account": ""},
    ],
)
def test_a_shop_that_can_not_check_a_signature_believes_none(lacking: dict[str, str]) -> None:
    changes: dict[str, Any] = lacking
    with pytest.raises(CallbackForged):
        noticed(ticket_body(), HEX, **changes)


def test_an_empty_key_opens_nothing() -> None:
    signature = hmac.digest(b"", b"CODE1OP-001", hashlib.sha256).hex()
    with pytest.raises(CallbackForged):
        noticed(ticket_body(), signature, api_key="", notification_token="", company_registration="")


def test_the_third_part_of_the_signature_may_be_the_account_number() -> None:
    assert noticed(ticket_body(), sign(third=ACCOUNT).hex()).report.status == "paid"


@pytest.mark.parametrize("name", ["x-signature", "X-Signature", "X-SIGNATURE"])
def test_the_header_is_found_in_any_case(name: str) -> None:
    assert read(json.dumps(ticket_body()).encode(), {name: HEX}, credentials()).report.status == "paid"


def test_a_ticket_with_fields_of_the_unsigned_bodies_is_still_held_to_its_signature() -> None:
    for other in (operation_body(), gateway_body()):
        with pytest.raises(CallbackForged):
            noticed({**other, **ticket_body()})


def test_field_names_may_come_in_either_case() -> None:
    body = {"Code": "CODE1", "OperationCode": "OP-001", "Status": "Processado", "Amount": 150.5}
    assert noticed(body, HEX).report.amount_minor == 15_050


@pytest.mark.parametrize(
    ("status", "expected", "reason"),
    [
        ("success", "paid", None),
        ("Processed", "paid", None),
        ("processado", "paid", None),
        ("1", "paid", None),
        (1, "paid", None),
        (0, "pending", None),
        ("2", "expired", "reference_expired"),
        ("expirado", "expired", "reference_expired"),
        (3, "failed", "cancelled_by_customer"),
        ("cancelled", "failed", "cancelled_by_customer"),
        ("failed", "failed", "provider_error"),
        ("something new", "unknown", "provider_error"),
    ],
)
def test_a_tickets_status_may_be_a_word_or_a_number(status: object, expected: str, reason: str | None) -> None:
    report = noticed(ticket_body(status=status), HEX).report
    assert report.status == expected
    assert (None if report.failure is None else report.failure.reason) == reason


@pytest.mark.parametrize("amount", [None, "", "much", 0, -1, 150.001, True, {}])
def test_a_paid_notice_whose_amount_can_not_be_read_is_asked_about(amount: object) -> None:
    assert noticed(ticket_body(amount=amount), HEX).report.status == "unknown"
    assert noticed(operation_body(1, amount=amount)).report.status == "unknown"
    assert noticed(gateway_body(amount=amount)).report.status == "unknown"


@pytest.mark.parametrize(
    ("status", "expected", "reason"),
    [
        (0, "pending", None),
        (1, "paid", None),
        (3, "expired", "prompt_expired"),
        (4, "failed", "provider_error"),
        (5, "failed", "provider_error"),
    ],
)
@pytest.mark.parametrize("written_as", [int, str])
def test_the_news_of_a_payment_is_a_hint_with_a_number_or_a_string(
    status: int, expected: str, reason: str | None, written_as: type[int] | type[str]
) -> None:
    notice = noticed(operation_body(written_as(status)))

    assert notice.event_id == f"ekwanza:EKZQA2502121115:{expected}"
    assert notice.our_reference == "EKZQA2502121115"
    assert (notice.report.status, notice.report.amount_minor) == (expected, 15_000)
    assert (None if notice.report.failure is None else notice.report.failure.reason) == reason
    assert notice.report.failure is None or notice.report.failure.code == str(status)
    assert notice.report.receipt == ("123123" if expected == "paid" else None)
    assert notice.must_be_confirmed
    assert not notice.paid_by_hand


def test_a_reference_that_was_cancelled_or_not_paid_in_time_is_said_to_have_expired() -> None:
    report = noticed(operation_body(3, referenceType="REF")).report
    assert report.failure is not None
    assert (report.status, report.failure.reason) == ("expired", "reference_expired")


def test_a_status_that_nobody_has_written_down_is_asked_about_and_kept() -> None:
    notices = [noticed(operation_body(status)) for status in (2, 7, "novo")]
    assert [notice.report.status for notice in notices] == ["unknown"] * 3
    assert [notice.report.failure.code for notice in notices if notice.report.failure] == ["2", "7", "novo"]
    assert len({notice.event_id for notice in notices}) == 3


@pytest.mark.parametrize(
    ("body", "expected", "reason"),
    [
        (gateway_body(100, "Success"), "paid", None),
        (gateway_body(100, None), "paid", None),
        (gateway_body(101, "Pending"), "pending", None),
        (gateway_body(319, "Pending"), "pending", None),
        (gateway_body(231, "Failed"), "failed", "cancelled_by_customer"),
        (gateway_body(231, "Cancelled"), "failed", "cancelled_by_customer"),
        (gateway_body(211, "Failed"), "expired", "prompt_expired"),
        (gateway_body(245, "Expired"), "expired", "reference_expired"),
        (gateway_body(9876, "Failed"), "failed", "provider_error"),
        (gateway_body(responseStatus={"successful": True}), "unknown", None),
    ],
)
def test_the_gateways_own_news_is_a_hint_too(body: dict[str, Any], expected: str, reason: str | None) -> None:
    notice = noticed(body)

    assert notice.our_reference == "030000000301201"
    assert (notice.report.status, notice.report.amount_minor) == (expected, 10_000)
    assert notice.report.transaction_id == ID
    assert (None if notice.report.failure is None else notice.report.failure.reason) == reason
    assert notice.must_be_confirmed


def test_the_same_fact_has_one_id_whoever_tells_it() -> None:
    by_ekwanza = noticed({**operation_body(1), "merchantTransactionId": "030000000301201"})
    by_appypay = noticed(gateway_body(100, "Success"))
    assert by_ekwanza.event_id == by_appypay.event_id == "ekwanza:030000000301201:paid"


def test_news_of_another_merchants_account_is_not_this_shops() -> None:
    with pytest.raises(CallbackUnreadable):
        noticed(operation_body(merchantIdentifier="11111111"))
    with pytest.raises(CallbackUnreadable):
        noticed(gateway_body(options={"MerchantIdentifier": "11111111"}))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"hello": 1}',
        b'{"operationStatus": 1}',
        b'{"merchantTransactionId": "A B", "operationStatus": 1}',
        b'{"merchantTransactionId": "OURS", "operationStatus": {}}',
        b'{"merchantTransactionId": 1.5, "operationStatus": 1}',
        b'{"responseStatus": {"code": 100}}',
        b'{"operationCode": "OP-001"}',
        b'{"directDebit": {"id": 32}, "responseStatus": {"code": 100}}',
        b'{"merchantTransactionId": "OURS", "operationStatus": NaN}',
        b"[" * 100_000,
    ],
)
def test_what_is_none_of_the_three_can_not_be_read(body: bytes) -> None:
    with pytest.raises(CallbackUnreadable):
        read(body, {}, credentials())


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
_NAMES = st.sampled_from(
    (
        *("code", "operationCode", "status", "amount", "Code", "OperationCode"),
        *("merchantTransactionId", "ekwanzaTransactionId", "operationStatus", "operationData"),
        *("responseStatus", "id", "options"),
    )
)


@settings(deadline=None)
@given(st.dictionaries(_NAMES, _JSON | st.just(said(100, "Success")), max_size=8), st.text(max_size=80))
def test_no_unsigned_body_is_believed_and_none_breaks_the_reader(body: dict[str, Any], signature: str) -> None:
    try:
        notice = read(json.dumps(body).encode(), {"x-signature": signature}, credentials())
    except (CallbackForged, CallbackUnreadable):
        return
    assert notice.must_be_confirmed
