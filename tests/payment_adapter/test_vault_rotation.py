"""Exchanging the vault's keys while processes read and store: nobody ever fails, nothing is lost."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select, update

from kit.clock import FixedClock
from kit.db import Database
from kit.key_files import replace_text
from kit.settings import SettingsError, load_settings
from payment_adapter.vault.envelope import CannotOpen, MasterKeys, sealed_with
from payment_adapter.vault.master import master_keys, rewrap, wrapped_otherwise
from payment_adapter.vault.models import data_keys
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Origin, Vault
from tests.support.databases import NewDatabase

OLD, NEW, NEWEST = "0a" * 32, "0b" * 32, "0c" * 32
VENDORS = [f"vendor-{number:03}" for number in range(7)]


@pytest.fixture
def db(new_database: NewDatabase) -> Database:
    return new_database("payments")


def fill(db: Database, clock: FixedClock, key: str = OLD, vendors: list[str] = VENDORS) -> None:
    vault = Vault(MasterKeys.parse(key))
    with db.write() as tx:
        for vendor in vendors:
            vault.store(tx, vendor, "mpesa", {"passkey": Secret(f"of-{vendor}")}, origin=Origin.VENDOR, now=clock.now())


def opened(db: Database, key: str, vendors: list[str] = VENDORS) -> list[str]:
    vault = Vault(MasterKeys.parse(key))
    with db.read() as tx:
        found = [vault.load(tx, vendor, "mpesa") for vendor in vendors]
    return [each.fields["passkey"].reveal() for each in found if each is not None]


def test_every_data_key_is_wrapped_anew_and_the_old_master_key_opens_nothing(db: Database, clock: FixedClock) -> None:
    fill(db, clock)
    both = MasterKeys.parse(f"{NEW},{OLD}")
    assert wrapped_otherwise(db, both) == {MasterKeys.parse(OLD).keys[0].id: 7}

    steps: list[tuple[int, int]] = []
    assert rewrap(db, both, lambda done, of: steps.append((done, of))).done == 7

    assert steps == [(7, 7)]
    assert wrapped_otherwise(db, both) == {}
    assert opened(db, NEW) == [f"of-{vendor}" for vendor in VENDORS]
    with pytest.raises(CannotOpen):
        opened(db, OLD)
    assert rewrap(db, both).done == 0  # again: nothing to do


def test_one_that_was_cut_off_goes_on_where_it_was(
    db: Database, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("payment_adapter.vault.master._BATCH", 2)
    fill(db, clock)
    both = MasterKeys.parse(f"{NEW},{OLD}")

    class Killed(BaseException):
        """As a kill does: nothing after it runs."""

    def kill_at_four(done: int, of: int) -> None:
        if done >= 4:
            raise Killed

    with pytest.raises(Killed):
        rewrap(db, both, kill_at_four)
    assert opened(db, f"{NEW},{OLD}") == [f"of-{vendor}" for vendor in VENDORS]
    assert rewrap(db, both).done == 3
    assert opened(db, NEW) == [f"of-{vendor}" for vendor in VENDORS]


def test_data_keys_that_no_master_key_opens_are_named_and_keep_nobody_else_back(
    db: Database, clock: FixedClock
) -> None:
    fill(db, clock)
    with db.write() as tx:
        theirs = tx.execute(select(data_keys.c.wrapped).where(data_keys.c.vendor_id == VENDORS[0])).scalar_one()
        tx.execute(update(data_keys).where(data_keys.c.vendor_id == VENDORS[1]).values(wrapped=theirs))
    fill(db, clock, NEWEST, ["stranger"])

    done = rewrap(db, MasterKeys.parse(f"{NEW},{OLD}"))

    assert (done.done, done.closed) == (6, ("stranger", VENDORS[1]))
    assert opened(db, NEWEST, ["stranger"]) == ["of-stranger"]


def test_keys_in_a_file_are_followed_and_a_file_that_breaks_changes_nothing(
    db: Database, clock: FixedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.key_files.LOOK_EVERY_S", 3600)  # nobody looks by itself in this test
    path = tmp_path / "vault"
    path.write_text(OLD)
    vault = Vault(MasterKeys.in_file(path))
    replace_text(path, f"{NEW},{OLD}\n")
    fill(db, clock, NEW)
    with db.read() as tx:
        assert vault.load(tx, VENDORS[0], "mpesa") is not None  # it looked because it had to
    replace_text(path, "broken")
    fill(db, clock, NEWEST, ["stranger"])
    with db.read() as tx:
        with pytest.raises(CannotOpen):
            vault.load(tx, "stranger", "mpesa")
        assert vault.load(tx, VENDORS[0], "mpesa") is not None


def test_the_setting_names_a_key_or_the_file_that_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "vault"
    path.write_text(f"{NEW}\n")
    path.chmod(0o600)
    data = {"DUKANI_DATA_DIR": str(tmp_path)}
    given = load_settings({**data, "DUKANI_VAULT_KEY": OLD}, dotenv=None)
    filed = load_settings({**data, "DUKANI_VAULT_KEY": f"file:{path}"}, dotenv=None)
    made_up = load_settings(data, dotenv=None)
    assert [len({master_keys(each).keys[0].id for _ in range(2)}) for each in (given, filed, made_up)] == [1, 1, 1]
    assert master_keys(filed).keys[0].id == MasterKeys.parse(NEW).keys[0].id
    for wrong in ("0a0b0c", "file:relative", f"file:{tmp_path / 'nowhere'}"):
        with pytest.raises(SettingsError, match="DUKANI_VAULT_KEY") as caught:
            master_keys(load_settings({**data, "DUKANI_VAULT_KEY": wrong}, dotenv=None))
        assert "0a0b0c" not in str(caught.value)


class Serving:
    """Processes with a vault each, which read and store in threads until told to stop."""

    def __init__(self, db: Database, path: Path, clock: FixedClock) -> None:
        self._db = db
        self._path = path
        self._clock = clock
        self._stop = threading.Event()
        self._rounds = threading.Condition()
        self._done = [0, 0, 0]
        self.failures: list[BaseException] = []
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(len(self._done))]

    def __enter__(self) -> "Serving":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for_rounds(self, more: int) -> None:
        """Until each of them has gone round so often again, or failed."""
        with self._rounds:
            wanted = [done + more for done in self._done]
            assert self._rounds.wait_for(
                lambda: bool(self.failures) or all(done >= want for done, want in zip(self._done, wanted, strict=True)),
                60,
            )

    def _run(self, number: int) -> None:
        vault = Vault(MasterKeys.in_file(self._path))
        turn: Callable[[], None] = self._reader(vault) if number else self._writer(vault)
        while not self._stop.is_set():
            try:
                turn()
            except BaseException as error:
                self.failures.append(error)
            with self._rounds:
                self._done[number] += 1
                self._rounds.notify_all()

    def _reader(self, vault: Vault) -> Callable[[], None]:
        def read() -> None:
            for vendor in VENDORS:
                with self._db.read() as tx:
                    found = vault.load(tx, vendor, "mpesa")
                assert found is not None
                assert found.fields["passkey"].reveal() == f"of-{vendor}"

        return read

    def _writer(self, vault: Vault) -> Callable[[], None]:
        def write() -> None:
            for vendor in VENDORS:
                fields = {"passkey": Secret(f"of-{vendor}")}
                with self._db.write() as tx:
                    vault.store(tx, vendor, "mpesa", fields, origin=Origin.VENDOR, now=self._clock.now())

        return write


def test_processes_that_serve_meanwhile_never_fail(
    db: Database, clock: FixedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.key_files.LOOK_EVERY_S", 0.0)
    path = tmp_path / "vault"
    path.write_text(OLD)
    fill(db, clock)
    ours = Vault(MasterKeys.in_file(path))
    with Serving(db, path, clock) as serving:
        serving.wait_for_rounds(2)
        for held in (f"{NEW},{OLD}", NEW, f"{NEWEST},{NEW}", NEWEST):
            replace_text(path, held)
            serving.wait_for_rounds(2)
            if "," in held:
                assert rewrap(db, MasterKeys.in_file(path)).closed == ()
            for vendor in VENDORS:
                with db.write() as tx:
                    ours.rotate(tx, vendor, clock.now())
                    versions = [each.version for each in ours.stored(tx, vendor, only_newest=False)]
                    ours.erase(tx, vendor, "mpesa", versions[2:], clock.now())
            serving.wait_for_rounds(1)
    assert serving.failures == []
    assert opened(db, NEWEST) == [f"of-{vendor}" for vendor in VENDORS]
    with db.read() as tx:
        wrapping = {sealed_with(each) for each in tx.execute(select(data_keys.c.wrapped)).scalars()}
    assert wrapping == {MasterKeys.parse(NEWEST).keys[0].id}
