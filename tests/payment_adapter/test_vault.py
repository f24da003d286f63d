"""The vault: what is stored comes back to its owner only, and shows itself to nobody."""

import base64
import pickle
import threading
from typing import Any

import pytest
from sqlalchemy import select, text, update

from kit.clock import FixedClock
from kit.db import Database
from payment_adapter.vault.envelope import CannotOpen, MasterKeys, bind, new_key, seal, unseal
from payment_adapter.vault.models import credentials, data_keys, sets
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Origin, Vault
from tests.support.databases import NewDatabase

OLD, NEW = "0a" * 32, "0b" * 32
FIELDS = {"consumer_key": Secret("key-of-mama"), "passkey": Secret("passkey-of-mama")}


@pytest.fixture
def db(new_database: NewDatabase) -> Database:
    return new_database("payments")


def store(db: Database, clock: FixedClock, vendor: str, fields: dict[str, Secret], *, key: str = OLD) -> int:
    with db.write() as tx:
        vault = Vault(MasterKeys.parse(key))
        return vault.store(tx, vendor, "mpesa", fields, origin=Origin.VENDOR, now=clock.now())


def load(db: Database, vendor: str, *, key: str = OLD, provider: str = "mpesa") -> Any:
    with db.read() as tx:
        return Vault(MasterKeys.parse(key)).load(tx, vendor, provider)


def test_a_vendor_gets_its_own_newest_set_back_and_others_get_none(db: Database, clock: FixedClock) -> None:
    assert store(db, clock, "mama", {"consumer_key": Secret("older")}) == 1
    assert store(db, clock, "mama", FIELDS) == 2

    loaded = load(db, "mama")

    assert (loaded.vendor_id, loaded.version, loaded.origin) == ("mama", 2, Origin.VENDOR)
    assert loaded.fields == FIELDS
    assert load(db, "baraka") is None
    assert load(db, "mama", provider="ekwanza") is None


def test_nothing_of_a_secret_stands_in_the_database(db: Database, clock: FixedClock) -> None:
    store(db, clock, "mama", FIELDS)
    with db.read() as tx:
        rows = [
            *tx.execute(text("SELECT * FROM vault_credentials")),
            *tx.execute(text("SELECT * FROM vault_data_keys")),
            *tx.execute(text("SELECT * FROM vault_sets")),
        ]
    shown = repr(rows)
    for value in ("key-of-mama", "passkey-of-mama", base64.b64encode(b"key-of-mama").decode(), OLD):
        assert value not in shown


@pytest.mark.parametrize("change", ["vendor", "field", "provider", "version"])
def test_a_ciphertext_that_was_moved_does_not_open(db: Database, clock: FixedClock, change: str) -> None:
    store(db, clock, "mama", FIELDS)
    store(db, clock, "baraka", {"consumer_key": Secret("key-of-baraka"), "passkey": Secret("passkey-of-baraka")})
    mine = (credentials.c.vendor_id == "mama") & (credentials.c.field == "consumer_key")
    with db.write() as tx:
        match change:
            case "vendor":
                theirs = select(credentials.c.sealed).where(
                    credentials.c.vendor_id == "baraka", credentials.c.field == "consumer_key"
                )
                values: dict[str, Any] = {"sealed": tx.execute(theirs).scalar_one()}
            case "field":
                other = select(credentials.c.sealed).where(
                    credentials.c.vendor_id == "mama", credentials.c.field == "passkey"
                )
                values = {"sealed": tx.execute(other).scalar_one()}
            case "provider":
                values = {"provider": "ekwanza", "version": 1}
            case _:
                values = {"version": 7}
        if change in ("provider", "version"):
            row = {"vendor_id": "mama", "provider": "mpesa", "version": 7, "origin": Origin.VENDOR, "stored_by": ""}
            tx.execute(sets.insert().values(**{**row, "stored_at": clock.now(), **values}))
        tx.execute(update(credentials).where(mine).values(**values))

    with pytest.raises(CannotOpen):
        load(db, "mama", provider="ekwanza" if change == "provider" else "mpesa")


def test_another_vendors_data_key_does_not_unwrap(db: Database, clock: FixedClock) -> None:
    store(db, clock, "mama", FIELDS)
    store(db, clock, "baraka", FIELDS)
    with db.write() as tx:
        theirs = tx.execute(select(data_keys.c.wrapped).where(data_keys.c.vendor_id == "baraka")).scalar_one()
        tx.execute(update(data_keys).where(data_keys.c.vendor_id == "mama").values(wrapped=theirs))

    with pytest.raises(CannotOpen):
        load(db, "mama")
    assert load(db, "baraka").fields == FIELDS


def test_the_wrong_master_key_opens_nothing_and_during_a_rotation_both_do(db: Database, clock: FixedClock) -> None:
    store(db, clock, "mama", FIELDS)
    with pytest.raises(CannotOpen):
        load(db, "mama", key=NEW)

    assert load(db, "mama", key=f"{NEW},{OLD}").fields == FIELDS
    store(db, clock, "baraka", FIELDS, key=f"{NEW},{OLD}")
    assert load(db, "baraka", key=NEW).fields == FIELDS


@pytest.mark.parametrize("damage", ["", "v1", "v2.k1.AAAA", "v1.k1.AAAA", "v1.k1.é", "v1.k2.AAAA", "v1.k1.AAA"])
def test_a_damaged_ciphertext_is_refused_and_not_mistaken_for_text(damage: str) -> None:
    key = new_key("k1")
    with pytest.raises(CannotOpen):
        unseal({"k1": key}, damage, b"place")


def test_every_flipped_bit_is_noticed() -> None:
    key = new_key("k1")
    sealed = seal(key, b"secret", b"place")
    head, _, tail = sealed.rpartition(".")
    raw = bytearray(base64.urlsafe_b64decode(tail))
    for position in range(len(raw)):
        raw[position] ^= 1
        with pytest.raises(CannotOpen):
            unseal({"k1": key}, f"{head}.{base64.urlsafe_b64encode(raw).decode()}", b"place")
        raw[position] ^= 1
    assert unseal({"k1": key}, sealed, b"place") == b"secret"


def test_one_secret_sealed_twice_looks_different_each_time() -> None:
    key = new_key("k1")
    assert seal(key, b"secret", b"place") != seal(key, b"secret", b"place")


@pytest.mark.parametrize("parts", [("mama|mpesa", "x"), ("", "x")])
def test_two_places_can_never_be_written_alike(parts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="vault address"):
        bind(*parts)


@pytest.mark.parametrize("text_", ["", "0a", "0a" * 31, "0a" * 33, "xy" * 32, f"{OLD},", "0a" * 32 + "\n0b"])
def test_a_master_key_that_is_not_64_hexadecimal_characters_is_refused(text_: str) -> None:
    with pytest.raises(ValueError, match="64 hexadecimal"):
        MasterKeys.parse(text_)


def test_keys_and_secrets_never_show_themselves() -> None:
    secret = Secret("hunter2")
    shown = f"{secret} {secret!r} {secret:>40} {[secret]} {MasterKeys.parse(OLD)!r} {new_key('k1')!r}"
    assert "hunter2" not in shown
    assert OLD not in shown
    assert "\\n" not in shown  # no raw key bytes either
    with pytest.raises(TypeError, match="not serialized"):
        pickle.dumps(secret)
    assert secret == Secret("hunter2")
    assert secret != Secret("hunter3")
    assert len({secret, Secret("hunter2")}) == 1


def test_two_sets_stored_at_once_get_two_versions(db: Database, clock: FixedClock) -> None:
    barrier = threading.Barrier(8)
    versions: list[int] = []

    def one() -> None:
        barrier.wait()
        versions.append(store(db, clock, "mama", FIELDS))

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(versions) == list(range(1, 9))
    assert load(db, "mama").fields == FIELDS
