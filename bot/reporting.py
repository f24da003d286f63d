"""Reports the messages that Twilio accepted to the router, shop by shop, for each shop's usage.

Every message is reported until the router has said that it has it, so a report may come twice; the router counts each
message once. While the router can't be reached, everything waits here."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

import structlog

from bot.pauses import ENOUGH_UNANSWERED, Pauses, is_shops_own
from bot.store import messages
from bot.store.messages import Accepted
from contracts.ids import derived_id
from contracts.usage import MAX_REPORTED, MessageReport, ReportTaken, SentMessage
from kit.background import Loop
from kit.clock import Clock
from kit.db import Database
from kit.peers import Peer, Refusal, Unreachable

_log = structlog.get_logger()

PATH = "/v1/usage/messages"
IDLE_S = 10.0
SHOPS_A_TURN = 100
_FIRST_PAUSE = timedelta(seconds=20)


class Listener(Protocol):
    def take(self, vendor_id: str, report: MessageReport, key: str) -> ReportTaken:
        """Raises Unreachable or Refusal."""
        ...


class UsageRouter:
    """The router, as far as reports go."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def take(self, vendor_id: str, report: MessageReport, key: str) -> ReportTaken:
        return self._peer.post(ReportTaken, PATH, report, vendor=vendor_id, idempotency_key=key)


class Reporting:
    """Several may run at once, in several processes: then some is reported twice, which changes nothing."""

    def __init__(self, db: Database, clock: Clock, listener: Listener) -> None:
        self._db = db
        self._clock = clock
        self._listener = listener
        self._paused = Pauses(clock, _FIRST_PAUSE)
        self._after = ""

    def loop(self) -> Loop:
        return Loop("bot-reporting", self.turn, idle_s=IDLE_S)

    def turn(self) -> bool:
        """Report one batch of each of so many shops. Returns whether more is waiting already."""
        with self._db.read() as tx:
            waiting = messages.shops_with_unreported(tx, after=self._after, limit=SHOPS_A_TURN)
        is_more = len(waiting) == SHOPS_A_TURN
        self._after = waiting[-1] if is_more else ""
        unanswered = 0
        for vendor_id in waiting:
            if self._paused.holds(vendor_id):
                continue
            try:
                is_more = self._report(vendor_id) or is_more
            except (Unreachable, Refusal) as error:
                again_in_s = self._paused.begin(vendor_id, error).seconds
                why = str(error)
                _log.warning(
                    "a shop's messages were not reported yet", vendor_id=vendor_id, why=why, again_in_s=again_in_s
                )
                unanswered += not is_shops_own(error)
            if unanswered >= ENOUGH_UNANSWERED:
                return False
        return is_more

    def _report(self, vendor_id: str) -> bool:
        """One batch. Returns whether there may be another. Raises Unreachable or Refusal."""
        with self._db.read() as tx:
            batch = messages.unreported(tx, vendor_id, limit=MAX_REPORTED)
        if not batch:
            return False  # somebody else has reported them meanwhile
        self._listener.take(vendor_id, _report_of(batch), _key_of(batch))
        with self._db.write() as tx:
            messages.reported(tx, [message.seq for message in batch], self._clock.now())
        self._paused.end(vendor_id)
        return len(batch) == MAX_REPORTED


def _report_of(batch: Sequence[Accepted]) -> MessageReport:
    return MessageReport(messages=[SentMessage(message_id=each.sid, sent_at=each.sent_at) for each in batch])


def _key_of(batch: Sequence[Accepted]) -> str:
    """The same for the same messages, so that a repeat of the very same report is answered without counting anew."""
    return derived_id("message_report", *(message.sid for message in batch))
