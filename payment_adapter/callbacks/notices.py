"""What a notice to a shop's address does: of a charge that we made, or of money that was paid by hand.

The two may be one. A provider that rings a phone may also tell of the same money as paid to the till, before or after
it answers our push; it has one receipt. So such a notice waits a little while a charge like it is open, and is believed
to be that charge's money where shop, order code, amount, payer and time agree."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from contracts.payment_api import PaymentEvent
from contracts.states import ChargeStatus, InboxStatus, PaymentEventStatus
from kit.clock import Clock
from kit.db import Tx
from payment_adapter.charges.decide import Applied
from payment_adapter.charges.finding import find_alike, find_hinted, find_named, find_receipt, may_be_the_payer
from payment_adapter.charges.record import Charge, Source
from payment_adapter.charges.rules import currency_of
from payment_adapter.charges.service import Charges
from payment_adapter.providers.base import CallbackForged, CallbackUnreadable, Notice, NoticeReader, Report
from payment_adapter.vault.envelope import CannotOpen
from payment_adapter.vault.service import Vault

_log = structlog.get_logger()

HELD_FOR = timedelta(minutes=3)
"""How long money that may be an open charge's waits for what the provider says of that charge."""
LOOK_AGAIN_AFTER = timedelta(seconds=15)
WITHOUT_CREDENTIALS = timedelta(days=1)
"""How long what can't be checked waits for its shop to have credentials again."""

STATUS_BY_APPLIED = {
    Applied.CHANGED: InboxStatus.PROCESSED,
    Applied.ENRICHED: InboxStatus.PROCESSED,
    Applied.ASKED: InboxStatus.PROCESSED,
    Applied.NOTHING: InboxStatus.IGNORED,
    Applied.MISMATCH: InboxStatus.FAILED,
}


@dataclass(frozen=True, slots=True)
class Done:
    status: InboxStatus
    outcome: str
    """For whoever looks at the inbox."""


@dataclass(frozen=True, slots=True)
class Later:
    at: datetime
    why: str


class Notices:
    def __init__(self, charges: Charges, vault: Vault, clock: Clock) -> None:
        self._charges = charges
        self._vault = vault
        self._clock = clock

    def apply(self, tx: Tx, row: Any) -> Done | Later:
        """`row` of the inbox, locked."""
        provider = self._charges.providers.get(row.provider)
        if not isinstance(provider, NoticeReader):
            return Done(InboxStatus.FAILED, f"nothing here reads what {row.provider} sends")
        try:
            credentials = self._vault.load(tx, row.vendor_id, row.provider)
        except CannotOpen:
            _log.error("credentials can't be opened: is DUKANI_VAULT_KEY the right one?", vendor=row.vendor_id)
            credentials = None
        if credentials is None:
            return self._later_or(row, WITHOUT_CREDENTIALS, "the shop has no credentials to check it with")
        try:
            notice = provider.read_notice(bytes(row.body), row.headers, credentials)
        except CallbackForged:
            _log.warning("a callback that was kept turns out to be forged", vendor=row.vendor_id)
            return Done(InboxStatus.FAILED, "forged: the signature is missing or wrong")
        except CallbackUnreadable as error:
            _log.warning("a callback can't be read", vendor=row.vendor_id, provider=row.provider, why=str(error))
            return Done(InboxStatus.FAILED, f"unreadable: {error}")
        if notice.paid_by_hand:
            return self._by_hand(tx, row, notice)
        return self._of_charge(tx, row, notice)

    # --- of a charge that we made ---------------------------------------------------------------------------------

    def _of_charge(self, tx: Tx, row: Any, notice: Notice) -> Done:
        named = find_named(tx, row.vendor_id, row.provider, notice.our_reference, notice.report.transaction_id)
        if len(named) != 1:
            _log.warning("a callback names no charge, or two", vendor=row.vendor_id, provider=row.provider)
            return Done(InboxStatus.FAILED, "names two charges" if named else "names no charge of this shop")
        charge = self._charges.lock(tx, named[0])
        if not notice.must_be_confirmed:
            applied = self._charges.report(tx, charge, notice.report, Source.CALLBACK)
            return Done(STATUS_BY_APPLIED[applied], f"{notice.report.status}: {applied}")
        if charge.status is ChargeStatus.PAID:
            return Done(InboxStatus.IGNORED, f"{notice.report.status}: it is paid")
        if self._charges.ask_soon(tx, charge):
            return Done(InboxStatus.PROCESSED, f"{notice.report.status}: the provider is asked")
        self._charges.doubt(tx, charge, "nobody signed what was said of it, and the provider can't be asked")
        return Done(InboxStatus.FAILED, f"{notice.report.status}: it can't be confirmed")

    # --- paid by hand ---------------------------------------------------------------------------------------------

    def _by_hand(self, tx: Tx, row: Any, notice: Notice) -> Done | Later:
        report = notice.report
        receipt = report.receipt or report.transaction_id
        if notice.answer is not None and report.status is not PaymentEventStatus.PAID:
            return Done(InboxStatus.FAILED, f"asked about a receipt, the provider says: {notice.answer}")
        if report.status is not PaymentEventStatus.PAID or report.amount_minor is None or receipt is None:
            return Done(InboxStatus.IGNORED, f"{report.status}: no money came")
        owner = find_receipt(tx, row.provider, receipt)
        if owner is not None:
            if owner.vendor_id != row.vendor_id:
                _log.error("a receipt was reported for two shops", vendor=row.vendor_id)
                return Done(InboxStatus.FAILED, "its receipt is another shop's")
            return Done(InboxStatus.IGNORED, f"it is the money of charge {owner.charge_id}")
        hinted = find_hinted(tx, row.vendor_id, row.provider, receipt) if notice.answer is not None else []
        if len(hinted) == 1:
            return self._as_asked(tx, hinted[0], report, receipt)
        alike = self._may_be(tx, row, notice, report.amount_minor)
        if alike is not None:
            return self._of_alike(tx, row, notice, alike, receipt)
        return self._announce(tx, row, notice, receipt)

    def _as_asked(self, tx: Tx, charge_id: str, report: Report, receipt: str) -> Done:
        """A person said under which receipt the charge was paid, and the provider, asked about it, says that it was."""
        charge = self._charges.lock(tx, charge_id)
        found = replace(report, receipt=receipt, transaction_id=None)
        applied = self._charges.report(tx, charge, found, Source.QUERY)
        return Done(STATUS_BY_APPLIED[applied], f"asked about, it is the money of charge {charge_id}: {applied}")

    def _may_be(self, tx: Tx, row: Any, notice: Notice, amount_minor: int) -> Charge | None:
        """The newest charge whose money this can be: open, or paid and without its receipt."""
        moment = notice.report.occurred_at or row.received_at
        for charge in find_alike(tx, row.vendor_id, row.provider, amount_minor, moment):
            is_waiting = charge.status in (ChargeStatus.CLAIMED, ChargeStatus.ACCEPTED, ChargeStatus.UNKNOWN)
            is_waiting |= charge.status is ChargeStatus.PAID and charge.receipt is None
            # Where a till is paid, nobody is asked for an account number: then none is told.
            is_same = notice.account_reference in (None, charge.account_reference)
            if is_waiting and is_same and may_be_the_payer(notice.report.payer_msisdn, charge.payer_msisdn):
                return charge
        return None

    def _of_alike(self, tx: Tx, row: Any, notice: Notice, alike: Charge, receipt: str) -> Done | Later:
        charge = self._charges.lock(tx, alike.charge_id)
        if charge.status is ChargeStatus.PAID:
            if charge.receipt is None:
                self._charges.enrich(tx, charge, receipt)
                return Done(InboxStatus.PROCESSED, f"it is the receipt of charge {charge.charge_id}")
            return Later(self._clock.now(), "its charge was paid meanwhile: judged again")
        if self._clock.now() < row.received_at + HELD_FOR:
            self._charges.ask_soon(tx, charge)
            return Later(self._clock.now() + LOOK_AGAIN_AFTER, f"it may be the money of charge {charge.charge_id}")
        if notice.account_reference is None:
            return self._announce(tx, row, notice, receipt)
        # The provider said nothing more of its push, and here is its money: reference, amount, payer and time agree.
        found = Report(
            PaymentEventStatus.PAID,
            amount_minor=notice.report.amount_minor,
            receipt=receipt,
            occurred_at=notice.report.occurred_at,
        )
        applied = self._charges.report(tx, charge, found, Source.CALLBACK)
        return Done(STATUS_BY_APPLIED[applied], f"it is taken for the money of charge {charge.charge_id}: {applied}")

    def _announce(self, tx: Tx, row: Any, notice: Notice, receipt: str) -> Done:
        report = notice.report
        rail = next(iter(self._charges.providers[row.provider].rails))
        event = PaymentEvent(
            event_id=notice.event_id,
            provider=row.provider,
            rail=None,
            vendor_id=row.vendor_id,
            intent_id=None,
            status=PaymentEventStatus.PAID,
            amount_minor=report.amount_minor,
            currency=currency_of(rail),
            provider_transaction_id=report.transaction_id or receipt,
            receipt=receipt,
            payer_msisdn=report.payer_msisdn,
            payer_name=notice.payer_name,
            account_reference=notice.account_reference,
            occurred_at=report.occurred_at or row.received_at,
        )
        self._charges.announce(tx, event, f"by-hand:{notice.event_id}")
        return Done(InboxStatus.PROCESSED, "paid by hand")

    def _later_or(self, row: Any, for_so_long: timedelta, why: str) -> Done | Later:
        now = self._clock.now()
        age = now - row.received_at
        if age >= for_so_long:
            _log.error("a callback is left for a person", vendor=row.vendor_id, why=why)
            return Done(InboxStatus.FAILED, why)
        return Later(now + max(LOOK_AGAIN_AFTER, age // 4), why)
