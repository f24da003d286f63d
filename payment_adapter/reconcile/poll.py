"""The poll: takes one charge that is due, asks the provider with no transaction open, applies what counts."""

import structlog

from contracts.states import ChargeStatus
from kit.clock import Clock
from kit.db import Database
from payment_adapter.charges.record import Charge, Source
from payment_adapter.charges.service import Charges
from payment_adapter.providers.base import NoAnswer, Report
from payment_adapter.reconcile.rules import LAST_LEASE, Verdict, judge, next_poll
from payment_adapter.vault.envelope import CannotOpen
from payment_adapter.vault.service import Credentials, Vault

_log = structlog.get_logger()


class Poller:
    """Runs in several threads at once."""

    def __init__(self, db: Database, charges: Charges, vault: Vault, clock: Clock) -> None:
        self._db = db
        self._charges = charges
        self._vault = vault
        self._clock = clock

    def turn(self) -> bool:
        """Ask about one charge. Returns whether one was due."""
        taken = self._take()
        if taken is None:
            return False
        charge, credentials = taken
        finding = self._ask(charge, credentials)
        with self._db.write() as tx:
            current = self._charges.lock(tx, charge.charge_id)
            if current.status is ChargeStatus.PAID:
                return True
            assert current.claimed_at is not None
            now = self._clock.now()
            self._charges.ask_again_at(tx, current, next_poll(current.claimed_at, now))
            match judge(finding, now - current.claimed_at):
                case Verdict.APPLY:
                    assert isinstance(finding, Report)
                    self._charges.report(tx, current, finding, Source.QUERY)
                case Verdict.DOUBT:
                    self._charges.doubt(tx, current, "the provider can't say either")
                case Verdict.WAIT:
                    pass
        return True

    def _take(self) -> tuple[Charge, Credentials | None] | None:
        """The charge, put off to its next moment first, so that no other worker asks at the same time."""
        with self._db.read() as tx:
            if self._charges.next_to_ask(tx, is_locked=False) is None:
                return None
        with self._db.write() as tx:
            charge = self._charges.next_to_ask(tx, is_locked=True)
            if charge is None:
                return None
            assert charge.claimed_at is not None
            now = self._clock.now()
            self._charges.ask_again_at(tx, charge, next_poll(charge.claimed_at, now) or now + LAST_LEASE)
            try:
                credentials = self._vault.load(tx, charge.vendor_id, charge.provider)
            except CannotOpen:
                _log.error("credentials can't be opened: is DUKANI_VAULT_KEY the right one?", vendor=charge.vendor_id)
                credentials = None
        return charge, credentials

    def _ask(self, charge: Charge, credentials: Credentials | None) -> Report | NoAnswer:
        if credentials is None:
            return NoAnswer("the vendor has no credentials that can be used")
        provider = self._charges.provider(charge)
        if not provider.can_look_up(charge.ref):
            return NoAnswer("the provider told us no id to ask by")
        finding = provider.look_up(charge.ref, credentials)
        if isinstance(finding, NoAnswer):
            _log.info("a look-up was not answered", charge=charge.charge_id, why=finding.detail)
        return finding
