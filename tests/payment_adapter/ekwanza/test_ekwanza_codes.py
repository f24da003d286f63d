"""AppyPay's response codes, one by one, and what the shop makes of a code that nobody has written down."""

import pytest

from contracts.states import FailureReason, PaymentEventStatus, Rail
from payment_adapter.providers.ekwanza.codes import (
    MAX_DETAIL,
    failure_by_status,
    failure_of,
    is_listed,
    operation_status,
    status_of,
    ticket_status,
)

OTHER_CARD = dict.fromkeys(("201", "212", "214", "220", "221", "222", "223", "228", "229"), ("account_problem", True))
LIMIT = dict.fromkeys(("213", "215", "216", "224"), ("limit_reached", True))
THEIR_ERROR = ("200", "227", "301", "302", "303", "304", "305", "307", "308", "402", "403", "406", "407", "408", "409")
THEIR_ERROR_TOO = ("410", "500", "501", "502", "503", "504", "505", "507", "508", "900", "901", "-1")
SETUP = dict.fromkeys(("208", "217", "230", "404", "412", "440", "801", "802", "803"), ("shop_setup", False))
MEANINGS: dict[str, tuple[str, bool]] = {
    **OTHER_CARD,
    **LIMIT,
    **dict.fromkeys(THEIR_ERROR + THEIR_ERROR_TOO, ("provider_error", True)),
    **SETUP,
    **dict.fromkeys(("206", "306", "411"), ("busy", True)),
    **dict.fromkeys(("209", "225"), ("insufficient_funds", True)),
    **dict.fromkeys(("210", "211"), ("prompt_expired", True)),
    "231": ("cancelled_by_customer", True),
    "245": ("reference_expired", True),
    "405": ("provider_error", False),
    **dict.fromkeys(("717", "719", "720", "762", "800"), ("not_sent", False)),
    **dict.fromkeys(("718", "759"), ("amount_refused", False)),
    "763": ("not_sent", True),
}


@pytest.mark.parametrize(("code", "meaning"), MEANINGS.items())
def test_a_code_says_why_and_whether_to_try_again(code: str, meaning: tuple[str, bool]) -> None:
    failure = failure_of(code, "text")
    assert (failure.reason, failure.may_retry, failure.code) == (*meaning, code)
    expected = PaymentEventStatus.EXPIRED if code in ("210", "211", "245") else PaymentEventStatus.FAILED
    assert status_of(code) is expected


def test_every_listed_code_stands_in_the_table_above() -> None:
    assert {code for code in map(str, range(-10, 1000)) if is_listed(code)} == set(MEANINGS)


@pytest.mark.parametrize("code", ["9876", "ISSUER_907", "232"])
def test_an_unlisted_code_fails_with_its_code_and_text_kept(code: str) -> None:
    failure = failure_of(code, "x" * 1000)
    assert (failure.reason, failure.may_retry) == (FailureReason.PROVIDER_ERROR, True)
    assert (failure.code, failure.detail) == (code, "x" * MAX_DETAIL)


def test_only_what_the_customer_or_the_bank_answered_ends_the_prompt() -> None:
    ending = {code for code in MEANINGS if failure_of(code, "").ends_prompt}
    assert ending == {*OTHER_CARD, *LIMIT, "209", "210", "211", "225", "231", "245"}


@pytest.mark.parametrize(
    ("raw", "ticket", "operation"),
    [
        ("0", "pending", "pending"),
        ("1", "paid", "paid"),
        ("2", "expired", "unknown"),
        ("3", "failed", "expired"),
        ("4", "failed", "failed"),
        ("5", "failed", "failed"),
        ("Processado", "paid", "paid"),
        ("SUCCESS", "paid", "paid"),
        ("processed", "paid", "paid"),
        ("expired", "expired", "expired"),
        ("Cancelado", "failed", "failed"),
        ("erro", "failed", "failed"),
        ("6", "unknown", "unknown"),
        ("", "unknown", "unknown"),
    ],
)
def test_a_tickets_list_of_numbers_is_not_a_callbacks_list(raw: str, ticket: str, operation: str) -> None:
    assert (ticket_status(raw), operation_status(raw)) == (ticket, operation)


@pytest.mark.parametrize(
    ("status", "raw", "rail", "reason"),
    [
        (PaymentEventStatus.PAID, "1", Rail.GPO, None),
        (PaymentEventStatus.PENDING, "0", Rail.TICKET, None),
        (PaymentEventStatus.EXPIRED, "3", Rail.GPO, "prompt_expired"),
        (PaymentEventStatus.EXPIRED, "3", Rail.EMIS_REF, "reference_expired"),
        (PaymentEventStatus.EXPIRED, "2", Rail.TICKET, "reference_expired"),
        (PaymentEventStatus.FAILED, "3", Rail.TICKET, "cancelled_by_customer"),
        (PaymentEventStatus.FAILED, "4", Rail.GPO, "provider_error"),
        (PaymentEventStatus.UNKNOWN, "7", None, "provider_error"),
    ],
)
def test_a_status_without_a_code_keeps_what_was_said(
    status: PaymentEventStatus, raw: str, rail: Rail | None, reason: str | None
) -> None:
    failure = failure_by_status(status, raw, rail)
    assert (None if failure is None else failure.reason) == reason
    assert failure is None or failure.code == raw
