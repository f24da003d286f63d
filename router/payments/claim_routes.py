"""Where the bot asks about the receipt that a customer named."""

from flask import Blueprint, Response

from contracts.claims import RECEIPTS_PATH, NameReceipt, ReceiptView
from contracts.states import Capability
from kit.web import read_body
from router.edge import Call, Edge, Routes
from router.operations import BY_BOT, Operation
from router.payments.claims import name_receipt

NAME = Operation(
    "payments.receipts.name",
    "POST",
    RECEIPTS_PATH,
    "A customer says that they paid, and names the receipt",
    BY_BOT,
    needs=(Capability.ORDERS,),
    body=NameReceipt,
    answer=ReceiptView,
    tag="payments",
)


def claim_routes(edge: Edge) -> Blueprint:
    routes = Routes(edge, "claims")

    @routes.add(NAME)
    def name(call: Call) -> Response:
        wanted = read_body(NameReceipt)
        return edge.perform(
            call, lambda tx: (200, name_receipt(tx, call.vendor, wanted.customer, wanted.receipt, call.now))
        )

    return routes.blueprint
