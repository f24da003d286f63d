"""The sender: takes messages in order, calls the channel with no transaction open, and records what came of it.

Nothing is sent twice on purpose: where the channel may already have a message, it is looked up there first."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

import structlog

from bot.channels.remedies import Remedy
from bot.lapsing import why_lapsed
from bot.pace import SenderPace
from bot.ports.messenger import LookUpFailed, Messenger, NotTaken, Outbound, Refused, Taken, Unsure
from bot.replies.passing import StillLeft
from bot.slots import Offer, Ran, Slots
from bot.store import consents, delivery, messages, once_more
from bot.store.conversations import LeaseLost
from bot.store.lapsing import OUTSIDE_WINDOW
from bot.store.media import MediaKind
from bot.store.messages import Draft, Gate, Outgoing
from bot.store.tables import MessageStatus
from kit.clock import Clock
from kit.db import Database, Tx
from kit.metrics import message_ended

_log = structlog.get_logger()

FREE_TEXT_WINDOW = timedelta(hours=24)
"""After the customer's last message only approved templates may be sent (Twilio refuses free text with 63016)."""

OPTED_OUT = "opted_out"
"""Why news is held: the customer said STOP."""

SETTLE = timedelta(seconds=2)
"""Between a call that was cut off and looking it up: the request may still be on its way through Twilio."""

_MOST_DELAY_S = 60
_TOO_MUCH_S = 30
"""How long a number rests after the channel said that it sends too much (63017, 63018)."""

SendOffer = Offer[int, Outgoing]


def _is_still_so(recipient: str, left: StillLeft) -> str | None:
    del recipient, left
    return None


class Sender:
    def __init__(
        self,
        db: Database,
        clock: Clock,
        owner: str,
        messenger: Messenger,
        *,
        threads: int,
        media_address: Callable[[str], str] = str,
        pace: SenderPace | None = None,
        why_not: Callable[[str, StillLeft], str | None] = _is_still_so,
    ) -> None:
        """`media_address` says where the channel can fetch the file of that name; `pace` bounds what one number
        sends; `why_not` asks whether what that customer is to be reminded of is still so (None), or why not."""
        self._db = db
        self._clock = clock
        self._owner = owner
        self._messenger = messenger
        self._media_address = media_address
        self._pace = pace
        self._why_not = why_not
        self.moved: Callable[[], None] = lambda: None
        """Called when something became of a message."""
        self.slots: Slots[int, Outgoing] = Slots(threads)

    def wake(self) -> None:
        """There may be something to send."""
        self.slots.look()

    def enqueue(self, tx: Tx, draft: Draft, offer: SendOffer | None = None) -> None:
        """Put a message into the transaction. With an open offer (of `slots.offer()`, around the transaction) it
        leaves right after the commit; pass none while anything of its conversation is unsent."""
        now = self._clock.now()
        taker = offer if offer is not None and offer.is_open else None
        seq = messages.enqueue(tx, draft, now, self._owner if taker else None)
        if seq is None:
            return  # the same sentence was queued by an earlier try of this item
        if taker is not None:
            taker.accept(seq, messages.leased(seq, draft, now))
        else:
            tx.after_commit(self.wake)

    def turn(self) -> bool:
        """Send one message, or apply statuses that came early. Returns whether there was anything to do."""
        return self.next() is not Ran.NOTHING

    def next(self) -> Ran:
        """`turn`, told more exactly."""
        ran = self.slots.run_next(self._claim, self._send)
        if ran is Ran.NOTHING and self._apply_early():
            return Ran.CLAIMED
        return ran

    def give_back(self) -> None:
        """What was handed over and not begun is anyone's again."""
        seqs = self.slots.take_back()
        if seqs:
            with self._db.write() as tx:
                messages.not_begun(tx, self._owner, seqs)

    def _claim(self, hold: Callable[[int], None]) -> Outgoing | None:
        now, held = self._clock.now(), self.slots.held()
        if not self.slots.take_tip():
            # Looking costs no write lock: an idle sender must not disturb those who write.
            with self._db.read() as tx:
                if not messages.is_any_due(tx, me=self._owner, held=held, now=now):
                    return None
        with self._db.write() as tx:
            message = messages.claim(tx, me=self._owner, held=held, now=now)
            if message is not None:
                hold(message.seq)
        return message

    def _send(self, message: Outgoing) -> None:
        try:
            # What may be there already is looked for before anything else: held or not, it must be known.
            if message.status is MessageStatus.UNCERTAIN and self._was_taken(message):
                return
            outbound = self._as_it_may_go(message)
            if outbound is not None:
                self._call(message, outbound)
        except LeaseLost:
            _log.error("a message was taken over while it was being sent", message=message.seq)

    def _as_it_may_go(self, message: Outgoing) -> Outbound | None:
        """Asked at the last moment: STOP may have come since the message was queued, or what it says may be so no
        more. None: it is held back."""
        passing = message.passing
        if message.is_fresh and message.answers_customer and passing is None:
            return self._outbound(message)
        with self._db.read() as tx:
            gate = messages.gate(tx, message.conversation_id)
        now = self._clock.now()
        lapsed = why_lapsed(passing, gate, now)
        if lapsed is not None:
            self._end(message, MessageStatus.EXPIRED, lapsed)
            return None
        why = why_held(gate, message.answers_customer, now)
        if why is None and message.reason != OUTSIDE_WINDOW:
            outbound = self._outbound(message)
        elif why != OPTED_OUT and message.template is not None and self._messenger.may_open_with(message.template):
            outbound = Outbound(message.sender, message.recipient, message.body, template=message.template)
        else:
            self._end(message, MessageStatus.HELD, why or OUTSIDE_WINDOW)
            return None
        if passing is not None and passing.while_left is not None:
            lapsed = self._why_not(message.recipient, passing.while_left)
            if lapsed is not None:
                self._end(message, MessageStatus.EXPIRED, lapsed)
                return None
        return outbound

    def _outbound(self, message: Outgoing) -> Outbound:
        media = message.media
        return Outbound(
            message.sender,
            message.recipient,
            message.body,
            message.tappable,
            self._media_address(media) if media else None,
            is_document=media is not None and media.endswith(f".{MediaKind.PDF}"),
        )

    def _end(self, message: Outgoing, status: MessageStatus, why: str) -> None:
        """It may not be sent (`held`), or means nothing any more (`expired`)."""
        _log.warning("a message is not sent", message=message.seq, status=status, why=why)
        message_ended(status, why)
        with self._db.write() as tx:
            messages.ended(tx, message.seq, me=self._owner, status=status, why=why)
            tx.after_commit(self.moved)

    def _was_taken(self, message: Outgoing) -> bool:
        """Look whether the channel has it. True, too, if that can't be known yet: then it is not sent now."""
        meant = replace(self._outbound(message), template=message.template)
        try:
            found = self._messenger.find(meant, message.tried_at)
        except LookUpFailed as error:
            self._later(message, MessageStatus.UNCERTAIN, f"can't be looked up: {error}", None)
            return True
        with self._db.read() as tx:
            ours = messages.known_sids(tx, found)
        new = [sid for sid in found if sid not in ours]
        if not new:
            _log.warning("an uncertain message was not there and is sent again", message=message.seq)
            return False
        if len(new) > 1:
            _log.error("a message was sent more than once", message=message.seq, times=len(new))
        self._record_sent(message, new[-1])
        return True

    def _call(self, message: Outgoing, outbound: Outbound) -> None:
        pause = self._pace.wait(message.sender) if self._pace is not None else None
        if pause is not None:
            self._put_off(message, pause)
            return
        outcome = self._messenger.send(outbound)
        match outcome:
            case Taken(sid):
                self._record_sent(message, sid)
                message_ended("sent", outbound.kind)
            case NotTaken(why, retry_after_s):
                # A look-up has just shown that no earlier try was taken either.
                self._later(message, MessageStatus.QUEUED, why, retry_after_s)
            case Unsure(why):
                self._later(message, MessageStatus.UNCERTAIN, why, None)
            case Refused(why, code):
                self._refused(message, why, code)
            case _:
                assert_never(outcome)

    def _refused(self, message: Outgoing, why: str, code: int | None) -> None:
        remedy = self._messenger.remedy(code)
        if remedy is Remedy.LATER:
            if self._pace is not None:
                self._pace.pause(message.sender, _TOO_MUCH_S)
            self._later(message, MessageStatus.QUEUED, f"{why} ({code})", _TOO_MUCH_S)
            return
        _log.error("a message was refused", message=message.seq, why=why, error_code=code, remedy=remedy)
        message_ended("failed", str(code))
        now = self._clock.now()
        with self._db.write() as tx:
            messages.ended(tx, message.seq, me=self._owner, status=MessageStatus.FAILED, why=why, code=code)
            if remedy is Remedy.STOP:
                consents.withdrawn(tx, message.conversation_id, f"message:{message.seq}", now)
            elif _said_once_more(tx, message.seq, remedy, now):
                tx.after_commit(self.wake)

    def _put_off(self, message: Outgoing, pause: timedelta) -> None:
        with self._db.write() as tx:
            due = self._clock.now() + pause
            messages.later(tx, message.seq, me=self._owner, status=MessageStatus.QUEUED, why="pace", due=due)

    def _record_sent(self, message: Outgoing, sid: str) -> None:
        messages.sent(self._db, message.seq, me=self._owner, sid=sid, now=self._clock.now())
        self.moved()

    def _later(self, message: Outgoing, status: MessageStatus, why: str, retry_after_s: int | None) -> None:
        delay = timedelta(seconds=retry_after_s or min(2 ** min(message.attempts - 1, 10), _MOST_DELAY_S))
        if status is MessageStatus.UNCERTAIN:
            delay = max(delay, SETTLE)
        _log.warning("a message was not sent yet", message=message.seq, status=status, why=why)
        with self._db.write() as tx:
            messages.later(tx, message.seq, me=self._owner, status=status, why=why, due=self._clock.now() + delay)

    def _apply_early(self) -> bool:
        with self._db.read() as tx:
            if not delivery.has_known_early(tx):
                return False
        with self._db.write() as tx:
            return delivery.apply_early(tx, self._clock.now(), self._messenger.remedy) > 0


def _said_once_more(tx: Tx, seq: int, remedy: Remedy, now: datetime) -> bool:
    match remedy:
        case Remedy.AS_TEXT:
            return once_more.again_plain(tx, now, seq=seq)
        case Remedy.UNTAPPED:
            return once_more.again_untapped(tx, now, seq=seq)
        case Remedy.WINDOW_CLOSED:
            return once_more.again_as_template(tx, now, seq=seq)
        case _:
            return False


def why_held(gate: Gate, answers_customer: bool, now: datetime) -> str | None:
    """Why a message may not be sent as free text now: `opted_out`, `outside_24h`, or None: it may."""
    if gate.opted_out and not answers_customer:
        return OPTED_OUT
    if now - gate.last_message_at >= FREE_TEXT_WINDOW:
        return OUTSIDE_WINDOW
    return None
