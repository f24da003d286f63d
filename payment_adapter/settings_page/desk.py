"""Vendors' settings without a running adapter: for the command line. What is announced here, the adapter delivers."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from kit.clock import Clock
from kit.db import Database
from kit.settings import Settings
from payment_adapter.providers.daraja import credentials as daraja_credentials
from payment_adapter.providers.daraja.client import Daraja
from payment_adapter.providers.daraja.wire import Wire
from payment_adapter.providers.ekwanza import credentials as ekwanza_credentials
from payment_adapter.providers.ekwanza.client import Ekwanza
from payment_adapter.settings_page.book import SettingsBook
from payment_adapter.vault.envelope import MasterKeys
from payment_adapter.vault.master import master_keys
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Vault

FROM_ENVIRONMENT: Mapping[str, Callable[[Settings], dict[str, Secret] | None]] = {
    daraja_credentials.PROVIDER: daraja_credentials.from_environment,
    ekwanza_credentials.PROVIDER: ekwanza_credentials.from_environment,
}
"""By provider, what reads a set from the environment, for one vendor that is named. Raises SettingsError."""


@dataclass(frozen=True, slots=True)
class SettingsDesk:
    db: Database
    vault: Vault
    master: MasterKeys
    book: SettingsBook
    clock: Clock


@contextmanager
def settings_desk(settings: Settings, clock: Clock) -> Generator[SettingsDesk]:
    """Raises SettingsError."""
    master = master_keys(settings)
    vault = Vault(master)
    db = Database(settings.payments_database_url, pool_size=1)
    daraja = Daraja(Wire(settings.daraja_base_url), clock)
    ekwanza = Ekwanza(ekwanza_credentials.hosts_by_environment(settings), clock)
    try:
        yield SettingsDesk(db, vault, master, SettingsBook(vault, (daraja, ekwanza), clock), clock)
    finally:
        daraja.close()
        ekwanza.close()
        db.close()
