"""What every channel's webhooks lead to: a message is stored once, a status is applied, and whoever waits is woken."""

import structlog

from bot.channels.channel import Doors, StatusReport
from bot.sending import Sender
from bot.store import delivery, inbox
from bot.store.delivery import RemedyFor
from bot.store.inbox import AlreadyKnown, Incoming
from bot.store.tables import MessageStatus
from bot.turns import Turns
from kit.clock import Clock
from kit.db import Database
from kit.metrics import message_ended, message_repeated

_log = structlog.get_logger()


def doors_of(channel: str, db: Database, clock: Clock, turns: Turns, sender: Sender, remedy_for: RemedyFor) -> Doors:
    def message(incoming: Incoming) -> None:
        try:
            turns.begin(lambda tx, owner: inbox.receive_message(tx, incoming, clock.now(), owner))
        except AlreadyKnown:
            message_repeated(channel)  # it repeats what it is not sure we heard

    def status(report: StatusReport) -> None:
        if report.status is None:
            return
        if report.status is not MessageStatus.FAILED and delivery.arrived(db, report.sid, report.status):
            sender.moved()
            return
        if report.status is MessageStatus.FAILED:
            message_ended("undelivered", str(report.error_code))
            _log.warning("a message was not delivered", sid=report.sid, error_code=report.error_code)
        with db.write() as tx:
            is_known = delivery.report(tx, report.sid, report.status, report.error_code, clock.now(), remedy_for)
        if report.status is MessageStatus.FAILED or not is_known:
            sender.wake()  # there may be something to send again, or a status to apply once its message is known
        sender.moved()

    return Doors(message, status)
