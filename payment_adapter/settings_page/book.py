"""A vendor's settings for each provider: changed field by field, stored as a whole set, and announced to the router in
the same transaction. Values go in and never come out."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog

from contracts.ids import new_id
from contracts.payment_api import RailsNews
from contracts.states import Rail
from kit.clock import Clock
from kit.db import Tx
from kit.outbox import enqueue
from payment_adapter.charges.models import outbox
from payment_adapter.providers.base import Setting, SettingsHolder
from payment_adapter.vault.envelope import CannotOpen
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Origin, StoredSet, Vault

_log = structlog.get_logger()

NEWS_TYPE = "rails.changed"
MAX_VALUE_LENGTH = 8000


class Holder(SettingsHolder, Protocol):
    """A provider that says what it needs to know of a vendor."""

    @property
    def name(self) -> str: ...

    @property
    def rails(self) -> frozenset[Rail]: ...


class UnknownProvider(LookupError):
    """There is no provider of this name. The text names those that there are."""


class SettingsRefused(ValueError):
    """Nothing was stored. `problems` says, by setting, what is wrong; it holds no value."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {problem}" for name, problem in problems.items()))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a vendor stands with one provider. Holds no value."""

    provider: str
    stored: StoredSet | None
    """The newest set; of origin `removed`, or None, where there is none."""
    missing: Mapping[Rail, list[str]]
    """By rail, the settings that are missing or malformed; an empty list: ready."""
    can_be_opened: bool = True
    """False: it was sealed with a key that this process does not have."""

    @property
    def has_settings(self) -> bool:
        return self.stored is not None and self.stored.origin is not Origin.REMOVED

    @property
    def ready(self) -> list[Rail]:
        return [rail for rail, names in self.missing.items() if not names]


class SettingsBook:
    """Thread-safe. The caller opens the transaction."""

    def __init__(
        self, vault: Vault, holders: Iterable[Holder], clock: Clock, wake: Callable[[], None] = lambda: None
    ) -> None:
        """`wake` is called after a commit that announced something."""
        self._vault = vault
        self._clock = clock
        self._wake = wake
        self.holders: Mapping[str, Holder] = {holder.name: holder for holder in holders}

    def holder(self, provider: str) -> Holder:
        """Raises UnknownProvider."""
        try:
            return self.holders[provider]
        except KeyError:
            names = ", ".join(sorted(self.holders))
            raise UnknownProvider(f"there is no provider {provider!r}; there are {names}") from None

    # --- changing -------------------------------------------------------------------------------------------------

    def change(
        self,
        tx: Tx,
        vendor_id: str,
        provider: str,
        given: Mapping[str, Secret],
        *,
        by: str,
        without: Collection[str] = (),
    ) -> Standing:
        """Store what is given over what is there; `without` names fields that are dropped. What is blank stays as it
        is, and where nothing changes no new version is made. Raises UnknownProvider, SettingsRefused, CannotOpen."""
        self._vault.lock(tx, vendor_id, self._clock.now())
        before = self._fields(tx, vendor_id, provider)
        fields = self.merged(tx, vendor_id, provider, given, without=without)
        if not fields:
            raise SettingsRefused({"": "nothing was given, and nothing is stored"})
        if dict(before) != dict(fields):
            self.replace(tx, vendor_id, provider, fields, by=by, origin=Origin.VENDOR)
        return self.standing(tx, vendor_id, provider)

    def merged(
        self, tx: Tx, vendor_id: str, provider: str, given: Mapping[str, Secret], *, without: Collection[str] = ()
    ) -> Mapping[str, Secret]:
        """The whole set as `change` would store it. Raises UnknownProvider, SettingsRefused, CannotOpen."""
        holder = self.holder(provider)
        known = {setting.name: setting for setting in holder.settings}
        strangers = [name for name in (*given, *without) if name not in known]
        if strangers:
            raise SettingsRefused(
                dict.fromkeys(strangers, f"{provider} has no such setting; it has {', '.join(known)}")
            )
        clean = {name: Secret(value.reveal().replace("\r\n", "\n").strip()) for name, value in given.items()}
        clean = {name: value for name, value in clean.items() if value.reveal()}
        problems = {name: problem for name, value in clean.items() if (problem := _problem(known[name], value))}
        if problems:
            raise SettingsRefused(problems)
        kept = {name: value for name, value in self._fields(tx, vendor_id, provider).items() if name in known}
        return {name: value for name, value in {**kept, **clean}.items() if name not in without or name in clean}

    def replace(
        self, tx: Tx, vendor_id: str, provider: str, fields: Mapping[str, Secret], *, by: str, origin: Origin
    ) -> None:
        """Store this set, whatever was there, and announce it."""
        self._vault.store(tx, vendor_id, provider, fields, origin=origin, now=self._clock.now(), by=by)
        self.announce(tx, vendor_id, provider)

    def remove(self, tx: Tx, vendor_id: str, provider: str, *, by: str) -> bool:
        """End the vendor's set and announce that; False where there is none."""
        self.holder(provider)
        if self._vault.remove(tx, vendor_id, provider, now=self._clock.now(), by=by) is None:
            return False
        self.announce(tx, vendor_id, provider)
        return True

    # --- telling --------------------------------------------------------------------------------------------------

    def standing(self, tx: Tx, vendor_id: str, provider: str) -> Standing:
        """Raises UnknownProvider."""
        holder = self.holder(provider)
        stored = self._vault.stored(tx, vendor_id, provider)
        try:
            found = self._vault.load(tx, vendor_id, provider)
        except CannotOpen:
            _log.error("a set of settings can't be opened: is DUKANI_VAULT_KEY the right one?", vendor_id=vendor_id)
            missing = _of_holder(holder, {})
            return Standing(provider, stored[0] if stored else None, missing, can_be_opened=False)
        missing = _of_holder(holder, {} if found is None else found.fields)
        return Standing(provider, stored[0] if stored else None, missing)

    def announce(self, tx: Tx, vendor_id: str, provider: str, *, anew: bool = False) -> bool:
        """Tell the router where this vendor's rails stand; `anew`: though this version was told before. Returns
        whether there was anything to tell. What can't be opened is not told of: that is our trouble, not the shop's."""
        standing = self.standing(tx, vendor_id, provider)
        if standing.stored is None or not standing.can_be_opened:
            return False
        now = self._clock.now()
        event_id = news_id(vendor_id, provider, standing.stored.version)
        news = RailsNews(
            event_id=f"{event_id}:{new_id(now)}" if anew else event_id,
            vendor_id=vendor_id,
            provider=provider,
            version=standing.stored.version,
            ready=standing.ready,
            missing={rail: names for rail, names in standing.missing.items() if names},
            occurred_at=now,
        )
        return enqueue(
            tx,
            outbox,
            event_id=news.event_id,
            vendor_id=vendor_id,
            aggregate=f"rails:{provider}",
            type=NEWS_TYPE,
            body=news,
            now=now,
            wake=self._wake,
        )

    def _fields(self, tx: Tx, vendor_id: str, provider: str) -> Mapping[str, Secret]:
        found = self._vault.load(tx, vendor_id, provider)
        return {} if found is None else found.fields


def news_id(vendor_id: str, provider: str, version: int) -> str:
    """The id of the first news of this set."""
    return f"rails:{vendor_id}:{provider}:{version}"


def _of_holder(holder: Holder, fields: Mapping[str, Secret]) -> Mapping[Rail, list[str]]:
    """In the order in which rails are declared."""
    missing = holder.missing(fields)
    return {rail: list(missing.get(rail, ())) for rail in Rail if rail in holder.rails}


def _problem(setting: Setting, value: Secret) -> str:
    """Of form only; the provider's own rules decide which rails are ready."""
    text = value.reveal()
    if len(text) > MAX_VALUE_LENGTH:
        return f"longer than {MAX_VALUE_LENGTH} characters"
    if not all(char.isprintable() or (char in "\n\t" and not setting.is_secret) for char in text):
        return "holds characters that can't be seen; copy it again"
    if setting.choices and text not in setting.choices:
        return f"choose one of {', '.join(setting.choices)}"
    return ""
