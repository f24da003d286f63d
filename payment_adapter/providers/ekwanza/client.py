"""e-Kwanza behind the provider contract: three rails over two stacks that share nothing but the merchant."""

from collections.abc import Mapping

from contracts.money import Currency, Money
from contracts.payment_api import RefundStatus
from contracts.states import FailureReason, Rail
from kit.clock import Clock
from payment_adapter.providers.base import (
    CallbackUnreadable,
    ChargeOrder,
    ChargeRef,
    Failure,
    Finding,
    NoAnswer,
    Notice,
    Outcome,
    RefundAnswer,
    RefundOrder,
    Refused,
    Report,
    Setting,
)
from payment_adapter.providers.ekwanza import credentials as own
from payment_adapter.providers.ekwanza import notices, trial
from payment_adapter.providers.ekwanza.credentials import CredentialsUnusable, EkwanzaCredentials, Environment, Hosts
from payment_adapter.providers.ekwanza.gateway import CHARGE_TIMEOUT_S, Gateway
from payment_adapter.providers.ekwanza.native import Native
from payment_adapter.providers.token_cache import Owner
from payment_adapter.providers.wire import Http
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials

_HOSTS_KEPT = 6  # three for each environment


class Ekwanza:
    """Thread-safe."""

    def __init__(
        self,
        hosts: Mapping[Environment, Hosts],
        clock: Clock,
        *,
        http: Http | None = None,
        charge_timeout_s: float = CHARGE_TIMEOUT_S,
    ) -> None:
        self._http = http or Http(hosts=_HOSTS_KEPT)
        self._gateway = Gateway(self._http, hosts, clock, charge_timeout_s)
        self._native = Native(self._http, hosts, clock)

    @property
    def name(self) -> str:
        return own.PROVIDER

    @property
    def rails(self) -> frozenset[Rail]:
        return own.RAILS

    @property
    def settings(self) -> tuple[Setting, ...]:
        return own.SETTINGS

    def missing(self, fields: Mapping[str, Secret]) -> Mapping[Rail, list[str]]:
        return own.missing(fields)

    def try_out(self, credentials: Credentials) -> list[Finding]:
        return trial.try_out(credentials, self._gateway, self._native)

    def create_charge(self, order: ChargeOrder, credentials: Credentials) -> Outcome:
        unfit = _unfit(order)
        if unfit is not None:
            return Refused(unfit)
        try:
            ekwanza = EkwanzaCredentials.of(credentials, order.rail)
        except CredentialsUnusable as error:
            return Refused(Failure(FailureReason.SHOP_SETUP, False, "credentials", str(error)))
        if order.rail is Rail.TICKET:
            return self._native.charge(order, ekwanza)
        return self._gateway.charge(order, _owner(credentials), ekwanza)

    def can_look_up(self, charge: ChargeRef) -> bool:
        """The gateway knows our own reference, also where its answer was lost; of a ticket only e-Kwanza's code leads
        anywhere."""
        return charge.rail is not Rail.TICKET or charge.transaction_id is not None

    def look_up(self, charge: ChargeRef, credentials: Credentials) -> Report | NoAnswer:
        try:
            ekwanza = EkwanzaCredentials.of(credentials, charge.rail)
        except CredentialsUnusable as error:
            return NoAnswer(str(error), is_refused=True)
        if charge.rail is Rail.TICKET:
            return self._native.look_up(charge, ekwanza)
        return self._gateway.look_up(charge, _owner(credentials), ekwanza)

    def read_callback(self, body: bytes, headers: Mapping[str, str]) -> Report:
        raise CallbackUnreadable("e-Kwanza writes to the shop's one address, which it learned when the shop registered")

    def read_notice(self, body: bytes, headers: Mapping[str, str], credentials: Credentials) -> Notice:
        return notices.read(body, headers, credentials)

    def without_secrets(self, body: bytes, credentials: Credentials) -> bytes:
        named = (setting.name for setting in own.SETTINGS if setting.is_secret)
        return notices.without_secrets(body, (credentials.fields[name] for name in named if name in credentials.fields))

    def acknowledgement(self, *, is_kept: bool) -> Mapping[str, object]:
        """ "0": we noted it, "1": we did not. Only tickets ask for it; the other two read nothing but the status."""
        return {"status": "0" if is_kept else "1"}

    def why_not_refund(self, charge: ChargeRef, amount: Money, credentials: Credentials) -> str | None:
        if charge.rail is not Rail.GPO:
            return "e-Kwanza gives back only what was paid by Multicaixa Express; return it to the customer by hand"
        if amount.currency is not Currency.AOA or amount.minor < Currency.AOA.minor_per_whole:
            return "e-Kwanza gives back one kwanza at least"
        if amount.minor > charge.amount.minor:
            return "more than was paid can't be given back"
        try:
            EkwanzaCredentials.of(credentials, charge.rail)
        except CredentialsUnusable as error:
            return f"the shop's e-Kwanza settings can't be used: {error}"
        return None

    def refund(self, order: RefundOrder, credentials: Credentials) -> RefundAnswer:
        why_not = self.why_not_refund(order.charge, order.amount, credentials)
        if why_not is not None:
            return RefundAnswer(RefundStatus.FAILED, None, why_not)
        ekwanza = EkwanzaCredentials.of(credentials, order.charge.rail)
        return self._gateway.refund(order, _owner(credentials), ekwanza)

    def close(self) -> None:
        self._http.close()


def _owner(credentials: Credentials) -> Owner:
    return credentials.vendor_id, credentials.version


def _unfit(order: ChargeOrder) -> Failure | None:
    """What could only be refused: found here, it costs no call."""
    amount = order.amount
    if amount.currency is not Currency.AOA or amount.minor < amount.currency.minor_per_whole:
        return Failure(FailureReason.AMOUNT_REFUSED, False, "amount", "e-Kwanza collects kwanzas, one at least")
    payer = order.payer_msisdn or ""
    # With or without the country's 244, as AppyPay takes it.
    if order.rail is Rail.GPO and not (payer.isascii() and payer.isdigit() and 9 <= len(payer) <= 15):
        return Failure(FailureReason.NOT_SENT, False, "payer", "the number to charge is no telephone number")
    return None
