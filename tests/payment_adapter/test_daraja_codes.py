"""Daraja's result codes, one by one, and what the shop makes of a code that nobody has written down."""

import pytest

from contracts.states import PaymentEventStatus
from payment_adapter.providers.daraja.codes import MAX_DETAIL, failed_status, failure_of


@pytest.mark.parametrize(
    ("code", "reason", "may_retry"),
    [
        ("1", "insufficient_funds", True),
        ("2", "amount_refused", False),
        ("3", "amount_refused", False),
        ("4", "limit_reached", True),
        ("8", "shop_setup", False),
        ("11", "account_problem", False),
        ("17", "busy", True),
        ("20", "provider_error", True),
        ("21", "shop_setup", False),
        ("25", "provider_error", False),
        ("26", "busy", True),
        ("1001", "busy", True),
        ("1019", "prompt_expired", True),
        ("1025", "not_sent", True),
        ("1032", "cancelled_by_customer", True),
        ("1036", "unreachable", True),
        ("1037", "unreachable", True),
        ("1050", "provider_error", False),
        ("1051", "provider_error", False),
        ("2001", "wrong_pin", True),
        ("2006", "account_problem", False),
        ("2028", "shop_setup", False),
        ("2040", "account_problem", False),
        ("8006", "account_problem", False),
        ("9999", "provider_error", True),
        ("R000001", "provider_error", False),
        ("R000002", "provider_error", False),
        ("SFC_IC0003", "shop_setup", False),
        ("E3008", "provider_error", False),
    ],
)
def test_a_result_code_says_why_and_whether_to_try_again(code: str, reason: str, may_retry: bool) -> None:
    failure = failure_of(code, "text")
    assert (failure.reason, failure.may_retry, failure.code) == (reason, may_retry, code)
    expected = PaymentEventStatus.EXPIRED if code == "1019" else PaymentEventStatus.FAILED
    assert failed_status(code) is expected


@pytest.mark.parametrize(("code", "wait_s"), [("17", 120), ("26", 30), ("1001", 180), ("1", None), ("1032", None)])
def test_a_code_says_how_long_the_next_try_should_wait(code: str, wait_s: int | None) -> None:
    assert failure_of(code, "text").retry_after_s == wait_s


def test_only_outcomes_of_the_phone_itself_end_the_prompt() -> None:
    ending = {code for code in map(str, range(10_000)) if failure_of(code, "").ends_prompt}
    assert ending == {"1", "1019", "1032", "1037", "2001"}


def test_an_unlisted_code_fails_with_its_code_and_text_kept() -> None:
    failure = failure_of("7777", "x" * 1000)
    assert (failure.reason, failure.code, failure.detail) == ("provider_error", "7777", "x" * MAX_DETAIL)
