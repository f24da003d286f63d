"""Payloads of e-Kwanza and AppyPay as they were published, and what each comes to."""

import json
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from contracts.states import Rail
from kit.clock import FixedClock
from payment_adapter.providers.base import Accepted, CallbackForged, Settled
from payment_adapter.providers.ekwanza.client import Ekwanza
from tests.support.ekwanza import charged, credentials

# "Pagamento Integrado v2.7", the callback of GPO and references.
OPERATION: dict[str, Any] = {
    "merchantTransactionId": "EKZQA2502121115",
    "ekwanzaTransactionId": 123123,
    "operationStatus": 1,
    "operationData": {"amount": 150.0, "merchantIdentifier": "66700922", "referenceType": "GPO"},
}
# AppyPay Payment Gateway, "Merchant Webhooks", without the fields of other payment methods.
WEBHOOK: dict[str, Any] = {
    "id": "56985af8-7256-408c-8e71-99d63dd2074b",
    "merchantTransactionId": "030000000301201",
    "amount": 100,
    "options": {"SmartcardNumber": "Smart_card_Number", "MerchantOrigin": "Merchant_Origin"},
    "reference": {"referenceNumber": "123456789", "dueDate": "2022-01-01T15:00:00", "entity": "00123"},
    "responseStatus": {
        "successful": True,
        "status": "Success",
        "code": 100,
        "message": "Obrigado! O seu pagamento foi registado com Sucesso.",
        "source": "GPO",
        "sourceDetails": {"attempt": 1, "type": "NONE", "code": "NONE", "message": "OK"},
    },
}
TICKET = {"code": "CODE1", "operationCode": "OP-001", "status": "success", "amount": 0.0}
SIGNATURE = "22cf4295e332674b12d249de145df787adbbfc626871940b92c9043b96e649c8"


def declined(code: int = 231, message: str = "Payment not authorized by the customer") -> dict[str, Any]:
    """The `responseStatus` of "Get a charge", also of a charge's answer."""
    return {
        "successful": False,
        "status": "Failed",
        "code": code,
        "message": message,
        "source": "GPO",
        "sourceDetails": {"attempt": 1, "type": "EPMS_PROCESSOR", "code": "ISSUER_907", "message": "Refused."},
    }


def noticed(ekwanza: Ekwanza, body: dict[str, Any], signature: str | None = None) -> tuple[str, int | None, str | None]:
    """(status, amount, reason)"""
    headers = {} if signature is None else {"x-signature": signature}
    report = ekwanza.read_notice(json.dumps(body).encode(), headers, credentials()).report
    return report.status, report.amount_minor, None if report.failure is None else report.failure.reason


def test_row_31_a_payment_of_150_kwanzas_by_multicaixa_express(ekwanza: Ekwanza) -> None:
    assert noticed(ekwanza, OPERATION) == ("paid", 15_000, None)
    notice = ekwanza.read_notice(json.dumps(OPERATION).encode(), {}, credentials())
    assert (notice.event_id, notice.our_reference) == ("ekwanza:EKZQA2502121115:paid", "EKZQA2502121115")
    assert notice.must_be_confirmed


@pytest.mark.parametrize(
    ("number", "status", "reason"),
    [(3, "expired", "prompt_expired"), (4, "failed", "provider_error"), (5, "failed", "provider_error")],
)
def test_row_32_the_same_cancelled_or_expired_failed_and_in_error(
    ekwanza: Ekwanza, number: int, status: str, reason: str
) -> None:
    assert noticed(ekwanza, {**OPERATION, "operationStatus": number}) == (status, 15_000, reason)


def test_row_34_the_gateways_webhook_of_a_success(ekwanza: Ekwanza) -> None:
    assert noticed(ekwanza, WEBHOOK) == ("paid", 10_000, None)


def test_row_35_a_charge_that_the_customer_declined(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock
) -> None:
    body = {"id": "57af18f2-64b7-4464-a503-3baf741c9f0d", "responseStatus": declined()}
    outcome = charged(httpserver, ekwanza, clock, body)

    assert isinstance(outcome, Settled)
    assert outcome.report.failure is not None
    assert (outcome.report.failure.reason, outcome.report.failure.may_retry) == ("cancelled_by_customer", True)


@pytest.mark.parametrize(
    ("rail", "code", "status"),
    [(Rail.GPO, 319, "Pending"), (Rail.GPO, 101, "Pending"), (Rail.EMIS_REF, 101, "Requested")],
)
def test_row_37_what_is_under_way_is_accepted(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock, rail: Rail, code: int, status: str
) -> None:
    said = {**WEBHOOK["responseStatus"], "code": code, "status": status}
    body = {"id": WEBHOOK["id"], "responseStatus": said, "reference": WEBHOOK["reference"]}

    outcome = charged(httpserver, ekwanza, clock, body, rail=rail)

    assert isinstance(outcome, Accepted)
    assert (outcome.instructions is not None) == (rail is Rail.EMIS_REF)


def test_row_38_a_tickets_signature_right_in_capitals_wrong_and_missing(ekwanza: Ekwanza) -> None:
    paid = {**TICKET, "amount": 150.0}
    assert noticed(ekwanza, paid, SIGNATURE) == ("paid", 15_000, None)
    assert noticed(ekwanza, paid, SIGNATURE.upper()) == ("paid", 15_000, None)
    for signature in (SIGNATURE.replace("2", "3"), "", None):
        with pytest.raises(CallbackForged):
            noticed(ekwanza, paid, signature)
    assert noticed(ekwanza, TICKET, SIGNATURE)[0] == "unknown", "a success that names no amount is asked about"
