"""Does what a comparison found, once a person has said so: a charge that the statement shows as paid becomes paid by
the statement's word, and money by hand that was never heard of is announced.

Everything is looked at again under lock before it is done, since callbacks go on coming meanwhile; what has happened by
then stays as it is. So doing it twice changes nothing."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from contracts.payment_api import PaymentEvent
from contracts.states import PaymentEventStatus
from kit.clock import Clock
from kit.db import Database, Tx
from payment_adapter.charges.models import charges as charge_table
from payment_adapter.charges.models import outbox
from payment_adapter.charges.record import Source
from payment_adapter.charges.service import Applied, ChargeMoved, Charges, Wakes
from payment_adapter.providers.base import CallbackUnreadable, ChargeOrder, ChargeRef, NoAnswer, Outcome, Report
from payment_adapter.reconcile.statements_formats import Layout
from payment_adapter.reconcile.statements_ours import BY_HAND
from payment_adapter.reconcile.statements_scratch import Action, Bucket, Entry, Scratch
from payment_adapter.vault.service import Credentials

_log = structlog.get_logger()

_BATCH = 50
_MAX_REFERENCE = 20
"""As in a confirmation by callback."""


class Done(StrEnum):
    """What came of an action."""

    PAID = "now paid"
    ENRICHED = "receipt added"
    ANNOUNCED = "announced"
    ALREADY = "was done already"
    REFUSED = "not done: its ids belong to another payment by now"
    FAILED = "not done: the database refused it; apply the statement again"


@dataclass(frozen=True, slots=True)
class Applying:
    """`heard` is told how many are done."""

    db: Database
    charges: Charges
    vendor_id: str
    layout: Layout
    heard: Callable[[int], None]

    def run(self, scratch: Scratch) -> Counter[Done]:
        """Every action that was found; what came of each is noted beside it."""
        done: Counter[Done] = Counter()
        entries = scratch.entries(Bucket.MATCHED, Bucket.AMOUNT_DIFFERS, Bucket.MISSING_HERE)
        todo = (entry for entry in entries if entry.action is not None)
        while batch := sorted(islice(todo, _BATCH), key=_lock_order):
            outcomes = self._together(batch)
            for entry, outcome in zip(batch, outcomes, strict=True):
                scratch.do(
                    "UPDATE lines SET applied = ? WHERE number = ? AND receipt = ? AND action IS NOT NULL",
                    (outcome, entry.line, entry.receipt),
                )
            done.update(outcomes)
            self.heard(done.total())
        return done

    def _together(self, batch: list[Entry]) -> list[Done]:
        """All in one transaction, or, if one of them breaks it, each in its own."""
        try:
            with self.db.write() as tx:
                return [self._do(tx, entry) for entry in batch]
        except (SQLAlchemyError, ChargeMoved):
            return [self._alone(entry) for entry in batch]

    def _alone(self, entry: Entry) -> Done:
        try:
            with self.db.write() as tx:
                return self._do(tx, entry)
        except (SQLAlchemyError, ChargeMoved) as error:
            _log.error("a line of a statement can't be applied", line=entry.line, error=type(error).__name__)
            return Done.FAILED

    def _do(self, tx: Tx, entry: Entry) -> Done:
        return self._pay(tx, entry) if entry.action is Action.PAY else self._announce(tx, entry)

    def _pay(self, tx: Tx, entry: Entry) -> Done:
        assert entry.there_minor is not None
        charge = self.charges.lock(tx, entry.key)
        is_mpesa = self.layout.provider == "mpesa"
        if is_mpesa and self._is_announced(tx, entry.receipt):
            return Done.REFUSED
        report = Report(
            PaymentEventStatus.PAID,
            amount_minor=entry.there_minor,
            receipt=entry.receipt if is_mpesa else None,
            transaction_id=None if is_mpesa else entry.receipt,
            occurred_at=entry.at,
        )
        match self.charges.report(tx, charge, report, Source.STATEMENT):
            case Applied.CHANGED:
                return Done.PAID
            case Applied.ENRICHED:
                return Done.ENRICHED
            case Applied.MISMATCH:
                return Done.REFUSED
            case _:
                return Done.ALREADY

    def _announce(self, tx: Tx, entry: Entry) -> Done:
        assert entry.at is not None
        held = select(charge_table.c.charge_id).where(
            charge_table.c.provider == self.layout.provider, charge_table.c.receipt == entry.receipt
        )
        if tx.execute(held).first() is not None or self._is_announced(tx, entry.receipt):
            return Done.ALREADY
        event = PaymentEvent(
            event_id=BY_HAND + entry.receipt,
            provider=self.layout.provider,
            rail=None,
            vendor_id=self.vendor_id,
            intent_id=None,
            status=PaymentEventStatus.PAID,
            amount_minor=entry.there_minor,
            currency=self.layout.currency,
            provider_transaction_id=entry.receipt,
            receipt=entry.receipt,
            payer_msisdn=entry.phone or None,
            payer_name=entry.payer_name or None,
            account_reference=entry.reference[:_MAX_REFERENCE] or None,
            occurred_at=entry.at,
        )
        self.charges.announce(tx, event, f"by-hand:{event.event_id}")
        return Done.ANNOUNCED

    def _is_announced(self, tx: Tx, receipt: str) -> bool:
        told = select(outbox.c.seq).where(outbox.c.vendor_id == self.vendor_id, outbox.c.event_id == BY_HAND + receipt)
        return tx.execute(told).first() is not None


class _Unasked:
    """A provider that is not asked: the statement is its word."""

    def __init__(self, layout: Layout) -> None:
        self.name = layout.provider
        self.rails = layout.rails

    def can_look_up(self, charge: ChargeRef) -> bool:
        return False

    def create_charge(self, order: ChargeOrder, credentials: Credentials) -> Outcome:
        raise NotImplementedError("a statement charges nobody")

    def look_up(self, charge: ChargeRef, credentials: Credentials) -> Report | NoAnswer:
        return NoAnswer("a statement is at hand")

    def read_callback(self, body: bytes, headers: Mapping[str, str]) -> Report:
        raise CallbackUnreadable("a statement is no callback")


def charges_by_statement(clock: Clock, layout: Layout) -> Charges:
    """The door to charges for a process that asks no provider. The adapter's relay sees by itself what is announced."""
    return Charges(clock, (_Unasked(layout),), Wakes(_nobody, _nobody, _nobody))


def _nobody() -> None:
    """Whom a commit here would wake runs in another process."""


def _lock_order(entry: Entry) -> str:
    """So that two who apply wait for each other in one order."""
    return entry.key
