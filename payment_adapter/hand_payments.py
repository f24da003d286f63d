"""What a shop's owner does about money that is paid to its paybill or till: has Daraja tell of what is paid by hand,
tries that in the sandbox, and asks about a receipt that nobody told of. No adapter need run for the first; what the
others lead to comes to one that does."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from contracts.money import Money
from kit.clock import Clock
from kit.db import Database, Tx
from kit.settings import Settings
from payment_adapter.callbacks.addresses import CHECK_PATH, Addresses
from payment_adapter.charges.finding import find_receipt
from payment_adapter.charges.service import Charges, Wakes
from payment_adapter.providers.daraja.c2b import C2bRefused, ResponseType
from payment_adapter.providers.daraja.client import Daraja
from payment_adapter.providers.daraja.credentials import PROVIDER
from payment_adapter.providers.daraja.wire import Wire
from payment_adapter.vault.envelope import CannotOpen
from payment_adapter.vault.master import master_keys
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials, Vault

__all__ = ["C2bRefused", "ResponseType", "ask_about", "register", "simulate"]


def register(settings: Settings, clock: Clock, vendor_id: str, response_type: ResponseType) -> str:
    """Have Daraja tell this shop's address of what is paid to it by hand. Returns the short code.

    Raises C2bRefused, which says what to do; SettingsError."""
    with _shop(settings, clock, vendor_id) as shop:
        check = Secret(shop.address.reveal() + CHECK_PATH)
        shop.daraja.register_urls(shop.credentials, shop.address, check, response_type)
        return shop.shortcode


def simulate(settings: Settings, clock: Clock, vendor_id: str, amount: Money, msisdn: str, reference: str) -> str:
    """Have the sandbox play a customer who pays this shop by hand. Returns the short code. Raises as `register`."""
    with _shop(settings, clock, vendor_id) as shop:
        shop.daraja.simulate_by_hand(shop.credentials, amount, msisdn, reference)
        return shop.shortcode


def ask_about(settings: Settings, clock: Clock, vendor_id: str, receipt: str, charge_id: str | None) -> None:
    """Have Daraja tell this shop's address what became of the payment with this receipt. With `charge_id`, a person
    says that it is that charge's money: the charge is paid once Daraja says so; without, the money counts as paid by
    hand. Raises as `register`."""
    with _shop(settings, clock, vendor_id) as shop:
        with shop.db.write() as tx:
            owner = find_receipt(tx, shop.daraja.name, receipt)
            if owner is not None:
                whose = f"charge {owner.charge_id}" if owner.vendor_id == vendor_id else "another shop's charge"
                raise C2bRefused(f"{receipt} is known here: it is the receipt of {whose}")
            if charge_id is not None:
                _say_receipt(tx, Charges(clock, (shop.daraja,), _NOBODY), vendor_id, charge_id, receipt)
        refused = shop.daraja.ask_receipt(receipt, shop.address, shop.credentials)
        if refused is not None:
            raise C2bRefused(f"Nothing was learned: {refused.detail}")


def _say_receipt(tx: Tx, charges: Charges, vendor_id: str, charge_id: str, receipt: str) -> None:
    try:
        charge = charges.lock(tx, charge_id)
    except LookupError:
        charge = None
    if charge is None or charge.vendor_id != vendor_id:
        raise C2bRefused(f"The shop has no charge {charge_id}: `dukani charges --status all` shows them")
    if charge.provider != PROVIDER or charge.claimed_at is None:
        raise C2bRefused(f"Charge {charge_id} was never pushed to M-Pesa, so it can't have such a receipt")
    if charge.receipt is not None:
        raise C2bRefused(f"Charge {charge_id} was paid under {charge.receipt}")
    charges.say_receipt(tx, charge, receipt)


def _wake_nobody() -> None:
    """Whom a commit here would wake runs in another process."""


_NOBODY = Wakes(_wake_nobody, _wake_nobody, _wake_nobody)


@dataclass(frozen=True, slots=True)
class _Shop:
    db: Database
    daraja: Daraja
    credentials: Credentials
    address: Secret

    @property
    def shortcode(self) -> str:
        return self.credentials.fields["shortcode"].reveal()


@contextmanager
def _shop(settings: Settings, clock: Clock, vendor_id: str) -> Generator[_Shop]:
    """The shop's address is kept before anybody is told of it, and no transaction is open while Daraja is asked."""
    vault = Vault(master_keys(settings))
    db = Database(settings.payments_database_url, pool_size=1)
    daraja = Daraja(Wire(settings.daraja_base_url), clock)
    try:
        with db.write() as tx:
            try:
                credentials = vault.load(tx, vendor_id, daraja.name)
            except CannotOpen as error:
                raise C2bRefused(
                    "The shop's M-Pesa settings can't be opened: is DUKANI_VAULT_KEY the key of that time?"
                ) from error
            if credentials is None:
                raise C2bRefused("The shop has no M-Pesa settings here: enter them first (`dukani secrets`)")
            address = Addresses(vault, clock, settings.adapter_public_url).get_or_make(tx, vendor_id, daraja.name)
        yield _Shop(db, daraja, credentials, address)
    finally:
        daraja.close()
        db.close()
