"""Asks what became of refunds that a provider took and then kept silent about. It never asks for a refund again."""

import secrets

import structlog

from kit.clock import Clock
from kit.db import Database, Tx
from payment_adapter.providers.base import LateRefunder, NoAnswer, RefundQuestion, RefundReport
from payment_adapter.refunds.record import Refund
from payment_adapter.refunds.rules import NOBODY_SAID_AFTER, RefundState, next_ask
from payment_adapter.refunds.send import RESULT_PATH
from payment_adapter.refunds.service import Applied, Kind, Refunds
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials

_log = structlog.get_logger()


class Asker:
    """Runs in several threads at once."""

    def __init__(self, db: Database, refunds: Refunds, clock: Clock, *, public_url: str) -> None:
        self._db = db
        self._refunds = refunds
        self._clock = clock
        self._public_url = public_url

    def turn(self) -> bool:
        """Ask about one refund. Returns whether one was due."""
        with self._db.read() as tx:
            if self._refunds.next_to_ask(tx, is_locked=False) is None:
                return False
        secret = Secret(secrets.token_hex(32))
        with self._db.write() as tx:
            refund = self._refunds.next_to_ask(tx, is_locked=True)
            if refund is None:
                return False
            credentials = self._put_off(tx, refund, secret)
        if credentials is None:
            return True
        report = self._ask(refund, credentials, secret)
        if report is not None:
            with self._db.write() as tx:
                current = self._refunds.lock(tx, refund.refund_id)
                if self._refunds.report(tx, current, report, Kind.ANSWER) is Applied.MISMATCH:
                    _log.warning("an answer does not fit its refund", refund=refund.refund_id)
        return True

    def _put_off(self, tx: Tx, refund: Refund, secret: Secret) -> Credentials | None:
        """Set its next moment first, so that no other worker asks at the same time. None: there is nothing to ask."""
        assert refund.claimed_at is not None
        now = self._clock.now()
        is_open = refund.status in (RefundState.PENDING, RefundState.UNKNOWN)
        is_over = now >= refund.claimed_at + NOBODY_SAID_AFTER
        self._refunds.ask_again_at(tx, refund, next_ask(refund.claimed_at, now) if is_open else None)
        if is_over or not is_open:
            self._refunds.doubt(tx, refund, "the provider took it and never said how it ended")
            return None
        if refund.provider_refund_id is None or not isinstance(self._refunds.provider(refund), LateRefunder):
            return None
        credentials = self._refunds.credentials(tx, refund)
        if isinstance(credentials, str):
            _log.warning("a refund can't be asked about", refund=refund.refund_id, why=credentials)
            return None
        self._refunds.add_address(tx, refund, Kind.ANSWER, secret)
        return credentials

    def _ask(self, refund: Refund, credentials: Credentials, secret: Secret) -> RefundReport | None:
        provider = self._refunds.provider(refund)
        assert isinstance(provider, LateRefunder)
        assert refund.provider_refund_id is not None
        question = RefundQuestion(
            refund_id=refund.refund_id,
            charge=refund.payment,
            amount=refund.amount,
            provider_refund_id=refund.provider_refund_id,
            result_url=Secret(f"{self._public_url}{RESULT_PATH}{secret.reveal()}"),
        )
        found = provider.ask_refund(question, credentials)
        if isinstance(found, NoAnswer):
            _log.info("a question about a refund was not answered", refund=refund.refund_id, why=found.detail)
            return None
        return found
