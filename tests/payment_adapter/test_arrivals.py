"""Callbacks of several requests at once: each answered after its own commit, whatever becomes of the others."""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Table, select

from kit.db import Tx, insert_all_new
from payment_adapter.callbacks import arrivals as arrivals_module
from payment_adapter.callbacks.models import inbox
from tests.support.payments import Desk, stk_paid

AT_ONCE = 12


def send_at_once(desk: Desk, secrets: Sequence[str], bodies: Sequence[bytes]) -> list[tuple[int, bool]]:
    """For each, the status and whether its row was there when the answer came."""
    barrier = threading.Barrier(len(secrets))
    outcomes: list[tuple[int, bool]] = [(0, False)] * len(secrets)

    def send(number: int) -> None:
        client = desk.client
        barrier.wait()
        status = client.post(f"/callbacks/{secrets[number]}", data=bodies[number]).status_code
        with desk.db.read() as tx:
            is_there = tx.execute(select(inbox).where(inbox.c.body == bodies[number])).first() is not None
        outcomes[number] = (status, is_there)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(len(secrets))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_each_of_many_at_once_is_answered_when_it_is_stored(desk: Desk) -> None:
    secrets = [desk.push(f"intent-{number}") for number in range(AT_ONCE)]
    assert send_at_once(desk, secrets, [b"body %d" % n for n in range(AT_ONCE)]) == [(200, True)] * AT_ONCE


def test_strangers_among_them_are_told_apart(desk: Desk) -> None:
    secrets = [desk.push(f"intent-{n}") if n % 2 else f"{n:064x}" for n in range(AT_ONCE)]
    outcomes = send_at_once(desk, secrets, [b"body %d" % n for n in range(AT_ONCE)])
    assert outcomes == [(200, True) if n % 2 else (404, False) for n in range(AT_ONCE)]


def test_one_that_can_not_be_stored_harms_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(tx: Tx, table: Table, rows: Sequence[Mapping[str, Any]], *, conflict: Sequence[str]) -> None:
        insert_all_new(tx, table, rows, conflict=conflict)
        if any(row["body"] == b"body 3" for row in rows):
            raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(arrivals_module, "insert_all_new", breaks)
    secrets = [desk.push(f"intent-{number}") for number in range(AT_ONCE)]
    outcomes = send_at_once(desk, secrets, [b"body %d" % n for n in range(AT_ONCE)])
    assert outcomes == [(500, False) if n == 3 else (200, True) for n in range(AT_ONCE)]


def test_of_many_at_once_each_is_applied_in_the_commit_that_stores_it(desk: Desk) -> None:
    secrets = [desk.push(f"intent-{n}") for n in range(AT_ONCE)]
    bodies = [json.dumps(stk_paid(id=f"ws_CO_{n + 1}", receipt=f"UF1E26WQ{n:02}")).encode() for n in range(AT_ONCE)]
    assert send_at_once(desk, secrets, bodies) == [(200, True)] * AT_ONCE
    assert sorted(desk.told()) == ["paid"] * AT_ONCE + ["pending"] * AT_ONCE
    assert {(row.status, row.attempts) for row in desk.inbox()} == {("processed", 1)}


def test_a_process_that_ends_takes_no_more_and_says_so(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    secret = desk.push()
    desk.arrivals.close()
    answer = desk.send(secret, stk_paid())
    assert (answer.status_code, answer.headers["retry-after"], list(desk.inbox())) == (503, "1", [])


def test_a_batch_that_takes_too_long_is_answered_with_try_again(
    sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(*_: object) -> None:
        raise TimeoutError("too many at once")

    monkeypatch.setattr(sqlite_desk.arrivals, "take", late)
    assert sqlite_desk.send("0" * 64, stk_paid()).status_code == 503


def test_callbacks_stored_and_applied_at_the_same_time_never_block_each_other_for_good(desk: Desk) -> None:
    desk = replace(desk, applies_at_once=False)
    secrets = [desk.push(f"intent-{number}") for number in range(AT_ONCE)]
    done = threading.Event()

    def apply() -> None:
        while not done.is_set():
            desk.callbacks.turn()

    workers = [threading.Thread(target=apply) for _ in range(2)]
    for worker in workers:
        worker.start()
    try:
        for turn in range(8):
            outcomes = send_at_once(desk, secrets, [b"%d of turn %d" % (n, turn) for n in range(AT_ONCE)])
            assert outcomes == [(200, True)] * AT_ONCE
    finally:
        done.set()
        for worker in workers:
            worker.join()
    desk.run_callbacks()
    assert {row.status for row in desk.inbox()} == {"failed"}  # none of it can be read
    assert {row.attempts for row in desk.inbox()} == {1}
