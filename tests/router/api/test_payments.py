"""A shop's own software reads what was paid, what was not, and what needs a decision."""

from datetime import timedelta

import pytest

from contracts.states import FailureReason, PaymentEventStatus
from router.operations import KeyScope
from tests.support.counter import BARAKA, Counter
from tests.support.vendor_api import counted_reads, vendor_api

PAYMENTS, EXCEPTIONS = "/api/v1/payments", "/api/v1/exceptions"
FAILED = PaymentEventStatus.FAILED


def a_retry_that_paid(counter: Counter) -> tuple[str, str]:
    """Ids of an order's failed try and of the one that paid it, a minute later."""
    counter.confirmed("milk")
    failed = counter.started()
    counter.hear(failed, FAILED, transaction="ws_CO_1", reason=FailureReason.WRONG_PIN)
    counter.clock.advance(timedelta(minutes=1))
    paid = counter.started()
    counter.hear(paid, transaction="ws_CO_2_254708374149", receipt="TKL4H7XQ2P")
    return failed.intent_id, paid.intent_id


@pytest.fixture
def with_milk(counter: Counter) -> Counter:
    counter.put("milk")
    return counter


def test_every_try_is_a_payment_with_what_came_of_it(with_milk: Counter) -> None:
    failed_id, paid_id = a_retry_that_paid(with_milk)
    paid, failed = vendor_api(with_milk).get(PAYMENTS).body["payments"]
    assert (failed["payment_id"], failed["status"], failed["reason"]) == (failed_id, "failed", "wrong_pin")
    assert (failed["received_minor"], failed["receipt"]) == (None, None)
    assert (paid["payment_id"], paid["status"], paid["reason"]) == (paid_id, "succeeded", None)
    assert (paid["received_minor"], paid["amount_minor"], paid["receipt"]) == (10000, 10000, "TKL4H7XQ2P")
    assert (paid["rail"], paid["provider"], paid["paid_for"]) == ("mpesa_stk", "mpesa", "order")
    assert vendor_api(with_milk).get(f"{PAYMENTS}/{paid_id}").body == paid


def test_payments_are_found_by_filters_and_page_by_page(with_milk: Counter) -> None:
    failed_id, paid_id = a_retry_that_paid(with_milk)
    middle = with_milk.clock.now() - timedelta(seconds=30)
    with_milk.confirmed("milk", who=BARAKA)
    other = with_milk.started(who=BARAKA)
    api = vendor_api(with_milk)

    def ids(**filters: object) -> list[str]:
        return [each["payment_id"] for each in api.all(PAYMENTS, "payments", limit=1, **filters)]

    assert ids()[-1] == failed_id
    assert sorted(ids()) == sorted([failed_id, paid_id, other.intent_id])
    assert ids(status="failed") == [failed_id]
    assert failed_id not in ids(since=middle.isoformat())
    assert ids(until=middle.isoformat()) == [failed_id]
    assert ids(order_id=other.order.order_id) == [other.intent_id]
    assert ids(order_id="nothing") == ids(status="unknown") == []


def test_money_that_came_too_late_is_an_exception_of_its_order(with_milk: Counter) -> None:
    order = with_milk.confirmed("milk")
    started = with_milk.started()
    with_milk.cancel()
    with_milk.hear(started, transaction="ws_CO_9_254708374149")
    api = vendor_api(with_milk)
    (found,) = api.get(EXCEPTIONS).body["exceptions"]
    assert (found["kind"], found["status"], found["amount_minor"]) == ("late", "open", 10000)
    assert (found["meant_for_id"], found["reference"]) == (order.order_id, order.code)
    assert (found["payment_id"], found["receipt"]) == (started.intent_id, "TKL4H7XQ2P")
    assert api.get(f"{EXCEPTIONS}/{found['exception_id']}").body == found
    assert api.get(EXCEPTIONS, status="open", kind="late").body["exceptions"] == [found]
    assert api.get(EXCEPTIONS, status="resolved").body["exceptions"] == []
    assert api.get(EXCEPTIONS, kind="under").body["exceptions"] == []
    later = (with_milk.clock.now() + timedelta(seconds=1)).isoformat()
    assert api.get(EXCEPTIONS, since=later).body["exceptions"] == []
    assert api.get(EXCEPTIONS, until=later).body["exceptions"] == [found]


def test_exceptions_are_listed_page_by_page(with_milk: Counter) -> None:
    for number in range(3):
        with_milk.confirmed("milk")
        started = with_milk.started()
        with_milk.cancel()
        with_milk.hear(started, transaction=f"ws_CO_{number}", receipt=f"TKL4H7XQ2{number}")
        with_milk.clock.advance(timedelta(minutes=1))
    listed = vendor_api(with_milk).all(EXCEPTIONS, "exceptions", limit=2)
    assert [each["receipt"] for each in listed] == ["TKL4H7XQ22", "TKL4H7XQ21", "TKL4H7XQ20"]


def test_a_payer_s_number_is_nowhere_unless_the_key_may_see_it(with_milk: Counter) -> None:
    a_retry_that_paid(with_milk)
    with_milk.confirmed("milk")
    late = with_milk.started()
    with_milk.cancel()
    with_milk.hear(late, transaction="ws_CO_3_254708374149", receipt="TKL4H7XQ2Q")
    some = vendor_api(with_milk, KeyScope.PAYMENTS_READ)
    every = vendor_api(with_milk, KeyScope.PAYMENTS_READ, KeyScope.CUSTOMERS_READ)
    for path in (PAYMENTS, EXCEPTIONS):
        assert "254708374149" not in str(some.get(path).body)
        assert "2547*****149" in str(some.get(path).body)
        assert "_254708374149" in str(every.get(path).body)


@pytest.mark.parametrize(("path", "code"), [(PAYMENTS, "payment_unknown"), (EXCEPTIONS, "exception_unknown")])
@pytest.mark.parametrize("wanted", ["nothing", "%00", "x" * 200])
def test_what_is_not_there_is_404(quick_counter: Counter, path: str, code: str, wanted: str) -> None:
    answer = vendor_api(quick_counter).get(f"{path}/{wanted}")
    assert (answer.status, answer.code) == (404, "not_found" if wanted == "%00" else code)


def test_a_shop_sees_its_own_money_alone(with_milk: Counter) -> None:
    _, paid_id = a_retry_that_paid(with_milk)
    other = with_milk.open_shop("vendor-baraka", "Baraka Kitchen")
    theirs = vendor_api(with_milk, vendor=other)
    assert theirs.get(PAYMENTS).body["payments"] == theirs.get(EXCEPTIONS).body["exceptions"] == []
    assert theirs.get(f"{PAYMENTS}/{paid_id}").code == "payment_unknown"


def test_a_key_for_orders_sees_no_money(quick_counter: Counter) -> None:
    api = vendor_api(quick_counter, KeyScope.ORDERS_READ)
    for path in (PAYMENTS, EXCEPTIONS):
        assert (api.get(path).status, api.get(path).code) == (403, "scope_missing")


def test_a_page_is_read_in_three_statements_however_long_it_is(with_milk: Counter) -> None:
    a_retry_that_paid(with_milk)
    api = vendor_api(with_milk)
    assert api.get(PAYMENTS).status == 200
    for path in (PAYMENTS, EXCEPTIONS):
        with counted_reads() as reads:
            assert api.get(path).status == 200
        assert 0 < len(reads) <= 3, reads
