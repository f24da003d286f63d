"""A database that is down or swallows everything costs its vendor a clear answer, and nobody else anything."""

import threading
from collections.abc import Callable, Generator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from contracts.ids import VendorId
from kit.db import Scope
from kit.problems import Problem
from kit.secret_refs import SecretStore
from router.breaker import FAILURES_TO_OPEN, FIRST_PAUSE_S
from router.dedicated import AT_ONCE, KEPT, SPARE, DedicatedDatabase, Tenants
from router.targets import Access, DbTarget
from tests.support.tenants import Watch, black_hole, postgres_target, production_settings, refusing_port

DOWN = VendorId("vendor-down")
WEB_THREADS = 8


def ask(database: DedicatedDatabase) -> int:
    with database.read(Scope(database.vendor_id)) as tx:
        return tx.execute(text("SELECT 7")).scalar_one()


def outcome(database: DedicatedDatabase) -> str:
    try:
        return str(ask(database))
    except Problem as problem:
        is_clear = (problem.status, problem.code) == (503, "unavailable") and (problem.retry_after_s or 0) >= 1
        return problem.detail if is_clear else f"unclear: {problem}"


@pytest.fixture
def pool() -> Generator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(WEB_THREADS) as pool:
        yield pool


class Hang:
    """Connecting waits until the test ends it, then fails."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._arrival = threading.Condition()
        self._waiting = 0

    def connect(self, *_: object, **__: object) -> None:
        with self._arrival:
            self._waiting += 1
            self._arrival.notify_all()
        assert self._over.wait(60)
        raise psycopg.OperationalError("nobody answered")

    def wait_for(self, count: int) -> None:
        with self._arrival:
            assert self._arrival.wait_for(lambda: self._waiting >= count, 30)

    def end(self) -> None:
        self._over.set()


@pytest.fixture
def hang(monkeypatch: pytest.MonkeyPatch) -> Generator[Hang]:
    hang = Hang()
    monkeypatch.setattr("kit.patience.PatientConnection.connect", hang.connect)
    yield hang
    hang.end()


@pytest.fixture
def down(tenants: Tenants) -> DedicatedDatabase:
    return tenants.database(DOWN, postgres_target(port=refusing_port()))


def test_while_one_hangs_the_others_are_served(
    down: DedicatedDatabase,
    own: DedicatedDatabase,
    hang: Hang,
    pool: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("router.dedicated.POOL_WAIT_S", 60.0)  # so that nobody leaves while this is looked at
    asked = [pool.submit(outcome, down) for _ in range(WEB_THREADS)]
    hang.wait_for(KEPT + SPARE)
    # Two found all places taken: their threads are free at once, and serve another vendor meanwhile.
    turned_away = _first(asked, WEB_THREADS - AT_ONCE)
    assert all("too much to do" in detail for detail in turned_away)
    for _ in range(20):
        assert pool.submit(ask, own).result(30) == 7
    assert sum(each.done() for each in asked) == WEB_THREADS - AT_ONCE
    hang.end()
    assert all(each.result(30) != "7" for each in asked)


def test_when_many_hang_the_threads_that_call_are_still_few(
    tenants: Tenants, own: DedicatedDatabase, hang: Hang, pool: ThreadPoolExecutor
) -> None:
    for number in range(WEB_THREADS - 1):
        database = tenants.database(VendorId(f"down-{number}"), postgres_target(port=1))
        pool.submit(outcome, database)
    hang.wait_for(4)
    assert pool.submit(ask, own).result(30) == 7
    hang.end()


def test_after_three_failures_it_is_left_alone_and_says_when_to_come_back(
    tenants: Tenants, down: DedicatedDatabase, own: DedicatedDatabase, watch: Watch
) -> None:
    assert tenants.is_worth_trying(DOWN)
    assert tenants.failing == []
    for _ in range(FAILURES_TO_OPEN):
        assert "can't be reached" in outcome(down)
    assert not tenants.is_worth_trying(DOWN)
    assert ask(own) == 7
    assert tenants.failing == [DOWN]
    with pytest.raises(Problem) as refused:
        ask(down)
    assert refused.value.retry_after_s == FIRST_PAUSE_S
    assert ask(own) == 7
    watch.now_s += FIRST_PAUSE_S
    assert tenants.is_worth_trying(DOWN)


def test_one_probe_finds_that_it_is_back(
    tenants: Tenants, down: DedicatedDatabase, file_of: Callable[[str], DbTarget], watch: Watch
) -> None:
    healthy = tenants.database(DOWN, file_of(DOWN))
    assert ask(healthy) == 7
    breaker = tenants.tenant(DOWN).breaker
    for _ in range(FAILURES_TO_OPEN):
        breaker.failed(breaker.admit())
    assert "can't be reached" in outcome(healthy)
    watch.now_s += FIRST_PAUSE_S
    assert ask(healthy) == 7
    assert ask(healthy) == 7
    assert tenants.failing == []


def test_a_corrected_target_is_tried_at_once(
    tenants: Tenants, down: DedicatedDatabase, file_of: Callable[[str], DbTarget]
) -> None:
    for _ in range(FAILURES_TO_OPEN):
        outcome(down)
    assert ask(tenants.database(DOWN, file_of(DOWN))) == 7


def test_a_real_server_that_never_answers_is_given_up_in_seconds(tenants: Tenants, pool: ThreadPoolExecutor) -> None:
    with black_hole() as hole:
        silent = tenants.database(DOWN, postgres_target(port=hole.port))
        asked = [pool.submit(outcome, silent) for _ in range(KEPT + SPARE)]
        assert all("can't be reached" in each.result(60) for each in asked)
        while tenants.is_worth_trying(DOWN):  # threads may have come one after the other
            assert "can't be reached" in outcome(silent)
        swallowed = hole.swallowed
        assert swallowed >= 1
        assert "can't be reached" in outcome(silent)
        assert hole.swallowed == swallowed  # nobody called it any more


def test_a_host_that_leads_astray_is_not_called_and_counts_as_down(tmp_path: Path, watch: Watch) -> None:
    environ = {"DUKANI_TENANT_VENDOR_DOWN_PASSWORD": "invented"}
    settings = production_settings(tmp_path)
    asked: list[str] = []

    def look_up(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["169.254.169.254"]

    access = Access(settings, SecretStore(settings.tenant_secrets_dir, environ), look_up, environ)
    with closing(Tenants(access, ceiling=9, monotonic=watch)) as tenants:
        reference = "env:DUKANI_TENANT_VENDOR_DOWN_PASSWORD"
        target = postgres_target(host="db.example.com", sslmode="verify-full", passwordSecretRef=reference)
        for _ in range(10):
            assert "can't be reached" in outcome(tenants.database(DOWN, target))
    assert asked == ["db.example.com"] * FAILURES_TO_OPEN


def _first(asked: list[Future[str]], count: int) -> list[str]:
    done: set[Future[str]] = set()
    left = set(asked)
    while len(done) < count:
        finished, left = wait(left, 30, FIRST_COMPLETED)
        assert finished
        done |= finished
    return [each.result() for each in done]
