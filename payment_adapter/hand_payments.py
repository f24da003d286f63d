"""What a shop's owner does about money that is paid to its paybill or till by hand: has Daraja tell of it, and tries it
in the sandbox. No adapter need run for the first; the confirmation of the second comes to one that does."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from contracts.money import Money
from kit.clock import Clock
from kit.db import Database
from kit.settings import Settings
from payment_adapter.callbacks.addresses import CHECK_PATH, Addresses
from payment_adapter.providers.daraja.c2b import C2bRefused, ResponseType
from payment_adapter.providers.daraja.client import Daraja
from payment_adapter.providers.daraja.wire import Wire
from payment_adapter.vault.envelope import CannotOpen
from payment_adapter.vault.master import master_keys
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials, Vault

__all__ = ["C2bRefused", "ResponseType", "register", "simulate"]


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


@dataclass(frozen=True, slots=True)
class _Shop:
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
        yield _Shop(daraja, credentials, address)
    finally:
        daraja.close()
        db.close()
