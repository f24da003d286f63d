"""The courier: takes what is due to vendors' endpoints, signed, and records what each of them answered.

Threads serve lanes. A lane gets a few deliveries at once and some seconds at a time; lanes that fail or are slow never
hold more than half of the threads, and one that fails again and again is only probed. A delivery that was answered
but not recorded, because something died, is sent again with the same id: never lost, perhaps twice."""

import random
import secrets
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from time import monotonic

import structlog

from kit.background import Loop
from kit.clock import Clock
from kit.db import Database, Tx, VendorMoved
from kit.problems import Problem
from router.databases import OpsDatabase, ShopDatabase
from router.events.attempts import Sender
from router.events.endpoints import Endpoint, EndpointBook, disable_endpoint, note_failing
from router.events.lanes import (
    Claimed,
    Lane,
    Recorded,
    claim,
    discard_all,
    due_lanes,
    keep_lane,
    leave_lane,
    record,
    take_lane,
)
from router.events.rules import (
    DISABLED_RECHECK,
    FAILING_FOR,
    PROBE_EVERY,
    SLOW_MS,
    UNWELL_AFTER,
    Cause,
    DeliveryStatus,
    Outcome,
    must_be_disabled,
    next_try,
)

_log = structlog.get_logger()

THREADS = 8
AT_ONCE = 4
"""Deliveries under way to one endpoint, by all processes together."""
SERVE_FOR_S = 15.0
"""A lane that always has more is left after that, for the others. Less than its lease by more than one delivery."""
SWEEP_S = 5.0
"""How often the shared ops database is looked into without a wake-up."""
_REST_S = 2.0
"""For a lane that could not be taken: somebody else has it, or its database can't be used."""
_LANES_AT_A_LOOK = 32


@dataclass(frozen=True, slots=True)
class _Found:
    database: OpsDatabase
    lane: Lane

    @property
    def is_troubled(self) -> bool:
        return self.lane.failures > 0 or self.lane.slow_ms >= SLOW_MS


@dataclass(slots=True)
class _Service:
    """One worker's time with one lane."""

    lane: Lane
    endpoint: Endpoint
    owner: str
    failures: int
    slow_ms: int = 0
    is_over: bool = False
    paused_until: datetime | None = None
    began_s: float = field(default_factory=monotonic)

    @property
    def is_unwell(self) -> bool:
        return self.failures >= UNWELL_AFTER


class Courier:
    """Thread-safe. Several may run, in as many processes."""

    def __init__(
        self,
        shared: OpsDatabase,
        platform: Database,
        book: EndpointBook,
        sender: Sender,
        clock: Clock,
        *,
        threads: int = THREADS,
        jitter: Callable[[], float] = lambda: random.uniform(-1.0, 1.0),
    ) -> None:
        self._shared = shared
        self._platform = platform
        self._book = book
        self._sender = sender
        self._clock = clock
        self._jitter = jitter
        self._lock = threading.Lock()
        self._looking = threading.Lock()
        self._well: deque[_Found] = deque()
        self._troubled: deque[_Found] = deque()
        self._room_for_troubled = max(1, threads // 2)
        self._resting: dict[str, float] = {}
        self._look_at_s = 0.0
        self._pool = ThreadPoolExecutor(threads * AT_ONCE, thread_name_prefix="webhooks-send")
        self.loop = _CourierLoop(self, threads)

    # --- where to look -----------------------------------------------------------------------------------------------

    def look_soon(self) -> None:
        """Something may be due in the shared database now."""
        self._look_at_s = 0.0

    def visit(self, database: OpsDatabase) -> bool:
        """Look into a dedicated database, and leave what is found to the courier's own threads: whoever goes round
        the databases is not kept waiting. Returns False: there is no reason to come again at once."""
        self._look(database)
        return False

    @property
    def has_found(self) -> bool:
        return bool(self._well) or (bool(self._troubled) and self._room_for_troubled > 0)

    def turn(self) -> bool:
        """Serve one lane. Returns whether there was one."""
        found = self._next()
        if found is None:
            return False
        try:
            if self._serve(found):
                # It may have more, or what it held back may be free now.
                self._look(found.database)
        except (Problem, VendorMoved):
            pass  # a dedicated database that can't be used now: the next visit finds what is left
        finally:
            if found.is_troubled:
                with self._lock:
                    self._room_for_troubled += 1
        return True

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _next(self) -> _Found | None:
        if not self.has_found and monotonic() >= self._look_at_s and self._looking.acquire(blocking=False):
            try:
                # Set before looking: a wake-up that comes meanwhile is not lost.
                self._look_at_s = monotonic() + SWEEP_S
                self._look(self._shared)
            finally:
                self._looking.release()
        with self._lock:
            if self._well:
                return self._well.popleft()
            if self._troubled and self._room_for_troubled > 0:
                self._room_for_troubled -= 1
                return self._troubled.popleft()
        return None

    def _look(self, database: OpsDatabase) -> None:
        with database.across() as tx:
            lanes = due_lanes(tx, self._clock.now(), _LANES_AT_A_LOOK)
        now_s = monotonic()
        with self._lock:
            self._resting = {lane: until_s for lane, until_s in self._resting.items() if until_s > now_s}
            known = {found.lane.endpoint_id for found in (*self._well, *self._troubled)} | set(self._resting)
            fresh = [_Found(database, lane) for lane in lanes if lane.endpoint_id not in known]
            for found in fresh:
                (self._troubled if found.is_troubled else self._well).append(found)
        for _ in fresh:
            self.loop.nudge()

    def _rest(self, lane: Lane) -> None:
        with self._lock:
            self._resting[lane.endpoint_id] = monotonic() + _REST_S

    # --- serving one lane --------------------------------------------------------------------------------------------

    def _serve(self, found: _Found) -> bool:
        """Returns whether anything was sent."""
        lane, shop = found.lane, found.database.of(found.lane.vendor_id)
        try:
            endpoint = self._book.find(lane.vendor_id, lane.endpoint_id)
            service = _Service(lane, endpoint, secrets.token_hex(8), lane.failures) if endpoint else None
            batch = self._begin(shop, lane, service)
            if service is None or not batch:
                return False
            while batch:
                outcomes = self._send(service, batch)
                batch = self._recorded(shop, service, outcomes)
        except (Problem, VendorMoved) as error:
            # Its database can't be used now, or the vendor is in another one: logged where it was noticed.
            _log.warning("a webhook lane was left", vendor_id=lane.vendor_id, why=type(error).__name__)
            self._rest(lane)
            return False
        except BaseException:
            self._rest(lane)
            raise
        return True

    def _begin(self, shop: ShopDatabase, lane: Lane, service: _Service | None) -> list[Claimed]:
        now = self._clock.now()
        if service is None:
            with shop.write() as tx:
                discarded = discard_all(tx, lane.vendor_id, lane.endpoint_id, "its endpoint was deleted", now)
            _log.info("deliveries of a deleted endpoint were discarded", vendor_id=lane.vendor_id, count=discarded)
            return []
        with shop.write() as tx:
            if not take_lane(tx, lane, service.owner, now):
                self._rest(lane)
                return []
            return self._next_batch(tx, service, now)

    def _next_batch(self, tx: Tx, service: _Service, now: datetime) -> list[Claimed]:
        """What to send now; the lane is left if that is nothing."""
        is_late = monotonic() - service.began_s > SERVE_FOR_S
        if service.endpoint.is_enabled and not service.is_over and not is_late and not self.loop.is_stopping:
            batch = claim(tx, service.lane, now, 1 if service.is_unwell else AT_ONCE)
            if batch:
                return batch
        paused_until = now + DISABLED_RECHECK if not service.endpoint.is_enabled else service.paused_until
        leave_lane(
            tx,
            service.lane,
            service.owner,
            now,
            failures=service.failures,
            slow_ms=service.slow_ms,
            paused_until=paused_until,
        )
        return []

    def _send(self, service: _Service, batch: Sequence[Claimed]) -> list[Recorded]:
        if len(batch) == 1:
            outcomes = [self._sender.attempt(service.endpoint, batch[0])]
        else:
            outcomes = list(self._pool.map(partial(self._sender.attempt, service.endpoint), batch))
        now = self._clock.now()
        service.slow_ms = max(outcome.duration_ms for outcome in outcomes)
        self._judge(service, outcomes, now)
        return [self._what_becomes_of(each, outcome, now) for each, outcome in zip(batch, outcomes, strict=True)]

    def _recorded(self, shop: ShopDatabase, service: _Service, outcomes: Sequence[Recorded]) -> list[Claimed]:
        now = self._clock.now()
        with shop.write() as tx:
            is_ours = keep_lane(tx, service.lane, service.owner, now)
            record(tx, service.lane, outcomes, now)
            return self._next_batch(tx, service, now) if is_ours else []

    def _judge(self, service: _Service, outcomes: Sequence[Outcome], now: datetime) -> None:
        """What the answers say of the endpoint as a whole: it was left by its owner, it fails, it works again."""
        endpoint = service.endpoint
        about_events = [outcome for outcome in outcomes if outcome.error != "unreadable"]
        if not about_events:
            return
        unwell = sum(outcome.is_unwell for outcome in about_events)
        service.failures = service.failures + unwell if unwell == len(about_events) else 0
        if service.is_unwell:
            service.paused_until = now + PROBE_EVERY
            service.is_over = True
        works = any(outcome.is_accepted for outcome in about_events)
        if any(outcome.is_gone for outcome in about_events):
            self._disable(service, "the endpoint answered 410 Gone: it wants nothing more")
        elif works and endpoint.failing_since is not None:
            self._note(endpoint, None)
        elif not works and endpoint.failing_since is None:
            self._note(endpoint, now)
        elif not works and must_be_disabled(endpoint.failing_since, now):
            self._disable(
                service,
                f"nothing was accepted for {FAILING_FOR.days} days; the last problem: {about_events[-1].problem}",
            )

    def _disable(self, service: _Service, reason: str) -> None:
        endpoint = service.endpoint
        with self._platform.write() as tx:
            was_enabled = disable_endpoint(tx, endpoint.vendor_id, endpoint.id, reason)
        self._book.forget(endpoint.vendor_id)
        service.is_over = True
        service.paused_until = self._clock.now() + DISABLED_RECHECK
        if was_enabled:
            _log.error(
                "a webhook endpoint was disabled", vendor_id=endpoint.vendor_id, endpoint_id=endpoint.id, why=reason
            )

    def _note(self, endpoint: Endpoint, failing_since: datetime | None) -> None:
        with self._platform.write() as tx:
            note_failing(tx, endpoint.vendor_id, endpoint.id, failing_since)
        self._book.forget(endpoint.vendor_id)

    def _what_becomes_of(self, delivery: Claimed, outcome: Outcome, now: datetime) -> Recorded:
        if outcome.is_accepted:
            return Recorded(delivery, outcome, DeliveryStatus.DELIVERED, now)
        if delivery.cause is Cause.PING:
            return Recorded(delivery, outcome, DeliveryStatus.DISCARDED, now)
        if outcome.error == "unreadable":
            return Recorded(delivery, outcome, DeliveryStatus.PARKED, now)
        again_at = next_try(
            delivery.attempts - delivery.attempts_before,
            delivery.first_tried_at,
            now,
            jitter=self._jitter(),
            retry_after_s=outcome.retry_after_s,
        )
        if again_at is None:
            _log.warning("a webhook delivery was parked", event_id=delivery.event_id, why=outcome.problem)
            return Recorded(delivery, outcome, DeliveryStatus.PARKED, now)
        return Recorded(delivery, outcome, DeliveryStatus.PENDING, again_at)


class _CourierLoop(Loop):
    """A wake-up is news of the shared database, from whichever process."""

    def __init__(self, courier: Courier, threads: int) -> None:
        super().__init__(
            "webhooks",
            courier.turn,
            idle_s=SWEEP_S,
            threads=threads,
            is_handed_work=lambda: courier.has_found,
        )
        self._courier = courier

    def wake(self) -> None:
        self._courier.look_soon()
        super().wake()
