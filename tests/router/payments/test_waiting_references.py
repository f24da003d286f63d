"""Rails that ring no phone: a reference is made, shown, waits beside other tries, and is paid days later or expires."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from contracts.errors import ErrorCode
from contracts.ids import PaymentIntentId
from contracts.money import Currency, Money
from contracts.payment_api import PaymentEvent, PaymentInstructions
from contracts.router_api import PaymentView
from contracts.states import FailureReason, IntentStatus, OrderStatus, PaymentEventStatus, Rail, RequestStatus
from kit.grants import open_grant
from kit.problems import Problem
from router.payments import models, service
from router.payments.news import MAX_PICTURE_CHARS
from router.payments.service import Payable
from tests.support.databases import seeing_all
from tests.support.till import AMINA, GRANT_KEYS, KIND, TIMEZONE, VENDOR, Till

KWANZAS = Money.of_whole(450, Currency.AOA)
PENDING = PaymentEventStatus.PENDING
REFERENCE = Rail.EMIS_REF


def thing(till: Till, *, stock: int = 1) -> Payable:
    return till.thing(amount=KWANZAS, stock=stock)


def ask(till: Till, payable: Payable, rail: Rail = REFERENCE) -> PaymentIntentId:
    return till.start(payable, rail=rail, payer=None if rail in (REFERENCE, Rail.TICKET) else "244923000001")


def news(till: Till, intent: str, status: PaymentEventStatus, rail: Rail = REFERENCE, **more: object) -> PaymentEvent:
    event = till.event(intent, status, amount=KWANZAS, rail=rail, transaction=f"app_{intent}")
    return event.model_copy(update={"provider": "ekwanza", "payer_msisdn": None, **more})


def how(till: Till, *, days: int = 3, picture: str | None = None) -> PaymentInstructions:
    expires_at = till.clock.now() + timedelta(days=days)
    return PaymentInstructions(entity="00123", reference="123456789", qr_png=picture, expires_at=expires_at)


def view(till: Till, payable: Payable) -> PaymentView:
    with till.ops.read() as tx:
        return service.views(
            tx,
            vendor_id=VENDOR,
            payable_kind=KIND,
            payable_ids=[payable.id],
            customer_id=AMINA,
            timezone=TIMEZONE,
            now=till.clock.now(),
        )[payable.id]


def test_a_reference_needs_neither_a_number_nor_a_reserved_push(till: Till) -> None:
    payable = thing(till)
    with till.ops.write() as tx:
        token = service.start_intent(
            tx,
            ring=GRANT_KEYS,
            vendor_id=VENDOR,
            payable=payable,
            intent_id=till.intent_id(),
            payer_msisdn=None,
            rail=REFERENCE,
            reserved_at=None,
            timezone=TIMEZONE,
            billing_anchor_day=1,
            now=till.clock.now(),
        )
    grant = open_grant(GRANT_KEYS, token)
    assert (grant.payer_msisdn, grant.rail, grant.amount_minor) == (None, REFERENCE, KWANZAS.minor)


def test_a_prompt_without_a_number_is_refused_by_the_schema(till: Till) -> None:
    payable = thing(till)
    with pytest.raises(IntegrityError):
        till.start(payable, rail=Rail.GPO, payer=None)


def test_instructions_are_kept_shown_and_announced_once(till: Till) -> None:
    payable = thing(till)
    intent = ask(till, payable)
    assert view(till, payable).instructions is None
    given = how(till, picture="iVBORw0KGgo=")
    till.apply(news(till, intent, PENDING, instructions=given))
    till.apply(news(till, intent, PENDING, instructions=given))
    till.apply(news(till, intent, PENDING, instructions=given, event_id="ekwanza:polled"))
    assert till.intent_status(intent) == IntentStatus.PROVIDER_PENDING
    shown = view(till, payable)
    assert shown.instructions == given.model_copy(update={"qr_png": None})
    assert shown.instructions_rail is REFERENCE
    (told,) = [json.loads(body) for body in till.bodies()]
    assert (told["type"], told["data"]["intent_id"], told["data"]["rail"]) == (
        "payment.instructions",
        intent,
        "emis_ref",
    )
    assert PaymentInstructions.model_validate(told["data"]["instructions"]) == given
    assert told["data"]["customer_address"] == "whatsapp:+254708374149"


def test_a_picture_that_no_listener_could_take_is_left_out_of_the_news(till: Till) -> None:
    intent = ask(till, thing(till))
    till.apply(news(till, intent, PENDING, instructions=how(till, picture="A" * (MAX_PICTURE_CHARS + 1))))
    (told,) = till.bodies()
    assert json.loads(told)["data"]["instructions"]["qr_png"] is None
    with seeing_all(till.db) as tx:
        kept = tx.execute(select(models.payment_intents.c.picture)).scalar_one()
    assert len(kept) == MAX_PICTURE_CHARS + 1


def test_a_reference_waits_while_another_rail_is_tried_and_no_second_of_its_kind_is_made(till: Till) -> None:
    payable = thing(till)
    till.apply(news(till, ask(till, payable), PENDING, instructions=how(till)))
    with pytest.raises(Problem) as refused:
        ask(till, payable)
    assert refused.value.code is ErrorCode.PAYMENT_IN_PROGRESS
    prompt = ask(till, payable, Rail.GPO)
    with pytest.raises(Problem):
        ask(till, payable, Rail.TICKET)  # the prompt is on the phone now
    till.apply(news(till, prompt, PaymentEventStatus.FAILED, Rail.GPO, reason=FailureReason.WRONG_PIN))
    assert till.news() == ["payment.instructions", "payment.failed"]
    assert till.request_status(payable) == "pending"  # the reference may still bring the money
    assert view(till, payable).rail is Rail.GPO
    assert view(till, payable).instructions_rail is REFERENCE


def test_the_schema_admits_one_reference_of_a_kind_beside_one_prompt(till: Till) -> None:
    payable = thing(till)
    first = ask(till, payable)
    till.apply(news(till, first, PaymentEventStatus.EXPIRED))
    ask(till, payable)
    ask(till, payable, Rail.GPO)
    table = models.payment_intents
    with pytest.raises(IntegrityError), till.ops.write() as tx:
        tx.execute(update(table).where(table.c.id == first).values(status=IntentStatus.CREATED))


@pytest.mark.parametrize("days", [1, 2])
def test_a_reference_that_is_paid_days_later_pays(till: Till, days: int) -> None:
    payable = thing(till)
    intent = ask(till, payable)
    till.apply(news(till, intent, PENDING, instructions=how(till)))
    till.clock.advance(timedelta(days=days))
    assert view(till, payable).instructions is not None
    till.apply(news(till, intent, PaymentEventStatus.PAID, receipt="EK1"))
    assert till.thing_status(payable) == OrderStatus.PAID
    assert view(till, payable).instructions is None  # nobody should pay it again
    assert till.exceptions() == []


def test_a_reference_that_is_paid_when_nothing_is_left_is_one_exception(till: Till) -> None:
    payable = thing(till, stock=0)
    intent = ask(till, payable)
    till.apply(news(till, intent, PENDING, instructions=how(till)))
    till.clock.advance(timedelta(days=2))
    paid = news(till, intent, PaymentEventStatus.PAID, receipt="EK1")
    till.apply(paid)
    till.apply(paid.model_copy(update={"event_id": "ekwanza:again"}))
    assert till.exceptions() == ["no_stock"]


def test_a_reference_that_is_paid_after_another_rail_brought_the_money_is_a_duplicate(till: Till) -> None:
    payable = thing(till, stock=3)
    reference = ask(till, payable)
    till.apply(news(till, reference, PENDING, instructions=how(till)))
    till.apply(news(till, ask(till, payable, Rail.GPO), PaymentEventStatus.PAID, Rail.GPO, receipt="EK1"))
    till.apply(news(till, reference, PaymentEventStatus.PAID, receipt="EK2"))
    assert till.exceptions() == ["duplicate"]
    assert till.times_paid(payable) == 1


def test_a_reference_that_expires_is_told_and_leaves_something_to_retry(till: Till) -> None:
    payable = thing(till)
    intent = ask(till, payable)
    till.apply(news(till, intent, PENDING, instructions=how(till)))
    till.clock.advance(timedelta(days=3))
    assert view(till, payable).instructions is None
    reason = FailureReason.REFERENCE_EXPIRED
    till.apply(news(till, intent, PaymentEventStatus.EXPIRED, reason=reason, may_retry=True))
    told = json.loads(till.bodies()[-1])
    assert (told["type"], told["data"]["reason"]) == ("payment.failed", "reference_expired")
    assert till.request_status(payable) == "failed"
    ask(till, payable)


def test_how_to_pay_is_told_though_the_first_answer_was_lost(till: Till) -> None:
    payable = thing(till)
    intent = ask(till, payable)
    till.apply(news(till, intent, PaymentEventStatus.UNKNOWN))
    till.apply(news(till, intent, PENDING, instructions=how(till)))
    assert till.news() == ["payment.unknown", "payment.instructions"]
    assert view(till, payable).instructions is not None
    ask(till, payable, Rail.GPO)  # a reference that nobody can judge keeps no other rail from being tried


def test_nobody_is_told_how_to_pay_what_was_cancelled_and_closing_says_that_it_could_be(till: Till) -> None:
    payable = thing(till)
    intent = ask(till, payable)
    assert till.cancel(payable) is False
    with till.ops.write() as tx:
        open_still = service.still_open(tx, vendor_id=VENDOR, payable_kind=KIND, payable_id=payable.id)
        till.close(tx, payable, RequestStatus.CANCELED)
    assert open_still == service.StillOpen(prompt=False, reference=True)
    till.apply(news(till, intent, PENDING, instructions=how(till)))
    assert till.news() == []
    assert view(till, payable).instructions is None
    till.apply(news(till, intent, PaymentEventStatus.PAID, receipt="EK1"))
    assert till.exceptions() == ["late"]
