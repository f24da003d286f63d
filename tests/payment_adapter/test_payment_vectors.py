"""What Daraja was seen to send, or is documented to, row by row of one table: a payload, and what becomes of it.

Rows 31 to 38 are e-Kwanza's and stand with its provider. A row that is not here has no source of its own."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from contracts.money import Currency, Money
from contracts.states import Rail
from kit.clock import FixedClock
from payment_adapter.providers.base import Accepted, ChargeRef, NoAnswer, Outcome, Refused, Report, Unclear
from payment_adapter.providers.daraja.client import PUSH_PATH, QUERY_PATH, Daraja
from tests.support.daraja import ACCEPTED, credentials, error, give_tokens, order_of, pushes
from tests.support.payments import Desk, stk

PAYER = 254708374149
CHARGE = ChargeRef(Rail.MPESA_STK, Money.of_whole(450, Currency.KES), "OURSOURSOURS234", "ws_CO_1", None)


@dataclass(frozen=True, slots=True)
class Told:
    """What a row comes to, in the words of the table."""

    outcome: str
    amount_minor: int | None = None
    at: datetime | None = None
    may_retry: bool | None = None
    receipt: str | None = None


def paid(amount: Any, receipt: str, date: Any, *, balance: Any = None) -> dict[str, Any]:
    """`balance`: `()` for an item without a value, None for no such item."""
    items: list[Any] = [("Amount", amount), ("MpesaReceiptNumber", receipt)]
    items += [] if balance is None else [("Balance", *balance)]
    return stk(0, items=[*items, ("TransactionDate", date), ("PhoneNumber", PAYER)])


def retry(outcome: str) -> Told:
    return Told(outcome, may_retry=True)


CALLBACKS: list[tuple[int, str, dict[str, Any], Told]] = [
    (
        1,
        "paid, with a balance that has no value",
        paid(450, "UF1E26WQJZ", 20260601193604, balance=()),
        Told("PAID", 45_000, datetime(2026, 6, 1, 16, 36, 4, tzinfo=UTC), False, "UF1E26WQJZ"),
    ),
    (
        2,
        "paid, amount with a fraction, no balance",
        paid(1.0, "NLJ7RT61SV", 20191219102115),
        Told("PAID", 100, datetime(2019, 12, 19, 7, 21, 15, tzinfo=UTC), False, "NLJ7RT61SV"),
    ),
    (
        4,
        "paid, an old receipt",
        paid(1, "LGR7OWQX0R", 20170727154800, balance=()),
        Told("PAID", 100, datetime(2017, 7, 27, 12, 48, tzinfo=UTC), False, "LGR7OWQX0R"),
    ),
    (6, "paid without its metadata", stk(0), Told("UNKNOWN", may_retry=False)),
    (7, "cancelled", stk(1032, text="Request cancelled by user"), retry("FAILED cancelled_by_customer")),
    (8, "cancelled, other words", stk(1032, text="Request Cancelled by user."), retry("FAILED cancelled_by_customer")),
    (10, "unreachable", stk(1037, text="DS timeout user cannot be reached."), retry("FAILED unreachable")),
    (11, "unreachable, other words", stk(1037, text="No response from user."), retry("FAILED unreachable")),
    (
        12,
        "too little money",
        stk(1, text="The balance is insufficient for the transaction."),
        retry("FAILED insufficient_funds"),
    ),
    (13, "wrong PIN", stk(2001, text="The initiator information is invalid."), retry("FAILED wrong_pin")),
    (15, "expired", stk(1019, text="Transaction has expired"), retry("EXPIRED prompt_expired")),
]


def told(desk: Desk) -> Told:
    """What the router was told last, in the words of the table."""
    event = desk.events()[-1]
    outcome = " ".join([event.status.upper(), *([event.reason] if event.reason else [])])
    is_paid = event.status == "paid"
    return Told(outcome, event.amount_minor, event.occurred_at if is_paid else None, event.may_retry, event.receipt)


@pytest.mark.parametrize(("row", "payload", "expected"), [(r, p, t) for r, _, p, t in CALLBACKS])
def test_a_callback_comes_to_what_its_row_says(desk: Desk, row: int, payload: dict[str, Any], expected: Told) -> None:
    desk.call_back(desk.push(amount_minor=expected.amount_minor or 45_000), payload)
    assert told(desk) == expected


def test_row_18_the_same_callback_twice_is_one_payment(desk: Desk) -> None:
    secret = desk.push()
    for _ in range(2):
        assert desk.call_back(secret, CALLBACKS[0][2]).status_code == 200
    assert desk.told() == ["pending", "paid"]


def test_row_19_a_success_after_a_failure_that_a_query_reported_wins(desk: Desk) -> None:
    secret = desk.push(amount_minor=100)
    desk.change_charge(status="failed", reason="unreachable", decided_by="query", next_poll_at=None)
    desk.call_back(secret, CALLBACKS[1][2])
    assert told(desk) == CALLBACKS[1][3]


# --- answers to our own requests ------------------------------------------------------------------------------------


def push(daraja: Daraja, clock: FixedClock) -> Outcome:
    return daraja.create_charge(order_of(clock), credentials())


def in_words(found: Outcome | Report | NoAnswer) -> str:
    match found:
        case Accepted():
            return "ACCEPTED"
        case Refused(failure):
            wait = "" if failure.retry_after_s is None else f", after {failure.retry_after_s} s"
            return f"REJECT {failure.reason}, {'retry' if failure.may_retry else 'no retry'}{wait}"
        case Report(status, failure):
            return status.upper() if failure is None else f"{status.upper()} {failure.reason}"
        case Unclear():
            return "UNKNOWN"
        case _:
            return "NOTHING LEARNED"


PUSHES: list[tuple[int, int, dict[str, Any], str]] = [
    (21, 200, ACCEPTED, "ACCEPTED"),
    (22, 400, error("400.002.02", "Bad Request - Invalid CallBackURL"), "REJECT not_sent, no retry"),
    (
        25,
        500,
        error("500.003.02", "System is busy. Please try again in few minutes."),
        "REJECT busy, retry, after 120 s",
    ),
]


@pytest.mark.parametrize(("row", "status", "body", "expected"), PUSHES)
def test_the_answer_to_a_push_comes_to_what_its_row_says(
    httpserver: HTTPServer,
    daraja: Daraja,
    clock: FixedClock,
    row: int,
    status: int,
    body: dict[str, Any],
    expected: str,
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(PUSH_PATH).respond_with_json(body, status=status)
    assert in_words(push(daraja, clock)) == expected
    assert len(pushes(httpserver)) == 1


@pytest.mark.parametrize("body", [b"", b"<html><body>System is busy</body></html>"])
def test_row_25_without_a_body_that_can_be_read_nobody_knows_whether_it_was_sent(
    httpserver: HTTPServer, daraja: Daraja, clock: FixedClock, body: bytes
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(PUSH_PATH).respond_with_data(body, status=500)
    assert in_words(push(daraja, clock)) == "UNKNOWN"
    assert len(pushes(httpserver)) == 1


def test_row_23_a_dead_token_is_replaced_and_the_push_sent_once_more(
    httpserver: HTTPServer, daraja: Daraja, clock: FixedClock
) -> None:
    give_tokens(httpserver)
    dead = error("404.001.03", "Invalid Access Token")
    httpserver.expect_oneshot_request(PUSH_PATH).respond_with_json(dead, status=404)
    httpserver.expect_request(PUSH_PATH).respond_with_json(ACCEPTED)
    assert in_words(push(daraja, clock)) == "ACCEPTED"
    assert [request.headers["authorization"] for request in pushes(httpserver)] == ["Bearer token-1", "Bearer token-2"]


QUERIES: list[tuple[int, int, dict[str, Any], str]] = [
    (26, 500, error("500.001.1001", "The transaction is being processed"), "PENDING"),
    (
        28,
        200,
        {
            "ResponseCode": "0",
            "ResponseDescription": "The service request has been accepted successfully",
            "MerchantRequestID": "m",
            "CheckoutRequestID": "ws_CO_1",
            "ResultCode": "1037",
            "ResultDesc": "No response from user.",
        },
        "FAILED unreachable",
    ),
]


@pytest.mark.parametrize(("row", "status", "body", "expected"), QUERIES)
def test_the_answer_to_a_query_comes_to_what_its_row_says(
    httpserver: HTTPServer, daraja: Daraja, row: int, status: int, body: dict[str, Any], expected: str
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(QUERY_PATH).respond_with_json(body, status=status)
    assert in_words(daraja.look_up(CHARGE, credentials())) == expected


def test_every_row_of_daraja_is_here() -> None:
    alone = {18, 19, 23}
    in_tables = {row[0] for table in (CALLBACKS, PUSHES, QUERIES) for row in table}
    assert in_tables | alone == {1, 2, 4, 6, 7, 8, 10, 11, 12, 13, 15, 18, 19, 21, 22, 23, 25, 26, 28}
