"""What a report does to a charge: decided from what was read, with nothing looked up and nothing written.

Only success absorbs. A callback that nobody signed is a hint: it must name the transaction that is known, and where the
provider's policy says so, what it says of money counts only once the provider, asked, says that it was paid."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

import structlog

from contracts.states import ChargeStatus, PaymentEventStatus
from payment_adapter.charges.record import Charge, Source
from payment_adapter.charges.rules import UNCONFIRMED, Confirm, Fact, follow, hint_asks_at
from payment_adapter.providers.base import Failure, Report

_log = structlog.get_logger()

_NO_AMOUNT = "a callback says paid and not how much: the provider is asked"


class Applied(StrEnum):
    """What a report did to its charge."""

    CHANGED = "changed"
    ENRICHED = "enriched"
    """The status was known; its receipt, or its transaction id, was not."""
    NOTHING = "nothing"
    """It was known, or comes too late to count."""
    ASKED = "asked"
    """It counts once the provider says so, who is asked now."""
    MISMATCH = "mismatch"
    """It names another transaction or a receipt that another charge has: not believed."""


@dataclass(slots=True)
class Owners:
    """Whose transactions and receipts the reports of one provider name: id → charge id, of charges that have them."""

    transactions: dict[str, str] = field(default_factory=dict[str, str])
    receipts: dict[str, str] = field(default_factory=dict[str, str])

    def note(self, charge: Charge) -> None:
        if charge.provider_transaction_id is not None:
            self.transactions[charge.provider_transaction_id] = charge.charge_id
        if charge.receipt is not None:
            self.receipts[charge.receipt] = charge.charge_id


@dataclass(frozen=True, slots=True)
class Circumstances:
    now: datetime
    confirm: Confirm
    """The provider's policy."""
    can_ask: bool
    """Whether the provider can be asked about the charge."""


@dataclass(frozen=True, slots=True)
class Decision:
    applied: Applied
    charge: Charge
    """As it is afterwards."""
    is_told: bool = False
    """Its status is news."""
    is_enriched: bool = False
    """Its receipt is news."""
    asks_now: bool = False


def decide(charge: Charge, report: Report, source: Source, owners: Owners, at: Circumstances) -> Decision:
    if not may_adopt(charge, report.transaction_id, owners):
        return Decision(Applied.MISMATCH, charge)
    named = adopt(charge, report)
    match report.status:
        case PaymentEventStatus.PAID:
            return _paid(charge, named, report, source, owners, at)
        case PaymentEventStatus.FAILED | PaymentEventStatus.EXPIRED:
            assert report.failure is not None
            if source is Source.CALLBACK and at.confirm is Confirm.ALWAYS and at.can_ask and is_open(charge):
                return Decision(Applied.ASKED, asking(named, at.now), asks_now=True)
            fact = Fact.FAIL if report.status is PaymentEventStatus.FAILED else Fact.EXPIRE
            ended = failed(named, report.failure, source)
            if source in (Source.CALLBACK, Source.PUSH):
                ended = replace(ended, next_poll_at=None)
            return moved(charge, fact, ended) or _noted(charge, named)
        case PaymentEventStatus.UNKNOWN:
            # The provider has more to say than it said: ask at once.
            soon = asking(named, at.now)
            doubted = moved(charge, Fact.DOUBT, replace(soon, provider_detail=_NO_AMOUNT))
            if doubted is not None:
                return replace(doubted, asks_now=True)
            return replace(_noted(charge, soon if charge.status is ChargeStatus.UNKNOWN else named), asks_now=True)
        case PaymentEventStatus.PENDING:
            return _noted(charge, named)


def may_adopt(charge: Charge, transaction_id: str | None, owners: Owners) -> bool:
    """A charge has one transaction, and a transaction one charge."""
    if transaction_id is None:
        return True
    if charge.provider_transaction_id is not None:
        return charge.provider_transaction_id == transaction_id
    return owners.transactions.get(transaction_id, charge.charge_id) == charge.charge_id


def adopt(charge: Charge, report: Report) -> Charge:
    if report.transaction_id is None:
        return charge
    return replace(
        charge,
        provider_transaction_id=report.transaction_id,
        provider_request_id=charge.provider_request_id or report.request_id,
    )


def is_open(charge: Charge) -> bool:
    return charge.status in (ChargeStatus.CLAIMED, ChargeStatus.ACCEPTED, ChargeStatus.UNKNOWN)


def asking(charge: Charge, now: datetime) -> Charge:
    """To be asked about because of a hint: as soon as may be, unless it is to be asked about earlier anyway."""
    soon = hint_asks_at(charge.asked_at, charge.hints_asked, now)
    if charge.next_poll_at is not None and charge.next_poll_at <= soon:
        return charge
    return replace(charge, next_poll_at=soon, hints_asked=charge.hints_asked + 1)


def failed(charge: Charge, failure: Failure, source: Source) -> Charge:
    return replace(
        charge,
        reason=failure.reason,
        may_retry=failure.may_retry,
        provider_code=failure.code,
        provider_detail=failure.detail,
        decided_by=source,
    )


def moved(before: Charge, fact: Fact, after: Charge) -> Decision | None:
    """The charge in the status that the table gives it, or None where the fact changes nothing."""
    status = follow(before.status, fact)
    return None if status is None else Decision(Applied.CHANGED, replace(after, status=status), is_told=True)


def _noted(before: Charge, after: Charge) -> Decision:
    return Decision(Applied.NOTHING if after == before else Applied.ENRICHED, after)


def _paid(before: Charge, named: Charge, report: Report, source: Source, owners: Owners, at: Circumstances) -> Decision:
    receipt, amount_minor = report.receipt, report.amount_minor
    if source is Source.QUERY:  # which may name neither: what a callback said is confirmed by it
        receipt = receipt or _unless_taken(before.hinted_receipt, before, owners)
        amount_minor = amount_minor if amount_minor is not None else before.hinted_amount_minor
    if amount_minor is None:
        amount_minor = before.amount.minor
    is_odd = amount_minor != before.amount.minor
    if is_odd:
        _log.warning("another amount was paid", charge=before.charge_id, asked=before.amount.minor, paid=amount_minor)
    if receipt is not None and owners.receipts.get(receipt, before.charge_id) != before.charge_id:
        _log.error("a receipt was reported for two charges", charge=before.charge_id)
        return Decision(Applied.MISMATCH, before)
    needs_word = at.confirm is Confirm.ALWAYS or (at.confirm is Confirm.ODD and is_odd)
    if source is Source.CALLBACK and needs_word and before.status is not ChargeStatus.PAID:
        hinted = replace(named, hinted_amount_minor=amount_minor, hinted_receipt=receipt)
        if at.can_ask:
            return Decision(Applied.ASKED, asking(hinted, at.now), asks_now=True)
        return moved(before, Fact.DOUBT, replace(hinted, provider_detail=UNCONFIRMED)) or _noted(before, hinted)
    with_money = replace(named, paid_amount_minor=amount_minor, receipt=receipt, paid_at=report.occurred_at or at.now)
    settled = replace(with_money, reason=None, may_retry=False, next_poll_at=None, decided_by=source)
    paid = moved(before, Fact.PAY, settled)
    if paid is not None:
        return paid
    if receipt is None or receipt == before.receipt:
        return _noted(before, named)
    if before.receipt is not None:
        _log.error("two receipts were reported for one charge", charge=before.charge_id)
        return Decision(Applied.MISMATCH, before)
    # Paid by a query's word, which names no receipt and no amount: now the callback brings both.
    return Decision(Applied.ENRICHED, with_money, is_told=True, is_enriched=True)


def _unless_taken(receipt: str | None, charge: Charge, owners: Owners) -> str | None:
    if receipt is None or owners.receipts.get(receipt, charge.charge_id) != charge.charge_id:
        return None
    return receipt
