"""The demo shops' accounts with the providers: credentials that only the simulators accept, unless the environment
names real ones. And what a shop's owner would tell the providers: where to report money that is paid by hand."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from contracts.ids import new_id
from contracts.payment_api import RailsNews
from kit.clock import Clock
from kit.db import Database, Tx
from kit.settings import Settings, SettingsError
from payment_adapter.callbacks.addresses import CHECK_PATH, Addresses
from payment_adapter.providers.daraja import credentials as daraja_credentials
from payment_adapter.providers.daraja.c2b import C2bRefused, ResponseType
from payment_adapter.providers.daraja.client import Daraja
from payment_adapter.providers.daraja.wire import Wire
from payment_adapter.providers.ekwanza import credentials as ekwanza_credentials
from payment_adapter.providers.ekwanza.client import Ekwanza
from payment_adapter.providers.ekwanza.credentials import hosts_by_environment
from payment_adapter.settings_page.book import SettingsBook
from payment_adapter.vault.master import master_keys
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials, Origin, Vault

_BY = "demo"


def plant(
    settings: Settings,
    clock: Clock,
    vendor_ids: Iterable[str],
    demo_shortcodes: Mapping[str, str] | None = None,
    demo_accounts: Mapping[str, str] | None = None,
) -> list[RailsNews]:
    """Give these demo vendors Daraja credentials: from DARAJA_* where they are set, else invented ones, with the short
    code that `demo_shortcodes` has for the vendor (the sandbox's own for others). Those of `demo_accounts`, by their
    account at e-Kwanza, get e-Kwanza's in the same way, from EKWANZA_* or invented.

    Run again, it only brings a planted set up to date with the environment; what a vendor stored itself is never
    touched, and a vendor who is not named gets nothing. Returns what the router hears of it, which is on its way there
    as well. Local mode only. Raises SettingsError."""
    if not settings.is_local:
        raise SettingsError("DUKANI_ENV=production: demo credentials are planted in local mode only")
    shortcodes, accounts = demo_shortcodes or {}, demo_accounts or {}
    daraja_given = daraja_credentials.from_environment(settings)
    ekwanza_given = ekwanza_credentials.from_environment(settings)
    with _Opened(settings, clock) as opened, opened.db.write() as tx:
        for vendor_id in vendor_ids:
            invented = partial(daraja_credentials.invented, shortcodes.get(vendor_id))
            opened.plant(tx, vendor_id, opened.daraja.name, daraja_given, invented)
        for vendor_id, account in accounts.items():
            invented = partial(ekwanza_credentials.invented, account)
            opened.plant(tx, vendor_id, opened.ekwanza.name, ekwanza_given, invented)
        return opened.news


@dataclass(frozen=True, slots=True)
class EkwanzaAccount:
    """What a merchant and e-Kwanza know of each other. Shown to nobody but the simulator that stands for it."""

    fields: Mapping[str, Secret]
    webhook_url: Secret


def ekwanza_accounts(settings: Settings, clock: Clock, vendor_ids: Sequence[str]) -> dict[str, EkwanzaAccount]:
    """By vendor, of those whose account is an invented one: a real one is set up at e-Kwanza itself."""
    accounts: dict[str, EkwanzaAccount] = {}
    with _Opened(settings, clock) as opened, opened.db.write() as tx:
        for vendor_id in vendor_ids:
            found = opened.vault.load(tx, vendor_id, opened.ekwanza.name)
            if found is not None and found.origin is Origin.PLANTED:
                address = opened.addresses.get_or_make(tx, vendor_id, opened.ekwanza.name)
                accounts[vendor_id] = EkwanzaAccount(found.fields, address)
    return accounts


def register_tills(settings: Settings, clock: Clock, vendor_ids: Sequence[str]) -> list[str]:
    """Have Daraja report what is paid by hand to these vendors' tills. Returns what went wrong, in sentences."""
    with _Opened(settings, clock) as opened:
        tills: list[tuple[Credentials, Secret]] = []
        with opened.db.write() as tx:
            for vendor_id in vendor_ids:
                found = opened.vault.load(tx, vendor_id, opened.daraja.name)
                if found is not None and found.origin is Origin.PLANTED:
                    tills.append((found, opened.addresses.get_or_make(tx, vendor_id, opened.daraja.name)))
        return [trouble for till, address in tills if (trouble := opened.register(till, address))]


class _Opened:
    """The vault and what stands on it, for as long as a planting takes."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._clock = clock
        self.db = Database(settings.payments_database_url, pool_size=1)
        self.vault = Vault(master_keys(settings))
        self.daraja = Daraja(Wire(settings.daraja_base_url), clock)
        self.ekwanza = Ekwanza(hosts_by_environment(settings), clock)
        self.addresses = Addresses(self.vault, clock, settings.adapter_public_url)
        self.news: list[RailsNews] = []
        self._book = SettingsBook(self.vault, (self.daraja, self.ekwanza), clock)

    def __enter__(self) -> "_Opened":
        return self

    def __exit__(self, *error: object) -> None:
        self.daraja.close()
        self.ekwanza.close()
        self.db.close()

    def plant(
        self,
        tx: Tx,
        vendor_id: str,
        provider: str,
        given: Mapping[str, Secret] | None,
        invented: Callable[[], Mapping[str, Secret]],
    ) -> None:
        present = self.vault.load(tx, vendor_id, provider)
        if present is None or (present.origin is Origin.PLANTED and _is_outdated(present.fields, given)):
            fields = given or invented()
            self._book.replace(tx, vendor_id, provider, fields, by=_BY, origin=Origin.PLANTED)
        else:
            self._book.announce(tx, vendor_id, provider)
        standing = self._book.standing(tx, vendor_id, provider)
        if standing.stored is None:
            return
        now = self._clock.now()
        self.news.append(
            RailsNews(
                event_id=f"planted:{new_id(now)}",
                vendor_id=vendor_id,
                provider=provider,
                version=standing.stored.version,
                ready=standing.ready,
                missing={rail: names for rail, names in standing.missing.items() if names},
                occurred_at=now,
            )
        )

    def register(self, till: Credentials, address: Secret) -> str | None:
        check = Secret(address.reveal() + CHECK_PATH)
        try:
            self.daraja.register_urls(till, address, check, ResponseType.COMPLETED)
        except C2bRefused as error:
            return str(error)
        return None


def _is_outdated(present: Mapping[str, Secret], given: Mapping[str, Secret] | None) -> bool:
    return given is not None and dict(present) != dict(given)
