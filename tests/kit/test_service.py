"""A service starts its loops together and, when it stops, closes what they use only after their turns are over."""

import threading

from flask import Flask

from kit.background import Loop
from kit.service import Service

WITHIN_S = 10.0


def test_nothing_runs_before_it_is_started() -> None:
    turns: list[int] = []
    Service("test", Flask("test"), [Loop("a", lambda: bool(turns.append(1)), idle_s=60)])
    assert turns == []


def test_what_the_loops_use_is_closed_after_their_last_turn() -> None:
    order: list[str] = []
    in_turn, go_on = threading.Event(), threading.Event()

    def turn() -> bool:
        in_turn.set()
        assert go_on.wait(WITHIN_S)
        order.append("turn done")
        return False

    service = Service("test", Flask("test"), [Loop("a", turn, idle_s=60)], [lambda: order.append("closed")])
    service.start()
    assert in_turn.wait(WITHIN_S)
    stopping = threading.Thread(target=service.stop)
    stopping.start()
    go_on.set()
    stopping.join(WITHIN_S)
    assert order == ["turn done", "closed"]


def test_all_loops_are_told_to_stop_before_the_first_is_waited_for() -> None:
    both_told = threading.Barrier(2, timeout=WITHIN_S)
    loops: list[Loop] = []

    def turn_of(index: int) -> bool:
        while not loops[index].is_stopping:
            threading.Event().wait(0.005)
        both_told.wait()  # broken unless the other is told as well
        return False

    loops += [Loop("a", lambda: turn_of(0), idle_s=60), Loop("b", lambda: turn_of(1), idle_s=60)]
    service = Service("test", Flask("test"), loops)
    service.start()
    service.stop()
    assert not both_told.broken


def test_what_only_this_process_knows_is_written_down_by_itself_whoever_runs_the_other_loops() -> None:
    ran, elsewhere = threading.Event(), threading.Event()
    mine = Loop("mine", lambda: bool(ran.set()), idle_s=60)
    others = Loop("others", lambda: bool(elsewhere.set()), idle_s=60)
    service = Service("test", Flask("test"), [others], answering=[mine])
    service.start(with_loops=False)
    assert ran.wait(WITHIN_S)
    service.stop()
    assert mine.is_stopping
    assert not elsewhere.is_set()
