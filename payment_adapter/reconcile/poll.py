"""The poll: takes one charge that is due, asks the provider with no transaction open, applies what counts."""

from datetime import datetime

import structlog

from contracts.states import PUSHED_RAILS, ChargeStatus, PaymentEventStatus
from kit.clock import Clock
from kit.db import Database, Tx
from payment_adapter.charges.lanes import Lane, Lanes
from payment_adapter.charges.record import Charge, Source
from payment_adapter.charges.service import Charges
from payment_adapter.providers.base import NoAnswer, Report
from payment_adapter.reconcile.rules import (
    LAST_LEASE,
    NEVER_TOLD,
    REFERENCE_OVER,
    Verdict,
    judge,
    judge_reference,
    next_poll,
)
from payment_adapter.reconcile.sets import sets_for
from payment_adapter.vault.service import Credentials, Vault

_log = structlog.get_logger()


class Poller:
    """Runs in several threads at once. `lanes` keeps one slow provider, or one shop's, from taking them all."""

    def __init__(self, db: Database, charges: Charges, vault: Vault, clock: Clock, lanes: Lanes | None = None) -> None:
        self._db = db
        self._charges = charges
        self._vault = vault
        self._clock = clock
        self._lanes = lanes or Lanes(per_lane=2, per_provider=3)

    def turn(self) -> bool:
        """Ask about one charge. Returns whether one was due."""
        with self._db.read() as tx:
            lane = self._next_lane(tx)
        if lane is None:
            return False
        if not self._lanes.enter(lane):
            return True  # another thread of ours was faster: look again
        finding: Report | NoAnswer | None = None
        is_asked = False
        try:
            taken = self._take(lane)
            if taken is not None:
                charge, sets = taken
                is_asked = bool(sets) and self._charges.can_ask(charge)
                finding = self._ask(charge, sets)
                self._apply(charge, finding)
        finally:
            self._lanes.leave(lane, is_throttled=_is_throttled(finding) if is_asked else None)
        return True

    def _next_lane(self, tx: Tx) -> Lane | None:
        for lanes, providers in self._lanes.to_avoid():
            charge = self._charges.next_to_ask(tx, is_locked=False, lanes=lanes, providers=providers)
            if charge is not None:
                return charge.provider, charge.vendor_id
        return None

    def _take(self, lane: Lane) -> tuple[Charge, tuple[Credentials, ...]] | None:
        """The charge, put off to its next moment first, so that no other worker asks at the same time."""
        with self._db.write() as tx:
            charge = self._charges.next_to_ask(tx, is_locked=True, of=lane)
            if charge is None:
                return None
            now = self._clock.now()
            charge = self._charges.ask_now(tx, charge, _next(charge, now) or now + LAST_LEASE)
            return charge, sets_for(tx, self._vault, charge, self._charges.provider(charge))

    def _ask(self, charge: Charge, sets: tuple[Credentials, ...]) -> Report | NoAnswer:
        """Once, or once more with another set where the provider did not take the first."""
        if not self._charges.can_ask(charge):
            return NoAnswer("the provider told us no id to ask by")
        finding: Report | NoAnswer = NoAnswer("the shop has no credentials that can be used")
        for credentials in sets:
            finding = self._charges.provider(charge).look_up(charge.ref, credentials)
            if isinstance(finding, Report):
                return finding
            _log.info("a look-up was not answered", charge=charge.charge_id, why=finding.detail)
            if not finding.is_refused:
                break
        return finding

    def _apply(self, asked: Charge, finding: Report | NoAnswer) -> None:
        """`asked`: as it was when the question left."""
        with self._db.write() as tx:
            charge = self._charges.lock(tx, asked.charge_id)
            if charge.status is ChargeStatus.PAID:
                return
            now = self._clock.now()
            is_of_use = charge.status is not ChargeStatus.UNKNOWN or self._charges.can_ask(charge)
            if charge.next_poll_at == asked.next_poll_at:  # or a hint has come meanwhile
                charge = self._charges.ask_again_at(tx, charge, _next(charge, now) if is_of_use else None)
            match _judge(charge, finding, now):
                case Verdict.APPLY:
                    assert isinstance(finding, Report)
                    self._charges.report(tx, charge, finding, Source.QUERY)
                case Verdict.DOUBT:
                    self._charges.doubt(tx, charge, _why(finding), is_asked=True)
                case Verdict.EXPIRE:
                    over = Report(PaymentEventStatus.EXPIRED, REFERENCE_OVER)
                    self._charges.report(tx, charge, over, Source.QUERY)
                case Verdict.GIVE_UP:
                    self._charges.report(tx, charge, Report(PaymentEventStatus.FAILED, NEVER_TOLD), Source.QUERY)
                case Verdict.WAIT:
                    pass


def _judge(charge: Charge, finding: Report | NoAnswer, now: datetime) -> Verdict:
    assert charge.claimed_at is not None
    if charge.rail in PUSHED_RAILS:
        return judge(finding, now - charge.claimed_at)
    return judge_reference(finding, charge.claimed_at, _expiry(charge), now, is_told=charge.instructions is not None)


def _next(charge: Charge, now: datetime) -> datetime | None:
    assert charge.claimed_at is not None
    return next_poll(charge.claimed_at, now, charge.rail, _expiry(charge))


def _expiry(charge: Charge) -> datetime | None:
    return None if charge.instructions is None else charge.instructions.expires_at


def _why(finding: Report | NoAnswer) -> str:
    """For a person."""
    said = finding.detail if isinstance(finding, NoAnswer) else f"it says {finding.status}"
    return f"the provider can't say either: {said}"


def _is_throttled(finding: Report | NoAnswer | None) -> bool | None:
    if finding is None:
        return None
    return isinstance(finding, NoAnswer) and finding.is_throttled
