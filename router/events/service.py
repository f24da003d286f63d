"""Announcing news to the floor above: into the outbox with the change itself, then to the bot until it accepts."""

import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from weakref import WeakKeyDictionary

from pydantic import BaseModel
from sqlalchemy import Engine

from contracts.events import DomainEvent, EventType
from contracts.ids import VendorId, derived_id, new_id
from kit.background import Loop
from kit.clock import Clock
from kit.db import Database, Tx
from kit.gauges import outboxes
from kit.metrics import Gauge
from kit.outbox import Relay, enqueue, http_delivery
from kit.wakes import Wakes, topic_of
from kit.webhooks import EventSigner
from router.databases import OpsDatabase, vendor_fences
from router.events.fanout import fan_out
from router.events.models import outbox

__all__ = ["announce", "outbox_gauges", "relay_loop", "relay_visit", "tell_rooms", "wake_on_news"]

SWEEP_S = 5.0
"""How long an event may wait when its wake-up was lost (a crash between the commit and the relay)."""
PARK_AFTER = 10
"""Attempts of an event that the bot refuses for what it is: about four hours. It holds back its own aggregate."""
RELAY_THREADS = 4  # each carries another aggregate: one slow delivery does not hold up the others

Hearer = Callable[[Tx, DomainEvent], None]

# Which rooms hear of what is announced in a database. Like the wake-ups: a transaction brings its engine along.
_hearers: WeakKeyDictionary[Engine, Mapping[EventType, Hearer]] = WeakKeyDictionary()
# Whom to wake for a database. A hint only: a database without one is swept.
_wakes: WeakKeyDictionary[Engine, Callable[[], None]] = WeakKeyDictionary()
_wakes_lock = threading.Lock()


def wake_on_news(engine: Engine, wake: Callable[[], None]) -> None:
    """Call `wake` after every commit of a transaction of this engine that announced something."""
    with _wakes_lock:
        _wakes[engine] = wake


def tell_rooms(engine: Engine, hearers: Mapping[EventType, Hearer]) -> None:
    """From now on, what is announced in this engine's database is told to these, in the transaction that announces."""
    with _wakes_lock:
        _hearers[engine] = hearers


def announce(
    tx: Tx,
    *,
    type: EventType,  # noqa: A002  # named as the envelope and the listener name it
    vendor_id: VendorId,
    aggregate: str,
    data: BaseModel,
    now: datetime,
    fact: str | None = None,
) -> bool:
    """Put the event into the transaction; the relay hears of it after the commit.

    `fact` names what happened within (vendor, type, aggregate): the same fact is announced once, whoever repeats it.
    Without it every call is an event of its own. Returns False if the fact was announced before."""
    event_id = new_id(now) if fact is None else derived_id("event", vendor_id, type, aggregate, fact)
    event = DomainEvent(
        event_id=event_id,
        type=type,
        vendor_id=vendor_id,
        aggregate=aggregate,
        occurred_at=now,
        data=data.model_dump(mode="json"),
    )
    with _wakes_lock:
        wake = _wakes.get(tx.conn.engine)
        hearer = _hearers.get(tx.conn.engine, {}).get(type)
    is_new = enqueue(
        tx,
        outbox,
        event_id=event_id,
        vendor_id=vendor_id,
        aggregate=aggregate,
        type=type,
        body=event,
        now=now,
        wake=wake,
    )
    if is_new:
        fan_out(tx, vendor_id=vendor_id, event_id=event_id, type_=type, aggregate=aggregate, now=now)
        if hearer is not None:
            hearer(tx, event)
    return is_new


def relay_loop(
    shared: OpsDatabase, clock: Clock, signer: EventSigner, bot_url: str, wakes: Wakes, *, idle_s: float = SWEEP_S
) -> Loop:
    """The loop that carries the shared ops database's events to `<bot_url>/events`, woken by every `announce` there,
    in whichever process it was."""
    visit = relay_visit(clock, signer, bot_url)
    loop = Loop("events-relay", lambda: visit(shared), idle_s=idle_s, threads=RELAY_THREADS)
    assert isinstance(shared.db, Database)
    topic = topic_of(shared.db.engine, "events")
    wakes.register(topic, loop)
    wake_on_news(shared.db.engine, partial(wakes.wake, topic))
    return loop


def relay_visit(clock: Clock, signer: EventSigner, bot_url: str) -> Callable[[OpsDatabase], bool]:
    """What carries a few events of one ops database to `<bot_url>/events`. Returns whether any were due."""
    deliver = http_delivery(f"{bot_url}/events", signer, clock, park_after=PARK_AFTER)

    def visit(database: OpsDatabase) -> bool:
        return Relay(database, outbox, clock, deliver, fences=vendor_fences).turn()

    return visit


def outbox_gauges(shared: OpsDatabase, clock: Clock) -> tuple[Gauge, Gauge]:
    """What waits in the shared ops database. Dedicated ones are not asked: each would take a connection."""
    return outboxes(lambda: (("ops", shared.across),), outbox, clock)
