"""What became of a charge or a ticket, as the gateway and e-Kwanza tell it when they are asked."""

from collections.abc import Mapping
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from contracts.states import PaymentEventStatus, Rail
from payment_adapter.providers.base import ChargeRef, NoAnswer, Report
from payment_adapter.providers.ekwanza.client import Ekwanza
from tests.support.ekwanza import (
    CHARGES,
    ID,
    OURS,
    TICKETS,
    charge_of,
    credentials,
    give_tokens,
    payment,
    requests_to,
    said,
)


def found(
    httpserver: HTTPServer, ekwanza: Ekwanza, told: Mapping[str, Any], charge: ChargeRef | None = None
) -> Report | NoAnswer:
    give_tokens(httpserver)
    httpserver.expect_request(f"{CHARGES}/{ID}", method="GET").respond_with_json({"payment": told})
    return ekwanza.look_up(charge or charge_of(), credentials())


def report_of(answer: Report | NoAnswer) -> Report:
    assert isinstance(answer, Report), answer
    return answer


def test_a_charge_is_asked_about_by_the_gateways_id(httpserver: HTTPServer, ekwanza: Ekwanza) -> None:
    report = report_of(found(httpserver, ekwanza, payment("Success", 100)))

    assert (report.status, report.amount_minor) == (PaymentEventStatus.PAID, 15_000)
    assert (report.transaction_id, report.failure) == (ID, None)
    assert requests_to(httpserver, f"{CHARGES}/{ID}")[0].headers["authorization"] == "Bearer token-1"


@pytest.mark.parametrize("shape", ["payments", "payment"])
def test_a_charge_whose_answer_was_lost_is_found_by_our_own_reference(
    httpserver: HTTPServer, ekwanza: Ekwanza, shape: str
) -> None:
    give_tokens(httpserver)
    told = payment("Success")
    body = {"payments": [told], "totalCount": 1, "hasMorePages": False} if shape == "payments" else {"payment": told}
    query = {"merchantTransactionId": OURS}
    httpserver.expect_request(CHARGES, method="GET", query_string=query).respond_with_json(body)

    report = report_of(ekwanza.look_up(charge_of(transaction_id=None), credentials()))

    assert (report.status, report.transaction_id) == (PaymentEventStatus.PAID, ID)


def test_why_a_charge_failed_is_asked_by_its_id_since_the_list_has_no_codes(
    httpserver: HTTPServer, ekwanza: Ekwanza
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(CHARGES).respond_with_json({"payments": [payment("Failed")]})
    httpserver.expect_request(f"{CHARGES}/{ID}").respond_with_json({"payment": payment("Failed", 231)})

    report = report_of(ekwanza.look_up(charge_of(transaction_id=None), credentials()))

    assert report.failure is not None
    assert (report.status, report.failure.reason) == ("failed", "cancelled_by_customer")


def test_a_list_that_is_not_filtered_is_searched_for_our_reference(httpserver: HTTPServer, ekwanza: Ekwanza) -> None:
    give_tokens(httpserver)
    others = [payment("Failed", id=f"other-{number}", merchantTransactionId=f"OTHER{number}") for number in range(3)]
    httpserver.expect_request(CHARGES).respond_with_json({"payments": [*others, payment("Success")]})

    report = report_of(ekwanza.look_up(charge_of(transaction_id=None), credentials()))

    assert (report.status, report.transaction_id) == (PaymentEventStatus.PAID, ID)


@pytest.mark.parametrize("body", [{"payments": []}, {"payments": [payment("Success", merchantTransactionId="OTHER")]}])
def test_a_charge_that_is_not_listed_is_no_failure(
    httpserver: HTTPServer, ekwanza: Ekwanza, body: dict[str, Any]
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(CHARGES).respond_with_json(body)

    assert isinstance(ekwanza.look_up(charge_of(transaction_id=None), credentials()), NoAnswer)


@pytest.mark.parametrize(
    ("told", "status", "reason"),
    [
        (payment("Pending", 101), "pending", None),
        (payment("Requested"), "pending", None),
        (payment("Pending", 319), "pending", None),
        (payment("Failed", 209), "failed", "insufficient_funds"),
        (payment("Failed", 210), "expired", "prompt_expired"),
        (payment("Cancelled", 231), "failed", "cancelled_by_customer"),
        (payment("Failed"), "failed", "provider_error"),
        (payment("Expired"), "expired", "prompt_expired"),
        (payment("Refunded"), "unknown", "provider_error"),
        (payment("Success", 231), "unknown", "cancelled_by_customer"),
        (payment(None, 100), "paid", None),
        (payment(None), "unknown", None),
    ],
)
def test_a_payment_says_how_it_stands(
    httpserver: HTTPServer, ekwanza: Ekwanza, told: dict[str, Any], status: str, reason: str | None
) -> None:
    report = report_of(found(httpserver, ekwanza, told))

    assert report.status == status
    assert (None if report.failure is None else report.failure.reason) == reason


def test_a_reference_that_nobody_paid_in_its_time_is_said_to_have_expired(
    httpserver: HTTPServer, ekwanza: Ekwanza
) -> None:
    told = payment("Expired", 245)
    report = report_of(found(httpserver, ekwanza, told, charge_of(Rail.EMIS_REF)))

    assert report.failure is not None
    assert (report.status, report.failure.reason) == ("expired", "reference_expired")


def test_the_last_event_of_the_charge_says_why_and_a_refund_is_none_of_them(
    httpserver: HTTPServer, ekwanza: Ekwanza
) -> None:
    def event(kind: str, second: int, code: int, status: str) -> dict[str, Any]:
        created = f"2026-11-20T11:47:{second}.0"
        return {"type": kind, "createdDate": created, "responseStatus": said(code, status)}

    events = [
        event("Refund", 40, 221, "Failed"),
        event("Charge", 20, 231, "Failed"),
        event("Charge", 10, 306, "Failed"),
    ]
    report = report_of(found(httpserver, ekwanza, payment("Failed", transactionEvents=events)))

    assert report.failure is not None
    assert report.failure.code == "231"


@pytest.mark.parametrize(
    "changes", [{"id": "another"}, {"merchantTransactionId": "ANOTHER"}, {"currency": "USD"}, {"currency": "KES"}]
)
def test_an_answer_about_something_else_is_no_answer(
    httpserver: HTTPServer, ekwanza: Ekwanza, changes: dict[str, Any]
) -> None:
    assert isinstance(found(httpserver, ekwanza, payment("Success", 100, **changes)), NoAnswer)


@pytest.mark.parametrize(
    ("amount", "status", "minor"),
    [(150.5, "paid", 15_050), ("150.25", "paid", 15_025), (150.001, "unknown", None), (-1, "unknown", None)],
)
def test_an_amount_that_can_not_be_read_exactly_is_not_taken_for_what_was_asked(
    httpserver: HTTPServer, ekwanza: Ekwanza, amount: object, status: str, minor: int | None
) -> None:
    report = report_of(found(httpserver, ekwanza, payment("Success", 100, amount=amount)))
    assert (report.status, report.amount_minor) == (status, minor)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b'{"responseStatus": {"code": 720, "status": "Failed"}}'),
        (500, b""),
        (200, b""),
        (200, b"<html>"),
        (200, b"{}"),
        (429, b""),
        (403, b"{}"),
    ],
)
def test_a_look_up_that_fails_teaches_nothing(
    httpserver: HTTPServer, ekwanza: Ekwanza, status: int, body: bytes
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(f"{CHARGES}/{ID}").respond_with_data(body, status=status)

    assert isinstance(ekwanza.look_up(charge_of(), credentials()), NoAnswer)


def test_only_a_ticket_whose_code_was_lost_can_not_be_looked_up(ekwanza: Ekwanza) -> None:
    assert ekwanza.can_look_up(charge_of(Rail.GPO, None))
    assert ekwanza.can_look_up(charge_of(Rail.EMIS_REF, None))
    assert ekwanza.can_look_up(charge_of(Rail.TICKET, "CODE1"))
    assert not ekwanza.can_look_up(charge_of(Rail.TICKET, None))
    assert isinstance(ekwanza.look_up(charge_of(Rail.TICKET, None), credentials()), NoAnswer)


@pytest.mark.parametrize(
    ("raw", "status", "reason"),
    [
        (0, "pending", None),
        ("0", "pending", None),
        (1, "paid", None),
        ("1", "paid", None),
        (2, "expired", "reference_expired"),
        (3, "failed", "cancelled_by_customer"),
        (17, "unknown", "provider_error"),
    ],
)
def test_a_ticket_says_how_it_stands(
    httpserver: HTTPServer, ekwanza: Ekwanza, raw: object, status: str, reason: str | None
) -> None:
    body = {"Amount": "150.00", "Code": "CODE1", "CreationDate": "/Date(1760873332995)/", "Status": raw}
    httpserver.expect_request(f"{TICKETS}/CODE1", method="GET").respond_with_json(body)

    report = report_of(ekwanza.look_up(charge_of(Rail.TICKET, "CODE1"), credentials()))

    assert (report.status, report.amount_minor, report.transaction_id) == (status, 15_000, "CODE1")
    assert (None if report.failure is None else report.failure.reason) == reason
    assert report.receipt == ("CODE1" if status == "paid" else None)


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, b""), (200, b'{"Code": "ANOTHER", "Status": 1}'), (200, b'{"Code": "CODE1"}'), (200, b""), (500, b"<html>")],
)
def test_a_ticket_that_is_not_told_of_is_no_failure(
    httpserver: HTTPServer, ekwanza: Ekwanza, status: int, body: bytes
) -> None:
    httpserver.expect_request(f"{TICKETS}/CODE1").respond_with_data(body, status=status)

    assert isinstance(ekwanza.look_up(charge_of(Rail.TICKET, "CODE1"), credentials()), NoAnswer)


def test_a_look_up_with_settings_that_can_not_be_used_says_which(ekwanza: Ekwanza) -> None:
    answer = ekwanza.look_up(charge_of(), credentials(client_id=""))
    assert isinstance(answer, NoAnswer)
    assert "client_id" in answer.detail


@pytest.mark.parametrize(("status", "is_refused"), [(401, True), (500, False), (404, False)])
def test_keys_that_the_gateway_does_not_take_are_told_from_a_bad_day(
    httpserver: HTTPServer, ekwanza: Ekwanza, status: int, is_refused: bool
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(f"{CHARGES}/{ID}", method="GET").respond_with_json({}, status=status)
    answer = ekwanza.look_up(charge_of(), credentials())
    assert isinstance(answer, NoAnswer)
    assert answer.is_refused is is_refused


@pytest.mark.parametrize(("status", "is_refused"), [(404, True), (500, False)])
def test_a_ticket_that_is_not_found_may_be_under_a_token_of_before(
    httpserver: HTTPServer, ekwanza: Ekwanza, status: int, is_refused: bool
) -> None:
    httpserver.expect_request(f"{TICKETS}/CODE1", method="GET").respond_with_json({}, status=status)
    answer = ekwanza.look_up(charge_of(Rail.TICKET, "CODE1"), credentials())
    assert isinstance(answer, NoAnswer)
    assert answer.is_refused is is_refused
