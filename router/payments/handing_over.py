"""Hands refunds to the payment adapter, which may be down: each is offered, with no transaction open, until taken.

A refund that was offered may have been taken though no answer came, so it is offered again under the same key and
never under another: the payment adapter does each once."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import structlog
from pydantic import BaseModel
from sqlalchemy import select

from contracts.errors import ErrorCode
from contracts.ids import VendorId
from contracts.payment_api import NewRefund, RefundStatus, RefundView
from kit.background import Loop
from kit.clock import Clock
from kit.db import Tx, VendorMoved
from kit.peers import Refusal, Unreachable
from router.databases import Databases, OpsDatabase, has_stayed
from router.payments import refund_record, transactions
from router.payments.payables import Registry
from router.payments.refund_models import payment_refunds
from router.payments.refund_record import Refund
from router.payments.refunds import record_outcome
from router.payments.transactions import OWN_ID

_log = structlog.get_logger()

PATH = "/v1/refunds"
BATCH = 20
IDLE_S = 5.0
LEASE = timedelta(seconds=30)
"""Longer than one offer takes: who holds it has answered by then, or died."""
FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=10)
_DOUBLINGS = 20

_FINAL = frozenset({ErrorCode.NOT_FOUND, ErrorCode.REFUND_UNAVAILABLE, ErrorCode.INVALID_REQUEST})
"""The payment adapter will not do it, however often it is asked. Anything else passes."""

M = TypeVar("M", bound=BaseModel)


class Adapter(Protocol):
    """The payment adapter as this room asks it (`kit.peers.Peer`)."""

    def post(self, model: type[M], path: str, body: BaseModel, *, vendor: str | None = None, idempotency_key: str) -> M:
        """Raises Unreachable or Refusal."""
        ...


@dataclass(frozen=True, slots=True)
class _Offer:
    refund: Refund
    body: NewRefund


@dataclass(frozen=True, slots=True)
class HandingOver:
    """One visit offers at most `BATCH` refunds of a database."""

    databases: Databases
    registry: Registry
    adapter: Adapter
    clock: Clock

    def loop(self) -> Loop:
        return Loop("refunds-handing-over", self.turn, idle_s=IDLE_S)

    def turn(self) -> bool:
        """A visit to the shared database."""
        return self.visit(self.databases.shared)

    def visit(self, database: OpsDatabase) -> bool:
        """Returns whether any was due."""
        c = payment_refunds.c
        with database.across() as tx:
            due = tx.execute(
                select(c.vendor_id, c.id)
                .where(
                    c.status == RefundStatus.PENDING,
                    c.sent_at.is_(None),
                    c.next_at <= self.clock.now(),
                    has_stayed(c.vendor_id),
                )
                .order_by(c.next_at)
                .limit(BATCH)
            ).all()
        return sum(self._hand_over(database, VendorId(row.vendor_id), row.id) for row in due) > 0

    def _hand_over(self, database: OpsDatabase, vendor_id: VendorId, refund_id: str) -> int:
        shop = database.of(vendor_id)
        try:
            now = self.clock.now()
            with shop.write() as tx:
                offer = _leased(tx, vendor_id, refund_id, now)
            if offer is None:
                return 0
            answer = self._offered(offer)
            with shop.write() as tx:
                self._note(tx, offer.refund, answer)
        except VendorMoved:
            return 0  # it is offered where the shop lives now
        except Exception:
            # One that can't be handed over must not hold back the others.
            _log.exception("a refund could not be handed over", refund_id=refund_id)
            return 0
        return 1

    def _offered(self, offer: _Offer) -> RefundView | None:
        """What the payment adapter said; None if that can't be known, or it asked to come back later."""
        refund = offer.refund
        try:
            return self.adapter.post(RefundView, PATH, offer.body, vendor=refund.vendor_id, idempotency_key=refund.id)
        except Unreachable as error:
            _log.warning("a refund was not taken now", refund_id=refund.id, attempts=refund.attempts, error=str(error))
            return None
        except Refusal as refused:
            if refused.problem.code in _FINAL:
                return RefundView(refund_id=refund.id, status=RefundStatus.FAILED, detail=refused.problem.detail)
            _log.error("the payment adapter refused a refund", refund_id=refund.id, code=refused.problem.code)
            return None

    def _note(self, tx: Tx, refund: Refund, answer: RefundView | None) -> None:
        now = self.clock.now()
        if answer is None:
            refund_record.postpone(tx, refund, now + pause(refund.attempts))
            return
        record_outcome(tx, self.registry, refund.vendor_id, refund.id, answer.status, now, detail=answer.detail)


def pause(attempts: int) -> timedelta:
    """Before a refund is offered again, after so many attempts (at least 1): longer each time, and a little uneven."""
    longer = min(FIRST_PAUSE * 2 ** min(attempts - 1, _DOUBLINGS), LONGEST_PAUSE)
    return longer + longer * random.randrange(100) // 1000


def _leased(tx: Tx, vendor_id: VendorId, refund_id: str, now: datetime) -> _Offer | None:
    known = refund_record.read(tx, vendor_id, refund_id)
    transaction = None if known is None else transactions.locked(tx, vendor_id, known.transaction_id)
    refund = refund_record.lease(tx, vendor_id, refund_id, now, now + LEASE)
    if refund is None or transaction is None:
        return None
    is_own = transaction.provider_transaction_id.startswith(OWN_ID)
    return _Offer(
        refund,
        NewRefund(
            refund_id=refund.id,
            vendor_id=vendor_id,
            provider=transaction.provider,
            provider_transaction_id=None if is_own else transaction.provider_transaction_id,
            receipt=transaction.receipt,
            amount_minor=refund.amount.minor,
            currency=refund.amount.currency,
            note=refund.note,
        ),
    )
