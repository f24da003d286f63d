"""What is due later: webhooks, callbacks, expiries. Kept in the store, judged by the clock, in order within a lane."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from simulators.moments import SECOND_US
from simulators.store import Store, Transaction

_STEP = 16
"""Places in a lane are that far apart, so that one job can be put before another."""


class JobKind(StrEnum):
    INBOUND = "twilio_inbound"
    STATUS = "twilio_status"
    MEDIA = "twilio_media"
    CALLBACK = "daraja_callback"
    EXPIRY = "daraja_expiry"
    C2B = "daraja_c2b"
    RESULT = "daraja_result"
    EKWANZA_WEBHOOK = "ekwanza_webhook"
    EKWANZA_EXPIRY = "ekwanza_expiry"


@dataclass(frozen=True, slots=True)
class Job:
    id: int
    kind: JobKind
    lane: str
    tries: int
    """How often it was tried before."""
    payload: dict[str, str]


class Jobs:
    """Jobs of one lane run one after another, in the order of their places, whatever their due times say: a message
    that is tried again keeps its place before the next message of that customer."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._quiet_until_us = 0  # nothing can be due before; guarded by the store's lock
        with store.transaction() as tx:
            # Whatever ran when the process died runs again: at least once, as the providers do it.
            tx.run("UPDATE jobs SET running = 0")

    def add(
        self,
        tx: Transaction,
        kind: JobKind,
        lane: str,
        payload: dict[str, str],
        *,
        due_us: int | None = None,
        is_held: bool = False,
    ) -> None:
        """Last in its lane; due now unless said otherwise. A held job waits for another to be put
        before it, at most until due."""
        row = tx.row("SELECT max(place) AS place FROM jobs WHERE lane = ?", lane)
        last = row["place"] if row else None
        self._insert(tx, kind, lane, payload, 0 if last is None else int(last) + _STEP, due_us, is_held)

    def add_before_held(self, tx: Transaction, kind: JobKind, lane: str, payload: dict[str, str]) -> bool:
        """Put a job before the one that is held in this lane, and let both go. False, and nothing done, if none is."""
        held = tx.row("SELECT id, place FROM jobs WHERE lane = ? AND is_held = 1 AND running = 0 LIMIT 1", lane)
        if held is None:
            return False
        tx.run("UPDATE jobs SET is_held = 0, due_us = ? WHERE id = ?", tx.now_us, int(held["id"]))
        self._insert(tx, kind, lane, payload, int(held["place"]) - 1, None, False)
        return True

    def claim(self) -> Job | None:
        """The next job that is due and first in its lane; nobody else gets it until it is `finish`ed or `retry`d."""
        with self._store.transaction() as tx:
            if tx.now_us < self._quiet_until_us:
                return None
            row = tx.row(
                "UPDATE jobs SET running = 1 WHERE id = (SELECT j.id FROM jobs j WHERE j.running = 0 AND j.due_us <= ?"
                " AND NOT EXISTS (SELECT 1 FROM jobs k WHERE k.lane = j.lane AND k.place < j.place)"
                " ORDER BY j.due_us, j.id LIMIT 1) RETURNING *",
                tx.now_us,
            )
            if row is None:
                nearest = tx.row("SELECT min(due_us) AS due_us FROM jobs WHERE running = 0 AND due_us > ?", tx.now_us)
                due_us = nearest["due_us"] if nearest else None
                # With nothing waiting, look again after a while all the same: the next `add` ends the quiet at once.
                self._quiet_until_us = tx.now_us + 60 * SECOND_US if due_us is None else int(due_us)
                return None
            payload = cast(dict[str, str], json.loads(row["payload"]))
            return Job(int(row["id"]), JobKind(row["kind"]), str(row["lane"]), int(row["tries"]), payload)

    def finish(self, tx: Transaction, job: Job) -> None:
        tx.run("DELETE FROM jobs WHERE id = ?", job.id)
        self._stir(tx)

    def drop_others(self, tx: Transaction, job: Job) -> None:
        """Forget what was planned in that lane besides this job."""
        tx.run("DELETE FROM jobs WHERE lane = ? AND id <> ?", job.lane, job.id)

    def retry(self, tx: Transaction, job: Job, after_us: int) -> None:
        """Run it again after that many microseconds, in its old place."""
        due_us = tx.now_us + after_us
        tx.run("UPDATE jobs SET running = 0, tries = tries + 1, due_us = ? WHERE id = ?", due_us, job.id)
        self._stir(tx)

    def is_lane_empty(self, lane: str) -> bool:
        with self._store.transaction() as tx:
            return tx.row("SELECT 1 FROM jobs WHERE lane = ?", lane) is None

    def _insert(
        self,
        tx: Transaction,
        kind: JobKind,
        lane: str,
        payload: dict[str, str],
        place: int,
        due_us: int | None,
        is_held: bool,
    ) -> None:
        tx.run(
            "INSERT INTO jobs (kind, lane, place, due_us, is_held, payload) VALUES (?, ?, ?, ?, ?, ?)",
            kind.value,
            lane,
            place,
            tx.now_us if due_us is None else due_us,
            int(is_held),
            json.dumps(payload),
        )
        self._stir(tx)

    def _stir(self, tx: Transaction) -> None:
        self._quiet_until_us = 0
        tx.wakes = True
