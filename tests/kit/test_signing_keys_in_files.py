"""Keys that live in files are followed without a restart, and a key is exchanged while requests go on."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from flask import Flask, Response
from pydantic import BaseModel
from werkzeug.serving import make_server

from dukani.key_rotation import NothingToDo, Step, next_step, rotate, take_step
from kit import key_files
from kit.clock import Clock, SystemClock
from kit.key_files import WatchedFile, replace_text
from kit.peers import Peer
from kit.problems import Problem
from kit.settings import SettingsError, load_settings
from kit.signing import SKEW_S, KeyRing, check_pairs, key_ring, parse_keys, sign_headers, verify, verify_request
from kit.web import answer, make_app

OLD, NEW = "o" * 32, "n" * 32
CLOCK = SystemClock()


@pytest.fixture
def looks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every use of a key looks at its file."""
    monkeypatch.setattr(key_files, "LOOK_EVERY_S", 0.0)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.touch(mode=0o600)
    path.write_text(f"1:{OLD}\n")
    return path


def ids(ring: KeyRing) -> list[str]:
    return [key_id for key_id, _ in ring.keys]


@pytest.mark.usefixtures("looks_at_once")
def test_a_ring_follows_its_file(key_file: Path) -> None:
    ring = KeyRing.in_file(key_file)
    assert ids(ring) == ["1"]
    replace_text(key_file, f"2:{NEW},1:{OLD}")
    assert ids(ring) == ["2", "1"]
    assert ring.sign(b"x")[0] == "2"


def test_a_file_is_looked_at_once_a_second_at_most(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0
    monkeypatch.setattr(key_files, "monotonic", lambda: now_s)
    file = WatchedFile(key_file)
    file.read()
    replace_text(key_file, f"2:{NEW}")
    now_s += 0.99
    assert file.read_if_changed() is None
    now_s += 0.02
    assert file.read_if_changed() == f"2:{NEW}"
    now_s += 1.01
    assert file.read_if_changed() is None


@pytest.mark.usefixtures("looks_at_once")
@pytest.mark.parametrize("text", ["", "short", f"1:{OLD},2:{NEW},3:{'x' * 32}", f"{OLD},{NEW}"])
def test_a_file_that_holds_no_keys_any_more_changes_nothing(key_file: Path, text: str) -> None:
    ring = KeyRing.in_file(key_file)
    replace_text(key_file, text)
    assert ids(ring) == ["1"]
    replace_text(key_file, f"2:{NEW}")
    assert ids(ring) == ["2"]


@pytest.mark.usefixtures("looks_at_once")
def test_a_file_that_is_gone_changes_nothing(key_file: Path) -> None:
    ring = KeyRing.in_file(key_file)
    key_file.unlink()
    assert ids(ring) == ["1"]


def test_a_file_is_replaced_in_one_step_and_stays_its_owner_s(key_file: Path) -> None:
    link = key_file.with_name("link")
    link.symlink_to(key_file)
    replace_text(link, f"2:{NEW}")
    assert link.is_symlink()
    assert (key_file.read_text(), key_file.stat().st_mode & 0o777) == (f"2:{NEW}", 0o600)
    assert sorted(path.name for path in key_file.parent.iterdir()) == ["key", "link"]


def test_at_most_two_keys_are_accepted() -> None:
    with pytest.raises(ValueError, match="at most 2"):
        KeyRing.parse(f"1:{OLD},2:{NEW},3:{'x' * 32}")


def test_the_steps_of_a_rotation_follow_one_another(key_file: Path) -> None:
    assert [key_id for key_id, _ in take_step(key_file, Step.ADD)] == ["1", "2"]
    with pytest.raises(NothingToDo, match="the step that is due is switch"):
        take_step(key_file, Step.ADD)
    assert [key_id for key_id, _ in take_step(key_file, Step.SWITCH)] == ["2", "1"]
    assert [key_id for key_id, _ in take_step(key_file, Step.DROP)] == ["2"]
    ((_, secret),) = parse_keys(key_file.read_text().strip())
    assert len(secret) == 64


@pytest.mark.parametrize("begun", [0, 1, 2])
def test_a_rotation_that_was_cut_off_goes_on_where_it_was(key_file: Path, begun: int) -> None:
    for step in (Step.ADD, Step.SWITCH)[:begun]:
        take_step(key_file, step)
    waited: list[float] = []
    rotate(key_file, lambda _: None, waited.append)
    assert [key_id for key_id, _ in parse_keys(key_file.read_text().strip())] == ["2"]
    assert waited[-1] > SKEW_S
    assert all(pause_s > 1 for pause_s in waited)


def test_a_key_without_a_number_is_followed_by_a_longer_one(key_file: Path) -> None:
    replace_text(key_file, f"spring:{OLD}")
    assert [key_id for key_id, _ in take_step(key_file, Step.ADD)] == ["spring", "spring.2"]
    assert next_step(take_step(key_file, Step.SWITCH)) is Step.DROP


class Counted(BaseModel):
    number: int


@contextmanager
def served(ring: KeyRing, clock: Clock) -> Generator[str]:
    """A process that answers whoever signs with this ring, at the address that is yielded."""
    app: Flask = make_app("served")

    def counted() -> Response:
        verify_request(ring, clock.now())
        return answer({"number": 1})

    app.add_url_rule("/v1/counted", view_func=counted, methods=["GET", "POST"])
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Load:
    """Two threads that ask without pause."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._stop = threading.Event()
        self._progress = threading.Condition()
        self.answers = [0, 0]
        self.failures: list[str] = []
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(2)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int) -> None:
        for turn in count():
            if self._stop.is_set():
                return
            try:
                if turn % 2:
                    self._peer.get(Counted, "/v1/counted", params={"turn": str(turn)})
                else:
                    self._peer.post(Counted, "/v1/counted", Counted(number=turn), idempotency_key=f"{number}-{turn}")
            except Exception as error:
                self.failures.append(repr(error))
            with self._progress:
                self.answers[number] += 1
                self._progress.notify_all()

    def await_more(self, _seconds: float) -> None:
        """Stands for a pause: whatever was under way is answered, and each thread has begun and ended another."""
        with self._progress:
            goal = [answered + 3 for answered in self.answers]
            assert self._progress.wait_for(lambda: all(a >= g for a, g in zip(self.answers, goal, strict=True)), 60)


@pytest.mark.usefixtures("looks_at_once")
def test_a_key_is_rotated_under_load_and_no_request_fails(key_file: Path) -> None:
    before = KeyRing.parse(key_file.read_text().strip())
    with served(KeyRing.in_file(key_file), CLOCK) as url:
        peer = Peer(url, KeyRing.in_file(key_file), CLOCK, timeout_s=30)
        with Load(peer) as load:
            for _ in range(3):
                load.await_more(0)
                rotate(key_file, lambda _: None, load.await_more)
            load.await_more(0)
        peer.close()
    assert load.failures == []
    assert sum(load.answers) > 0
    after = KeyRing.in_file(key_file)
    assert ids(after) == ["4"]
    now = CLOCK.now()
    with pytest.raises(Problem, match="not known here"):
        verify(after, now, "GET", "/", b"", sign_headers(before, now, "GET", "/", b""))


def test_a_recorded_question_is_good_for_a_minute_and_no_longer() -> None:
    ring, now = KeyRing.parse(OLD), CLOCK.now()
    recorded = sign_headers(ring, now, "GET", "/v1/counted", b"")
    verify(ring, now + timedelta(seconds=SKEW_S - 1), "GET", "/v1/counted", b"", recorded)
    with pytest.raises(Problem):
        verify(ring, now + timedelta(seconds=SKEW_S + 1), "GET", "/v1/counted", b"", recorded)


# --- settings --------------------------------------------------------------------------------------------------------

PRODUCTION = {
    "DUKANI_ENV": "production",
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_WHATSAPP_FROM": "whatsapp:+254700000001",
    "DUKANI_BOT_PUBLIC_URL": "https://bot.example.com",
    "DUKANI_ADAPTER_PUBLIC_URL": "https://pay.example.com",
}
NAMES = ("DUKANI_KEY_BOT_ROUTER", "DUKANI_KEY_GRANT")


def test_a_secret_may_be_the_name_of_a_file(tmp_path: Path, key_file: Path) -> None:
    environ = {"DUKANI_DATA_DIR": str(tmp_path), "DUKANI_KEY_GRANT": f"file:{key_file}"}
    settings = load_settings(environ, dotenv=None)
    assert settings.secret("DUKANI_KEY_GRANT") == f"1:{OLD}"
    assert ids(key_ring(settings, "DUKANI_KEY_GRANT")) == ["1"]


@pytest.mark.usefixtures("looks_at_once")
def test_a_key_that_was_made_up_in_local_mode_can_be_rotated(tmp_path: Path) -> None:
    settings = load_settings({"DUKANI_DATA_DIR": str(tmp_path)}, dotenv=None)
    ring = key_ring(settings, "DUKANI_KEY_GRANT")
    assert ids(ring) == ["1"]
    rotate(tmp_path / "keys" / "DUKANI_KEY_GRANT", lambda _: None, lambda _: None)
    assert ids(ring) == ["2"]


@pytest.mark.parametrize("value", ["file:keys/grant", "file:", "file:/nowhere/at/all"])
def test_a_file_that_can_not_be_read_is_named_with_its_setting(tmp_path: Path, value: str) -> None:
    settings = load_settings({"DUKANI_DATA_DIR": str(tmp_path), "DUKANI_KEY_GRANT": value}, dotenv=None)
    for ask in (lambda: settings.secret("DUKANI_KEY_GRANT"), lambda: key_ring(settings, "DUKANI_KEY_GRANT")):
        with pytest.raises(SettingsError, match="DUKANI_KEY_GRANT"):
            ask()


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ((OLD, OLD), "give each pair of processes its own"),
        ((f"1:{OLD},2:{NEW}", f"1:{NEW}"), "give each pair of processes its own"),
        ((OLD, "short"), "at least 32 characters"),
        ((OLD, "dev-internal-secret"), "development key"),
        ((OLD, ""), "not set"),
    ],
)
def test_production_starts_with_a_secret_of_its_own_for_every_pair_or_not_at_all(
    values: tuple[str, str], complaint: str
) -> None:
    settings = load_settings({**PRODUCTION, **dict(zip(NAMES, values, strict=True))}, dotenv=None)
    with pytest.raises(SettingsError, match=complaint):
        check_pairs(settings, NAMES)


def test_two_files_with_one_secret_are_noticed_as_well(tmp_path: Path, key_file: Path) -> None:
    other = tmp_path / "other"
    other.write_text(f"7:{OLD}")
    settings = load_settings({**PRODUCTION, NAMES[0]: f"file:{key_file}", NAMES[1]: f"file:{other}"}, dotenv=None)
    with pytest.raises(SettingsError, match="DUKANI_KEY_GRANT holds a secret of DUKANI_KEY_BOT_ROUTER"):
        check_pairs(settings, NAMES)
    other.write_text(f"7:{NEW}")
    check_pairs(settings, NAMES)
