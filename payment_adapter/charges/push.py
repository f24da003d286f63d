"""Sends the one push of a charge: claim, commit, call, commit the answer.

A claim whose answer is lost becomes `unknown` and is never pushed again."""

import secrets
import threading
import time
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from contracts.states import ChargeStatus, FailureReason
from kit.clock import Clock
from kit.db import Database, Tx
from kit.metrics import pushed
from kit.owners import Owner
from payment_adapter.charges.lanes import Lanes
from payment_adapter.charges.record import Charge
from payment_adapter.charges.service import LAPSED, Charges, Lane
from payment_adapter.providers.base import ChargeOrder, Failure, Outcome, Refused, Unclear
from payment_adapter.vault.envelope import CannotOpen
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials, Vault

_log = structlog.get_logger()

CALLBACK_PATH = "/callbacks/"
LEASE = timedelta(minutes=6)
"""How long a claim of a process elsewhere is believed to be under way: longer than two tokens and two pushes take,
where a provider answers a push only when the payer has (90 s and more)."""

_COMMIT_TRIES = 3
_RECOVER_EVERY_S = 1.0
_LAPSE_AT_ONCE = 50

_NO_CREDENTIALS = Failure(FailureReason.SHOP_SETUP, False, "credentials", "the vendor has no credentials here")
_SEALED = Failure(FailureReason.SHOP_SETUP, False, "credentials", "the vendor's credentials can't be opened")


@dataclass(frozen=True, slots=True)
class _Claim:
    charge: Charge
    credentials: Credentials
    secret: Secret


class Pusher:
    """Runs in several threads at once. `lanes` keeps one slow provider, or one shop's, from taking them all."""

    def __init__(
        self,
        db: Database,
        charges: Charges,
        vault: Vault,
        clock: Clock,
        *,
        public_url: str,
        owner: Owner,
        lanes: Lanes | None = None,
    ) -> None:
        self._db = db
        self._charges = charges
        self._vault = vault
        self._clock = clock
        self._public_url = public_url
        self._owner = owner
        self._lanes = lanes or Lanes()
        self._in_flight: set[str] = set()
        self._guard = threading.Lock()
        self._recover_at = 0.0  # monotonic

    def turn(self) -> bool:
        """Push one charge that waits, or settle one whose push nobody will answer for any more."""
        recovered = self._recover() if self._is_time_to_recover() else False
        return self._push_one() or recovered

    def leave(self) -> None:
        """The process ends. A push that is still on its way is found by whoever comes next."""
        with self._guard:
            is_busy = bool(self._in_flight)
        self._owner.close(leaves_work=is_busy)

    def _push_one(self) -> bool:
        # Looking costs no write lock: an idle loop must not disturb those who write.
        with self._db.read() as tx:
            is_any_overdue = bool(self._charges.overdue(tx, 1, is_locked=False))
            lane = None if is_any_overdue else self._next_lane(tx)
        if is_any_overdue:
            return self._lapse_overdue()
        if lane is None:
            return False
        if not self._lanes.enter(lane):
            return True  # another thread of ours was faster: look again
        outcome: Outcome | None = None
        try:
            claimed = self._claim(lane)
            if claimed is not None:
                outcome = self._push(claimed)
        finally:
            self._lanes.leave(lane, is_throttled=_is_throttled(outcome))
        return True

    def _next_lane(self, tx: Tx) -> Lane | None:
        """Of the charge that waits longest, among those with the fewest under way."""
        for lanes, providers in self._lanes.to_avoid():
            charge = self._charges.next_created(tx, is_locked=False, lanes=lanes, providers=providers)
            if charge is not None:
                return charge.provider, charge.vendor_id
        return None

    def _push(self, claimed: _Claim) -> Outcome:
        try:
            outcome = self._call(claimed)
            self._commit_answer(claimed.charge, outcome)
        finally:
            with self._guard:
                self._in_flight.discard(claimed.charge.charge_id)
        return outcome

    def _lapse_overdue(self) -> bool:
        """Whoever waited too long, behind a slow provider or while nobody was here, is told so and may try again."""
        with self._db.write() as tx:
            late = self._charges.overdue(tx, _LAPSE_AT_ONCE, is_locked=True)
            for charge in late:
                self._charges.lapse(tx, charge, LAPSED)
        return bool(late)

    def _claim(self, lane: Lane) -> _Claim | None:
        """The claim, committed; None where there is nothing to push after all."""
        secret = Secret(secrets.token_hex(32))
        with self._db.write() as tx:
            charge = self._charges.next_created(tx, is_locked=True, of=lane)
            if charge is None:
                return None
            if self._clock.now() >= charge.grant_expires_at:
                self._charges.lapse(tx, charge, LAPSED)
                return None
            try:
                credentials = self._vault.load(tx, charge.vendor_id, charge.provider)
            except CannotOpen:
                _log.error("credentials can't be opened: is DUKANI_VAULT_KEY the right one?", vendor=charge.vendor_id)
                self._charges.lapse(tx, charge, _SEALED)
                return None
            if credentials is None:
                self._charges.lapse(tx, charge, _NO_CREDENTIALS)
                return None
            claimed = self._charges.claim(tx, charge, self._owner.name, secret)
            assert claimed is not None  # it was locked as CREATED
            # Before the commit: from then on a claim of ours that is not in here has lost its answer.
            with self._guard:
                self._in_flight.add(charge.charge_id)
        return _Claim(claimed, credentials, secret)

    def _call(self, claim: _Claim) -> Outcome:
        charge = claim.charge
        order = ChargeOrder(
            rail=charge.rail,
            amount=charge.amount,
            payer_msisdn=charge.payer_msisdn,
            account_reference=charge.account_reference,
            our_reference=charge.our_reference,
            description=charge.description,
            callback_url=Secret(f"{self._public_url}{CALLBACK_PATH}{claim.secret.reveal()}"),
            send_before=charge.grant_expires_at,
        )
        try:
            outcome = self._charges.provider(charge).create_charge(order, claim.credentials)
        except Exception as error:
            # A mistake of ours may have struck before or after the push left.
            _log.error("a push broke off", charge=charge.charge_id, error=type(error).__name__)
            outcome = Unclear(f"broke off: {type(error).__name__}")
        pushed(type(outcome).__name__.lower())
        _log.info("pushed", charge=charge.charge_id, outcome=type(outcome).__name__)
        return outcome

    def _commit_answer(self, charge: Charge, outcome: Outcome) -> None:
        """An answer that can't be stored leaves a charge in doubt, so storing it is worth a second and third try."""
        for tries_left in reversed(range(_COMMIT_TRIES)):
            try:
                with self._db.write() as tx:
                    self._charges.finish(tx, charge.charge_id, outcome)
                return
            except (SQLAlchemyError, TimeoutError) as error:
                _log.warning("the answer to a push is not stored yet", error=type(error).__name__)
                if not tries_left:
                    raise

    def _is_time_to_recover(self) -> bool:
        with self._guard:
            now = time.monotonic()
            if now < self._recover_at:
                return False
            self._recover_at = now + _RECOVER_EVERY_S
            return True

    def _recover(self) -> bool:
        gone = frozenset(self._owner.gone())
        with self._db.read() as tx:
            lost = [charge for charge in self._charges.unfinished(tx) if self._is_lost(charge, gone)]
        for charge in lost:
            with self._db.write() as tx:
                current = self._charges.lock(tx, charge.charge_id)
                if current.status is ChargeStatus.CLAIMED and self._is_lost(current, gone):
                    self._charges.doubt(tx, current, "the process that pushed it ended before the answer")
                    _log.warning("a push has no answer; it is not sent again", charge=charge.charge_id)
        for name in gone:
            self._owner.forget(name)
        return bool(lost)

    def _is_lost(self, charge: Charge, gone: frozenset[str]) -> bool:
        if charge.claim_owner == self._owner.name:
            with self._guard:
                return charge.charge_id not in self._in_flight
        if charge.claim_owner in gone:
            return True
        assert charge.claimed_at is not None
        return self._clock.now() >= charge.claimed_at + LEASE


def _is_throttled(outcome: Outcome | None) -> bool | None:
    """None: nothing was asked of the provider, or it said nothing."""
    if outcome is None or isinstance(outcome, Unclear):
        return None
    return isinstance(outcome, Refused) and outcome.failure.is_throttled
