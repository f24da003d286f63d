"""The keys that wrap the data keys: where they come from, and wrapping everything anew with the newest of them."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import func, select, tuple_, update

from kit.db import Database
from kit.settings import Settings, SettingsError
from payment_adapter.vault.envelope import CannotOpen, MasterKeys, sealed_with
from payment_adapter.vault.models import data_keys
from payment_adapter.vault.service import key_place

NAME = "DUKANI_VAULT_KEY"
_BATCH = 100


def master_keys(settings: Settings) -> MasterKeys:
    """The keys in DUKANI_VAULT_KEY; those in a file are followed while the process lives. Raises SettingsError."""
    try:
        path = settings.secret_file(NAME)
        return MasterKeys.parse(settings.secret(NAME)) if path is None else MasterKeys.in_file(path)
    except (ValueError, OSError) as error:
        if isinstance(error, SettingsError):
            raise
        raise SettingsError(f"{NAME}: {error}") from error


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """`closed` names the vendors of data keys that none of the keys here opens."""

    done: int
    closed: tuple[str, ...]


def rewrap(db: Database, master: MasterKeys, said: Callable[[int, int], None] = lambda done, of: None) -> Rewrapped:
    """Wrap every data key with the first master key, a hundred in a transaction, while others read and store.

    Cut off, it goes on where it was; run again, it finds nothing to do. `said` hears how many are done, and of how
    many."""
    newest = master.keys[0].id
    is_other = data_keys.c.wrapped.not_like(f"%.{newest}.%")
    place = tuple_(data_keys.c.vendor_id, data_keys.c.key_id)
    with db.read() as tx:
        total: int = tx.execute(select(func.count()).select_from(data_keys).where(is_other)).scalar_one()
    done, closed, after = 0, list[str](), ("", "")
    while True:
        due = select(data_keys).where(is_other, place > tuple_(*after))
        with db.write() as tx:
            rows = tx.execute(due.order_by(data_keys.c.vendor_id, data_keys.c.key_id).limit(_BATCH)).all()
            for row in rows:
                at = key_place(row.vendor_id, row.key_id)
                try:
                    wrapped = master.wrap(master.unwrap(row.key_id, row.wrapped, at), at)
                except CannotOpen:
                    closed.append(row.vendor_id)
                    continue
                mine = (data_keys.c.vendor_id == row.vendor_id) & (data_keys.c.key_id == row.key_id)
                # Unless somebody else has just done the same.
                tx.execute(update(data_keys).where(mine, data_keys.c.wrapped == row.wrapped).values(wrapped=wrapped))
                done += 1
        if not rows:
            return Rewrapped(done, tuple(dict.fromkeys(closed)))
        after = (rows[-1].vendor_id, rows[-1].key_id)
        said(done, max(total, done))


def wrapped_otherwise(db: Database, master: MasterKeys) -> dict[str, int]:
    """How many data keys each other master key still wraps, by the id of that key."""
    newest = master.keys[0].id
    counts: dict[str, int] = {}
    with db.read() as tx:
        for wrapped in tx.execute(select(data_keys.c.wrapped)).scalars():
            key_id = sealed_with(wrapped)
            if key_id != newest:
                counts[key_id] = counts.get(key_id, 0) + 1
    return counts
