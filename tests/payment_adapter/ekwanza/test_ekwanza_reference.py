"""An EMIS reference: asked for like a charge, accepted with what the customer types at a machine."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from contracts.payment_api import PaymentInstructions
from contracts.states import Rail
from kit.clock import FixedClock
from payment_adapter.providers.base import Accepted, Unclear
from payment_adapter.providers.ekwanza.client import Ekwanza
from tests.support.ekwanza import CHARGES, ID, REF_METHOD, charged, payment, requests_to, said

REFERENCE = {"referenceNumber": "123456789", "dueDate": "2026-11-25T15:00:00", "entity": "00123"}


def test_a_reference_is_asked_for_without_a_telephone_number(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock
) -> None:
    body = {"id": ID, "responseStatus": said(101, "Requested"), "reference": REFERENCE}
    charged(httpserver, ekwanza, clock, body, rail=Rail.EMIS_REF)

    (charge,) = requests_to(httpserver, CHARGES)
    asked = charge.get_json()
    assert asked["paymentMethod"] == f"REF_{REF_METHOD}"
    assert "paymentInfo" not in asked


@pytest.mark.parametrize("place", ["top", "inside"])
def test_a_reference_is_found_in_both_places_that_the_documentation_shows(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock, place: str
) -> None:
    status = said(101, "Requested", successful=True)
    body: dict[str, Any] = {"id": ID, "responseStatus": status}
    (body if place == "top" else status)["reference"] = REFERENCE

    outcome = charged(httpserver, ekwanza, clock, body, rail=Rail.EMIS_REF)

    # Without a zone the due date is taken for Luanda's.
    due = datetime(2026, 11, 25, 14, 0, tzinfo=UTC)
    assert outcome == Accepted(
        ID, None, PaymentInstructions(entity="00123", reference="123456789", qr_png=None, expires_at=due)
    )


def test_a_reference_without_a_due_date_lives_for_72_hours(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock
) -> None:
    body = {"id": ID, "responseStatus": said(101, "Pending"), "reference": {"referenceNumber": 123456789}}
    outcome = charged(httpserver, ekwanza, clock, body, rail=Rail.EMIS_REF)

    assert isinstance(outcome, Accepted)
    assert outcome.instructions is not None
    assert outcome.instructions.reference == "123456789"
    assert outcome.instructions.expires_at == clock.now() + timedelta(hours=72)


def test_the_success_of_a_reference_that_is_being_made_is_no_payment(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock
) -> None:
    body = {"id": ID, "responseStatus": said(100, "Success", successful=True), "reference": REFERENCE}
    assert isinstance(charged(httpserver, ekwanza, clock, body, rail=Rail.EMIS_REF), Accepted)


def test_a_reference_that_the_answer_does_not_name_is_asked_for_once(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock
) -> None:
    named = payment("Requested", reference=REFERENCE)
    httpserver.expect_request(f"{CHARGES}/{ID}", method="GET").respond_with_json({"payment": named})

    outcome = charged(
        httpserver, ekwanza, clock, {"id": ID, "responseStatus": said(101, "Requested")}, rail=Rail.EMIS_REF
    )

    assert isinstance(outcome, Accepted)
    assert outcome.instructions is not None
    assert outcome.instructions.reference == "123456789"


def test_a_reference_that_nobody_can_name_is_in_doubt(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock
) -> None:
    httpserver.expect_request(f"{CHARGES}/{ID}").respond_with_json({"payment": payment("Requested")})
    body = {"id": ID, "responseStatus": said(101, "Requested")}
    assert isinstance(charged(httpserver, ekwanza, clock, body, rail=Rail.EMIS_REF), Unclear)
