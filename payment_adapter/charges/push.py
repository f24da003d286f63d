"""Sends the one push of a charge: claim, commit, call, commit the answer.

A claim whose answer is lost becomes `unknown` and is never pushed again."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

import structlog

from contracts.states import ChargeStatus, FailureReason
from kit.clock import Clock
from kit.db import Database, Tx
from kit.metrics import pushed
from kit.owners import Owner
from payment_adapter.charges.lanes import Lanes
from payment_adapter.charges.record import Charge
from payment_adapter.charges.service import LAPSED, Charges, Lane
from payment_adapter.claims import Claims, Held, IsLost
from payment_adapter.providers.base import ChargeOrder, Failure, Outcome, Refused, Unclear
from payment_adapter.vault.envelope import CannotOpen
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials, Vault

_log = structlog.get_logger()

CALLBACK_PATH = "/callbacks/"
LEASE = timedelta(minutes=6)
"""How long a claim of a process elsewhere is believed to be under way: longer than two tokens and two pushes take,
where a provider answers a push only when the payer has (90 s and more)."""

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
        self._lanes = lanes or Lanes()
        self._claims = Claims(db, clock, owner, LEASE, unfinished=self._unfinished, give_up=self._give_up)

    def turn(self) -> bool:
        """Push one charge that waits, or settle one whose push nobody will answer for any more."""
        recovered = self._claims.recover_in_turn()
        return self._push_one() or recovered

    def recover(self) -> bool:
        """Settle every push that nobody will answer for any more, now. Returns whether there were any."""
        return self._claims.recover()

    def leave(self) -> None:
        """The process ends. A push that is still on its way is found by whoever comes next."""
        self._claims.leave()

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
        charge_id = claimed.charge.charge_id
        with self._claims.working_on(charge_id):
            outcome = self._call(claimed)
            self._claims.commit_answer(lambda tx: self._charges.finish(tx, charge_id, outcome))
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
            claimed = self._charges.claim(tx, charge, self._claims.owner, secret)
            assert claimed is not None  # it was locked as CREATED
            self._claims.begin(charge.charge_id)
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

    def _unfinished(self, tx: Tx) -> list[Held]:
        return [_held(charge) for charge in self._charges.unfinished(tx)]

    def _give_up(self, tx: Tx, charge_id: str, is_lost: IsLost) -> None:
        charge = self._charges.lock(tx, charge_id)
        if charge.status is ChargeStatus.CLAIMED and is_lost(_held(charge)):
            self._charges.doubt(tx, charge, "the process that pushed it ended before the answer")
            _log.warning("a push has no answer; it is not sent again", charge=charge.charge_id)


def _held(charge: Charge) -> Held:
    return Held(charge.charge_id, charge.claim_owner, charge.claimed_at)


def _is_throttled(outcome: Outcome | None) -> bool | None:
    """None: nothing was asked of the provider, or it said nothing."""
    if outcome is None or isinstance(outcome, Unclear):
        return None
    return isinstance(outcome, Refused) and outcome.failure.is_throttled
