"""Asks the provider for a refund, once: claim, commit, call, commit the answer.

A claim whose answer is lost becomes `unknown` and is never sent again: money that went back twice is gone."""

import secrets
import threading
import time
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from contracts.payment_api import RefundStatus
from kit.clock import Clock
from kit.db import Database
from kit.owners import Owner
from payment_adapter.providers.base import RefundAnswer, Refunder, RefundOrder
from payment_adapter.refunds.record import Refund
from payment_adapter.refunds.rules import RefundState
from payment_adapter.refunds.service import Refunds
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials

_log = structlog.get_logger()

RESULT_PATH = "/callbacks/refunds/"
LEASE = timedelta(seconds=150)
"""How long a claim of a process elsewhere is believed to be under way: longer than two tokens and two requests take."""

_COMMIT_TRIES = 3
_RECOVER_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class _Claim:
    refund: Refund
    credentials: Credentials
    secret: Secret


class Sender:
    """Runs in several threads at once."""

    def __init__(self, db: Database, refunds: Refunds, clock: Clock, *, public_url: str, owner: Owner) -> None:
        self._db = db
        self._refunds = refunds
        self._clock = clock
        self._public_url = public_url
        self._owner = owner
        self._in_flight: set[str] = set()
        self._guard = threading.Lock()
        self._recover_at = 0.0  # monotonic

    def turn(self) -> bool:
        """Send one refund that waits, or settle one whose request nobody will answer for any more."""
        recovered = self._recover() if self._is_time_to_recover() else False
        return self._send_one() or recovered

    def leave(self) -> None:
        """The process ends. A request that is still on its way is found by whoever comes next."""
        with self._guard:
            is_busy = bool(self._in_flight)
        self._owner.close(leaves_work=is_busy)

    def _send_one(self) -> bool:
        with self._db.read() as tx:  # an idle loop must not disturb those who write
            if not self._refunds.is_any_created(tx):
                return False
        claimed = self._claim()
        if isinstance(claimed, bool):
            return claimed
        try:
            self._commit_answer(claimed.refund, self._call(claimed))
        finally:
            with self._guard:
                self._in_flight.discard(claimed.refund.refund_id)
        return True

    def _claim(self) -> _Claim | bool:
        """The claim, committed; else whether there was anything to do."""
        secret = Secret(secrets.token_hex(32))
        with self._db.write() as tx:
            refund = self._refunds.next_created(tx)
            if refund is None:
                return False
            credentials = self._refunds.credentials(tx, refund)
            if isinstance(credentials, str):
                self._refunds.refuse(tx, refund, credentials)
                return True
            claimed = self._refunds.claim(tx, refund, self._owner.name, secret)
            assert claimed is not None  # it was locked as CREATED
            # Before the commit: from then on a claim of ours that is not in here has lost its answer.
            with self._guard:
                self._in_flight.add(refund.refund_id)
        return _Claim(claimed, credentials, secret)

    def _call(self, claim: _Claim) -> RefundAnswer:
        refund = claim.refund
        provider = self._refunds.provider(refund)
        assert isinstance(provider, Refunder)  # or it would not have been opened
        order = RefundOrder(
            refund_id=refund.refund_id,
            charge=refund.payment,
            amount=refund.amount,
            note=refund.note,
            result_url=Secret(f"{self._public_url}{RESULT_PATH}{claim.secret.reveal()}"),
        )
        try:
            answer = provider.refund(order, claim.credentials)
        except Exception as error:
            # A mistake of ours may have struck before or after the request left.
            _log.error("a refund broke off", refund=refund.refund_id, error=type(error).__name__)
            answer = RefundAnswer(RefundStatus.UNKNOWN, detail=f"broke off: {type(error).__name__}")
        _log.info("refund asked for", refund=refund.refund_id, outcome=answer.status)
        return answer

    def _commit_answer(self, refund: Refund, answer: RefundAnswer) -> None:
        """An answer that can't be stored leaves a refund in doubt, so storing it is worth a second and third try."""
        for tries_left in reversed(range(_COMMIT_TRIES)):
            try:
                with self._db.write() as tx:
                    self._refunds.finish(tx, refund.refund_id, answer)
                return
            except (SQLAlchemyError, TimeoutError) as error:
                _log.warning("the answer to a refund is not stored yet", error=type(error).__name__)
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
            lost = [refund for refund in self._refunds.unfinished(tx) if self._is_lost(refund, gone)]
        for refund in lost:
            with self._db.write() as tx:
                current = self._refunds.lock(tx, refund.refund_id)
                if current.status is RefundState.CLAIMED and self._is_lost(current, gone):
                    self._refunds.doubt(tx, current, "the process that asked for it ended before the answer")
                    _log.warning("a refund has no answer; it is not sent again", refund=refund.refund_id)
        for name in gone:
            self._owner.forget(name)
        return bool(lost)

    def _is_lost(self, refund: Refund, gone: frozenset[str]) -> bool:
        if refund.claim_owner == self._owner.name:
            with self._guard:
                return refund.refund_id not in self._in_flight
        if refund.claim_owner in gone:
            return True
        assert refund.claimed_at is not None
        return self._clock.now() >= refund.claimed_at + LEASE
