"""Money that somebody else paid goes back: they are told, and whose order it is, and each no more than is theirs."""

from contracts.events import EventType, RefundedToNews, RefundNews
from contracts.payment_api import RefundStatus
from contracts.router_api import PayResult
from router.payments.refunds import record_outcome
from tests.support.counter import AMINA, BARAKA, MAMA, Counter
from tests.support.vendor_api import vendor_api

RECEIPT, LATER = "UF1E26WQJZ", "UF1E26WQK2"


def paid_by_baraka(counter: Counter) -> str:
    """Amina's order, which Baraka paid: its code."""
    counter.put("milk")
    order = counter.confirmed("milk")
    answer = counter.pay(order.code, who=BARAKA, is_for_other=True)
    assert answer.status == 200, answer
    counter.hear(PayResult.model_validate(answer.body), receipt=RECEIPT)
    return order.code


def gives_back(counter: Counter, receipt: str, status: RefundStatus = RefundStatus.DONE, **body: object) -> None:
    """The shop asks for the money of that receipt to go back, and the payment adapter says how it ended."""
    api = vendor_api(counter)
    (money,) = api.get("/api/v1/transactions", receipt=receipt).body["transactions"]
    asked = api.post(f"/api/v1/transactions/{money['transaction_id']}/refund", {"note": "Out of stock", **body})
    assert asked.status in (200, 201, 202), asked
    with counter.ops.write() as tx:
        record_outcome(tx, counter.payables, MAMA, asked.body["refund_id"], status, counter.clock.now(), detail="why")


def told(counter: Counter) -> tuple[list[RefundNews], list[RefundedToNews]]:
    """To whose order it is, and to whoever paid it."""
    events = counter.announced()
    return (
        [RefundNews.model_validate(event.data) for event in events if event.type is EventType.PAYMENT_REFUNDED],
        [RefundedToNews.model_validate(event.data) for event in events if event.type is EventType.PAYMENT_REFUNDED_TO],
    )


def test_who_paid_is_told_that_it_came_back_and_whose_order_it_is_that_it_went_to_them(counter: Counter) -> None:
    code = paid_by_baraka(counter)
    gives_back(counter, RECEIPT, amount_minor=4_000)
    (to_owner,), (to_payer,) = told(counter)
    assert (to_owner.customer_address, to_owner.is_by_other, to_owner.amount_minor) == (AMINA, True, 4_000)
    assert (to_payer.customer_address, to_payer.amount_minor, to_payer.receipt) == (BARAKA, 4_000, RECEIPT)
    assert (to_payer.order_code, to_payer.shop_name) == (code, "Mama Njeri")
    assert to_payer.refund_id == to_owner.refund_id
    (event,) = [event for event in counter.announced() if event.type is EventType.PAYMENT_REFUNDED_TO]
    assert not {"order", "lines", "customer_name", "detail"} & set(event.data)


def test_what_is_said_twice_is_told_once(counter: Counter) -> None:
    paid_by_baraka(counter)
    gives_back(counter, RECEIPT)
    (refund,) = vendor_api(counter).get("/api/v1/refunds").body["refunds"]
    with counter.ops.write() as tx:
        record_outcome(tx, counter.payables, MAMA, refund["refund_id"], RefundStatus.DONE, counter.clock.now())
    assert [len(each) for each in told(counter)] == [1, 1]


def test_a_refund_that_failed_is_the_shop_s_alone(quick_counter: Counter) -> None:
    paid_by_baraka(quick_counter)
    gives_back(quick_counter, RECEIPT, RefundStatus.FAILED)
    assert told(quick_counter) == ([], [])
    assert quick_counter.news()[-1] == "payment.refund_failed"


def test_money_of_another_that_never_paid_the_order_is_between_them_and_the_shop(counter: Counter) -> None:
    counter.put("milk")
    order = counter.confirmed("milk")
    answer = counter.pay(order.code, who=BARAKA, is_for_other=True)
    counter.cancel(order.code)
    counter.hear(PayResult.model_validate(answer.body), receipt=LATER)
    gives_back(counter, LATER)
    (of_shop,), (to_payer,) = told(counter)
    assert of_shop.customer_address is None
    assert of_shop.order is not None
    assert (to_payer.customer_address, to_payer.order_code) == (BARAKA, order.code)


def test_a_cancelled_order_says_how_much_of_its_money_has_gone_back(counter: Counter) -> None:
    counter.put("milk")
    order = counter.confirmed("milk")
    started = counter.started()
    counter.cancel(order.code)
    counter.hear(started, receipt=LATER)
    assert counter.order(order.code).sent_back_minor == 0
    gives_back(counter, LATER, RefundStatus.FAILED, amount_minor=4_000)
    assert counter.order(order.code).sent_back_minor == 0
    gives_back(counter, LATER, amount_minor=4_000)
    assert counter.order(order.code).sent_back_minor == 4_000


def test_who_paid_their_own_order_is_told_as_ever(counter: Counter) -> None:
    counter.put("milk")
    counter.confirmed("milk")
    counter.hear(counter.started(), receipt=RECEIPT)
    gives_back(counter, RECEIPT)
    (to_owner,), to_others = told(counter)
    assert (to_owner.customer_address, to_owner.is_by_other, to_others) == (AMINA, False, [])
