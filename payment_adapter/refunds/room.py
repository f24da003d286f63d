"""Puts the refunds room together: its services, its routes and its loops."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from flask import Flask

from kit.background import Loop
from kit.clock import Clock
from kit.db import Database
from kit.owners import Owner
from kit.signing import KeyRing
from payment_adapter.providers.base import Provider
from payment_adapter.refunds import routes
from payment_adapter.refunds.ask import Asker
from payment_adapter.refunds.results import Results
from payment_adapter.refunds.send import Sender
from payment_adapter.refunds.service import Refunds, Wakes
from payment_adapter.vault.service import Vault

_SEND_THREADS = 2
"""A provider may be slow: one refund under way is not all that can be."""


@dataclass(frozen=True, slots=True)
class Room:
    loops: tuple[Loop, ...]
    leave: Callable[[], None]
    """The process ends."""


def open_room(
    app: Flask,
    db: Database,
    vault: Vault,
    clock: Clock,
    providers: Iterable[Provider],
    *,
    public_url: str,
    owner: Owner,
    callers: KeyRing,
    sweep_s: float,
    wake_relay: Callable[[], None],
    note_stranger: Callable[[], None],
) -> Room:
    sending = Loop("refunds", lambda: any((sender.turn(), asker.turn())), idle_s=sweep_s, threads=_SEND_THREADS)
    concluding = Loop("refund-results", lambda: results.turn(), idle_s=sweep_s)
    by_name = {provider.name: provider for provider in providers}
    refunds = Refunds(clock, by_name, vault, Wakes(send=sending.wake, relay=wake_relay))
    sender = Sender(db, refunds, clock, public_url=public_url, owner=owner)
    asker = Asker(db, refunds, clock, public_url=public_url)
    results = Results(db, refunds, clock, concluding.wake)
    routes.add_routes(app, db, refunds, clock, callers=callers)
    routes.add_result_routes(app, db, results, note_stranger)
    return Room((sending, concluding), sender.leave)
