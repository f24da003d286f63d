"""A shop's own callback address with a provider: for what a provider sends to one address for all of the shop's money.

The address ends in a secret, which the vault keeps, so that the shop can be shown its address again; here is only its
hash. A shop that takes a new address keeps the old one until it takes the next: a provider is told of the new one by a
person, and keeps sending to the old one until then."""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select, update

from kit.clock import Clock
from kit.columns import is_one_of
from kit.db import Tx
from payment_adapter.callbacks.models import addresses
from payment_adapter.charges.push import CALLBACK_PATH
from payment_adapter.charges.service import hash_secret
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Origin, Vault

CHECK_PATH = "/check"
"""What is added to an address for a provider that asks before it takes money."""

_FIELD = "secret"
_BY = "callbacks"

_OF_HASHES = select(addresses.c.secret_hash, addresses.c.vendor_id, addresses.c.provider).where(
    is_one_of(addresses.c.secret_hash, "hashes")
)


@dataclass(frozen=True, slots=True)
class ShopAddress:
    """Whose address it is, and which provider sends there."""

    vendor_id: str
    provider: str


class Addresses:
    """Services of it never commit."""

    def __init__(self, vault: Vault, clock: Clock, public_url: str) -> None:
        self._vault = vault
        self._clock = clock
        self._public_url = public_url

    def get_or_make(self, tx: Tx, vendor_id: str, provider: str) -> Secret:
        """The address to give to that provider, the same each time until it is rotated. Raises CannotOpen."""
        shown = self._shown(tx, vendor_id, provider)
        if shown is not None:
            return shown
        self._vault.lock(tx, vendor_id, self._clock.now())  # two who ask first get one address
        return self._shown(tx, vendor_id, provider) or self._make(tx, vendor_id, provider)

    def rotate(self, tx: Tx, vendor_id: str, provider: str) -> Secret:
        """A new address. The one before it stays good until the next rotation; older ones are gone now."""
        now = self._clock.now()
        self._vault.lock(tx, vendor_id, now)
        mine = (addresses.c.vendor_id == vendor_id) & (addresses.c.provider == provider)
        tx.execute(delete(addresses).where(mine, addresses.c.replaced_at.is_not(None)))
        tx.execute(update(addresses).where(mine).values(replaced_at=now))
        return self._make(tx, vendor_id, provider)

    def find(self, tx: Tx, hashes: Collection[str]) -> Mapping[str, ShopAddress]:
        """By hash of their secret, those that are good."""
        rows = tx.execute(_OF_HASHES, {"hashes": sorted(hashes)})
        return {row.secret_hash: ShopAddress(row.vendor_id, row.provider) for row in rows}

    def _shown(self, tx: Tx, vendor_id: str, provider: str) -> Secret | None:
        kept = self._vault.load(tx, vendor_id, _kept_as(provider))
        return None if kept is None else self._url(kept.fields[_FIELD])

    def _make(self, tx: Tx, vendor_id: str, provider: str) -> Secret:
        """The vendor is locked in the vault."""
        secret = Secret(secrets.token_hex(32))
        now = self._clock.now()
        before: int | None = tx.execute(
            select(func.max(addresses.c.version)).where(
                addresses.c.vendor_id == vendor_id, addresses.c.provider == provider
            )
        ).scalar()
        self._vault.store(tx, vendor_id, _kept_as(provider), {_FIELD: secret}, origin=Origin.VENDOR, now=now, by=_BY)
        row = {
            "vendor_id": vendor_id,
            "provider": provider,
            "version": (before or 0) + 1,
            "secret_hash": hash_secret(secret.reveal()),
            "created_at": now,
        }
        tx.execute(insert(addresses).values(**row))
        return self._url(secret)

    def _url(self, secret: Secret) -> Secret:
        return Secret(f"{self._public_url}{CALLBACK_PATH}{secret.reveal()}")


def _kept_as(provider: str) -> str:
    """The name of the vault's set, beside the provider's credentials."""
    return f"{provider}.address"
