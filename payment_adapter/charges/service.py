"""The door to charges: opening one from a grant, and everything that is learned of it afterwards.

Every change of status passes `_move`, which asks the table in `rules` and announces what came of it."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import structlog
from sqlalchemy import Select, select, update

from contracts.errors import ErrorCode
from contracts.ids import new_code, new_id
from contracts.payment_api import ChargeGrant, ChargeView
from contracts.states import ChargeStatus, FailureReason, PaymentEventStatus, Rail
from kit.clock import Clock
from kit.db import Tx, insert_new
from kit.outbox import enqueue
from kit.problems import Problem
from payment_adapter.charges.models import charges, outbox
from payment_adapter.charges.record import Charge, Source
from payment_adapter.charges.rules import FIRST_POLL_AFTER, Fact, follow
from payment_adapter.providers.base import Accepted, Failure, Outcome, Provider, Refused, Report, Settled, Unclear
from payment_adapter.vault.secret import Secret

_log = structlog.get_logger()

OUR_REFERENCE_LENGTH = 15
"""All that AppyPay takes; out of 30 characters nobody draws the same twice."""

LAPSED = Failure(FailureReason.NOT_SENT, True, "grant_expired", "the grant ran out before it was used")


class ChargeMoved(RuntimeError):
    """Another transaction changed the charge between our lock and our update: nothing was written, try again."""


class Applied(StrEnum):
    """What a report did to its charge."""

    CHANGED = "changed"
    ENRICHED = "enriched"
    """The status was known; its receipt, or its transaction id, was not."""
    NOTHING = "nothing"
    """It was known, or comes too late to count."""
    MISMATCH = "mismatch"
    """It names another transaction or a receipt that another charge has: not believed."""


@dataclass(frozen=True, slots=True)
class Opened:
    view: ChargeView
    is_replay: bool


@dataclass(frozen=True, slots=True)
class Wakes:
    """Who is woken after a commit. For speed only: each also sweeps."""

    push: Callable[[], None]
    relay: Callable[[], None]
    poll: Callable[[], None]


class Charges:
    def __init__(self, clock: Clock, providers: Iterable[Provider], wakes: Wakes) -> None:
        self._clock = clock
        self._providers = {provider.name: provider for provider in providers}
        self._by_rail: Mapping[Rail, Provider] = {
            rail: provider for provider in self._providers.values() for rail in provider.rails
        }
        self._wakes = wakes

    def provider(self, charge: Charge) -> Provider:
        return self._providers[charge.provider]

    # --- from the grant to the claim ------------------------------------------------------------------------------

    def open(self, tx: Tx, grant: ChargeGrant) -> Opened:
        """The charge of this grant's intent, made if it is new. The same grant gets the same answer, however often
        and however late. Raises Problem 409 grant_conflict, 409 rail_unavailable."""
        provider = self._by_rail.get(grant.rail)
        if provider is None:
            raise Problem(409, ErrorCode.RAIL_UNAVAILABLE, f"nothing here can charge by {grant.rail}")
        now = self._clock.now()
        is_alive = now < grant.expires_at
        row: dict[str, Any] = {
            "charge_id": new_id(now),
            "our_reference": new_code(OUR_REFERENCE_LENGTH),
            "provider": provider.name,
            "grant_expires_at": grant.expires_at,
            "opened_as": ChargeStatus.CREATED if is_alive else ChargeStatus.FAILED,
            "status": ChargeStatus.CREATED,
            "created_at": now,
            "updated_at": now,
            **grant.model_dump(exclude={"issued_at", "expires_at"}),
        }
        is_new = insert_new(tx, charges, row, conflict=["intent_id"])
        charge = self._one(tx, select(charges).where(charges.c.intent_id == grant.intent_id))
        assert charge is not None
        if not is_new:
            if not charge.says_the_same_as(grant):
                raise Problem(
                    409, ErrorCode.GRANT_CONFLICT, "this intent was charged with another content; ask for a new intent"
                )
        elif is_alive:
            tx.after_commit(self._wakes.push)
        else:
            self.lapse(tx, charge, LAPSED)
        return Opened(_first_answer(charge), is_replay=not is_new)

    def next_created(self, tx: Tx) -> Charge | None:
        """The oldest charge that waits to be pushed, locked; one that another transaction holds is passed over."""
        waiting = select(charges).where(charges.c.status == ChargeStatus.CREATED)
        return self._one(
            tx, waiting.order_by(charges.c.created_at, charges.c.charge_id).limit(1).with_for_update(skip_locked=True)
        )

    def unfinished(self, tx: Tx, limit: int = 50) -> list[Charge]:
        """Charges that are claimed and have no answer yet, oldest first."""
        claimed = select(charges).where(charges.c.status == ChargeStatus.CLAIMED).order_by(charges.c.created_at)
        return [Charge.of(row) for row in tx.execute(claimed.limit(limit))]

    def is_any_created(self, tx: Tx) -> bool:
        waiting = select(charges.c.charge_id).where(charges.c.status == ChargeStatus.CREATED).limit(1)
        return tx.execute(waiting).first() is not None

    def claim(self, tx: Tx, charge: Charge, owner: str, secret: Secret) -> Charge | None:
        """Take the charge's one push. None if somebody else did."""
        now = self._clock.now()
        return self._move(
            tx,
            charge,
            Fact.CLAIM,
            {"claim_owner": owner, "claimed_at": now, "secret_hash": hash_secret(secret.reveal())},
        )

    def lapse(self, tx: Tx, charge: Charge, failure: Failure) -> None:
        """It will never be pushed; the router hears why."""
        self._move(tx, charge, Fact.LAPSE, _failed(failure, Source.PUSH))

    # --- what the push and the providers say ----------------------------------------------------------------------

    def finish(self, tx: Tx, charge_id: str, outcome: Outcome) -> None:
        """The answer to the push. A callback may have come first: then only the ids are added."""
        charge = self.lock(tx, charge_id)
        match outcome:
            case Settled(report):
                self.report(tx, charge, report, Source.PUSH)
            case Accepted(transaction_id, request_id, instructions):
                if not self._may_adopt(tx, charge, transaction_id):
                    _log.error("the push was answered with an id that belongs elsewhere", charge=charge_id)
                    self._move(tx, charge, Fact.DOUBT, {"provider_detail": "answered with a foreign transaction id"})
                    return
                ids: dict[str, Any] = {"provider_transaction_id": transaction_id, "provider_request_id": request_id}
                if instructions is not None:
                    ids["instructions"] = instructions.model_dump(mode="json", exclude_none=True)
                # In doubt by a callback's own word, which knew the id: that we now know it, too, resolves nothing.
                is_no_news = charge.status is ChargeStatus.UNKNOWN and charge.provider_transaction_id is not None
                poll_at = (charge.claimed_at or self._clock.now()) + FIRST_POLL_AFTER
                if is_no_news or self._move(tx, charge, Fact.ACCEPT, {**ids, "next_poll_at": poll_at}) is None:
                    self._note(tx, charge, ids)
            case Refused(failure):
                self._move(tx, charge, Fact.REFUSE, _failed(failure, Source.PUSH))
            case Unclear(detail):
                self._move(tx, charge, Fact.DOUBT, {"provider_detail": detail})

    def doubt(self, tx: Tx, charge: Charge, why: str) -> bool:
        """Nobody can say what became of it. Returns whether that is new."""
        return self._move(tx, charge, Fact.DOUBT, {"provider_detail": why}) is not None

    def report(self, tx: Tx, charge: Charge, report: Report, source: Source) -> Applied:
        """Apply what a callback or a query says of a locked charge. Only success absorbs."""
        ids: dict[str, Any] = {}
        if report.transaction_id is not None:
            if not self._may_adopt(tx, charge, report.transaction_id):
                return Applied.MISMATCH
            ids = {
                "provider_transaction_id": report.transaction_id,
                "provider_request_id": charge.provider_request_id or report.request_id,
            }
        match report.status:
            case PaymentEventStatus.PAID:
                return self._paid(tx, charge, report, source, ids)
            case PaymentEventStatus.FAILED | PaymentEventStatus.EXPIRED:
                assert report.failure is not None
                fact = Fact.FAIL if report.status is PaymentEventStatus.FAILED else Fact.EXPIRE
                values = {**ids, **_failed(report.failure, source)}
                if source is Source.CALLBACK:
                    values["next_poll_at"] = None
                moved = self._move(tx, charge, fact, values)
            case PaymentEventStatus.UNKNOWN:
                # The provider has more to say than it said: ask at once.
                tx.after_commit(self._wakes.poll)
                moved = self._move(tx, charge, Fact.DOUBT, {**ids, "next_poll_at": self._clock.now()})
                if moved is None and charge.status is ChargeStatus.UNKNOWN:
                    self._note(tx, charge, {**ids, "next_poll_at": self._clock.now()})
            case PaymentEventStatus.PENDING:
                moved = None
        if moved is not None:
            return Applied.CHANGED
        return Applied.ENRICHED if self._note(tx, charge, ids) else Applied.NOTHING

    def _paid(self, tx: Tx, charge: Charge, report: Report, source: Source, ids: Mapping[str, Any]) -> Applied:
        amount_minor = report.amount_minor if report.amount_minor is not None else charge.amount.minor
        if amount_minor != charge.amount.minor:
            _log.warning(
                "another amount was paid", charge=charge.charge_id, asked=charge.amount.minor, paid=amount_minor
            )
        if report.receipt is not None and self._is_taken(tx, charge, charges.c.receipt == report.receipt):
            _log.error("a receipt was reported for two charges", charge=charge.charge_id)
            return Applied.MISMATCH
        money = {
            "paid_amount_minor": amount_minor,
            "receipt": report.receipt,
            "paid_at": report.occurred_at or self._clock.now(),
        }
        settled = {"reason": None, "may_retry": False, "next_poll_at": None, "decided_by": source}
        if self._move(tx, charge, Fact.PAY, {**ids, **money, **settled}) is not None:
            return Applied.CHANGED
        if report.receipt is None or report.receipt == charge.receipt:
            return Applied.ENRICHED if self._note(tx, charge, ids) else Applied.NOTHING
        if charge.receipt is not None:
            _log.error("two receipts were reported for one charge", charge=charge.charge_id)
            return Applied.MISMATCH
        # Paid by a query's word, which names no receipt and no amount: now the callback brings both.
        enriched = self._update(tx, charge, {**ids, **money})
        self._announce(tx, enriched, is_enriched=True)
        return Applied.ENRICHED

    # --- finding --------------------------------------------------------------------------------------------------

    def find_by_secret(self, tx: Tx, secret: str) -> Charge | None:
        """The charge whose callback address ends in this secret."""
        return self._one(tx, select(charges).where(charges.c.secret_hash == hash_secret(secret)))

    def lock(self, tx: Tx, charge_id: str) -> Charge:
        """The charge, held until the transaction ends. Raises LookupError."""
        charge = self._one(tx, select(charges).where(charges.c.charge_id == charge_id).with_for_update())
        if charge is None:
            raise LookupError(f"no charge {charge_id}")
        return charge

    def next_to_ask(self, tx: Tx, *, is_locked: bool) -> Charge | None:
        """The charge that has been due longest to be asked about."""
        due = select(charges).where(
            charges.c.next_poll_at <= self._clock.now(), charges.c.provider_transaction_id.is_not(None)
        )
        due = due.order_by(charges.c.next_poll_at).limit(1)
        return self._one(tx, due.with_for_update(skip_locked=True) if is_locked else due)

    def ask_again_at(self, tx: Tx, charge: Charge, moment: datetime | None) -> None:
        """When to ask next; None: not any more."""
        self._update(tx, charge, {"next_poll_at": moment})

    def ask_soon(self, tx: Tx, charge: Charge) -> None:
        """Something came that could not be read: if the charge is still open, ask what happened."""
        is_open = charge.status in (ChargeStatus.ACCEPTED, ChargeStatus.UNKNOWN)
        if is_open and charge.provider_transaction_id is not None:
            self._update(tx, charge, {"next_poll_at": self._clock.now()})
            tx.after_commit(self._wakes.poll)

    # --- inside ---------------------------------------------------------------------------------------------------

    def _one(self, tx: Tx, query: Select[Any]) -> Charge | None:
        row = tx.execute(query).first()
        return None if row is None else Charge.of(row)

    def _may_adopt(self, tx: Tx, charge: Charge, transaction_id: str) -> bool:
        """A charge has one transaction, and a transaction one charge."""
        if charge.provider_transaction_id is not None:
            return charge.provider_transaction_id == transaction_id
        return not self._is_taken(tx, charge, charges.c.provider_transaction_id == transaction_id)

    def _is_taken(self, tx: Tx, charge: Charge, condition: Any) -> bool:
        others = select(charges.c.charge_id).where(
            charges.c.provider == charge.provider, condition, charges.c.charge_id != charge.charge_id
        )
        return tx.execute(others.limit(1)).first() is not None

    def _move(self, tx: Tx, charge: Charge, fact: Fact, values: Mapping[str, Any]) -> Charge | None:
        """The one place where a status changes. None, and nothing written, where the table says it does not."""
        after = follow(charge.status, fact)
        if after is None:
            return None
        moved = self._update(tx, charge, {**values, "status": after})
        self._announce(tx, moved)
        return moved

    def _note(self, tx: Tx, charge: Charge, ids: Mapping[str, Any]) -> bool:
        """Keep ids that were not known, without a change of status."""
        known = {"provider_transaction_id": charge.provider_transaction_id, "next_poll_at": charge.next_poll_at}
        if all(known.get(name, value) == value for name, value in ids.items()):
            return False
        self._update(tx, charge, ids)
        return True

    def _update(self, tx: Tx, charge: Charge, values: Mapping[str, Any]) -> Charge:
        statement = (
            update(charges)
            .where(
                charges.c.vendor_id == charge.vendor_id,
                charges.c.charge_id == charge.charge_id,
                charges.c.status == charge.status,
            )
            .values(updated_at=self._clock.now(), **values)
            .returning(charges)
        )
        row = tx.execute(statement).first()
        if row is None:
            raise ChargeMoved(charge.charge_id)
        return Charge.of(row)

    def _announce(self, tx: Tx, charge: Charge, *, is_enriched: bool = False) -> None:
        event = charge.event(self._clock.now(), is_enriched=is_enriched)
        if event is None:
            return
        enqueue(
            tx,
            outbox,
            event_id=event.event_id,
            vendor_id=charge.vendor_id,
            aggregate=f"charge:{charge.charge_id}",
            type=f"payment.{event.status}",
            body=event,
            now=self._clock.now(),
            wake=self._wakes.relay,
        )


def hash_secret(secret: str) -> str:
    """How a callback secret is stored: 256 random bits need no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _first_answer(charge: Charge) -> ChargeView:
    """What was answered when the charge was opened, word for word, whatever became of it since."""
    is_dead = charge.opened_as is ChargeStatus.FAILED
    reason = LAPSED.reason if is_dead else None
    return ChargeView(charge_id=charge.charge_id, intent_id=charge.intent_id, status=charge.opened_as, reason=reason)


def _failed(failure: Failure, source: Source) -> dict[str, Any]:
    return {
        "reason": failure.reason,
        "may_retry": failure.may_retry,
        "provider_code": failure.code,
        "provider_detail": failure.detail,
        "decided_by": source,
    }
