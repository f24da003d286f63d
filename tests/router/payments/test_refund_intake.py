"""The door for news of refunds: what is signed is taken, once; everything else changes nothing."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from contracts.payment_api import REFUND_EVENTS_PATH, RefundEvent, RefundStatus
from kit.db import Database, Scope
from kit.web import make_app
from kit.webhooks import EventSigner
from router.databases import Databases
from router.payments import refund_record, refunds, service
from router.payments.models import provider_transactions
from tests.support.databases import seeing_all
from tests.support.homes import Nowhere
from tests.support.till import VENDOR, Till

SIGNER = EventSigner("the-adapter-signs-its-events-with-this")
DONE = RefundStatus.DONE


@pytest.fixture
def refunding(till: Till) -> Till:
    """`refund-1` waits for its end."""
    till.apply(till.paid(till.start(till.thing()), receipt="UF1E26WQJZ"))
    with seeing_all(till.db) as tx:
        money = tx.execute(select(provider_transactions.c.id)).scalar_one()
    with till.ops.write() as tx:
        now = till.clock.now()
        wanted = {"refund_id": "refund-1", "transaction_id": money, "note": "n", "by": "key-1"}
        refunds.ask(tx, VENDOR, amount_minor=None, now=now, **wanted)
    return till


def serve(till: Till, databases: Databases | None = None) -> FlaskClient:
    app = make_app("router")
    app.register_blueprint(service.refund_events(databases or till.databases, SIGNER, till.registry, till.clock))
    return app.test_client()


def event(till: Till, **changes: str) -> RefundEvent:
    return RefundEvent(
        event_id="refund:refund-1:done",
        refund_id="refund-1",
        vendor_id=VENDOR,
        status=DONE,
        provider_refund_id="UF1E26WQK0",
        occurred_at=till.clock.now(),
    ).model_copy(update=changes)


def send(client: FlaskClient, till: Till, told: RefundEvent, *, signer: EventSigner = SIGNER) -> TestResponse:
    body = told.model_dump_json().encode()
    return client.post(REFUND_EVENTS_PATH, data=body, headers=signer.headers(told.event_id, till.clock.now(), body))


def stands(till: Till) -> RefundStatus:
    with till.ops.read() as tx:
        found = refund_record.read(tx, VENDOR, "refund-1")
    assert found is not None
    return found.status


def test_the_end_of_a_refund_is_taken_once(refunding: Till) -> None:
    client = serve(refunding)
    first, again = (send(client, refunding, event(refunding)) for _ in range(2))
    assert (first.status_code, first.get_json()) == (200, {"status": "processed", "note": "done"})
    assert (again.status_code, again.get_json()["note"]) == (200, "it is done already")
    assert stands(refunding) is DONE
    assert refunding.news().count("payment.refunded") == 1


def test_news_that_nobody_signed_changes_nothing(refunding: Till) -> None:
    client, told = serve(refunding), event(refunding)
    assert send(client, refunding, told, signer=EventSigner("somebody-else-who-wants-money-back")).status_code == 401
    assert client.post(REFUND_EVENTS_PATH, json=told.model_dump(mode="json")).status_code == 401
    assert stands(refunding) is RefundStatus.PENDING


def test_two_names_for_one_event_and_nonsense_are_refused(refunding: Till) -> None:
    client = serve(refunding)
    body = event(refunding).model_dump_json().encode()
    headers = SIGNER.headers("another", refunding.clock.now(), body)
    assert client.post(REFUND_EVENTS_PATH, data=body, headers=headers).status_code == 422
    nonsense = SIGNER.headers("e", refunding.clock.now(), b"{}")
    assert client.post(REFUND_EVENTS_PATH, data=b"{}", headers=nonsense).status_code == 422


@pytest.mark.parametrize("changes", [{"refund_id": "refund-of-nobody"}, {"vendor_id": "vendor-other"}])
def test_a_refund_that_the_vendor_has_not_is_said_to_be_unknown(refunding: Till, changes: dict[str, str]) -> None:
    answer = send(serve(refunding), refunding, event(refunding, **changes))
    assert (answer.status_code, answer.get_json()["status"]) == (200, "failed")
    assert stands(refunding) is RefundStatus.PENDING


def test_a_vendor_that_nobody_knows_is_no_reason_to_send_for_ever(refunding: Till) -> None:
    nowhere = Databases(refunding.platform, refunding.db, Nowhere())
    assert send(serve(refunding, nowhere), refunding, event(refunding)).status_code == 200


def test_what_can_not_be_stored_is_sent_again(refunding: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    client, told = serve(refunding), event(refunding)

    def down(_self: Database, _scope: Scope | None = None) -> None:
        raise OperationalError("UPDATE", {}, Exception("down"))

    with monkeypatch.context() as patch:
        patch.setattr(Database, "write", down)
        assert send(client, refunding, told).status_code == 503
    assert send(client, refunding, told).status_code == 200
    assert stands(refunding) is DONE
