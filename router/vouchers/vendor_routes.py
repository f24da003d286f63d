"""Vouchers over the vendor's API: given out, looked at, withdrawn."""

from flask import Blueprint, Response

from contracts.errors import ErrorCode
from contracts.states import Capability
from kit.db import Tx
from kit.problems import Problem
from kit.web import answer, read_body
from router.edge import Call, Edge, Routes
from router.operations import BY_VENDOR, KeyScope, Operation
from router.vouchers.service import listed, make, withdraw
from router.vouchers.wire import NewVoucher, VoucherList, VoucherView, voucher_in, voucher_view

MAX_LISTED = 200

_NEEDS = (Capability.ORDERS,)
LIST_VOUCHERS = Operation(
    "vendor.vouchers.list",
    "GET",
    "/api/v1/vouchers",
    "The newest vouchers, and how often each was used",
    BY_VENDOR,
    needs=_NEEDS,
    scope=KeyScope.ORDERS_READ,
    answer=VoucherList,
    tag="vouchers",
)
MAKE_VOUCHER = Operation(
    "vendor.vouchers.make",
    "POST",
    "/api/v1/vouchers",
    "Make a voucher",
    BY_VENDOR,
    needs=_NEEDS,
    scope=KeyScope.ORDERS_WRITE,
    body=NewVoucher,
    answer=VoucherView,
    status=201,
    problems=((409, ErrorCode.VOUCHER_EXISTS), (422, ErrorCode.AMOUNT_INVALID)),
    description="A use is counted when an order is confirmed, and given back when the order is cancelled or its hold "
    "ends unpaid. At least one whole unit of the currency is always left to pay.",
    tag="vouchers",
)
WITHDRAW_VOUCHER = Operation(
    "vendor.vouchers.withdraw",
    "POST",
    "/api/v1/vouchers/<voucher_id>/withdraw",
    "Let nobody use a voucher any more",
    BY_VENDOR,
    needs=_NEEDS,
    scope=KeyScope.ORDERS_WRITE,
    answer=VoucherView,
    problems=((404, ErrorCode.VOUCHER_UNKNOWN),),
    description="Orders that are confirmed keep it.",
    tag="vouchers",
    parameters={"voucher_id": "The voucher's id, as the list shows it"},
)


def voucher_routes(edge: Edge) -> Blueprint:
    routes = Routes(edge, "vendor_vouchers")

    @routes.add(LIST_VOUCHERS)
    def show(call: Call) -> Response:
        with edge.reading(call.vendor) as tx:
            found = listed(tx, call.vendor.id, MAX_LISTED)
        return answer(VoucherList(vouchers=[voucher_view(each) for each in found]))

    @routes.add(MAKE_VOUCHER)
    def create(call: Call) -> Response:
        wanted = voucher_in(read_body(NewVoucher), call.vendor.currency)

        def effect(tx: Tx) -> tuple[int, VoucherView]:
            made = make(tx, call.vendor.id, wanted, call.now)
            if made is None:
                raise Problem(409, ErrorCode.VOUCHER_EXISTS, f"there is a voucher {wanted.code} already")
            return 201, voucher_view(made)

        return edge.perform(call, effect)

    @routes.add(WITHDRAW_VOUCHER)
    def withdrawn(call: Call, voucher_id: str) -> Response:
        def effect(tx: Tx) -> tuple[int, VoucherView]:
            gone = withdraw(tx, call.vendor.id, voucher_id)
            if gone is None:
                raise Problem(404, ErrorCode.VOUCHER_UNKNOWN, "the shop has no voucher with this id")
            return 200, voucher_view(gone)

        return edge.perform(call, effect)

    return routes.blueprint
