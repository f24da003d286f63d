"""The bot, put together: three doors, two loops, and what they stand on."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from bot.channels.channel import Channel
from bot.channels.twilio import TwilioChannel
from bot.content_sync import Approvals
from bot.conversation.bursts import together
from bot.conversation.step import step
from bot.inbound import events
from bot.inbound.doors import doors_of
from bot.lapsing import Lapses, Truth
from bot.mirroring import ChatRouter, Mirroring
from bot.pace import SenderPace
from bot.pages import media
from bot.ports.commands import Commands
from bot.ports.payment_adapter import PaymentAdapter
from bot.ports.router import Router
from bot.ports.twilio import content_account, pictures_at
from bot.ports.twilio_content import ContentApi
from bot.recovery import Recovery
from bot.replies.rendering import render
from bot.reporting import Reporting, UsageRouter
from bot.sending import Sender
from bot.slots import Ran, Slots
from bot.store.contents import KnownContents
from bot.turns import Script, Turns
from kit.background import Loop
from kit.clock import Clock
from kit.db import Database
from kit.gauges import pools
from kit.owners import Owner
from kit.peers import Peer
from kit.service import Service
from kit.settings import Settings
from kit.signing import key_ring
from kit.web import add_readiness, make_app
from kit.webhooks import EventSigner

_log = structlog.get_logger()

THREADS = 4
"""For turns, and as many for sending. SQLite has one writer, and more threads than this only wait for it."""

THREADS_ON_POSTGRES = 12
"""There a thread mostly waits for others: the router, Twilio, a commit."""

_IDLE_S = 1.0
"""Wake-ups carry the work; this finds what is due again after a pause, and what a lost wake-up left lying."""

_IS_THERE_MORE = {Ran.NOTHING: False, Ran.HANDED_OVER: None, Ran.CLAIMED: True}
"""As a loop understands it."""

_RECOVERY_IDLE_S = 3.0

_APPROVALS_IDLE_S = 60.0
"""WhatsApp takes minutes to days to decide about a template."""


def create_service(settings: Settings, clock: Clock) -> Service:
    """Raises SettingsError for what is missing."""
    is_postgres = settings.conversations_database_url.startswith("postgresql")
    threads = THREADS_ON_POSTGRES if is_postgres else THREADS
    db = Database(settings.conversations_database_url, pool_size=threads + 8)
    router = Peer(settings.router_url, key_ring(settings, "DUKANI_KEY_BOT_ROUTER"), clock, pool_size=threads)
    adapter = Peer(settings.adapter_url, key_ring(settings, "DUKANI_KEY_BOT_ADAPTER"), clock, pool_size=threads)
    account = content_account(settings)
    channel = TwilioChannel(settings, pool_size=threads, contents=KnownContents(db, account))
    owner = Owner(Path(settings.data_dir) / "leases")
    commands = Commands(Router(router), PaymentAdapter(adapter))
    sender = Sender(
        db,
        clock,
        owner.name,
        channel,
        threads=threads,
        media_address=partial(media.address_of, settings.bot_public_url),
        pace=SenderPace(settings.messages_per_second),
        why_not=Truth(commands, clock).why_not,
    )
    mirroring = Mirroring(db, clock, ChatRouter(router), channel.said)
    sender.moved = mirroring.moved
    each_customer = timedelta(seconds=settings.customer_pace_s)
    turns = Turns(
        db,
        clock,
        owner.name,
        Script(step, render, together),
        commands,
        sender,
        threads=threads,
        read=channel.said,
        pace=each_customer,
        watch=mirroring.watch,
    )
    recovery = Recovery(db, clock, owner)
    lapses = Lapses(db, clock, channel, sender.wake)
    reporting = Reporting(db, clock, UsageRouter(router))

    turning = _loop("bot-turns", turns.next, turns.slots, threads)
    sending = _loop("bot-sending", sender.next, sender.slots, threads)
    content_api = ContentApi(settings)
    approvals = Approvals(content_api, db, clock, account, pictures_at=pictures_at(settings))
    approving = Loop("bot-approvals", approvals.turn, idle_s=_APPROVALS_IDLE_S)
    recovering = Loop("bot-recovery", recovery.turn, idle_s=_RECOVERY_IDLE_S)
    return Service(
        "bot",
        _web(settings, clock, db, turns, sender, channel),
        loops=(recovering, approving, turning, sending, lapses.loop(), reporting.loop(), mirroring.loop()),
        on_stop=(
            _Leaving(turns, sender, owner),
            router.close,
            adapter.close,
            channel.close,
            content_api.close,
            db.close,
        ),
        gauges=(pools({"conversations": db}),),
    )


def _loop(name: str, run_next: Callable[[], Ran], slots: Slots[Any, Any], threads: int) -> Loop:
    loop = Loop(
        name,
        lambda: _IS_THERE_MORE[run_next()],
        idle_s=_IDLE_S,
        threads=threads,
        is_handed_work=slots.is_handed_work,
    )
    slots.wake, slots.nudge = loop.wake, loop.nudge
    return loop


class _Leaving:
    """What a stopping bot owes those who go on: its work given back, and its name with it."""

    def __init__(self, turns: Turns, sender: Sender, owner: Owner) -> None:
        self._turns = turns
        self._sender = sender
        self._owner = owner

    def __call__(self) -> None:
        try:
            self._turns.give_back()
            self._sender.give_back()
        except (SQLAlchemyError, TimeoutError) as error:
            _log.warning("work could not be given back; whoever comes next takes it over", error=type(error).__name__)
            self._owner.close(leaves_work=True)
        else:
            # A call to Twilio may outlast the drain.
            self._owner.close(leaves_work=bool(self._sender.slots.held()))


def _web(settings: Settings, clock: Clock, db: Database, turns: Turns, sender: Sender, channel: Channel) -> Flask:
    app = make_app("bot")
    add_readiness(app, {"database": db.ping})
    channel.add_doors(app, doors_of(channel.name, db, clock, turns, sender, channel.remedy))
    media.add_route(app, db, clock)
    events.add_route(app, EventSigner(key_ring(settings, "DUKANI_KEY_EVENTS_ROUTER_BOT")), clock, turns)
    return app
