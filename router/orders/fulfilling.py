"""What an order does when money for it arrives. The payment core calls this inside its own transaction."""

from dataclasses import dataclass
from datetime import datetime

from contracts.events import EventType, OrderNews
from contracts.ids import OrderId, VendorId
from contracts.states import ExceptionKind, OrderStatus
from kit.db import Tx
from router.orders import service as orders
from router.orders.rules import OrderEvent, code_in
from router.orders.views import order_news
from router.payments.service import CannotFulfil, Fulfilled, Paid
from router.stock import service as stock
from router.vendors.service import Directory
from router.vouchers import service as vouchers


@dataclass(frozen=True, slots=True)
class OrderPayments:
    """The handler of orders in the registry of payables."""

    directory: Directory

    def lock(self, tx: Tx, vendor_id: VendorId, payable_id: str) -> None:
        orders.lock(tx, vendor_id, OrderId(payable_id))

    def find(self, tx: Tx, vendor_id: VendorId, reference: str) -> str | None:
        """The order with this code, as people type codes into a phone."""
        return orders.id_of_code(tx, vendor_id, code_in(reference))

    def on_paid(
        self, tx: Tx, vendor_id: VendorId, payable_id: str, paid: Paid, now: datetime
    ) -> Fulfilled | CannotFulfil:
        """CONFIRMED becomes PAID and its stock is sold; stock that was given back meanwhile is taken again if any is
        left. The caller holds the order's lock."""
        order = orders.order_of(tx, vendor_id, OrderId(payable_id))
        match order.status:
            case OrderStatus.CONFIRMED:
                pass
            case OrderStatus.PAID:
                return CannotFulfil(ExceptionKind.DUPLICATE)
            case OrderStatus.CANCELLED:
                return CannotFulfil(ExceptionKind.LATE)
            case OrderStatus.DRAFT:
                return CannotFulfil(ExceptionKind.UNMATCHED)  # money is asked for confirmed orders only
        if isinstance(stock.hold_again(tx, vendor_id, order.id, now), stock.SoldOut):
            return CannotFulfil(ExceptionKind.NO_STOCK)
        vouchers.honour(tx, vendor_id, order.id, now)
        stock.sell(tx, vendor_id, order.id, now)
        orders.move(tx, order, OrderEvent.PAY, now)
        return Fulfilled(announce=EventType.ORDER_PAID)

    def news(self, tx: Tx, vendor_id: VendorId, payable_id: str, now: datetime) -> OrderNews:
        return order_news(tx, self.directory.named(vendor_id), OrderId(payable_id), now)
