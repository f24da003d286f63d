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
from kit.carrying import DELIVERY_WITHIN_S, Carrier
from kit.clock import Clock
from kit.db import Database, Tx
from kit.gauges import outboxes
from kit.http_delivery import http_delivery
from kit.measures import Gauge
from kit.outbox import Carriage, Relay, enqueue
from kit.wakes import Wakes, topic_of
from kit.webhooks import EventSigner
from router.databases import OpsDatabase, vendor_fences
from router.events.fanout import fan_out
from router.events.models import outbox

__all__ = ["announce", "carrier", "outbox_gauges", "relay_loop", "relay_visit", "tell_rooms", "wake_on_news"]

SWEEP_S = 5.0
"""How long an event may wait when its wake-up was lost (a crash between the commit and the relay)."""
PARK_AFTER = 10
"""Attempts of an event that the bot refuses for what it is: about four hours. It holds back its own aggregate."""
CARRIER_THREADS = 4
RELAY_THREADS = 4  # each carries another aggregate: one slow delivery does not hold up the others

Hearer = Callable[[Tx, DomainEvent], None]

# Which rooms hear of what is announced in a database. Like the wake-ups: a transaction brings its engine along.
_hearers: WeakKeyDictionary[Engine, Mapping[EventType, Hearer]] = WeakKeyDictionary()
# Whom to wake for a database, and who carries its news. A hint only: a database without one is swept.
_heralds: WeakKeyDictionary[Engine, tuple[Callable[[], None], Carriage | None]] = WeakKeyDictionary()
_heralds_lock = threading.Lock()


def wake_on_news(engine: Engine, wake: Callable[[], None], carriage: Carriage | None = None) -> None:
    """Call `wake` after every commit of a transaction of this engine that announced something which `carriage` does
    not carry."""
    with _heralds_lock:
        _heralds[engine] = (wake, carriage)


def tell_rooms(engine: Engine, hearers: Mapping[EventType, Hearer]) -> None:
    """From now on, what is announced in this engine's database is told to these, in the transaction that announces."""
    with _heralds_lock:
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
    with _heralds_lock:
        hearer = _hearers.get(tx.conn.engine, {}).get(type)
        wake, carriage = _heralds.get(tx.conn.engine, (None, None))
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
        carriage=carriage,
    )
    if is_new:
        fan_out(tx, vendor_id=vendor_id, event_id=event_id, type_=type, aggregate=aggregate, now=now)
        if hearer is not None:
            hearer(tx, event)
    return is_new


def relay_loop(
    shared: OpsDatabase, clock: Clock, signer: EventSigner, bot_url: str, wakes: Wakes, *, idle_s: float = SWEEP_S
) -> Loop:
    """The loop that carries the shared ops database's events to `<bot_url>/events`, woken by whatever `announce` there
    left to it, in whichever process it was."""
    visit = relay_visit(clock, signer, bot_url)
    loop = Loop("events-relay", lambda: visit(shared), idle_s=idle_s, threads=RELAY_THREADS)
    assert isinstance(shared.db, Database)
    wakes.register(_topic(shared), loop)
    wake_on_news(shared.db.engine, partial(wakes.wake, _topic(shared)))
    return loop


def carrier(shared: OpsDatabase, clock: Clock, signer: EventSigner, bot_url: str, wakes: Wakes) -> Carrier:
    """What carries the shared ops database's events to `<bot_url>/events` from within the process that announces them.
    The relay gets what it leaves. Make it after the relay's loop, which else is woken for everything."""
    assert isinstance(shared.db, Database)
    made = Carrier(
        "events-carrier",
        shared,
        outbox,
        clock,
        http_delivery(f"{bot_url}/events", signer, clock, timeout_s=DELIVERY_WITHIN_S, park_after=PARK_AFTER),
        wake_relay=partial(wakes.wake, _topic(shared)),
        threads=CARRIER_THREADS,
        fences=vendor_fences,
    )
    wake_on_news(shared.db.engine, made.leave, made)
    return made


def _topic(shared: OpsDatabase) -> str:
    assert isinstance(shared.db, Database)
    return topic_of(shared.db.engine, "events")


def relay_visit(clock: Clock, signer: EventSigner, bot_url: str) -> Callable[[OpsDatabase], bool]:
    """What carries a few events of one ops database to `<bot_url>/events`. Returns whether any were due."""
    deliver = http_delivery(f"{bot_url}/events", signer, clock, park_after=PARK_AFTER)

    def visit(database: OpsDatabase) -> bool:
        return Relay(database, outbox, clock, deliver, fences=vendor_fences).turn()

    return visit


def outbox_gauges(shared: OpsDatabase, clock: Clock) -> tuple[Gauge, Gauge]:
    """What waits in the shared ops database. Dedicated ones are not asked: each would take a connection."""
    return outboxes(lambda: (("ops", shared.across),), outbox, clock)
