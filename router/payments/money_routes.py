"""What came into a shop's till, what the shop decides about it, and what goes back, over the vendor's API."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response
from pydantic import BaseModel
from sqlalchemy import Row

from contracts.errors import ErrorCode
from contracts.ids import VendorId, derived_id, new_id
from contracts.money import Currency
from contracts.payment_api import RefundStatus
from contracts.states import Rail
from kit.db import Tx
from kit.paging import Moment, paged
from kit.problems import Problem
from kit.web import answer, read_body, read_query
from router.customers.service import shown_number
from router.edge import Call, Edge, Routes
from router.payments import decisions, refund_record, refunds
from router.payments.listing import money, one_exception, one_money
from router.payments.models import Effect
from router.payments.money_wire import (
    ATTACH,
    DECIDE_REFUND,
    LIST_MONEY,
    LIST_REFUNDS,
    REFUND,
    RESOLVE,
    SHOW_MONEY,
    SHOW_REFUND,
    Decision,
    MoneyQuery,
    Noted,
    RefundsQuery,
    VendorMoney,
    VendorMoneyList,
    VendorRefund,
    VendorRefunds,
    WantedRefund,
)
from router.payments.payables import Registry
from router.payments.refund_record import Refund
from router.payments.vendor_routes import can_be_id, provider_id, shown_exceptions


@dataclass(frozen=True, slots=True)
class Desk:
    """What these routes are given. `wake` says that a refund waits to be handed over: a hint, after its commit."""

    edge: Edge
    registry: Registry
    order_kind: str
    wake: Callable[[], None]


def vendor_money_routes(edge: Edge, registry: Registry, order_kind: str, wake: Callable[[], None]) -> Blueprint:
    """`order_kind` is the kind of payable that orders are."""
    routes, desk = Routes(edge, "vendor_money"), Desk(edge, registry, order_kind, wake)
    _add_money(routes, desk)
    _add_decisions(routes, desk)
    _add_refunds(routes, desk)
    return routes.blueprint


def _add_money(routes: Routes, desk: Desk) -> None:
    @routes.add(LIST_MONEY)
    def listed(call: Call) -> Response:
        wanted = read_query(MoneyQuery)
        with desk.edge.reading(call.vendor) as tx:
            found = money(
                tx,
                call.vendor.id,
                receipt=wanted.receipt,
                since=wanted.since,
                until=wanted.until,
                payable=None if wanted.order_id is None else (desk.order_kind, wanted.order_id),
                end=wanted.cursor,
                limit=wanted.limit + 1,
            )
        page, following = paged(found, wanted.limit, lambda row: Moment(row.created_at, row.id))
        whole = call.sees_numbers
        shown = [_money(row, whole=whole) for row in page]
        return answer(VendorMoneyList(transactions=shown, next_cursor=following))

    @routes.add(SHOW_MONEY)
    def shown(call: Call, transaction_id: str) -> Response:
        found = None
        if can_be_id(transaction_id):
            with desk.edge.reading(call.vendor) as tx:
                found = one_money(tx, call.vendor.id, transaction_id)
        if found is None:
            raise Problem(404, ErrorCode.TRANSACTION_UNKNOWN, "the shop has no money with this id")
        return answer(_money(found, whole=call.sees_numbers))


def _add_decisions(routes: Routes, desk: Desk) -> None:
    def decided(call: Call, exception_id: str, decide: Callable[[Tx], None]) -> Response:
        if not can_be_id(exception_id):
            raise Problem(404, ErrorCode.EXCEPTION_UNKNOWN, "the shop has no exception with this id")

        def effect(tx: Tx) -> tuple[int, BaseModel]:
            decide(tx)
            row = one_exception(tx, call.vendor.id, exception_id)
            assert row is not None
            (shown,) = shown_exceptions(tx, call, [row])
            return 200, shown

        return desk.edge.perform(call, effect)

    @routes.add(RESOLVE)
    def resolve(call: Call, exception_id: str) -> Response:
        noted = read_body(Noted)
        vendor_id, by = call.vendor.id, call.caller.name
        return decided(
            call,
            exception_id,
            lambda tx: decisions.note(tx, vendor_id, exception_id, text=noted.note, by=by, now=call.now),
        )

    @routes.add(ATTACH)
    def attach(call: Call, exception_id: str, order_id: str) -> Response:
        if not can_be_id(order_id):
            raise Problem(404, ErrorCode.ORDER_UNKNOWN, "the shop has no order with this id")
        payable = (desk.order_kind, order_id)

        def attached(tx: Tx) -> None:
            decisions.attach(
                tx,
                desk.registry,
                call.vendor.id,
                exception_id,
                payable=payable,
                by=call.caller.name,
                now=call.now,
            )

        return decided(call, exception_id, attached)


def _add_refunds(routes: Routes, desk: Desk) -> None:
    @routes.add(REFUND)
    def refund(call: Call, transaction_id: str) -> Response:
        wanted = read_body(WantedRefund)
        if not can_be_id(transaction_id):
            raise Problem(404, ErrorCode.TRANSACTION_UNKNOWN, "the shop has no money with this id")
        refund_id = new_id(call.now) if call.key is None else derived_id("refund", call.vendor.id, call.key)

        def asked(tx: Tx) -> tuple[int, BaseModel]:
            made = refunds.ask(
                tx,
                call.vendor.id,
                refund_id=refund_id,
                transaction_id=transaction_id,
                amount_minor=wanted.amount_minor,
                note=wanted.note,
                by=call.caller.name,
                now=call.now,
            )
            tx.after_commit(desk.wake)
            return 202, _refund(made)

        return desk.edge.perform(call, asked)

    @routes.add(LIST_REFUNDS)
    def listed(call: Call) -> Response:
        wanted = read_query(RefundsQuery)
        with desk.edge.reading(call.vendor) as tx:
            found = refund_record.newest(
                tx,
                call.vendor.id,
                status=wanted.status,
                transaction_id=wanted.transaction_id,
                end=wanted.cursor,
                limit=wanted.limit + 1,
            )
        page, following = paged(found, wanted.limit, lambda each: Moment(each.created_at, each.id))
        return answer(VendorRefunds(refunds=[_refund(each) for each in page], next_cursor=following))

    @routes.add(SHOW_REFUND)
    def shown(call: Call, refund_id: str) -> Response:
        with desk.edge.reading(call.vendor) as tx:
            return answer(_refund(_known(tx, call.vendor.id, refund_id)))

    @routes.add(DECIDE_REFUND)
    def decide(call: Call, refund_id: str) -> Response:
        decision = read_body(Decision)

        def decided(tx: Tx) -> tuple[int, BaseModel]:
            known = _known(tx, call.vendor.id, refund_id)
            if known.status is not RefundStatus.UNKNOWN:
                raise Problem(409, ErrorCode.REFUND_SETTLED, f"this refund is {known.status}: nobody needs to say more")
            status = RefundStatus.DONE if decision.went_back else RefundStatus.FAILED
            refunds.record_outcome(tx, desk.registry, call.vendor.id, refund_id, status, call.now, detail=decision.note)
            return 200, _refund(_known(tx, call.vendor.id, refund_id))

        return desk.edge.perform(call, decided)


def _known(tx: Tx, vendor_id: VendorId, refund_id: str) -> Refund:
    found = refund_record.read(tx, vendor_id, refund_id) if can_be_id(refund_id) else None
    if found is None:
        raise Problem(404, ErrorCode.REFUND_UNKNOWN, "the shop has no refund with this id")
    return found


def _money(row: Row[Any], *, whole: bool) -> VendorMoney:
    return VendorMoney(
        transaction_id=row.id,
        effect=Effect(row.effect),
        amount_minor=row.amount_minor,
        refunded_minor=row.refunded_minor,
        currency=Currency(row.currency),
        provider=row.provider,
        rail=None if row.rail is None else Rail(row.rail),
        provider_transaction_id=provider_id(row, whole=whole),
        receipt=row.receipt,
        payer_phone=shown_number(row.payer_msisdn, whole=whole),
        payer_name=row.payer_name,
        account_reference=row.account_reference,
        payment_id=row.intent_id,
        paid_for=row.payable_kind,
        paid_for_id=row.payable_id,
        reference=row.reference,
        received_at=row.occurred_at,
        created_at=row.created_at,
    )


def _refund(refund: Refund) -> VendorRefund:
    return VendorRefund(
        refund_id=refund.id,
        transaction_id=refund.transaction_id,
        status=refund.status,
        amount_minor=refund.amount.minor,
        currency=refund.amount.currency,
        note=refund.note,
        asked_by=refund.asked_by,
        was_handed_over=refund.sent_at is not None,
        provider_refund_id=refund.provider_refund_id,
        detail=refund.detail,
        created_at=refund.created_at,
        updated_at=refund.updated_at,
    )
