"""The door for payment events: what is signed and readable is kept for good, everything else changes nothing."""

import json
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from contracts.ids import CustomerId
from contracts.payment_api import PaymentEvent
from contracts.states import FailureReason, OrderStatus
from kit.db import Database, Scope
from kit.web import make_app
from kit.webhooks import EventSigner
from router.databases import Databases
from router.payments import service
from router.targets import Unusable
from tests.support.homes import AllAt, Nowhere
from tests.support.till import PHONE, VENDOR, Till

SIGNER = EventSigner("the-adapter-signs-its-events-with-this")


def _serve(till: Till, databases: Databases | None = None) -> FlaskClient:
    app: Flask = make_app("router")
    app.register_blueprint(service.payment_events(databases or till.databases, SIGNER, till.registry, till.clock))
    return app.test_client()


def _send(client: FlaskClient, till: Till, event: PaymentEvent, signer: EventSigner = SIGNER) -> TestResponse:
    body = event.model_dump_json().encode()
    headers = signer.headers(event.event_id, till.clock.now(), body)
    return client.post("/v1/payment-events", data=body, headers=headers)


def test_an_event_is_applied_and_its_push_released(till: Till) -> None:
    thing = till.thing()
    intent = till.intent_id()
    with till.platform.write() as tx:
        service.reserve_push(tx, intent_id=intent, vendor_id=VENDOR, payer_msisdn=PHONE, now=till.clock.now())
    till.start(thing, intent_id=intent)
    response = _send(_serve(till), till, till.paid(intent))
    assert (response.status_code, response.get_json()) == (200, {"status": "processed", "note": "paid"})
    assert till.thing_status(thing) == OrderStatus.PAID
    with till.platform.write() as tx:
        next_intent = till.intent_id()
        service.reserve_push(tx, intent_id=next_intent, vendor_id=VENDOR, payer_msisdn=PHONE, now=till.clock.now())


def test_an_event_that_is_not_signed_by_the_adapter_changes_nothing(till: Till) -> None:
    thing = till.thing()
    event = till.paid(till.start(thing))
    client = _serve(till)
    assert _send(client, till, event, EventSigner("somebody-else-who-wants-to-be-paid")).status_code == 401
    assert client.post("/v1/payment-events", json=event.model_dump(mode="json")).status_code == 401
    assert till.thing_status(thing) == OrderStatus.CONFIRMED


def test_an_old_signature_is_refused(till: Till) -> None:
    event = till.paid(till.start(till.thing()))
    body = event.model_dump_json().encode()
    headers = SIGNER.headers(event.event_id, till.clock.now(), body)
    till.clock.advance(timedelta(minutes=6))
    assert _serve(till).post("/v1/payment-events", data=body, headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"not json", 400),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"event_id": "e", "status": "rich"}', 422),
        (b"\xff\xfe", 401),
    ],
)
def test_a_body_that_can_not_be_read_is_refused(till: Till, body: bytes, status: int) -> None:
    headers = SIGNER.headers("e", till.clock.now(), body if status != 401 else b"")
    response = _serve(till).post("/v1/payment-events", data=body, headers=headers)
    assert response.status_code == status
    assert response.mimetype == "application/problem+json"


@pytest.mark.parametrize("field", ["amount_minor", "currency", "status", "occurred_at", "rail"])
def test_a_field_of_the_wrong_kind_is_refused(till: Till, field: str) -> None:
    event = json.loads(till.paid(till.start(till.thing())).model_dump_json())
    event[field] = {"wrong": True}
    body = json.dumps(event).encode()
    headers = SIGNER.headers(event["event_id"], till.clock.now(), body)
    response = _serve(till).post("/v1/payment-events", data=body, headers=headers)
    assert response.status_code == 422
    assert response.get_json()["errors"][0]["field"] == field


def test_an_event_signed_under_another_id_is_refused(till: Till) -> None:
    event = till.paid(till.start(till.thing()))
    body = event.model_dump_json().encode()
    headers = SIGNER.headers("another-id", till.clock.now(), body)
    assert _serve(till).post("/v1/payment-events", data=body, headers=headers).status_code == 422


def test_an_event_of_no_intent_is_answered_so_that_the_adapter_stops(till: Till) -> None:
    response = _send(_serve(till), till, till.paid("intent-of-nobody"))
    assert (response.status_code, response.get_json()["status"]) == (200, "failed")
    assert till.exceptions() == ["unmatched"]


def test_an_event_of_a_vendor_nobody_knows_is_kept(till: Till) -> None:
    client = _serve(till, Databases(till.platform, till.db, Nowhere()))
    event = till.paid("intent-of-nobody", vendor_id="vendor-of-nobody")
    assert _send(client, till, event).status_code == 200
    assert till.inbox(event) == "failed"
    assert till.exceptions() == ["unmatched"]


def test_an_event_of_a_vendor_whose_database_is_away_is_asked_for_again(till: Till) -> None:
    client = _serve(till, Databases(till.platform, till.db, AllAt(Unusable("it says nothing"))))
    assert _send(client, till, till.paid(till.start(till.thing()))).status_code == 503


def test_a_database_that_fails_is_no_reason_to_forget_an_event(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    thing = till.thing()
    event = till.paid(till.start(thing))
    client = _serve(till)

    def gone(database: Database, scope: Scope | None = None) -> None:
        raise OperationalError("BEGIN", {}, OSError("the disk is gone"))

    with monkeypatch.context() as broken:
        broken.setattr(Database, "write", gone)
        assert _send(client, till, event).status_code == 503
    assert _send(client, till, event).get_json()["status"] == "processed"
    assert till.thing_status(thing) == OrderStatus.PAID


def test_a_platform_database_that_is_away_does_not_undo_a_payment(till: Till) -> None:
    thing = till.thing()
    event = till.paid(till.start(thing))
    away = Database("sqlite:////nonexistent-folder/platform.sqlite")
    client = _serve(till, Databases(away, till.db, AllAt()))
    assert _send(client, till, event).status_code == 200
    assert till.thing_status(thing) == OrderStatus.PAID


def test_a_push_that_was_never_sent_does_not_count_against_the_number(till: Till) -> None:
    client = _serve(till)
    for number in range(12):
        intent = till.intent_id()
        with till.platform.write() as tx:
            service.reserve_push(tx, intent_id=intent, vendor_id=VENDOR, payer_msisdn=PHONE, now=till.clock.now())
        customer = till.customer(CustomerId(f"customer-{number}"))
        till.start(till.thing(customer_id=customer), intent_id=intent)
        event = till.failed(intent, reason=FailureReason.NOT_SENT)
        assert _send(client, till, event).status_code == 200
