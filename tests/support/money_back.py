"""What a shop does with money that came to a till: asks it back, hears how that ended, and looks at what is left."""

from sqlalchemy import select

from contracts.payment_api import RefundStatus
from router.payments import models, refund_record, refunds
from router.payments.refund_record import Refund
from router.payments.service import Payable
from tests.support.databases import seeing_all
from tests.support.till import VENDOR, Till

R1 = "UF1E26WQJZ"


def money(till: Till, receipt: str = R1) -> str:
    """The id of the transaction with this receipt."""
    t = models.provider_transactions.c
    with seeing_all(till.db) as tx:
        return tx.execute(select(t.id).where(t.receipt == receipt)).scalar_one()


def paid_thing(till: Till) -> Payable:
    thing = till.thing()
    till.apply(till.paid(till.start(thing), receipt=R1))
    return thing


def late_money(till: Till) -> Payable:
    thing = till.thing()
    intent = till.start(thing)
    till.cancel(thing)
    till.apply(till.paid(intent, receipt=R1))
    return thing


def ask(till: Till, amount_minor: int | None = None, *, refund_id: str = "refund-1", receipt: str = R1) -> Refund:
    with till.ops.write() as tx:
        return refunds.ask(
            tx,
            VENDOR,
            refund_id=refund_id,
            transaction_id=money(till, receipt),
            amount_minor=amount_minor,
            note="Out of stock",
            by="key-1",
            now=till.clock.now(),
        )


def hear(till: Till, status: RefundStatus, refund_id: str = "refund-1") -> str | None:
    with till.ops.write() as tx:
        return refunds.record_outcome(
            tx, till.registry, VENDOR, refund_id, status, till.clock.now(), detail="as the provider says"
        )


def stands(till: Till, refund_id: str = "refund-1") -> RefundStatus:
    with till.ops.read() as tx:
        found = refund_record.read(tx, VENDOR, refund_id)
    assert found is not None
    return found.status


def going_back(till: Till) -> int:
    t = models.provider_transactions.c
    with seeing_all(till.db) as tx:
        return tx.execute(select(t.refunded_minor).where(t.receipt == R1)).scalar_one()


def booked(till: Till) -> list[int]:
    """What the ledger holds of this money, oldest first."""
    c = models.ledger_entries.c
    with seeing_all(till.db) as tx:
        found = select(c.amount_minor).where(c.transaction_id == money(till)).order_by(c.recorded_at, c.kind.desc())
        return list(tx.execute(found).scalars())


def queue(till: Till) -> list[tuple[str, str | None]]:
    e = models.payment_exceptions.c
    with seeing_all(till.db) as tx:
        return [(row.status, row.resolution) for row in tx.execute(select(e.status, e.resolution))]


def exception_id(till: Till) -> str:
    with seeing_all(till.db) as tx:
        return tx.execute(select(models.payment_exceptions.c.id)).scalar_one()
