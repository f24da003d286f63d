"""The door to refunds: opening one, and everything that is learned of it afterwards.

Every change of status passes `_move`, which asks the table in `rules`, keeps the sum of what has gone back, and
announces what came of it. What was asked of a provider once is never asked for again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import structlog
from sqlalchemy import Select, select, update

from contracts.errors import ErrorCode
from contracts.money import Money
from contracts.payment_api import NewRefund, RefundStatus, RefundView
from kit.clock import Clock
from kit.db import Tx, insert_new
from kit.metrics import refund_moved
from kit.outbox import enqueue
from kit.problems import Problem
from payment_adapter.charges.models import outbox
from payment_adapter.charges.service import hash_secret
from payment_adapter.providers.base import Provider, RefundAnswer, Refunder, RefundLimits, RefundReport
from payment_adapter.refunds.models import addresses, refunds, totals
from payment_adapter.refunds.payments import Payment, find_payment
from payment_adapter.refunds.record import Refund
from payment_adapter.refunds.rules import FACTS, Fact, RefundState, follow, next_ask
from payment_adapter.vault.envelope import CannotOpen
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials, Vault

_log = structlog.get_logger()


class Kind(StrEnum):
    """What comes to an address of a refund."""

    RESULT = "result"
    """How the refund ended."""
    ANSWER = "answer"
    """To a question about it."""


class Applied(StrEnum):
    """What a report did to its refund."""

    CHANGED = "changed"
    NOTHING = "nothing"
    """It was known, or comes too late to count."""
    MISMATCH = "mismatch"
    """It is of another refund, amount or payment: not believed."""


class RefundMoved(RuntimeError):
    """Another transaction changed the refund between our lock and our update: nothing was written, try again."""


@dataclass(frozen=True, slots=True)
class Opened:
    view: RefundView
    is_replay: bool


@dataclass(frozen=True, slots=True)
class Wakes:
    """Who is woken after a commit. For speed only: each also sweeps."""

    send: Callable[[], None]
    relay: Callable[[], None]


class Refunds:
    def __init__(self, clock: Clock, providers: Mapping[str, Provider], vault: Vault, wakes: Wakes) -> None:
        self._clock = clock
        self._providers = providers
        self._vault = vault
        self._wakes = wakes

    def provider(self, refund: Refund) -> Provider:
        return self._providers[refund.provider]

    # --- from the wish to the claim -------------------------------------------------------------------------------

    def open(self, tx: Tx, wish: NewRefund) -> Opened:
        """The refund of this id, made if it is new; a repeat gets the first answer. Raises Problem 404 not_found, 409
        refund_unavailable, 422 idempotency_key_reused; what was refused leaves nothing behind."""
        view = RefundView(refund_id=wish.refund_id, status=RefundStatus.PENDING)
        known = self._one(tx, select(refunds).where(refunds.c.refund_id == wish.refund_id))
        if known is None:
            payment = self._payment(tx, wish)
            if self._insert(tx, wish, payment):
                self._reserve(tx, wish, payment)
                tx.after_commit(self._wakes.send)
                tx.after_commit(lambda: refund_moved(wish.provider, RefundState.CREATED.value))
                return Opened(view, is_replay=False)
            known = self._one(tx, select(refunds).where(refunds.c.refund_id == wish.refund_id))
        assert known is not None
        if not known.says_the_same_as(wish):
            raise Problem(
                422,
                ErrorCode.IDEMPOTENCY_KEY_REUSED,
                "this refund is known with another content; use a new id for a new refund",
            )
        return Opened(view, is_replay=True)

    def is_any_created(self, tx: Tx) -> bool:
        waiting = select(refunds.c.refund_id).where(refunds.c.status == RefundState.CREATED).limit(1)
        return tx.execute(waiting).first() is not None

    def next_created(self, tx: Tx) -> Refund | None:
        """The oldest refund that waits, locked; one that another transaction holds is passed over."""
        waiting = select(refunds).where(refunds.c.status == RefundState.CREATED)
        return self._one(
            tx, waiting.order_by(refunds.c.created_at, refunds.c.refund_id).limit(1).with_for_update(skip_locked=True)
        )

    def unfinished(self, tx: Tx, limit: int = 50) -> list[Refund]:
        """Refunds that are claimed and have no answer yet, oldest first."""
        claimed = select(refunds).where(refunds.c.status == RefundState.CLAIMED).order_by(refunds.c.created_at)
        return [Refund.of(row) for row in tx.execute(claimed.limit(limit))]

    def claim(self, tx: Tx, refund: Refund, owner: str, secret: Secret) -> Refund | None:
        """Take the refund's one request. None if somebody else did."""
        now = self._clock.now()
        claimed = self._move(tx, refund, Fact.CLAIM, {"claim_owner": owner, "claimed_at": now})
        if claimed is not None:
            self.add_address(tx, refund, Kind.RESULT, secret)
        return claimed

    def refuse(self, tx: Tx, refund: Refund, why: str) -> None:
        """It will never be sent."""
        self._move(tx, refund, Fact.FAIL, {"detail": why})

    # --- what the provider says -----------------------------------------------------------------------------------

    def finish(self, tx: Tx, refund_id: str, answer: RefundAnswer) -> None:
        """The answer to our request. A result may have come first: then only the provider's id is added."""
        refund = self.lock(tx, refund_id)
        ids = _known({"provider_refund_id": answer.provider_refund_id})
        is_open = answer.status is RefundStatus.PENDING or (answer.status is RefundStatus.UNKNOWN and bool(ids))
        if is_open and refund.status in (RefundState.CLAIMED, RefundState.UNKNOWN):
            assert refund.claimed_at is not None
            ids["next_ask_at"] = next_ask(refund.claimed_at, self._clock.now())
        if self._move(tx, refund, FACTS[answer.status], {**ids, "detail": answer.detail}) is None and ids:
            self._update(tx, refund, ids)

    def report(self, tx: Tx, refund: Refund, report: RefundReport, kind: Kind) -> Applied:
        """Apply what a result, or the answer to a question, says of a locked refund. Only DONE absorbs."""
        if not _fits(refund, report, kind):
            return Applied.MISMATCH
        answer = report.answer
        values = _known(
            {"provider_refund_id": refund.provider_refund_id or answer.provider_refund_id, "detail": answer.detail}
        )
        match answer.status:
            case RefundStatus.DONE:
                values |= {"refund_receipt": report.refund_receipt, "detail": None, "next_ask_at": None}
            case RefundStatus.FAILED:
                values |= {"next_ask_at": None}
            case RefundStatus.PENDING | RefundStatus.UNKNOWN:
                return Applied.NOTHING
        moved = self._move(tx, refund, FACTS[answer.status], values)
        return Applied.NOTHING if moved is None else Applied.CHANGED

    def doubt(self, tx: Tx, refund: Refund, why: str) -> bool:
        """Nobody can say what became of it. Returns whether that is new."""
        values: dict[str, Any] = {"detail": why}
        return self._move(tx, refund, Fact.DOUBT, values) is not None

    def settle(self, tx: Tx, refund: Refund, *, refund_receipt: str | None) -> bool:
        """A person has looked at a statement: a locked refund went back under this receipt, or did not (None). Returns
        whether that is news. What the provider was asked for and has not answered yet can't be denied."""
        if refund_receipt is None:
            values: dict[str, Any] = {"detail": "a person found that it did not go back", "next_ask_at": None}
            is_open = refund.status is RefundState.UNKNOWN
            return is_open and self._move(tx, refund, Fact.FAIL, values) is not None
        values = {"detail": None, "next_ask_at": None, "refund_receipt": refund_receipt}
        return self._move(tx, refund, Fact.FINISH, values) is not None

    # --- finding --------------------------------------------------------------------------------------------------

    def lock(self, tx: Tx, refund_id: str) -> Refund:
        """The refund, held until the transaction ends. Raises LookupError."""
        refund = self._one(tx, select(refunds).where(refunds.c.refund_id == refund_id).with_for_update())
        if refund is None:
            raise LookupError(f"no refund {refund_id}")
        return refund

    def add_address(self, tx: Tx, refund: Refund, kind: Kind, secret: Secret) -> None:
        """What comes to the address that ends in this secret is of this refund."""
        row = {
            "vendor_id": refund.vendor_id,
            "secret_hash": hash_secret(secret.reveal()),
            "refund_id": refund.refund_id,
            "kind": kind,
            "created_at": self._clock.now(),
        }
        tx.execute(addresses.insert().values(**row))

    def next_to_ask(self, tx: Tx, *, is_locked: bool) -> Refund | None:
        """The refund that has been due longest to be asked about."""
        due = select(refunds).where(refunds.c.next_ask_at.is_not(None), refunds.c.next_ask_at <= self._clock.now())
        due = due.order_by(refunds.c.next_ask_at).limit(1)
        return self._one(tx, due.with_for_update(skip_locked=True) if is_locked else due)

    def ask_again_at(self, tx: Tx, refund: Refund, moment: datetime | None) -> None:
        """When to ask next; None: not any more."""
        self._update(tx, refund, {"next_ask_at": moment})

    def credentials(self, tx: Tx, refund: Refund) -> Credentials | str:
        """The vendor's settings with the provider, or why they can't be used."""
        return _open(self._vault, tx, refund.vendor_id, refund.provider)

    # --- inside ---------------------------------------------------------------------------------------------------

    def _one(self, tx: Tx, query: Select[Any]) -> Refund | None:
        row = tx.execute(query).first()
        return None if row is None else Refund.of(row)

    def _payment(self, tx: Tx, wish: NewRefund) -> Payment:
        provider = self._providers.get(wish.provider)
        if provider is None or not isinstance(provider, Refunder):
            raise _unavailable(f"nothing here can give money back by {wish.provider}")
        payment = find_payment(tx, wish, provider)
        if payment is None:
            raise Problem(404, ErrorCode.NOT_FOUND, "this vendor has no such payment here that was paid")
        amount = Money(wish.amount_minor, wish.currency)
        if payment.ref.amount.currency is not amount.currency:
            raise _unavailable(f"the payment was in {payment.ref.amount.currency}")
        if amount.minor > payment.ref.amount.minor:
            raise _unavailable("that is more than was paid")
        credentials = _open(self._vault, tx, wish.vendor_id, wish.provider)
        if isinstance(credentials, str):
            raise _unavailable(credentials)
        if isinstance(provider, RefundLimits):
            reason = provider.why_not_refund(payment.ref, amount, credentials)
            if reason is not None:
                raise _unavailable(reason)
        return payment

    def _insert(self, tx: Tx, wish: NewRefund, payment: Payment) -> bool:
        now = self._clock.now()
        row = {
            "vendor_id": wish.vendor_id,
            "refund_id": wish.refund_id,
            "provider": wish.provider,
            "asked_transaction_id": wish.provider_transaction_id,
            "asked_receipt": wish.receipt,
            "amount_minor": wish.amount_minor,
            "currency": wish.currency,
            "note": wish.note,
            "created_at": now,
            "payment_id": payment.id,
            "rail": payment.ref.rail,
            "our_reference": payment.ref.our_reference,
            "provider_transaction_id": payment.ref.transaction_id,
            "receipt": payment.ref.receipt,
            "paid_minor": payment.ref.amount.minor,
            "status": RefundState.CREATED,
            "updated_at": now,
        }
        return insert_new(tx, refunds, row, conflict=["refund_id"])

    def _reserve(self, tx: Tx, wish: NewRefund, payment: Payment) -> None:
        """Raises Problem 409: together with what has gone back, or may have, it would be more than was paid."""
        key = {"vendor_id": wish.vendor_id, "provider": wish.provider, "payment_id": payment.id}
        insert_new(tx, totals, {**key, "refunded_minor": 0}, conflict=list(key))
        refunded = totals.c.refunded_minor + wish.amount_minor
        reserved = (
            update(totals)
            .where(*(totals.c[name] == value for name, value in key.items()), refunded <= payment.ref.amount.minor)
            .values(refunded_minor=refunded)
            .returning(totals.c.refunded_minor)
        )
        if tx.execute(reserved).first() is None:
            raise _unavailable("together with what was given back before, that is more than was paid")

    def _move(self, tx: Tx, refund: Refund, fact: Fact, values: Mapping[str, Any]) -> Refund | None:
        """The one place where a status changes. None, and nothing written, where the table says it does not."""
        after = follow(refund.status, fact)
        if after is None:
            return None
        moved = self._update(tx, refund, {**values, "status": after})
        tx.after_commit(lambda: refund_moved(moved.provider, moved.status.value))
        if after is RefundState.FAILED:
            self._count(tx, moved, -moved.amount.minor)
        elif refund.status is RefundState.FAILED:
            _log.error("a refund that was said to have failed was carried out", refund=refund.refund_id)
            self._count(tx, moved, moved.amount.minor)
        event = moved.event(self._clock.now())
        if event is not None:
            enqueue(
                tx,
                outbox,
                event_id=event.event_id,
                vendor_id=moved.vendor_id,
                aggregate=f"refund:{moved.refund_id}",
                type=f"refund.{event.status}",
                body=event,
                now=self._clock.now(),
                wake=self._wakes.relay,
            )
        return moved

    def _count(self, tx: Tx, refund: Refund, minor: int) -> None:
        tx.execute(
            update(totals)
            .where(
                totals.c.vendor_id == refund.vendor_id,
                totals.c.provider == refund.provider,
                totals.c.payment_id == refund.payment_id,
            )
            .values(refunded_minor=totals.c.refunded_minor + minor)
        )

    def _update(self, tx: Tx, refund: Refund, values: Mapping[str, Any]) -> Refund:
        statement = (
            update(refunds)
            .where(
                refunds.c.vendor_id == refund.vendor_id,
                refunds.c.refund_id == refund.refund_id,
                refunds.c.status == refund.status,
            )
            .values(updated_at=self._clock.now(), **values)
            .returning(refunds)
        )
        row = tx.execute(statement).first()
        if row is None:
            raise RefundMoved(refund.refund_id)
        return Refund.of(row)


def _fits(refund: Refund, report: RefundReport, kind: Kind) -> bool:
    """Whether what the report says it is about is this refund, as far as it says."""
    named = report.answer.provider_refund_id
    is_of_another = (
        kind is Kind.RESULT and None not in (named, refund.provider_refund_id) and (named != refund.provider_refund_id)
    )
    is_of_another_payment = None not in (report.receipt, refund.payment.receipt) and (
        report.receipt != refund.payment.receipt
    )
    is_another_amount = report.amount_minor is not None and report.amount_minor != refund.amount.minor
    # A question that was answered with the payment itself says nothing of the refund.
    is_the_payment = report.refund_receipt is not None and report.refund_receipt == refund.payment.receipt
    return not (is_of_another or is_of_another_payment or is_another_amount or is_the_payment)


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _open(vault: Vault, tx: Tx, vendor_id: str, provider: str) -> Credentials | str:
    try:
        found = vault.load(tx, vendor_id, provider)
    except CannotOpen:
        _log.error("credentials can't be opened: is DUKANI_VAULT_KEY the right one?", vendor=vendor_id)
        return "the shop's settings for this provider can't be opened"
    return found if found is not None else "the shop has no settings for this provider"


def _unavailable(detail: str) -> Problem:
    return Problem(409, ErrorCode.REFUND_UNAVAILABLE, detail)
