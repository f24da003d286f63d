"""What we know of a shop's money in a period: charges, and payments by hand that were announced."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, and_, or_, select

from contracts.payment_api import PaymentEvent
from contracts.states import ChargeStatus
from kit.db import Database
from payment_adapter.charges.models import charges, outbox
from payment_adapter.charges.record import Source
from payment_adapter.reconcile.statements_formats import Layout
from payment_adapter.reconcile.statements_scratch import Ours, Side

PUSHED_BEFORE = timedelta(hours=1)
"""A charge that was pushed so long before the period began can't be what a line of it paid, unless its ids say so."""
_PAGE = 1000
BY_HAND = "mpesa-c2b:"
"""What the id of an event begins with that tells of money paid by hand; the receipt follows."""
_PAST_BY_HAND = "mpesa-c2b;"


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` up to, but not including, `end`."""

    start: datetime
    end: datetime

    def holds(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


@dataclass(frozen=True, slots=True)
class Books:
    """One shop's side, as far as one provider's statements can show it. Every call reads in transactions of its own,
    page by page."""

    db: Database
    vendor_id: str
    layout: Layout
    period: Period

    def charges(self) -> Iterator[Ours]:
        """Of the period, and those shortly before that may have been paid in it."""
        start, end = self.period.start, self.period.end
        touched = or_(
            and_(charges.c.paid_at >= start, charges.c.paid_at < end),
            and_(charges.c.created_at >= start - PUSHED_BEFORE, charges.c.created_at < end),
        )
        query = select(*_COLUMNS).where(
            charges.c.vendor_id == self.vendor_id,
            charges.c.provider == self.layout.provider,
            charges.c.rail.in_(self.layout.rails),
            touched,
        )
        last = ""
        while True:
            with self.db.read() as tx:
                page = tx.execute(
                    query.where(charges.c.charge_id > last).order_by(charges.c.charge_id).limit(_PAGE)
                ).all()
            if not page:
                return
            last = page[-1].charge_id
            yield from (self._charge(row) for row in page)

    def by_hand(self) -> Iterator[Ours]:
        """Money of the period that was paid by hand and announced."""
        query = select(outbox.c.event_id, outbox.c.body).where(
            outbox.c.vendor_id == self.vendor_id,
            outbox.c.event_id < _PAST_BY_HAND,
            outbox.c.created_at >= self.period.start,
        )
        last = BY_HAND
        while True:
            with self.db.read() as tx:
                page = tx.execute(query.where(outbox.c.event_id > last).order_by(outbox.c.event_id).limit(_PAGE)).all()
            if not page:
                return
            last = page[-1].event_id
            told = (self._by_hand(row.body) for row in page)
            yield from (each for each in told if each.is_of_period)

    def known(self, receipts: Sequence[str], references: Sequence[str]) -> tuple[list[Ours], set[str]]:
        """What bears one of these ids, whenever it was; and which of the receipts are payments of other shops."""
        with self.db.read() as tx:
            found = tx.execute(
                select(*_COLUMNS).where(
                    charges.c.provider == self.layout.provider,
                    or_(
                        charges.c.receipt.in_(receipts),
                        charges.c.provider_transaction_id.in_(receipts),
                        charges.c.our_reference.in_(references),
                    ),
                )
            ).all()
            told = tx.execute(
                select(outbox.c.vendor_id, outbox.c.body).where(
                    outbox.c.vendor_id == self.vendor_id,
                    outbox.c.event_id.in_([BY_HAND + receipt for receipt in receipts]),
                )
            ).all()
        ours = [self._charge(row) for row in found if row.vendor_id == self.vendor_id]
        others = [row for row in found if row.vendor_id != self.vendor_id]
        foreign = {str(each) for row in others for each in (row.receipt, row.provider_transaction_id) if each}
        return ours + [self._by_hand(row.body) for row in told], foreign

    def _charge(self, row: Row[Any]) -> Ours:
        is_paid = row.status == ChargeStatus.PAID
        moment: datetime = row.paid_at if is_paid and row.paid_at else row.created_at
        return Ours(
            side=Side.CHARGE,
            key=row.charge_id,
            receipt=row.receipt,
            transaction_id=row.hinted_receipt if self.layout.provider == "mpesa" else row.provider_transaction_id,
            our_reference=row.our_reference,
            reference=row.account_reference,
            amount_minor=row.paid_amount_minor if is_paid else row.amount_minor,
            status=row.status,
            is_paid=is_paid,
            phone=row.payer_msisdn or "",
            pushed_s=None if row.claimed_at is None else int(row.claimed_at.timestamp()),
            at_s=int(moment.timestamp()),
            is_of_period=self.period.holds(moment),
            is_told_late=is_paid and row.decided_by == Source.QUERY,
            is_asked=row.next_poll_at is not None or row.status in (ChargeStatus.CREATED, ChargeStatus.CLAIMED),
        )

    def _by_hand(self, body: str) -> Ours:
        event = PaymentEvent.model_validate_json(body)
        return Ours(
            side=Side.BY_HAND,
            key=event.event_id,
            receipt=event.receipt or event.event_id.removeprefix(BY_HAND),
            transaction_id=None,
            our_reference="",
            reference=event.account_reference or "",
            amount_minor=event.amount_minor or 0,
            status=event.status,
            is_paid=True,
            phone=event.payer_msisdn or "",
            pushed_s=None,
            at_s=int(event.occurred_at.timestamp()),
            is_of_period=self.period.holds(event.occurred_at),
        )


_COLUMNS = (
    charges.c.vendor_id,
    charges.c.charge_id,
    charges.c.receipt,
    charges.c.hinted_receipt,
    charges.c.provider_transaction_id,
    charges.c.our_reference,
    charges.c.account_reference,
    charges.c.amount_minor,
    charges.c.paid_amount_minor,
    charges.c.status,
    charges.c.payer_msisdn,
    charges.c.claimed_at,
    charges.c.created_at,
    charges.c.paid_at,
    charges.c.decided_by,
    charges.c.next_poll_at,
)
