"""Gives stock back when its time is up. The order stays CONFIRMED: a later PAY holds again, if something is left."""

from dataclasses import dataclass
from datetime import timedelta

from contracts.events import EventType
from contracts.ids import OrderId, VendorId
from contracts.states import OrderStatus, RequestStatus
from kit.background import Loop
from kit.clock import Clock
from kit.db import Tx
from router.databases import Databases, OpsDatabase
from router.orders.checkout import tell
from router.orders.service import lock, order_of
from router.orders.views import PAYABLE_KIND
from router.payments import service as payments
from router.stock import service as stock
from router.vendors.service import Directory
from router.vouchers import service as vouchers

IDLE_S = 1.0
BATCH = 20
LIVE_GRACE = timedelta(minutes=1)
"""How much longer stock stays held, again and again, while money may still come for its order."""
LONGEST_HOLD = timedelta(hours=24)
"""From the confirmation. After that even a payment without an outcome holds nothing back."""


@dataclass(frozen=True, slots=True)
class HoldSweep:
    """One visit ends at most `BATCH` overdue holds in a database, each in a transaction of its own."""

    databases: Databases
    directory: Directory
    clock: Clock

    def turn(self) -> bool:
        """A visit to the shared database."""
        return self.visit(self.databases.shared)

    def visit(self, database: OpsDatabase) -> bool:
        """Returns whether any hold was dealt with."""
        with database.across() as tx:
            overdue = stock.due(tx, self.clock.now(), BATCH)
        due = ((hold.vendor_id, hold.order_id) for hold in overdue)
        return database.one_by_one(due, self._expire, "a hold could not be ended") > 0

    def _expire(self, tx: Tx, vendor_id: VendorId, what: str) -> None:
        now, order_id = self.clock.now(), OrderId(what)
        lock(tx, vendor_id, order_id)
        held_until = stock.held_until(tx, vendor_id, [order_id]).get(order_id)
        if held_until is None or held_until > now:
            return  # paid, cancelled or extended meanwhile
        order = order_of(tx, vendor_id, order_id)
        may_wait = order.confirmed_at is not None and now - order.confirmed_at < LONGEST_HOLD
        still_open = payments.still_open(tx, vendor_id=vendor_id, payable_kind=PAYABLE_KIND, payable_id=order_id)
        if may_wait and still_open.prompt:
            stock.extend(tx, vendor_id, order_id, now + LIVE_GRACE)
            return
        # A reference that may be paid for days holds nothing back from other customers. What was asked for stays open
        # with it: it is paid if something is left by then.
        if order.status is OrderStatus.CONFIRMED and not still_open.reference:
            payments.close_requests(
                tx,
                vendor_id=vendor_id,
                payable_kind=PAYABLE_KIND,
                payable_id=order_id,
                status=RequestStatus.EXPIRED,
                now=now,
            )
        vouchers.give_back(tx, vendor_id, order_id, now)
        stock.release(tx, vendor_id, order_id, now)
        tell(tx, self.directory.named(vendor_id), order, EventType.HOLD_EXPIRED, now)


def hold_sweep_loop(databases: Databases, directory: Directory, clock: Clock) -> Loop:
    return Loop("hold-sweep", HoldSweep(databases, directory, clock).turn, idle_s=IDLE_S)
