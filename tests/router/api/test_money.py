"""A shop's own software decides about money that was set aside, and gives money back."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from contracts.payment_api import RefundStatus
from contracts.states import PaymentEventStatus
from kit.db import Tx
from router.operations import KeyScope
from router.payments.models import provider_transactions
from router.payments.refund_models import payment_refunds
from router.payments.refunds import record_outcome
from tests.support.counter import BARAKA, MAMA, Counter
from tests.support.vendor_api import VendorApi, vendor_api

MONEY, REFUNDS, EXCEPTIONS = "/api/v1/transactions", "/api/v1/refunds", "/api/v1/exceptions"
WHY = {"note": "Out of stock"}


@pytest.fixture
def with_milk(counter: Counter) -> Counter:
    counter.put("milk")
    return counter


def paid(counter: Counter, who: str = BARAKA, transaction: str = "ws_CO_1") -> str:
    """The id of an order that was paid."""
    order = counter.confirmed("milk", who=who)
    counter.hear(counter.started(who=who), PaymentEventStatus.PAID, transaction=transaction)
    return order.order_id


def late(counter: Counter, transaction: str = "ws_CO_late") -> None:
    counter.confirmed("milk")
    started = counter.started()
    counter.cancel()
    counter.hear(started, PaymentEventStatus.PAID, transaction=transaction)


def only(api: VendorApi, path: str, name: str) -> dict[str, object]:
    (found,) = api.get(path).body[name]
    return found


def said(counter: Counter, refund_id: str, status: RefundStatus) -> None:
    with counter.ops.write() as tx:
        record_outcome(tx, counter.payables, MAMA, refund_id, status, counter.clock.now())


def test_money_that_came_is_listed_with_what_it_was_for(with_milk: Counter) -> None:
    order_id = paid(with_milk)
    api = vendor_api(with_milk)
    found = only(api, MONEY, "transactions")
    assert (found["effect"], found["amount_minor"], found["refunded_minor"]) == ("applied", 10_000, 0)
    assert (found["paid_for"], found["paid_for_id"], found["receipt"]) == ("order", order_id, "TKL4H7XQ2P")
    assert api.get(f"{MONEY}/{found['transaction_id']}").body == found
    assert api.get(MONEY, receipt="TKL4H7XQ2P", order_id=order_id).body["transactions"] == [found]
    for nothing in ({"receipt": "R"}, {"order_id": "none"}):
        assert api.get(MONEY, **nothing).body["transactions"] == []
    later = (with_milk.clock.now() + timedelta(seconds=1)).isoformat()
    assert api.get(MONEY, since=later).body["transactions"] == []
    assert api.get(MONEY, until=later).body["transactions"] == [found]
    (payment,) = api.get("/api/v1/payments").body["payments"]
    assert payment["transaction_id"] == found["transaction_id"]


def test_lists_of_money_and_refunds_page(with_milk: Counter) -> None:
    for number in range(3):
        paid(with_milk, transaction=f"ws_CO_{number}")
        with_milk.clock.advance(timedelta(minutes=15))
    api = vendor_api(with_milk)
    pieces = api.all(MONEY, "transactions", limit=2)
    assert [each["receipt"] for each in pieces] == ["TKM0000002", "TKM0000001", "TKL4H7XQ2P"]
    for each in pieces:
        assert api.post(f"{MONEY}/{each['transaction_id']}/refund", WHY).status == 202
        with_milk.clock.advance(timedelta(minutes=1))
    listed = api.all(REFUNDS, "refunds", limit=2)
    assert [each["transaction_id"] for each in listed] == [each["transaction_id"] for each in reversed(pieces)]
    assert api.all(REFUNDS, "refunds", transaction_id=pieces[0]["transaction_id"]) == [listed[2]]
    assert api.all(REFUNDS, "refunds", status="done") == []


def test_a_refund_is_promised_once_per_key_and_shown_as_it_goes(with_milk: Counter) -> None:
    order_id = paid(with_milk)
    api = vendor_api(with_milk)
    path = f"{MONEY}/{only(api, MONEY, 'transactions')['transaction_id']}/refund"
    first, again = (
        api.post(path, {**WHY, "amount_minor": 4_000}, key="k"),
        api.post(path, {**WHY, "amount_minor": 4_000}, key="k"),
    )
    assert first.status == again.status == 202
    assert first.body == again.body
    refund = first.body
    assert (refund["status"], refund["amount_minor"], refund["was_handed_over"]) == ("pending", 4_000, False)
    assert only(api, MONEY, "transactions")["refunded_minor"] == 4_000
    said(with_milk, refund["refund_id"], RefundStatus.DONE)
    assert api.get(f"{REFUNDS}/{refund['refund_id']}").body["status"] == "done"
    assert api.get(f"/api/v1/orders/{order_id}").body["status"] == "PAID"
    too_much = api.post(path, {**WHY, "amount_minor": 6_001})
    assert (too_much.status, too_much.code, too_much.body["left_minor"]) == (409, "refund_unavailable", 6_000)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"note": ""},
        {"note": "x" * 101},
        {**WHY, "amount_minor": 0},
        {**WHY, "amount_minor": -1},
        {**WHY, "amount_minor": 1.5},
        {**WHY, "amount_minor": "100"},
        {**WHY, "to": "254700000009"},
    ],
)
def test_a_refund_that_makes_no_sense_is_refused(with_milk: Counter, body: dict[str, object]) -> None:
    paid(with_milk)
    api = vendor_api(with_milk)
    answer = api.post(f"{MONEY}/{only(api, MONEY, 'transactions')['transaction_id']}/refund", body)
    assert (answer.status, answer.code) == (422, "invalid_request")
    assert with_milk.rows(payment_refunds) == []


def test_a_note_closes_an_exception_and_says_who_did(with_milk: Counter) -> None:
    late(with_milk)
    api = vendor_api(with_milk)
    path = f"{EXCEPTIONS}/{only(api, EXCEPTIONS, 'exceptions')['exception_id']}/resolve"
    closed = api.post(path, {"note": "Given back in cash"})
    assert closed.status == 200
    assert (closed.body["status"], closed.body["resolution"]) == ("resolved", "noted")
    assert closed.body["note"] == "Given back in cash"
    assert closed.body["resolved_by"]
    again = api.post(path, {"note": "Again"})
    assert (again.status, again.code) == (409, "exception_closed")


def test_money_is_attached_to_an_order_that_asks_for_exactly_this(with_milk: Counter) -> None:
    late(with_milk)
    api = vendor_api(with_milk)
    exception = only(api, EXCEPTIONS, "exceptions")
    two = with_milk.confirmed("milk", 2, who=BARAKA)
    path = f"{EXCEPTIONS}/{exception['exception_id']}/orders"
    refused = api.raw("POST", f"{path}/{two.order_id}")
    assert (refused.status, refused.code) == (409, "amount_differs")
    assert (refused.body["amount_minor"], refused.body["asked_minor"]) == (10_000, 20_000)
    with_milk.cancel(two.code, who=BARAKA)
    one = with_milk.confirmed("milk", who=BARAKA)
    attached = api.raw("POST", f"{path}/{one.order_id}")
    assert (attached.status, attached.body["resolution"]) == (200, "attached")
    shown = api.get(f"/api/v1/orders/{one.order_id}").body
    assert (shown["status"], shown["payment"]["receipt"]) == ("PAID", exception["receipt"])
    assert with_milk.news()[-1] == "order.paid"
    assert api.raw("POST", f"{path}/{one.order_id}").code == "exception_closed"


@pytest.mark.parametrize("wanted", ["nothing", "x" * 200])
def test_what_is_not_there_is_404(quick_counter: Counter, wanted: str) -> None:
    api = vendor_api(quick_counter)
    codes = {
        api.get(f"{MONEY}/{wanted}").code: "transaction_unknown",
        api.post(f"{MONEY}/{wanted}/refund", WHY).code: "transaction_unknown",
        api.get(f"{REFUNDS}/{wanted}").code: "refund_unknown",
        api.post(f"{REFUNDS}/{wanted}/decide", {"went_back": True, "note": "n"}).code: "refund_unknown",
        api.post(f"{EXCEPTIONS}/{wanted}/resolve", {"note": "n"}).code: "exception_unknown",
        api.raw("POST", f"{EXCEPTIONS}/{wanted}/orders/x").code: "exception_unknown",
    }
    assert all(code == expected for code, expected in codes.items())


def test_an_exception_is_attached_to_no_order_that_is_not_there(with_milk: Counter) -> None:
    late(with_milk)
    api = vendor_api(with_milk)
    path = f"{EXCEPTIONS}/{only(api, EXCEPTIONS, 'exceptions')['exception_id']}/orders"
    for order_id in ("nothing", "x" * 200):
        assert api.raw("POST", f"{path}/{order_id}").code == "order_unknown"


def test_somebody_says_how_a_refund_ended_that_nobody_could_judge(with_milk: Counter) -> None:
    late(with_milk)
    api = vendor_api(with_milk)
    money = only(api, MONEY, "transactions")
    refund_id = api.post(f"{MONEY}/{money['transaction_id']}/refund", WHY).body["refund_id"]
    decide = f"{REFUNDS}/{refund_id}/decide"
    early = api.post(decide, {"went_back": True, "note": "n"})
    assert (early.status, early.code) == (409, "refund_settled")
    said(with_milk, refund_id, RefundStatus.UNKNOWN)
    assert only(api, EXCEPTIONS, "exceptions")["status"] == "refunding"
    decided = api.post(decide, {"went_back": False, "note": "Not in the statement"})
    assert (decided.status, decided.body["status"], decided.body["detail"]) == (200, "failed", "Not in the statement")
    assert only(api, EXCEPTIONS, "exceptions")["status"] == "open"


def test_whoever_may_only_read_decides_nothing(with_milk: Counter) -> None:
    paid(with_milk)
    api = vendor_api(with_milk, KeyScope.PAYMENTS_READ)
    answer = api.post(f"{MONEY}/{only(api, MONEY, 'transactions')['transaction_id']}/refund", WHY)
    assert (answer.status, answer.code) == (403, "scope_missing")


def test_a_payer_s_number_is_shown_to_those_alone_who_may_see_it(with_milk: Counter) -> None:
    paid(with_milk, transaction="ws_CO_254700000001")
    some, every = vendor_api(with_milk, KeyScope.PAYMENTS_READ), vendor_api(with_milk)
    assert "254700000001" not in str(some.get(MONEY).body)
    assert "_254700000001" in str(every.get(MONEY).body)


def test_money_of_an_unknown_receipt_and_number_can_not_go_back_yet(with_milk: Counter) -> None:
    order = with_milk.confirmed("milk")
    with_milk.hear(with_milk.started(), PaymentEventStatus.PAID, transaction="ws_CO_1", receipt=None)

    def forget(tx: Tx) -> str:
        t = provider_transactions.c
        tx.execute(update(provider_transactions).values(provider_transaction_id="own:intent:x"))
        return tx.execute(select(t.id)).scalar_one()

    with with_milk.ops.write() as tx:
        transaction_id = forget(tx)
    answer = vendor_api(with_milk).post(f"{MONEY}/{transaction_id}/refund", WHY)
    assert (answer.status, answer.code) == (409, "refund_unavailable")
    assert with_milk.order(order.code).status == "PAID"
