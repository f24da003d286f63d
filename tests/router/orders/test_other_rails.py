"""PAY on rails that ring no phone, or ring in Angola; and orders that are paid to the till by hand."""

import json
from datetime import timedelta

import pytest

from contracts.ids import PaymentIntentId
from contracts.money import Currency
from contracts.payment_api import PaymentEvent, PaymentInstructions
from contracts.router_api import OrderView, PayResult
from contracts.states import FailureReason, OrderStatus, PaymentEventStatus, Rail
from kit.clock import FixedClock
from kit.grants import open_grant
from kit.signing import KeyRing
from router.customers.models import customers
from router.events.models import outbox
from router.orders.reminders import Patience, Reminders
from router.orders.rules import code_in
from router.payments.models import live_pushes, payment_exceptions, payment_intents, payment_requests
from router.payments.service import Outcome, apply_event
from tests.support.counter import AMINA, BARAKA, HOLD, MAMA, Counter
from tests.support.hand_payments import hand_payment

LUANDA = "vendor-luanda"
GRANT_KEYS = KeyRing.parse("g" * 32)
ANGOLAN = "244923000001"
PENDING, PAID, EXPIRED = PaymentEventStatus.PENDING, PaymentEventStatus.PAID, PaymentEventStatus.EXPIRED
RAILS = ("payments.ekwanza_gpo", "payments.ekwanza_ref", "payments.ekwanza_ticket")


@pytest.fixture
def luanda(counter: Counter) -> Counter:
    """A shop that sells in kwanzas, with two cakes."""
    capabilities = ("commerce.catalog", "commerce.orders", *RAILS)
    counter.open_shop(LUANDA, "Luanda Bolos", capabilities=capabilities, currency="AOA", timezone="Africa/Luanda")
    counter.put("cake", vendor=LUANDA, price=450, on_hand=2, currency="AOA")
    return counter


def confirmed(shop: Counter, who: str = AMINA) -> OrderView:
    body = {"customer": {"address": who}}
    assert shop.post("/v1/cart/lines", {**body, "item_id": "cake", "quantity": 1}, vendor=LUANDA).status == 200
    return OrderView.model_validate(shop.post("/v1/cart/confirm", body, vendor=LUANDA).body)


def pay(shop: Counter, rail: Rail, who: str = AMINA, **more: str) -> PayResult:
    answer = shop.post("/v1/orders/pay", {"customer": {"address": who}, "rail": rail, **more}, vendor=LUANDA)
    assert answer.status == 200, answer
    return PayResult.model_validate(answer.body)


def hear(shop: Counter, started: PayResult, rail: Rail, status: PaymentEventStatus, **more: object) -> Outcome:
    event = PaymentEvent(
        event_id=f"ekwanza:{started.intent_id}:{status}",
        provider="ekwanza",
        rail=rail,
        vendor_id=LUANDA,
        intent_id=PaymentIntentId(started.intent_id),
        status=status,
        amount_minor=started.order.total_minor,
        currency=Currency.AOA,
        provider_transaction_id=f"app-{started.intent_id}",
        receipt=f"R-{started.intent_id}" if status is PAID else None,
        occurred_at=shop.clock.now(),
    ).model_copy(update=more)
    with shop.of(LUANDA).write() as tx:
        return apply_event(tx, event, shop.payables, shop.clock.now())


def given(clock: FixedClock) -> PaymentInstructions:
    return PaymentInstructions(entity="00123", reference="123456789", expires_at=clock.now() + timedelta(days=3))


def with_reference(shop: Counter, who: str = AMINA) -> tuple[OrderView, PayResult]:
    order = confirmed(shop, who)
    started = pay(shop, Rail.EMIS_REF, who)
    hear(shop, started, Rail.EMIS_REF, PENDING, instructions=given(shop.clock))
    return order, started


def shown(shop: Counter, code: str, who: str = AMINA) -> OrderView:
    found = shop.get("/v1/orders", vendor=LUANDA, customer=who).body["orders"]
    return OrderView.model_validate(next(order for order in found if order["code"] == code))


def on_shelf(shop: Counter) -> tuple[int, int]:
    return shop.shelf("cake")


def exceptions(shop: Counter) -> list[str]:
    return [row["kind"] for row in shop.rows(payment_exceptions)]


def test_a_reference_is_granted_without_a_number_and_reserves_no_push(luanda: Counter) -> None:
    confirmed(luanda)
    started = pay(luanda, Rail.EMIS_REF, payer_msisdn="not a number, and not looked at")
    grant = open_grant(GRANT_KEYS, started.grant)
    assert (started.payer_msisdn, grant.payer_msisdn, grant.rail) == (None, None, Rail.EMIS_REF)
    assert luanda.rows(live_pushes, luanda.platform) == []
    assert [row["payer_msisdn"] for row in luanda.rows(payment_intents)] == [None]
    assert [row["payer_msisdn"] for row in luanda.rows(customers)] == [None]


def test_multicaixa_rings_angolan_mobiles_alone(luanda: Counter) -> None:
    confirmed(luanda)
    ask = {"customer": {"address": AMINA}, "rail": "gpo"}
    assert luanda.post("/v1/orders/pay", ask, vendor=LUANDA).code == "payer_missing"
    for wrong in ("254708374149", "244222000001", "2449230000", "923", "+351 912 345 678"):
        answer = luanda.post("/v1/orders/pay", {**ask, "payer_msisdn": wrong}, vendor=LUANDA)
        assert (answer.status, answer.code) == (422, "payer_invalid"), wrong
    started = pay(luanda, Rail.GPO, payer_msisdn="923 000 001")
    assert started.payer_msisdn == ANGOLAN
    assert [row["payer_msisdn"] for row in luanda.rows(live_pushes, luanda.platform)] == [ANGOLAN]


def test_a_shop_with_several_ways_to_pay_asks_which_once_and_names_them(luanda: Counter) -> None:
    order = confirmed(luanda)
    ask = {"customer": {"address": AMINA}, "payer_msisdn": ANGOLAN}
    refused = luanda.post("/v1/orders/pay", ask, vendor=LUANDA)
    assert (refused.status, refused.code) == (409, "which_rail")
    assert refused.body["rails"] == ["gpo", "emis_ref", "ticket"]
    assert refused.body["order"]["code"] == order.code
    assert luanda.rows(payment_intents) == []
    assert luanda.rows(live_pushes, luanda.platform) == []
    # Once one was taken, PAY again means that one.
    started = pay(luanda, Rail.EMIS_REF)
    hear(luanda, started, Rail.EMIS_REF, EXPIRED, reason=FailureReason.REFERENCE_EXPIRED)
    again = luanda.post("/v1/orders/pay", ask, vendor=LUANDA)
    assert (again.status, again.body["order"]["payment"]["rail"]) == (200, "emis_ref")


def test_how_to_pay_is_told_and_shown_with_the_order(luanda: Counter) -> None:
    order, started = with_reference(luanda)
    payment = shown(luanda, order.code).payment
    assert payment is not None
    assert payment.instructions == given(luanda.clock)
    assert (payment.rail, payment.instructions_rail, payment.intent_id) == (
        Rail.EMIS_REF,
        Rail.EMIS_REF,
        started.intent_id,
    )
    told = json.loads(max(luanda.rows(outbox), key=lambda row: row["seq"])["body"])
    assert (told["type"], told["vendor_id"]) == ("payment.instructions", LUANDA)
    assert (told["data"]["customer_address"], told["data"]["shop_name"]) == (AMINA, "Luanda Bolos")
    assert told["data"]["instructions"]["reference"] == "123456789"


def test_who_can_still_pay_by_a_reference_is_reminded_once_it_has_expired(luanda: Counter) -> None:
    _, started = with_reference(luanda)
    reminders = Reminders(luanda.databases, luanda.directory, luanda.clock, Patience(cart=None, order=HOLD))

    def is_reminded_by(hours: int) -> bool:
        luanda.clock.advance(timedelta(hours=hours))
        reminders.turn()
        return "order.unpaid" in luanda.news()

    assert not is_reminded_by(2)
    assert not is_reminded_by(24)
    hear(luanda, started, Rail.EMIS_REF, EXPIRED, reason=FailureReason.REFERENCE_EXPIRED)
    assert is_reminded_by(1)


def test_another_rail_may_be_tried_while_a_reference_waits(luanda: Counter) -> None:
    order, _ = with_reference(luanda)
    again = luanda.post("/v1/orders/pay", {"customer": {"address": AMINA}, "rail": "emis_ref"}, vendor=LUANDA)
    assert (again.status, again.code) == (409, "payment_in_progress")
    assert again.body["order"]["payment"]["instructions"]["reference"] == "123456789"
    prompt = pay(luanda, Rail.GPO, payer_msisdn=ANGOLAN)
    hear(luanda, prompt, Rail.GPO, PAID)
    assert shown(luanda, order.code).status is OrderStatus.PAID


def test_a_reference_holds_stock_no_longer_than_any_order_and_stays_payable(luanda: Counter) -> None:
    order, started = with_reference(luanda)
    assert on_shelf(luanda) == (2, 1)
    luanda.pass_time(HOLD + timedelta(minutes=1))
    assert on_shelf(luanda) == (2, 0)
    assert luanda.news()[-1] == "order.hold_expired"
    assert [row["status"] for row in luanda.rows(payment_requests)] == ["pending"]
    luanda.pass_time(timedelta(days=2))
    hear(luanda, started, Rail.EMIS_REF, PAID)
    assert shown(luanda, order.code).status is OrderStatus.PAID
    assert on_shelf(luanda) == (1, 0)
    assert exceptions(luanda) == []


def test_a_reference_that_is_paid_when_all_is_sold_is_one_exception(luanda: Counter) -> None:
    order, started = with_reference(luanda)
    luanda.pass_time(HOLD + timedelta(minutes=1))
    for _ in range(2):
        confirmed(luanda, BARAKA)
        hear(luanda, pay(luanda, Rail.GPO, BARAKA, payer_msisdn=ANGOLAN), Rail.GPO, PAID)
        luanda.clock.advance(timedelta(minutes=11))
    for number in range(2):
        hear(luanda, started, Rail.EMIS_REF, PAID, event_id=f"ekwanza:late:{number}")
    assert exceptions(luanda) == ["no_stock"]
    assert shown(luanda, order.code).status is OrderStatus.CONFIRMED


def test_a_reference_that_expires_leaves_the_order_payable(luanda: Counter) -> None:
    order, started = with_reference(luanda)
    luanda.pass_time(timedelta(days=3))
    hear(luanda, started, Rail.EMIS_REF, EXPIRED, reason=FailureReason.REFERENCE_EXPIRED, may_retry=True)
    assert luanda.news()[-1] == "payment.failed"
    pay(luanda, Rail.EMIS_REF)
    assert shown(luanda, order.code).hold_expires_at is not None


def test_cancelling_says_that_a_reference_should_not_be_paid_any_more(luanda: Counter) -> None:
    _, started = with_reference(luanda)
    answer = luanda.post("/v1/orders/cancel", {"customer": {"address": AMINA}}, vendor=LUANDA)
    assert (answer.body["prompt_is_live"], answer.body["reference_is_live"]) == (False, True)
    assert answer.body["order"]["payment"]["instructions"] is None
    hear(luanda, started, Rail.EMIS_REF, PAID)
    assert exceptions(luanda) == ["late"]


# --- by hand -------------------------------------------------------------------------------------------------------


def by_hand(counter: Counter, reference: str, amount_minor: int, receipt: str = "UF1E26WQJZ") -> Outcome:
    payer = ("2547 ***** 149", "Amina")
    event = hand_payment(MAMA, receipt, amount_minor, counter.clock.now(), reference=reference, payer=payer)
    with counter.ops.write() as tx:
        return apply_event(tx, event, counter.payables, counter.clock.now())


@pytest.mark.parametrize("form", ["{}", " {} ", "#{}", "{}."])
def test_an_order_is_paid_by_its_code_however_it_was_typed(counter: Counter, form: str) -> None:
    counter.put("milk")
    order = counter.confirmed("milk")
    typed = form.format(" ".join(order.code.lower()))
    assert by_hand(counter, typed, order.total_minor).note == "paid"
    after = counter.order(order.code)
    assert (after.status, after.receipt) == (OrderStatus.PAID, "UF1E26WQJZ")
    assert counter.shelf("milk") == (9, 0)
    assert counter.news()[-1] == "order.paid"


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("xw-973d", "XW973D"),
        ("X W 9 7 3 D", "XW973D"),
        ("\uff38\uff37973\uff24", "XW973D"),
        ("", ""),
        ("\u0416", "\u0416"),
    ],
)
def test_a_code_is_read_from_what_phones_write(typed: str, code: str) -> None:
    assert code_in(typed) == code


def test_a_cart_takes_no_money_by_hand_and_its_customer_hears_of_it(counter: Counter) -> None:
    counter.put("milk")
    counter.add("milk")
    code = counter.cart()["cart"]["code"]
    assert by_hand(counter, code, 10_000).note == "unmatched"
    assert counter.cart()["cart"]["status"] == "DRAFT"
    told = json.loads(max(counter.rows(outbox), key=lambda row: row["seq"])["body"])
    assert (told["type"], told["data"]["kind"], told["data"]["customer_address"]) == (
        "payment.exception",
        "unmatched",
        AMINA,
    )


def test_money_by_hand_for_an_order_whose_stock_went_meanwhile_waits(counter: Counter) -> None:
    counter.put("milk", on_hand=1)
    first = counter.confirmed("milk")
    counter.pass_time(HOLD + timedelta(minutes=1))
    counter.confirmed("milk", who=BARAKA)
    assert by_hand(counter, first.code, first.total_minor).note == "no_stock"
    assert exceptions(counter) == ["no_stock"]
    assert counter.order(first.code).status is OrderStatus.CONFIRMED
