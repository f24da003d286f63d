"""Asks the provider for a refund, once: claim, commit, call, commit the answer.

A claim whose answer is lost becomes `unknown` and is never sent again: money that went back twice is gone."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

import structlog

from contracts.payment_api import RefundStatus
from kit.clock import Clock
from kit.db import Database, Tx
from kit.owners import Owner
from payment_adapter.claims import Claims, Held, IsLost
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
        self._public_url = public_url
        self._claims = Claims(db, clock, owner, LEASE, unfinished=self._unfinished, give_up=self._give_up)

    def turn(self) -> bool:
        """Send one refund that waits, or settle one whose request nobody will answer for any more."""
        recovered = self._claims.recover_in_turn()
        return self._send_one() or recovered

    def recover(self) -> bool:
        """Settle every request that nobody will answer for any more, now. Returns whether there were any."""
        return self._claims.recover()

    def leave(self) -> None:
        """The process ends. A request that is still on its way is found by whoever comes next."""
        self._claims.leave()

    def _send_one(self) -> bool:
        with self._db.read() as tx:  # an idle loop must not disturb those who write
            if not self._refunds.is_any_created(tx):
                return False
        claimed = self._claim()
        if isinstance(claimed, bool):
            return claimed
        refund_id = claimed.refund.refund_id
        with self._claims.working_on(refund_id):
            answer = self._call(claimed)
            self._claims.commit_answer(lambda tx: self._refunds.finish(tx, refund_id, answer))
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
            claimed = self._refunds.claim(tx, refund, self._claims.owner, secret)
            assert claimed is not None  # it was locked as CREATED
            self._claims.begin(refund.refund_id)
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

    def _unfinished(self, tx: Tx) -> list[Held]:
        return [_held(refund) for refund in self._refunds.unfinished(tx)]

    def _give_up(self, tx: Tx, refund_id: str, is_lost: IsLost) -> None:
        refund = self._refunds.lock(tx, refund_id)
        if refund.status is RefundState.CLAIMED and is_lost(_held(refund)):
            self._refunds.doubt(tx, refund, "the process that asked for it ended before the answer")
            _log.warning("a refund has no answer; it is not sent again", refund=refund.refund_id)


def _held(refund: Refund) -> Held:
    return Held(refund.refund_id, refund.claim_owner, refund.claimed_at)
