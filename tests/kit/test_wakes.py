"""Wake-ups reach loops in other processes, a burst costs little, and an outage costs speed alone."""

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from kit.background import Loop
from kit.db import Database
from kit.wakes import Wakes, topic_of
from kit.wires import Line, Lost, Wire, postgres_wire, redis_wire
from tests.support.postgres import Server
from tests.support.processes import eventually
from tests.support.valkey import Valkey

WITHIN_S = 20.0
NEVER_S = 3600.0

CUT = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = 'dukani-wakes' AND datname = current_database()"""


class Process:
    """What stands for one process: its wake-ups and, where it runs loops, one that counts its turns."""

    def __init__(self, wire: Wire | None, *, runs_loops: bool) -> None:
        self.turns = 0
        self.wakes = Wakes(wire)
        self.loop = Loop("counting", self._turn, idle_s=NEVER_S)
        self.wakes.register("news", self.loop)
        if runs_loops:
            self.loop.start()
            self.wakes.listening.start()

    def _turn(self) -> bool:
        self.turns += 1
        return False

    def wake(self) -> None:
        self.wakes.wake("news")

    def close(self) -> None:
        self.wakes.listening.stop()
        self.loop.stop()
        self.loop.join(WITHIN_S)
        self.wakes.close()


@contextmanager
def processes(wire: Wire | None) -> Generator[tuple[Process, Process]]:
    """One that only answers requests, and one that only works."""
    with ExitStack() as stack:
        web, work = Process(wire, runs_loops=False), Process(wire, runs_loops=True)
        stack.callback(web.close)
        stack.callback(work.close)
        yield web, work


def wakes_again(web: Process, work: Process) -> Callable[[], bool]:
    """Whether a new wake-up from the one made a new turn in the other. Asked again, it wakes again."""

    def is_so() -> bool:
        before = work.turns
        web.wake()
        waited = threading.Event()
        for _ in range(20):
            if work.turns > before:
                return True
            waited.wait(0.02)
        return False

    return is_so


def test_a_loop_of_this_process_is_woken_without_any_wire() -> None:
    own = Process(None, runs_loops=True)
    eventually(lambda: own.turns == 1, "its first turn")
    own.wake()
    eventually(lambda: own.turns == 2, "it was woken")
    own.close()


def test_where_nothing_carries_a_wake_up_it_is_dropped() -> None:
    with processes(None) as (web, work):
        eventually(lambda: work.turns == 1, "its first turn")
        web.wake()
        assert work.turns == 1


def test_a_wake_up_reaches_a_loop_elsewhere_through_valkey(valkey_server_url: str) -> None:
    with processes(redis_wire(valkey_server_url)) as (web, work):
        eventually(wakes_again(web, work), "it was woken from elsewhere")


def test_a_wake_up_reaches_a_loop_elsewhere_through_postgres(postgres: Server) -> None:
    url = postgres.create_empty()
    with processes(postgres_wire(url)) as (web, work):
        eventually(wakes_again(web, work), "it was woken from elsewhere")


def test_losing_valkey_is_said_once_and_it_comes_back_by_itself(own_valkey: Valkey) -> None:
    own_valkey.start()
    with capture_logs() as logs, processes(redis_wire(own_valkey.url)) as (web, work):
        eventually(wakes_again(web, work), "it was woken from elsewhere")
        own_valkey.kill()
        web.wake()  # neither waits nor fails
        eventually(lambda: len(_said(logs, "are lost")) == 2, "both noticed")
        for _ in range(50):
            web.wake()
        turns = work.turns
        own_valkey.start()
        eventually(lambda: len(_said(logs, "are back")) == 2, "both are back")
        eventually(lambda: work.turns > turns, "what was missed meanwhile is looked for")
        eventually(wakes_again(web, work), "it is woken again")
    assert len(_said(logs, "are lost")) == 2


def test_a_valkey_that_is_not_there_at_the_start_is_found_later(own_valkey: Valkey) -> None:
    with capture_logs() as logs, processes(redis_wire(own_valkey.url)) as (web, work):
        eventually(lambda: len(_said(logs, "are lost")) == 1, "it was noticed")
        own_valkey.start()
        eventually(wakes_again(web, work), "it is woken")


def test_a_postgres_connection_that_is_cut_is_made_anew(postgres: Server) -> None:
    database = Database(postgres.create_empty())
    url = database.engine.url.render_as_string(hide_password=False)
    with capture_logs() as logs, processes(postgres_wire(url)) as (web, work):
        eventually(wakes_again(web, work), "it was woken from elsewhere")
        with database.write() as tx:
            assert len(tx.conn.exec_driver_sql(CUT).all()) == 2
        eventually(lambda: len(_said(logs, "are lost")) >= 1, "it was noticed")
        eventually(wakes_again(web, work), "it is woken again")
    database.close()


class _Slow:
    """A line that takes its time: what comes meanwhile is to be one message."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.go_on = threading.Event()
        self.is_sending = threading.Event()

    def send(self, message: str) -> None:
        self.is_sending.set()
        assert self.go_on.wait(WITHIN_S)
        self.sent.append(message)

    def listen(self) -> None: ...

    def hear(self, timeout_s: float) -> list[str]:
        return []


def test_a_burst_is_a_message_or_two_and_nobody_waits_for_it() -> None:
    line = _Slow()

    @contextmanager
    def wire() -> Generator[Line]:
        yield line

    web = Process(wire, runs_loops=False)
    web.wake()
    assert line.is_sending.wait(WITHIN_S)
    for _ in range(1000):
        web.wake()
    line.go_on.set()
    eventually(lambda: len(line.sent) >= 1, "the burst was sent")
    web.wake()
    eventually(lambda: len(line.sent) >= 2, "what came after it was sent too")
    assert len(line.sent) <= 3
    web.close()


def test_what_could_not_be_sent_is_sent_when_the_line_is_back() -> None:
    sent: list[str] = []
    tries: list[int] = []

    class Breaking:
        def send(self, message: str) -> None:
            tries.append(1)
            if len(tries) == 1:
                raise Lost("cut")
            sent.append(message)

        def listen(self) -> None: ...

        def hear(self, timeout_s: float) -> list[str]:
            return []

    @contextmanager
    def wire() -> Generator[Line]:
        yield Breaking()

    web = Process(wire, runs_loops=False)
    web.wake()
    eventually(lambda: sent == ["news"], "the second try carried it")
    web.close()


def test_a_topic_is_the_same_for_one_database_and_another_for_the_next(postgres: Server) -> None:
    url, other = postgres.create_empty(), postgres.create_empty()
    first, again, second = Database(url), Database(url, pool_size=2), Database(other)
    assert topic_of(first.engine, "events") == topic_of(again.engine, "events")
    assert topic_of(first.engine, "events") != topic_of(second.engine, "events")
    assert topic_of(first.engine, "events") != topic_of(first.engine, "usage")


@pytest.mark.parametrize("secret", ["hunter2"])
def test_an_outage_names_no_password(secret: str) -> None:
    with capture_logs() as logs, processes(redis_wire(f"redis://:{secret}@127.0.0.1:1/0")) as (web, _work):
        web.wake()
        eventually(lambda: len(_said(logs, "are lost")) == 2, "both noticed")
    assert secret not in repr(logs)


def _said(logs: Sequence[EventDict], what: str) -> list[object]:
    return [line for line in logs if what in str(line.get("event"))]
