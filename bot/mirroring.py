"""Mirrors conversations down to the router, shop by shop: what customers and the bot wrote, and what became of it, for
shops that have people in the chat; what did not arrive, for every shop.

Everything is told until the router has said that it has it, so it may be told twice; the router knows each message by
its id. While a person answers somewhere, what is said there is told right after its commit; else within seconds."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from pydantic import BaseModel

from bot.conversation.model import Said, State
from bot.pauses import ENOUGH_UNANSWERED, Pauses, is_shops_own
from bot.store import telling
from bot.store.tables import MessageStatus
from bot.store.telling import HeardItem, SentItem
from contracts.chat_api import (
    MAX_REPORTED,
    MAX_TEXT,
    ChatAuthor,
    ChatMessage,
    ChatReport,
    ChatStatus,
    ChatStatusNews,
    ChatTaken,
    Undelivered,
    UndeliveredTaken,
)
from contracts.errors import ErrorCode
from contracts.ids import derived_id
from contracts.router_api import CustomerRef
from kit.background import Loop
from kit.clock import Clock
from kit.db import Database, Tx
from kit.peers import Peer, Refusal, Unreachable

_log = structlog.get_logger()

REPORT_PATH = "/v1/chat/report"
UNDELIVERED_PATH = "/v1/chat/undelivered"
SWEEP_S = 3.0
"""How late what was said where nobody waits is told."""
SHOPS_A_TURN = 100
MAX_BYTES = 48 * 1024
"""Of the messages in one report: the router refuses bodies above 64 kB."""
LEFT_ALONE = timedelta(minutes=10)
"""How long a shop without people in the chat is told nothing of them, unless somebody asks for a person there."""
MOST_LEFT_OUT = 1000
"""Rows that are marked at a time."""

_FIRST_PAUSE = timedelta(seconds=5)
_MOST_MEDIA = 10
_MAX_REASON = 200
_OWN = "out:"
_NOT_ARRIVED = (MessageStatus.FAILED, MessageStatus.HELD, MessageStatus.EXPIRED)


class ChatListener(Protocol):
    def report(self, vendor_id: str, told: ChatReport, key: str) -> ChatTaken:
        """Raises Unreachable or Refusal."""
        ...

    def undelivered(self, vendor_id: str, told: Undelivered, key: str) -> UndeliveredTaken:
        """Raises Unreachable or Refusal."""
        ...


class ChatRouter:
    """The router, as far as it is told of conversations."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def report(self, vendor_id: str, told: ChatReport, key: str) -> ChatTaken:
        return self._peer.post(ChatTaken, REPORT_PATH, told, vendor=vendor_id, idempotency_key=key)

    def undelivered(self, vendor_id: str, told: Undelivered, key: str) -> UndeliveredTaken:
        return self._peer.post(UndeliveredTaken, UNDELIVERED_PATH, told, vendor=vendor_id, idempotency_key=key)


class Mirroring:
    """Several may run at once, in several processes: then some is told twice, which changes nothing. `read` is the
    channel's: what its stored message of that id says."""

    def __init__(self, db: Database, clock: Clock, listener: ChatListener, read: Callable[[str, str], Said]) -> None:
        self._db = db
        self._clock = clock
        self._listener = listener
        self._read = read
        self.wake: Callable[[], None] = lambda: None
        """Called when a turn is worth taking at once."""
        self._lock = threading.Lock()
        self._live: dict[str, datetime] = {}
        self._urgent: set[str] = set()
        self._paused = Pauses(clock, _FIRST_PAUSE)
        self._alone: dict[str, datetime] = {}
        self._batch: dict[str, int] = {}
        self._after = {"lost": "", "said": ""}
        self._swept_at: float | None = None

    def loop(self) -> Loop:
        loop = Loop("bot-mirroring", self.turn, idle_s=SWEEP_S)
        self.wake = loop.wake
        return loop

    # --- what is worth hurrying for ---

    def watch(self, tx: Tx, vendor_id: str | None, state: State) -> None:
        """A turn in that shop has ended so: if a person answers there, the shop's people read it at once."""
        handover = state.handover(vendor_id) if vendor_id is not None else None
        if vendor_id is None or handover is None or not handover.is_mute(self._clock.now()):
            return
        with self._lock:
            self._live[vendor_id] = handover.until or self._clock.now()
            self._alone.pop(vendor_id, None)  # there are people after all
        tx.after_commit(lambda: self._hurry((vendor_id,)))

    def moved(self) -> None:
        """A message left, or something became of it: of which shop is not known here."""
        if not self._live:
            return
        now = self._clock.now()
        with self._lock:
            self._live = {vendor: until for vendor, until in self._live.items() if now < until}
            live = tuple(self._live)
        self._hurry(live)

    def _hurry(self, vendors: Sequence[str]) -> None:
        if vendors:
            with self._lock:
                self._urgent.update(vendors)
            self.wake()

    # --- telling ---

    def turn(self) -> bool:
        """Tell of the shops that are in a hurry, or of all that it is time for. Returns whether more is waiting."""
        with self._lock:
            urgent, self._urgent = self._urgent, set()
        if urgent and self._swept_at is not None and time.monotonic() - self._swept_at < SWEEP_S:
            has_more = [self._try(vendor, tell) for vendor in sorted(urgent) for tell in (self._tell_lost, self._tell)]
            return True in has_more
        return self.sweep()

    def sweep(self) -> bool:
        """One batch of each of so many shops. Returns whether more is waiting already."""
        self._swept_at = time.monotonic()
        is_more = self._each("lost", telling.next_with_lost, self._tell_lost)
        return self._each("said", telling.next_shop, self._tell) or is_more

    def _each(self, kind: str, next_shop: Callable[[Tx, str], str | None], tell: Callable[[str], bool]) -> bool:
        is_more, unanswered = False, 0
        for _ in range(SHOPS_A_TURN):
            with self._db.read() as tx:
                vendor_id = next_shop(tx, self._after[kind])
            self._after[kind] = vendor_id or ""
            if vendor_id is None:
                return is_more
            answered = self._try(vendor_id, tell)
            is_more = bool(answered) or is_more
            unanswered += answered is None
            if unanswered >= ENOUGH_UNANSWERED:
                return False
        return True

    def _try(self, vendor_id: str, tell: Callable[[str], bool]) -> bool | None:
        """Whether the shop has more to be told; None if nobody answered."""
        if self._paused.holds(vendor_id):
            return False
        try:
            is_more = tell(vendor_id)
        except (Unreachable, Refusal) as error:
            again_in = str(self._paused.begin(vendor_id, error))
            why = str(error)
            _log.warning(
                "a shop was not told of its conversations yet", vendor_id=vendor_id, why=why, again_in=again_in
            )
            return False if is_shops_own(error) else None
        self._paused.end(vendor_id)
        return is_more

    def _tell(self, vendor_id: str) -> bool:
        now = self._clock.now()
        alone_until = self._alone.get(vendor_id)
        if alone_until is not None and now < alone_until:
            return self._leave_out(vendor_id, now)
        batch = self._next(vendor_id)
        if batch.is_empty:
            self._batch.pop(vendor_id, None)
            return False
        statuses = [_status(item, now) for item in batch.sent if _is_known(item)]
        report = ChatReport(messages=list(batch.messages), statuses=statuses)
        try:
            self._listener.report(vendor_id, report, _key_of(report))
        except Refusal as refusal:
            if refusal.problem.code == ErrorCode.CAPABILITY_MISSING:
                self._alone[vendor_id] = now + LEFT_ALONE
                return self._leave_out(vendor_id, now)
            if not self._is_to_be_dropped(vendor_id, refusal, len(batch.messages) + len(statuses)):
                raise
        with self._db.write() as tx:
            telling.items_told(tx, [item.seq for item in batch.heard], now)
            telling.status_told(tx, batch.sent)
        return batch.has_more

    def _next(self, vendor_id: str) -> "_Batch":
        most = self._batch.get(vendor_id, MAX_REPORTED)
        with self._db.read() as tx:
            heard = telling.heard(tx, vendor_id, limit=most)
            sent = telling.sent(tx, vendor_id, limit=most) if not heard or most > 1 else []
        items = [self._heard(item) for item in heard]
        news = [_message(item) for item in sent if not _is_known(item)]
        fitting = _fitting([*items, *news])
        taken = {message.message_id for message in fitting}
        return _Batch(
            fitting,
            [item for item in heard if item.item_id in taken],
            [item for item in sent if _is_known(item) or _id_of(item) in taken],
            has_more=len(fitting) < len(items) + len(news) or max(len(heard), len(sent)) >= most,
        )

    def _tell_lost(self, vendor_id: str) -> bool:
        most = self._batch.get(vendor_id, MAX_REPORTED)
        with self._db.read() as tx:
            lost = telling.lost(tx, vendor_id, limit=most)
        fitting = _fitting([_message(item) for item in lost if not item.is_superseded])
        taken = {message.message_id for message in fitting}
        if fitting:
            told = Undelivered(messages=list(fitting))
            try:
                self._listener.undelivered(vendor_id, told, _key_of(told))
            except Refusal as refusal:
                if not self._is_to_be_dropped(vendor_id, refusal, len(fitting)):
                    raise
        done = [item for item in lost if item.is_superseded or _id_of(item) in taken]
        with self._db.write() as tx:
            telling.status_told(tx, done)
        return len(done) < len(lost) or len(lost) >= most

    def _heard(self, item: HeardItem) -> ChatMessage:
        said = self._read(item.item_id, item.content)
        return ChatMessage(
            message_id=item.item_id,
            customer=CustomerRef(address=item.address, name=item.profile_name),
            author=ChatAuthor.CUSTOMER,
            text=said.text[: 2 * MAX_TEXT],
            media=list(said.media[:_MOST_MEDIA]),
            at=item.received_at,
            status=ChatStatus.RECEIVED,
        )

    # --- what can't be told ---

    def _is_to_be_dropped(self, vendor_id: str, refusal: Refusal, size: int) -> bool:
        """One message that the router can't read must not hold back the others: they are told one by one, and it is
        left out."""
        if refusal.problem.code != ErrorCode.INVALID_REQUEST:
            return False
        if size > 1:
            self._batch[vendor_id] = 1
            return False
        _log.error("a message of a conversation can't be told", vendor_id=vendor_id, why=str(refusal))
        self._batch.pop(vendor_id, None)
        return True

    def _leave_out(self, vendor_id: str, now: datetime) -> bool:
        """A shop without people in the chat: nothing of its conversations is needed. Returns whether there is more."""
        with self._db.write() as tx:
            return telling.leave_out(tx, vendor_id, now, limit=MOST_LEFT_OUT) >= MOST_LEFT_OUT


@dataclass(frozen=True, slots=True)
class _Batch:
    """What one report tells: new messages, and where they and the moved statuses come from."""

    messages: Sequence[ChatMessage]
    heard: Sequence[HeardItem]
    sent: Sequence[SentItem]
    has_more: bool

    @property
    def is_empty(self) -> bool:
        return not self.heard and not self.sent


def _is_staffs(item: SentItem) -> bool:
    return item.known_as is not None and not item.known_as.startswith(_OWN)


def _is_known(item: SentItem) -> bool:
    """At the router, which only wants to hear what became of it."""
    return item.told_status is not None or _is_staffs(item)


def _id_of(item: SentItem) -> str:
    return item.known_as or f"{_OWN}{item.seq}"


def _message(item: SentItem) -> ChatMessage:
    return ChatMessage(
        message_id=_id_of(item),
        customer=CustomerRef(address=item.recipient),
        author=ChatAuthor.STAFF if _is_staffs(item) else ChatAuthor.BOT,
        text=item.body[: 2 * MAX_TEXT],
        media=["document" if item.media.endswith(".pdf") else "image"] if item.media else [],
        at=item.created_at,
        status=ChatStatus(item.status.value),
        reason=_reason(item),
        error_code=item.error_code,
    )


def _status(item: SentItem, now: datetime) -> ChatStatusNews:
    return ChatStatusNews(
        message_id=_id_of(item),
        status=ChatStatus(item.status.value),
        at=now,
        reason=_reason(item),
        error_code=item.error_code,
    )


def _reason(item: SentItem) -> str | None:
    """Why it did not arrive: of one that did, the reason is why it had to wait."""
    return item.reason[:_MAX_REASON] if item.reason and item.status in _NOT_ARRIVED else None


def _fitting(messages: Sequence[ChatMessage]) -> Sequence[ChatMessage]:
    """The first of them, as many as one report holds."""
    size = 0
    for count, message in enumerate(messages[:MAX_REPORTED]):
        size += len(message.model_dump_json().encode())
        if size > MAX_BYTES and count > 0:
            return messages[:count]
    return messages[:MAX_REPORTED]


def _key_of(told: BaseModel) -> str:
    """The same for the very same report, so that a repeat is answered without being read anew."""
    return derived_id("chat_report", told.model_dump_json())
