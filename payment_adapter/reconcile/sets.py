"""Which of a shop's credentials a charge is asked about with.

A charge lives in the account that it was pushed to, and keys are made for an account: so where the shop has moved to
another account since, it is asked about with the set that pushed it, which is kept as long as such a charge lives.
Where the account is the same, the newest set counts, since keys and passkeys that were replaced are good no longer; the
one that pushed it is tried after it, should the provider not take the newest."""

from collections.abc import Collection

import structlog

from kit.db import Tx
from payment_adapter.charges.record import Charge
from payment_adapter.providers.base import Provider, SettingsHolder
from payment_adapter.vault.envelope import CannotOpen
from payment_adapter.vault.service import Credentials, Vault

_log = structlog.get_logger()


def sets_for(tx: Tx, vault: Vault, charge: Charge, provider: Provider) -> tuple[Credentials, ...]:
    """To try in this order, until the provider takes one; empty where the shop has none that can be opened."""
    newest = _load(tx, vault, charge)
    if newest is not None and newest.version == 1:
        return (newest,)
    then = _load(tx, vault, charge, was_pushed_with=True)
    if then is None or (newest is not None and newest.version == then.version):
        return () if newest is None else (newest,)
    if newest is None or not is_same_account(newest, then, account_settings(provider)):
        return (then,)
    return (newest, then)


def account_settings(provider: Provider) -> frozenset[str]:
    """The settings that say whose account it is."""
    if not isinstance(provider, SettingsHolder):
        return frozenset()
    return frozenset(setting.name for setting in provider.settings if setting.is_account)


def is_same_account(one: Credentials, other: Credentials, names: Collection[str]) -> bool:
    """What only one of them holds makes no difference."""
    return not any(
        name in one.fields and name in other.fields and one.fields[name] != other.fields[name] for name in names
    )


def _load(tx: Tx, vault: Vault, charge: Charge, *, was_pushed_with: bool = False) -> Credentials | None:
    try:
        as_of = charge.claimed_at if was_pushed_with else None
        return vault.load(tx, charge.vendor_id, charge.provider, as_of=as_of)
    except CannotOpen:
        _log.error("credentials can't be opened: is DUKANI_VAULT_KEY the right one?", vendor=charge.vendor_id)
        return None
