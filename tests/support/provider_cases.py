"""Each rail of each provider with its simulator: how a charge is asked for, answered by the customer, and disturbed.

Whatever a provider says or logs is kept, so that a test can look for secrets in it."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from contracts.money import Currency, Money
from contracts.states import Rail
from kit.clock import Clock
from payment_adapter.providers.base import (
    Accepted,
    ChargeOrder,
    ChargeRef,
    Finding,
    NoAnswer,
    Notice,
    NoticeReader,
    Outcome,
    RefundAnswer,
    Refunder,
    RefundOrder,
    Report,
)
from payment_adapter.providers.daraja.client import Daraja
from payment_adapter.providers.ekwanza.client import Ekwanza
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials
from tests.simulators.shop import CALLBACK_PATH, WEBHOOK_PATH, Heard, Shop
from tests.support.phone import Phone

VENDOR = "vendor-of-the-case"
ACCOUNT = "66700922"
OURS = "OURSOURSOURS234"
PAYER_NAME, PAYER = "Achieng", "254708374149"


class Trouble(StrEnum):
    """What a test asks the simulator to do, whatever the provider calls it."""

    TIMEOUT = "timeout"
    """Accepted, but the answer never comes."""
    EMPTY = "empty"
    HTML = "html"
    BUSY = "busy"
    TOKEN_DEAD = "token_dead"
    LOOK_UP_HTML = "look_up_html"
    LOOK_UP_PENDING = "look_up_pending"


MPESA_TROUBLES = {
    Trouble.TIMEOUT: "push_timeout",
    Trouble.EMPTY: "push_empty",
    Trouble.HTML: "push_error_html",
    Trouble.BUSY: "spike_arrest",
    Trouble.TOKEN_DEAD: "token_dead",
    Trouble.LOOK_UP_HTML: "query_error_html",
    Trouble.LOOK_UP_PENDING: "query_4999",
}
EKWANZA_TROUBLES = {
    Trouble.TIMEOUT: "ekwanza_timeout",
    Trouble.EMPTY: "ekwanza_empty",
    Trouble.HTML: "ekwanza_error_html",
    Trouble.BUSY: "ekwanza_busy",
    Trouble.TOKEN_DEAD: "ekwanza_token_dead",
    Trouble.LOOK_UP_HTML: "ekwanza_lookup_html",
    Trouble.LOOK_UP_PENDING: "ekwanza_lookup_pending",
}


@dataclass
class Case:
    """One rail. `fields` of `wrong` make its credentials ones that the provider refuses."""

    rail: Rail
    provider: Daraja | Ekwanza
    credentials: Credentials
    currency: Currency
    phone: Phone
    clock: Clock
    callback_url: str
    troubles: Mapping[Trouble, str]
    wrong: Mapping[str, str]
    told: list[object] = field(default_factory=list[object])

    def order(self, **changes: Any) -> ChargeOrder:
        wanted: dict[str, Any] = {
            "rail": self.rail,
            "amount": Money.of_whole(450, self.currency),
            "payer_msisdn": PAYER,
            "account_reference": "K7M3QD",
            "our_reference": OURS,
            "description": "Mama Njeri",
            "callback_url": Secret(self.callback_url),
            "send_before": self.clock.now() + timedelta(seconds=60),
        }
        return ChargeOrder(**{**wanted, **changes})

    def ask(self, credentials: Credentials | None = None, **changes: Any) -> Outcome:
        outcome = self.provider.create_charge(self.order(**changes), credentials or self.credentials)
        self.told.append(outcome)
        return outcome

    def open(self, **changes: Any) -> Accepted:
        """A charge that waits for its customer."""
        if self.rail is Rail.GPO:
            # Else the gateway keeps us waiting for the customer.
            self.phone.faults(ekwanza_pending_319=1)
        outcome = self.ask(**changes)
        assert isinstance(outcome, Accepted), outcome
        return outcome

    def ask_while_the_customer_pays(self) -> Outcome:
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(self.ask)
            self.phone.enter_pin(PAYER_NAME)
            return asked.result(timeout=30)

    def ref(self, transaction_id: str | None, receipt: str | None = None) -> ChargeRef:
        return ChargeRef(self.rail, Money.of_whole(450, self.currency), OURS, transaction_id, receipt)

    def look_up(self, transaction_id: str | None, credentials: Credentials | None = None) -> Report | NoAnswer:
        answer = self.provider.look_up(self.ref(transaction_id), credentials or self.credentials)
        self.told.append(answer)
        return answer

    def found(self, transaction_id: str | None) -> Report:
        answer = self.look_up(transaction_id)
        assert isinstance(answer, Report), answer
        return answer

    def pay(self) -> None:
        """The customer pays the only charge that waits."""
        if self.is_reference:
            (waiting,) = self.phone.references()
            self.phone.pay_reference(str(waiting["reference"]), PAYER)
        else:
            self.phone.enter_pin(PAYER_NAME)

    def decline(self) -> None:
        """The customer refuses, or lets pass the time that a reference has."""
        if self.is_reference:
            self.phone.advance(80 * 3600)
            (charge,) = self.phone.ekwanza_charges()
            self.phone.wait_for_state(str(charge["id"]), "expired")
        else:
            self.phone.cancel(PAYER_NAME)

    def disturb(self, trouble: Trouble, times: int = 1) -> None:
        self.phone.faults(**{self.troubles[trouble]: times})

    def try_out(self, credentials: Credentials) -> list[Finding]:
        findings = self.provider.try_out(credentials)
        self.told += findings
        return findings

    @property
    def is_reference(self) -> bool:
        return self.rail in (Rail.EMIS_REF, Rail.TICKET)

    @property
    def wrong_credentials(self) -> Credentials:
        changed = {name: Secret(value) for name, value in self.wrong.items()}
        return replace(self.credentials, version=2, fields={**self.credentials.fields, **changed})

    def charges(self) -> Sequence[Mapping[str, Any]]:
        """What the provider made, whatever it answered."""
        return self.phone.pushes() if self.rail is Rail.MPESA_STK else self.phone.ekwanza_charges()

    def secrets(self) -> set[str]:
        """The values that may appear nowhere."""
        named = {setting.name for setting in self.provider.settings if setting.is_secret}
        sets = (self.credentials, self.wrong_credentials)
        return {one.fields[name].reveal() for one in sets for name in named if name in one.fields}


def heard(case: Case, shop: Shop, count: int = 1) -> list[Heard]:
    """What the provider sent of the charge, once so much has come."""
    return shop.at(CALLBACK_PATH if case.rail is Rail.MPESA_STK else WEBHOOK_PATH, count)


@dataclass(frozen=True)
class Told:
    report: Report
    notice: Notice | None


def read(case: Case, message: Heard, headers: Mapping[str, str] | None = None) -> Told:
    """As the adapter reads it: from the charge's own address, or from the shop's."""
    if case.rail is Rail.MPESA_STK:
        return Told(case.provider.read_callback(message.raw, message.headers), None)
    assert isinstance(case.provider, NoticeReader)
    given = message.headers if headers is None else headers
    notice = case.provider.read_notice(message.raw, given, case.credentials)
    return Told(notice.report, notice)


def refund(
    case: Case, result_url: str, transaction_id: str | None, receipt: str | None, whole: int = 450
) -> RefundAnswer:
    assert isinstance(case.provider, Refunder)
    amount = Money.of_whole(whole, case.currency)
    order = RefundOrder("refund-1", case.ref(transaction_id, receipt), amount, "Returned", Secret(result_url))
    answer = case.provider.refund(order, case.credentials)
    case.told.append(answer)
    return answer
