"""STK callbacks as they were seen on the wire, and as they were not: tolerant of types, strict about meaning."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.states import PaymentEventStatus
from payment_adapter.providers.base import CallbackUnreadable, Report
from payment_adapter.providers.daraja.callback import read
from tests.support.payments import PAYER, stk

PAID, FAILED, UNKNOWN = PaymentEventStatus.PAID, PaymentEventStatus.FAILED, PaymentEventStatus.UNKNOWN


def parse(body: Any) -> Report:
    return read(json.dumps(body).encode())


def paid_items(amount: Any, receipt: str, date: Any) -> list[tuple[Any, ...]]:
    return [
        ("Amount", amount),
        ("MpesaReceiptNumber", receipt),
        ("TransactionDate", date),
        ("PhoneNumber", int(PAYER)),
    ]


# Published payloads: production traffic of June 2026, the portal's sample, safaricom/mpesa-php-sdk#5 (2017).
SUCCESSES = [
    (
        [*paid_items(450, "UF1E26WQJZ", 20260601193604), ("Balance",)],
        (45_000, "UF1E26WQJZ", datetime(2026, 6, 1, 16, 36, 4, tzinfo=UTC)),
    ),
    (paid_items(1.0, "NLJ7RT61SV", 20191219102115), (100, "NLJ7RT61SV", datetime(2019, 12, 19, 7, 21, 15, tzinfo=UTC))),
    (
        [*paid_items(1, "LGR7OWQX0R", 20170727154800), ("Balance",)],
        (100, "LGR7OWQX0R", datetime(2017, 7, 27, 12, 48, tzinfo=UTC)),
    ),
]


@pytest.mark.parametrize(("items", "expected"), SUCCESSES)
def test_a_success_says_amount_receipt_time_and_payer(items: Any, expected: tuple[Any, ...]) -> None:
    report = parse(stk(0, items=items))
    assert report.status is PAID
    assert (report.amount_minor, report.receipt, report.occurred_at) == expected
    assert (report.payer_msisdn, report.transaction_id, report.request_id) == (PAYER, "ws_CO_1", "merchant-1")


@pytest.mark.parametrize(
    ("code", "text", "status", "reason"),
    [
        (1032, "Request cancelled by user", FAILED, "cancelled_by_customer"),
        (1032, "Request Cancelled by user.", FAILED, "cancelled_by_customer"),
        (1032, "[STK_CB - ]Request cancelled by user", FAILED, "cancelled_by_customer"),
        (1037, "DS timeout user cannot be reached.", FAILED, "unreachable"),
        (1037, "No response from user.", FAILED, "unreachable"),
        (1, "The balance is insufficient for the transaction.", FAILED, "insufficient_funds"),
        (2001, "The initiator information is invalid.", FAILED, "wrong_pin"),
        (1019, "Transaction has expired", PaymentEventStatus.EXPIRED, "prompt_expired"),
        ("1032", "as a string", FAILED, "cancelled_by_customer"),
        ("SFC_IC0003", "a code that is no number", FAILED, "shop_setup"),
        (424242, "a code that nobody knows", FAILED, "provider_error"),
    ],
)
def test_a_failure_says_why_and_offers_another_try(
    code: Any, text: str, status: PaymentEventStatus, reason: str
) -> None:
    report = parse(stk(code, text=text))
    assert report.failure is not None
    assert (report.status, report.failure.reason, report.failure.detail) == (status, reason, text)
    assert report.failure.may_retry == (code != "SFC_IC0003")
    assert (report.amount_minor, report.receipt) == (None, None)


def test_a_success_without_metadata_is_asked_about_and_never_guessed() -> None:
    report = parse(stk(0))
    assert (report.status, report.amount_minor, report.receipt) == (UNKNOWN, None, None)


@pytest.mark.parametrize("amount", [450, 450.0, "450", "450.00", " 450 ", "4.5e2"])
def test_an_amount_is_read_exactly_whatever_its_type(amount: Any) -> None:
    assert parse(stk("0", items=[("Amount", amount)])).amount_minor == 45_000


@pytest.mark.parametrize(
    "amount", [0, -1, "", "abc", True, None, [], {}, "NaN", "Infinity", 0.001, "1e999999", "9" * 30, "450,00"]
)
def test_a_success_with_an_amount_that_is_none_is_unknown(amount: Any) -> None:
    report = parse(stk(0, items=[("Amount", amount), ("MpesaReceiptNumber", "UF1E26WQJZ")]))
    assert (report.status, report.amount_minor) == (UNKNOWN, None)


def test_values_may_be_strings_and_balance_anything() -> None:
    items = [
        ("Balance", "{Amount={BasicAmount=12.00}}"),
        ("Amount", "1.00"),
        ("MpesaReceiptNumber", "NLJ7RT61SV"),
        ("TransactionDate", "20191122063845"),
        ("PhoneNumber", PAYER),
    ]
    report = parse(stk("0", items=items))
    assert (report.status, report.amount_minor, report.payer_msisdn) == (PAID, 100, PAYER)
    assert report.occurred_at == datetime(2019, 11, 22, 3, 38, 45, tzinfo=UTC)


@pytest.mark.parametrize("date", ["2026", 20261399999999, "not a date", None, "２０２６０６０１１９３６０４"])
def test_a_date_that_is_none_is_left_out_and_the_money_still_counts(date: Any) -> None:
    report = parse(stk(0, items=[("Amount", 1), ("TransactionDate", date)]))
    assert (report.status, report.occurred_at) == (PAID, None)


@pytest.mark.parametrize("receipt", ["", "<script>", "x" * 100, "uf1e26wqjz", 5])
def test_a_receipt_that_is_none_is_left_out_and_the_money_still_counts(receipt: Any) -> None:
    report = parse(stk(0, items=[("Amount", 1), ("MpesaReceiptNumber", receipt)]))
    assert (report.status, report.receipt) == (PAID, None)


def test_a_pending_code_in_a_callback_settles_nothing() -> None:
    assert parse(stk("4999")).status is PaymentEventStatus.PENDING


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b"{}",
        b'{"Body": null}',
        b'{"Body": {"stkCallback": []}}',
        b'{"Body": {"stkCallback": {"ResultCode": 0}}}',
        b'{"Body": {"stkCallback": {"CheckoutRequestID": "ws_CO_1"}}}',
        b'{"Body": {"stkCallback": {"CheckoutRequestID": "ws_CO_1", "ResultCode": null}}}',
        b'{"Body": {"stkCallback": {"CheckoutRequestID": "ws_CO_1", "ResultCode": true}}}',
        b'{"Body": {"stkCallback": {"CheckoutRequestID": "ws_CO_1", "ResultCode": NaN}}}',
        b"[" * 60_000,
        b'{"a": ' + b"9" * 10_000 + b"}",
        b"\xff\xfe",
    ],
)
def test_a_body_that_is_no_callback_is_refused(body: bytes) -> None:
    with pytest.raises(CallbackUnreadable):
        read(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@given(code=JSON, metadata=JSON, amount=JSON)
def test_no_content_of_a_callback_raises_anything_else_or_pays_without_a_positive_amount(
    code: Any, metadata: Any, amount: Any
) -> None:
    body = stk(code, items=[("Amount", amount)])
    for candidate in (body, {"Body": {"stkCallback": {**body["Body"]["stkCallback"], "CallbackMetadata": metadata}}}):
        try:
            report = parse(candidate)
        except CallbackUnreadable:
            continue
        if report.status is PAID:
            assert str(code).strip() == "0"
            assert report.amount_minor is not None
            assert report.amount_minor > 0
