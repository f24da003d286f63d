"""The answer to PAY: which order, which number, one push reserved, one intent started, one signed grant.

Nothing here sends a push, and nothing but a customer's own PAY calls it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Response
from pydantic import BaseModel

from contracts.errors import ErrorCode
from contracts.ids import PaymentIntentId, derived_id
from contracts.router_api import CustomerRef, OrderView, PayOrder, PayResult
from contracts.states import PUSHED_RAILS, IntentStatus, OrderStatus, Rail
from kit.db import Tx
from kit.idempotency import stored_response
from kit.problems import Problem
from kit.signing import KeyRing
from router.customers.service import (
    Customer,
    checked_address,
    find_customer,
    get_customer,
    locked_customer,
    remember_payer,
)
from router.edge import Call, Edge
from router.orders.checkout import name_of, order_meant, payable, saying_the_order
from router.orders.others import discreet, order_of_another, own_number, without_details
from router.orders.payers import Payer, check_named, payer_of
from router.orders.rules import PAYING_HOLD, Order, OrderEvent
from router.orders.service import OrderRefused, locked
from router.orders.views import order_view, refusal, sold_out
from router.payments import service as payments
from router.stock import service as stock
from router.vendors.service import Vendor, rails_of, why_not_offered
from router.vouchers import service as vouchers

_LIVE = (IntentStatus.CREATED, IntentStatus.PROVIDER_PENDING)

# Another request holds this key: what it reserved under the same intent is not ours to give back.
_NOT_OURS = (ErrorCode.IDEMPOTENCY_IN_PROGRESS, ErrorCode.IDEMPOTENCY_KEY_REUSED)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a PAY will try. The payer's number is the one that rings; on a rail that rings none, the number that the
    customer pays from, if the rail makes use of it and it is known."""

    vendor: Vendor
    intent_id: PaymentIntentId
    rail: Rail
    payer: Payer
    order: Order
    undecided: OrderView | None
    """The order, if nobody knows yet what its last try did."""

    @property
    def rings(self) -> str | None:
        """The number of the phone that rings, if one does."""
        return self.payer.msisdn if self.rail in PUSHED_RAILS else None


@dataclass(frozen=True, slots=True)
class Cashier:
    """Takes PAY. `hold_for` is how long stock that must be held anew stays held."""

    edge: Edge
    grant_keys: KeyRing
    hold_for: timedelta

    def pay(self, call: Call, wanted: PayOrder) -> Response:
        """Answers PayResult, or the answer that this key was given before. Raises what PayOrder lists.

        The push is reserved in the platform database first, then started in the shop's; a refusal gives it back."""
        with discreet(is_for_other=wanted.is_for_other):
            return self._pay(call, wanted)

    def _pay(self, call: Call, wanted: PayOrder) -> Response:
        assert call.key is not None
        now = call.now
        intent_id = PaymentIntentId(derived_id("intent", call.vendor.id, call.key))
        shop = self.edge.directory.paid_on(call.vendor, wanted.rail)
        with self.edge.reading(shop) as tx:
            earlier = call.earlier_answer(tx)
            if earlier is not None:
                return stored_response(earlier)
            try:
                plan = _plan(tx, shop, wanted, intent_id, now)
            except Problem:
                # What stands in the way may be what a twin of this request started since that look.
                earlier = call.earlier_answer(tx)
                if earlier is None:
                    raise
                return stored_response(earlier)
        reserved_at = self._reserve(plan, plan.rings, now) if plan.rings is not None else None
        try:
            return self.edge.perform(call, lambda tx: self._start(tx, plan, wanted, reserved_at, now))
        except Problem as problem:
            if reserved_at is not None and problem.code not in _NOT_OURS:
                with self.edge.databases.platform.write() as tx:
                    payments.release_push(tx, intent_id=intent_id, now=now, was_used=False)
            raise

    def _reserve(self, plan: _Plan, payer_msisdn: str, now: datetime) -> datetime:
        try:
            with self.edge.databases.platform.write() as tx:
                return payments.reserve_push(
                    tx, intent_id=plan.intent_id, vendor_id=plan.vendor.id, payer_msisdn=payer_msisdn, now=now
                )
        except Problem as problem:
            if problem.code is ErrorCode.PAYER_BUSY and plan.undecided is not None:
                # The push that keeps the number busy is this order's own: say so.
                raise Problem(
                    409,
                    ErrorCode.PAYMENT_IN_PROGRESS,
                    "nobody can say yet whether the last try took the money; wait for its outcome",
                    order=plan.undecided,
                ) from problem
            raise

    def _start(
        self, tx: Tx, plan: _Plan, wanted: PayOrder, reserved_at: datetime | None, now: datetime
    ) -> tuple[int, BaseModel]:
        """Under the locks of customer, order, payment request and stock, in this order."""
        vendor = plan.vendor
        customer = _locked_customers(tx, plan, wanted, now)
        check_named(tx, vendor, customer.id, plan.payer, now)
        order = locked(tx, plan.order)
        _check_payable(tx, vendor, order, now)
        held_until = stock.held_until(tx, vendor.id, [order.id]).get(order.id)
        # A prompt is answered within minutes; a reference is carried to a cash machine.
        is_short = held_until is not None and plan.rail in PUSHED_RAILS
        keep_until = max(now + (PAYING_HOLD if is_short else self.hold_for), held_until or now)
        payments.open_request(tx, vendor_id=vendor.id, payable=payable(order), expires_at=keep_until, now=now)
        try:
            grant = payments.start_intent(
                tx,
                ring=self.grant_keys,
                vendor_id=vendor.id,
                payable=payable(order),
                intent_id=plan.intent_id,
                payer_msisdn=plan.payer.msisdn,
                rail=plan.rail,
                reserved_at=reserved_at,
                timezone=vendor.timezone,
                billing_anchor_day=vendor.billing_anchor_day,
                now=now,
                asked_by=customer.id,
            )
        except Problem as problem:
            if problem.code is ErrorCode.PAYMENT_IN_PROGRESS:
                problem.extra["order"] = order_view(tx, vendor, order, now)
            raise
        if order.discount is not None:
            with saying_the_order(tx, vendor, order, now):
                vouchers.use_again(tx, vendor.id, order.id, now)
        held = stock.hold_again(tx, vendor.id, order.id, keep_until)
        if isinstance(held, stock.SoldOut):
            raise sold_out(name_of(order, held.item_id), held.available)
        stock.extend(tx, vendor.id, order.id, keep_until)
        if wanted.payer_msisdn is not None and plan.rings is not None and not wanted.is_for_other:
            remember_payer(tx, vendor.id, customer, plan.rings)
        view = order_view(tx, vendor, order, now)
        shown = without_details(view) if wanted.is_for_other else view
        return 200, PayResult(order=shown, intent_id=plan.intent_id, payer_msisdn=plan.rings, grant=grant)


def _locked_customers(tx: Tx, plan: _Plan, wanted: PayOrder, now: datetime) -> Customer:
    """Who asks, locked, and with them whose order it is: whatever two people pay for each other, in one order."""
    refs = {wanted.customer.address: wanted.customer}
    if wanted.is_for_other:
        owner = get_customer(tx, plan.vendor.id, plan.order.customer_id)
        refs[owner.address] = CustomerRef(address=owner.address)
    found = {address: locked_customer(tx, plan.vendor.id, refs[address], now) for address in sorted(refs)}
    return found[wanted.customer.address]


def _plan(tx: Tx, vendor: Vendor, wanted: PayOrder, intent_id: PaymentIntentId, now: datetime) -> _Plan:
    """Everything that can be refused without a lock is refused here, before a push is reserved."""
    address = checked_address(wanted.customer.address)
    customer = find_customer(tx, vendor.id, address)
    if wanted.is_for_other:
        order = order_of_another(tx, vendor, address, wanted.code)
    else:
        order = _to_pay(tx, vendor, customer, wanted.code, now)
    _check_payable(tx, vendor, order, now)
    view = order_view(tx, vendor, order, now)
    last = view.payment if view.payment is not None and view.payment.rail in PUSHED_RAILS else None
    if last is not None and last.intent_status in _LIVE:
        raise Problem(
            409, ErrorCode.PAYMENT_IN_PROGRESS, "a prompt for this order is on the customer's phone", order=view
        )
    is_undecided = last is not None and last.intent_status is IntentStatus.UNKNOWN
    rail = _rail(vendor, wanted, view)
    return _Plan(
        vendor=vendor,
        intent_id=intent_id,
        rail=rail,
        payer=_payer(tx, vendor, customer, wanted, rail, view),
        order=order,
        undecided=view if is_undecided else None,
    )


def _to_pay(tx: Tx, vendor: Vendor, customer: Customer | None, code: str | None, now: datetime) -> Order:
    if customer is None:
        if code is None:
            raise Problem(409, ErrorCode.NOTHING_TO_PAY, "there is no order to pay")
        raise Problem(404, ErrorCode.ORDER_UNKNOWN, "this customer has no order with that code")
    order = order_meant(tx, vendor, customer.id, code, now)
    if order is None:
        raise Problem(409, ErrorCode.NOTHING_TO_PAY, "there is no order to pay")
    return order


def _check_payable(tx: Tx, vendor: Vendor, order: Order, now: datetime) -> None:
    """Raises Problem 409 not_confirmed or 409 order_transition_refused."""
    if order.status is OrderStatus.DRAFT:
        view = order_view(tx, vendor, order, now)
        raise Problem(409, ErrorCode.NOT_CONFIRMED, f"order {order.code} is not confirmed yet", order=view)
    if order.status is not OrderStatus.CONFIRMED:
        raise refusal(tx, vendor, OrderRefused(order, OrderEvent.PAY), now)


def _rail(vendor: Vendor, asked: PayOrder, order: OrderView) -> Rail:
    """The rail that was named, else the one that this order's last try took, else the only one. For somebody else's
    order only what rings the payer's own phone: a reference would be paid by whoever reads it."""
    wanted = asked.rail
    offered = [rail for rail in rails_of(vendor) if rail in PUSHED_RAILS or not asked.is_for_other]
    if wanted is not None and wanted in offered:
        return wanted
    if wanted is None and offered:
        last = order.payment.rail if order.payment is not None else None
        if last is not None and last in offered:
            return last
        if len(offered) == 1:
            return offered[0]
        raise Problem(409, ErrorCode.WHICH_RAIL, "say which way to pay", rails=offered, order=order)
    raise Problem(409, ErrorCode.RAIL_UNAVAILABLE, why_not_offered(vendor, wanted), rails=offered)


def _payer(tx: Tx, vendor: Vendor, customer: Customer | None, wanted: PayOrder, rail: Rail, order: OrderView) -> Payer:
    """Raises Problem 422 payer_missing, 422 payer_invalid or 409 payer_not_agreed."""
    if wanted.is_for_other:
        own = own_number(vendor, checked_address(wanted.customer.address))
        if own is None:
            raise Problem(422, ErrorCode.PAYER_MISSING, "the payer's address shows no number that can be charged")
        if wanted.payer_msisdn is not None:
            raise Problem(409, ErrorCode.PAYER_NOT_AGREED, "for somebody else only the payer's own number is charged")
        return Payer(own)
    assert customer is not None  # their order was found
    try:
        return payer_of(tx, vendor, customer, wanted.payer_msisdn, rail)
    except Problem as problem:
        if problem.code is ErrorCode.PAYER_NOT_AGREED:
            problem.extra["order"] = order
        raise
