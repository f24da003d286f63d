"""The door to charges: opening one from a grant, and everything that is learned of it afterwards.

What a report does to a charge is decided in `decide`; every change of status asks the table in `rules` and is announced
here, in the transaction that made it."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Select, select, update

from contracts.errors import ErrorCode
from contracts.ids import new_code, new_id
from contracts.payment_api import ChargeGrant, ChargeView, PaymentEvent
from contracts.states import PUSHED_RAILS, ChargeStatus, FailureReason, PaymentEventStatus, Rail
from kit.announcements import Announcement, enqueue_all
from kit.clock import Clock
from kit.db import Tx, insert_new
from kit.outbox import Carriage
from kit.problems import Problem
from payment_adapter.charges import store
from payment_adapter.charges.decide import Applied, Circumstances, Decision, Owners, asking, decide, failed, moved
from payment_adapter.charges.lanes import Lane
from payment_adapter.charges.models import charges, outbox
from payment_adapter.charges.record import Charge, Source
from payment_adapter.charges.rules import Confirm, Fact, first_poll_after
from payment_adapter.charges.store import ChargeMoved
from payment_adapter.providers.base import Accepted, Failure, Outcome, Provider, Refused, Report, Settled, Unclear
from payment_adapter.vault.secret import Secret

__all__ = ["LAPSED", "Applied", "ChargeMoved", "Charges", "Lane", "Opened", "Wakes", "hash_secret"]

_log = structlog.get_logger()

OUR_REFERENCE_LENGTH = 15
"""All that AppyPay takes; out of 30 characters nobody draws the same twice."""

LAPSED = Failure(FailureReason.NOT_SENT, True, "grant_expired", "the grant ran out before it was used")

_WAITING = select(charges).where(charges.c.status == ChargeStatus.CREATED)
_CLAIM_ORDER = (charges.c.created_at, charges.c.charge_id)


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
    carriage: Carriage | None = None
    """Who delivers news straight after the commit."""


class Charges:
    def __init__(
        self, clock: Clock, providers: Iterable[Provider], wakes: Wakes, confirm: Mapping[str, Confirm] | None = None
    ) -> None:
        """`confirm`: by provider, when a callback's word is not enough; an odd amount where nothing is said."""
        self._clock = clock
        self._providers = {provider.name: provider for provider in providers}
        self._by_rail: Mapping[Rail, Provider] = {
            rail: provider for provider in self._providers.values() for rail in provider.rails
        }
        self._wakes = wakes
        self._confirm = confirm or {}

    def provider(self, charge: Charge) -> Provider:
        return self._providers[charge.provider]

    @property
    def providers(self) -> Mapping[str, Provider]:
        """By name."""
        return self._providers

    def can_ask(self, charge: Charge) -> bool:
        """Whether the charge's provider can be asked about it."""
        return self.provider(charge).can_look_up(charge.ref)

    # --- from the grant to the claim ------------------------------------------------------------------------------

    def open(self, tx: Tx, grant: ChargeGrant) -> Opened:
        """The charge of this grant's intent, made if it is new. The same grant gets the same answer, however often
        and however late. Raises Problem 409 grant_conflict, 409 rail_unavailable, 422 payer_missing."""
        provider = self._by_rail.get(grant.rail)
        if provider is None:
            raise Problem(409, ErrorCode.RAIL_UNAVAILABLE, f"nothing here can charge by {grant.rail}")
        if grant.payer_msisdn is None and grant.rail in PUSHED_RAILS:
            raise Problem(422, ErrorCode.PAYER_MISSING, f"{grant.rail} rings a phone: the grant must say whose")
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
        charge = store.one(tx, select(charges).where(charges.c.intent_id == grant.intent_id))
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

    def next_created(
        self,
        tx: Tx,
        *,
        is_locked: bool,
        of: Lane | None = None,
        lanes: Sequence[Lane] = (),
        providers: Sequence[str] = (),
    ) -> Charge | None:
        """The oldest charge that waits to be pushed: of this lane, or of any but those `lanes` and `providers`. Locked,
        one that another transaction holds is passed over."""
        return store.one(tx, _next(_WAITING, of, lanes, providers, is_locked).order_by(*_CLAIM_ORDER).limit(1))

    def overdue(self, tx: Tx, limit: int, *, is_locked: bool) -> list[Charge]:
        """Charges that wait and whose grant has run out."""
        late = _WAITING.where(charges.c.grant_expires_at <= self._clock.now()).order_by(*_CLAIM_ORDER).limit(limit)
        return [Charge.of(row) for row in tx.execute(late.with_for_update(skip_locked=True) if is_locked else late)]

    def unfinished(self, tx: Tx, limit: int = 50) -> list[Charge]:
        """Charges that are claimed and have no answer yet, oldest first."""
        claimed = select(charges).where(charges.c.status == ChargeStatus.CLAIMED).order_by(charges.c.created_at)
        return [Charge.of(row) for row in tx.execute(claimed.limit(limit))]

    def claim(self, tx: Tx, charge: Charge, owner: str, secret: Secret) -> Charge | None:
        """Take the charge's one push. None if somebody else did."""
        now = self._clock.now()
        statement = (
            update(charges)
            .where(
                charges.c.vendor_id == charge.vendor_id,
                charges.c.charge_id == charge.charge_id,
                charges.c.status == ChargeStatus.CREATED,
            )
            .values(
                status=ChargeStatus.CLAIMED,
                claim_owner=owner,
                claimed_at=now,
                secret_hash=hash_secret(secret.reveal()),
                updated_at=now,
            )
            .returning(charges)
        )
        row = tx.execute(statement).first()
        return None if row is None else Charge.of(row)

    def lapse(self, tx: Tx, charge: Charge, failure: Failure) -> None:
        """It will never be pushed; the router hears why."""
        self._follow(tx, charge, Fact.LAPSE, failed(charge, failure, Source.PUSH))

    # --- what the push and the providers say ----------------------------------------------------------------------

    def finish(self, tx: Tx, charge_id: str, outcome: Outcome) -> None:
        """The answer to the push. A callback may have come first: then only the ids are added."""
        charge = self.lock(tx, charge_id)
        match outcome:
            case Settled(report):
                self.report(tx, charge, report, Source.PUSH)
            case Accepted():
                self._accepted(tx, charge, outcome)
            case Refused(failure):
                self._follow(tx, charge, Fact.REFUSE, failed(charge, failure, Source.PUSH))
            case Unclear(detail):
                self.doubt(tx, charge, detail)

    def _accepted(self, tx: Tx, charge: Charge, answer: Accepted) -> None:
        owners = store.owners(tx, charge.provider, [answer.transaction_id], [])
        is_foreign = owners.transactions.get(answer.transaction_id, charge.charge_id) != charge.charge_id
        if is_foreign or charge.provider_transaction_id not in (None, answer.transaction_id):
            _log.error("the push was answered with an id that belongs elsewhere", charge=charge.charge_id)
            self.doubt(tx, charge, "answered with a foreign transaction id")
            return
        named = replace(
            charge,
            provider_transaction_id=answer.transaction_id,
            provider_request_id=answer.request_id,
            instructions=answer.instructions or charge.instructions,
        )
        poll_at = (charge.claimed_at or self._clock.now()) + first_poll_after(charge.rail)
        # In doubt by a callback's own word, which knew the id: that we now know it, too, resolves nothing.
        is_no_news = charge.status is ChargeStatus.UNKNOWN and charge.provider_transaction_id is not None
        accepted = None if is_no_news else moved(charge, Fact.ACCEPT, replace(named, next_poll_at=poll_at))
        self._keep(tx, [(charge, accepted or Decision(Applied.ENRICHED, named))])

    def doubt(self, tx: Tx, charge: Charge, why: str, *, is_asked: bool = False) -> bool:
        """Nobody can say what became of it: the provider is asked where it can be, unless it `is_asked` already.
        Returns whether that is new."""
        ask_at = charge.next_poll_at
        if not is_asked and ask_at is None and self.can_ask(charge):
            ask_at = (charge.claimed_at or self._clock.now()) + first_poll_after(charge.rail)
        return self._follow(tx, charge, Fact.DOUBT, replace(charge, provider_detail=why, next_poll_at=ask_at))

    def report(self, tx: Tx, charge: Charge, report: Report, source: Source) -> Applied:
        """Apply what a callback or a query says of a locked charge. Only success absorbs."""
        return self.report_all(tx, [(charge, report)], source)[0]

    def report_all(self, tx: Tx, news: Sequence[tuple[Charge, Report]], source: Source) -> list[Applied]:
        """The same for several, in this order; of charges that are all locked. Two reports may be of one charge."""
        owners = self._owners(tx, news)
        first = {charge.charge_id: charge for charge, _ in news}
        latest = dict(first)
        decisions: list[Decision] = []
        for each, report in news:
            charge = latest[each.charge_id]
            named = (
                charge
                if charge.provider_transaction_id
                else replace(charge, provider_transaction_id=report.transaction_id)
            )
            confirm = self._confirm.get(charge.provider, Confirm.ODD)
            circumstances = Circumstances(self._clock.now(), confirm, self.can_ask(named))
            decision = decide(charge, report, source, owners[charge.provider], circumstances)
            owners[charge.provider].note(decision.charge)
            latest[each.charge_id] = decision.charge
            decisions.append(decision)
        self._write(tx, [(first[which], after) for which, after in latest.items()], decisions)
        return [decision.applied for decision in decisions]

    def enrich(self, tx: Tx, charge: Charge, receipt: str) -> Applied:
        """A locked charge that is paid, and whose receipt was not known, has this one."""
        known = Report(
            PaymentEventStatus.PAID,
            amount_minor=charge.paid_amount_minor,
            receipt=receipt,
            occurred_at=charge.paid_at,
        )
        return self.report(tx, charge, known, Source.CALLBACK)

    def say_receipt(self, tx: Tx, charge: Charge, receipt: str) -> None:
        """A person says under which receipt a locked charge was paid: that is believed once the provider says so."""
        store.save(tx, [(charge, replace(charge, hinted_receipt=receipt))], self._clock.now())

    def announce(self, tx: Tx, event: PaymentEvent, aggregate: str) -> None:
        """Tell the router of money that is no charge's."""
        self._announce(tx, [(event, aggregate)])

    # --- finding --------------------------------------------------------------------------------------------------

    def with_secrets(self, tx: Tx, hashes: Collection[str]) -> Mapping[str, Any]:
        """By hash of their secret, rows with vendor_id, charge_id and provider of the charges that have these."""
        return store.with_secrets(tx, hashes)

    def lock_all(self, tx: Tx, charge_ids: Collection[str]) -> dict[str, Charge]:
        """By id, as `lock`; whatever the order that they are named in, they are locked in one."""
        return store.lock_all(tx, charge_ids)

    def lock(self, tx: Tx, charge_id: str) -> Charge:
        """The charge, held until the transaction ends. Raises LookupError."""
        charge = store.lock_one(tx, charge_id)
        if charge is None:
            raise LookupError(f"no charge {charge_id}")
        return charge

    def next_to_ask(
        self,
        tx: Tx,
        *,
        is_locked: bool,
        of: Lane | None = None,
        lanes: Sequence[Lane] = (),
        providers: Sequence[str] = (),
    ) -> Charge | None:
        """The charge that has been due longest to be asked about: of this lane, or of any but those."""
        due = select(charges).where(charges.c.next_poll_at <= self._clock.now())
        return store.one(tx, _next(due, of, lanes, providers, is_locked).order_by(charges.c.next_poll_at).limit(1))

    def ask_again_at(self, tx: Tx, charge: Charge, moment: datetime | None) -> Charge:
        """When to ask next; None: not any more."""
        after = replace(charge, next_poll_at=moment)
        store.save(tx, [(charge, after)], self._clock.now())
        return after

    def ask_now(self, tx: Tx, charge: Charge, again_at: datetime) -> Charge:
        """The provider is asked now, and again at that moment if nothing comes of it."""
        now = self._clock.now()
        after = replace(charge, next_poll_at=again_at, asked_at=now)
        store.save(tx, [(charge, after)], now)
        return after

    def ask_soon(self, tx: Tx, charge: Charge) -> bool:
        """Something came that decides nothing by itself: ask what happened, unless it is known that it was paid, and
        not more often than hints may. Returns whether the provider can be asked."""
        if charge.status in (ChargeStatus.PAID, ChargeStatus.CREATED) or not self.can_ask(charge):
            return False
        now = self._clock.now()
        store.save(tx, [(charge, asking(charge, now))], now)
        tx.after_commit(self._wakes.poll)
        return True

    # --- inside ---------------------------------------------------------------------------------------------------

    def _owners(self, tx: Tx, news: Sequence[tuple[Charge, Report]]) -> dict[str, Owners]:
        """By provider, who has what the reports name; looked up only where a charge would get it anew."""
        transactions: dict[str, set[str]] = {charge.provider: set() for charge, _ in news}
        receipts: dict[str, set[str]] = {charge.provider: set() for charge, _ in news}
        for charge, report in news:
            if report.transaction_id is not None and charge.provider_transaction_id is None:
                transactions[charge.provider].add(report.transaction_id)
            receipts[charge.provider] |= {
                receipt for receipt in (report.receipt, charge.hinted_receipt) if receipt is not None
            }
        return {name: store.owners(tx, name, transactions[name], receipts[name]) for name in transactions}

    def _follow(self, tx: Tx, charge: Charge, fact: Fact, after: Charge) -> bool:
        """Whether the fact changed anything."""
        decision = moved(charge, fact, after)
        if decision is None:
            return False
        self._keep(tx, [(charge, decision)])
        return True

    def _keep(self, tx: Tx, decided: Sequence[tuple[Charge, Decision]]) -> None:
        self._write(
            tx, [(before, decision.charge) for before, decision in decided], [decision for _, decision in decided]
        )

    def _write(self, tx: Tx, changes: Sequence[tuple[Charge, Charge]], decisions: Sequence[Decision]) -> None:
        now = self._clock.now()
        store.save(tx, changes, now)
        told = [
            (decision.charge.event(now, is_enriched=decision.is_enriched), f"charge:{decision.charge.charge_id}")
            for decision in decisions
            if decision.is_told
        ]
        self._announce(tx, [(event, aggregate) for event, aggregate in told if event is not None])
        if any(decision.asks_now for decision in decisions):
            tx.after_commit(self._wakes.poll)

    def _announce(self, tx: Tx, events: Sequence[tuple[PaymentEvent, str]]) -> None:
        announcements = [
            Announcement(event.event_id, event.vendor_id, aggregate, f"payment.{event.status}", event)
            for event, aggregate in events
        ]
        enqueue_all(
            tx, outbox, announcements, now=self._clock.now(), wake=self._wakes.relay, carriage=self._wakes.carriage
        )


def hash_secret(secret: str) -> str:
    """How a callback secret is stored: 256 random bits need no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _next(
    query: Select[Any], of: Lane | None, lanes: Sequence[Lane], providers: Sequence[str], is_locked: bool
) -> Select[Any]:
    if of is not None:
        query = query.where(charges.c.provider == of[0], charges.c.vendor_id == of[1])
    query = store.except_lanes(query, lanes, providers)
    return query.with_for_update(skip_locked=True) if is_locked else query


def _first_answer(charge: Charge) -> ChargeView:
    """What was answered when the charge was opened, word for word, whatever became of it since."""
    is_dead = charge.opened_as is ChargeStatus.FAILED
    reason = LAPSED.reason if is_dead else None
    return ChargeView(charge_id=charge.charge_id, intent_id=charge.intent_id, status=charge.opened_as, reason=reason)
