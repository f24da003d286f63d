"""The worker: takes one inbox item of a conversation at a time, lets the step decide, does what it asks for, answers.
Short messages that already wait when a turn begins are one turn (`bot.conversation.bursts`).

No transaction is open while a command is performed. Every command's key comes from the item, so a turn that was cut
off anywhere is simply taken again: what was done is found done."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.conversation.bursts import as_one
from bot.conversation.languages import spoken
from bot.conversation.model import Command, Event, Heard, Outcome, Result, Said, StartCharge, State, Step
from bot.pace import next_to_customer
from bot.ports.performer import Performer
from bot.replies.pictures import as_sent
from bot.replies.reply import Picture, Reply
from bot.replies.saying import Saying, in_words
from bot.sending import FREE_TEXT_WINDOW, Sender
from bot.slots import Ran, Slots
from bot.store import consents, conversations, inbox, media
from bot.store.conversations import Arrival, Conversation, Item, LeaseLost, Turn
from bot.store.media import Media, MediaKind
from bot.store.messages import Draft
from bot.store.tables import ItemKind, Purpose
from contracts.errors import ErrorCode, ProblemBody
from contracts.events import DomainEvent
from contracts.router_api import CustomerRef
from contracts.states import InboxStatus
from kit.clock import Clock
from kit.db import Database, Tx
from kit.peers import Broken, Unreachable

_log = structlog.get_logger()

MAX_COMMANDS = 20
MAX_ERRORS = 5
"""After so many exceptions of our own an item is given up, so that the conversation can go on."""

_MOST_DELAY_S = 15
_ERROR_DELAY = timedelta(milliseconds=200)
_RENEW_WHEN_LEFT = timedelta(seconds=15)

_FRESH_LOOK = "CART"  # a word that works in any state and changes nothing


class EndlessTurn(Exception):
    """The step kept asking for commands and never came to a reply."""


def _unwatched(tx: Tx, vendor_id: str | None, state: State) -> None:
    pass


def _alone(state: State, waiting: Sequence[Said]) -> int:
    return 1


@dataclass(frozen=True, slots=True)
class Script:
    """What decides and what words it: the conversation's step and the catalogue's rendering."""

    step: Callable[[State, Event, datetime], Step]
    render: Callable[[Reply, str], str]
    """In that language."""
    together: Callable[[State, Sequence[Said]], int] = _alone
    """How many of the messages that wait, the oldest first, are read as one."""


@dataclass(frozen=True, slots=True)
class _Decided:
    state: State
    reply: Saying | None
    answers_customer: bool
    vendor_id: str | None = None
    """Whose shop it is about."""
    is_apology: bool = False
    """No shop pays for our mistakes."""
    known_as: str | None = None
    is_for_staff: bool = False


class _PeerDown(Exception):
    def __init__(self, command: Command, why: str, language: str) -> None:
        super().__init__(why)
        self.command = command
        self.language = language


class Turns:
    def __init__(
        self,
        db: Database,
        clock: Clock,
        owner: str,
        script: Script,
        performer: Performer,
        sender: Sender,
        *,
        threads: int,
        read: Callable[[str, str], Said],
        pace: timedelta = timedelta(0),
        watch: Callable[[Tx, str | None, State], None] = _unwatched,
    ) -> None:
        """`read` is the channel's: what its stored message of that id says. `pace`: one message in that time is what
        lasts, to one customer; zero is no bound. `watch` sees how each turn ends, in its transaction: whose shop it was
        about, and the state."""
        self._read = read
        self._db = db
        self._pace = pace
        self.watch = watch
        self._clock = clock
        self._owner = owner
        self._script = script
        self._performer = performer
        self._sender = sender
        self.slots: Slots[str, Turn] = Slots(threads)

    def begin(self, receive: Callable[[Tx, str | None], Turn | Arrival | None]) -> None:
        """Run `receive` in a transaction of its own, then see to what it stored.

        It gets the name to lease an idle conversation to, or None while every thread is busy."""
        with self.slots.offer() as offer, self._db.write() as tx:
            received = receive(tx, self._owner if offer.is_open else None)
            if isinstance(received, Turn):
                offer.accept(received.conversation.id, received)
        if isinstance(received, Arrival):
            self.slots.look()

    def turn(self) -> bool:
        """Take one turn of one conversation. Returns whether any was due."""
        return self.next() is not Ran.NOTHING

    def next(self) -> Ran:
        """`turn`, told more exactly."""
        return self.slots.run_next(self._claim, self._take)

    def give_back(self) -> None:
        """For a process that stops: all its leases are given up, and what was handed over and not begun is anyone's."""
        self.slots.take_back()
        with self._db.write() as tx:
            conversations.give_up_leases(tx, self._owner)

    def _claim(self, hold: Callable[[str], None]) -> Turn | None:
        now, held = self._clock.now(), self.slots.held()
        if not self.slots.take_tip():
            # Looking costs no write lock: an idle worker must not disturb those who write.
            with self._db.read() as tx:
                if not conversations.is_any_due(tx, me=self._owner, held=held, now=now):
                    return None
        with self._db.write() as tx:
            turn = conversations.claim(tx, me=self._owner, held=held, now=now, together=self._together)
            if turn is not None:
                hold(turn.conversation.id)
        return turn

    def _together(self, conversation: Conversation, items: Sequence[Item]) -> int:
        state = State.from_json(conversation.state or {})
        return self._script.together(state, [self._said(item) for item in items])

    def _take(self, turn: Turn) -> None:
        try:
            try:
                decided = self._decide(turn)
            except _PeerDown as down:
                self._wait_for_peer(turn, down)
            except (LeaseLost, SQLAlchemyError):
                raise
            except Exception as error:
                self._stumble(turn, error)
            else:
                self._finish(turn, decided, InboxStatus.PROCESSED)
        except LeaseLost:
            _log.warning("a turn was taken over", item=turn.item.item_id)

    def _decide(self, turn: Turn) -> _Decided:
        """Everything up to the reply. Nothing of it is stored here, and all of it may be done again."""
        before = State.from_json(turn.conversation.state or {})
        first = self._event(turn)
        state, event = before, first
        customer = CustomerRef(address=turn.conversation.address, name=turn.conversation.profile_name)
        for n in range(1, MAX_COMMANDS + 1):
            step = self._script.step(state, event, self._clock.now())
            if step.command is None:
                language, render = spoken(step.state), self._script.render
                saying = in_words(step.reply, language, render) if step.reply is not None else None
                return _Decided(
                    step.state,
                    saying,
                    step.answers_customer,
                    _shop_of(first, step.state),
                    known_as=step.known_as,
                    is_for_staff=step.is_for_staff,
                )
            turn = self._keep_lease(turn)
            try:
                result = self._performer.perform(step.command, customer, f"{turn.item.item_id}:{n}")
            except Broken:
                raise  # waiting would block the conversation for ever: a few tries, then an apology
            except Unreachable as down:
                raise _PeerDown(step.command, str(down), spoken(step.state)) from down
            state, event = step.state, Outcome(step.command, result)
            if _was_key_reused(result) and turn.item.kind is ItemKind.MESSAGE:
                # Taken again, the turn went another way than the first time (what it had looked up has changed since).
                # What the first way did stands; the customer is shown how things are instead.
                _log.warning("a repeated turn went another way", item=turn.item.item_id, n=n)
                state, event = before, Said(turn.item.item_id, _FRESH_LOOK, received_at=turn.item.received_at)
        raise EndlessTurn

    def _event(self, turn: Turn) -> Event:
        if turn.item.kind is ItemKind.NEWS:
            return Heard(DomainEvent.model_validate_json(turn.item.content))
        return as_one([self._said(item) for item in (turn.item, *turn.others)])

    def _said(self, item: Item) -> Said:
        return replace(self._read(item.item_id, item.content), received_at=item.received_at)

    def _keep_lease(self, turn: Turn) -> Turn:
        now, until = self._clock.now(), turn.conversation.lease_until
        if until is not None and until - now > _RENEW_WHEN_LEFT:
            return turn
        with self._db.write() as tx:
            conversations.renew(tx, turn.conversation.id, me=self._owner, now=now)
        return replace(turn, conversation=replace(turn.conversation, lease_until=now + conversations.LEASE))

    def _finish(self, turn: Turn, decided: _Decided, status: InboxStatus, why: str | None = None) -> None:
        """State, answer and the item's end are one commit, under the lease. Raises LeaseLost."""
        now, saying = self._clock.now(), decided.reply
        due, paced_until = next_to_customer(turn.conversation.paced_until, now, self._pace)
        with self._sender.slots.offer() as offer, self._db.write() as tx:
            has_unsent = conversations.done(
                tx,
                turn.conversation.id,
                me=self._owner,
                now=now,
                state=decided.state.to_json() if status is InboxStatus.PROCESSED else None,
                is_opted_out=decided.state.opted_out,
                paced_until=paced_until if saying is not None else turn.conversation.paced_until,
                items=1 + len(turn.others),
            )
            whose = decided.vendor_id if turn.item.kind is ItemKind.MESSAGE else None
            for item in (turn.item, *turn.others):
                inbox.end(tx, item.seq, status, now, why, whose)
            self.watch(tx, decided.vendor_id, decided.state)
            if status is InboxStatus.PROCESSED:
                _keep_consent(tx, turn, decided.state, now)
            if saying is not None:
                draft = _draft(turn, Purpose.REPLY, saying.text, answers_customer=decided.answers_customer)
                draft = replace(
                    draft,
                    vendor_id=None if decided.is_apology else decided.vendor_id,
                    media=self._kept(tx, saying, now),
                    tappable=saying.tappable,
                    template=saying.template,
                    due=due,
                    known_as=decided.known_as,
                    is_for_staff=decided.is_for_staff,
                    passing=saying.passing,
                )
                self._sender.enqueue(tx, draft, None if has_unsent or due > now else offer)

    def _kept(self, tx: Tx, saying: Saying, now: datetime) -> str | None:
        """The name that Twilio fetches its file by, while its message may be sent. None for what can't be sent."""
        expires_at = now + FREE_TEXT_WINDOW
        if saying.picture is not None:
            shown = self._shown(saying.picture, saying.text)
            return media.keep(tx, shown, expires_at=expires_at, now=now) if shown is not None else None
        if saying.paper is not None:
            return media.keep(tx, Media(MediaKind.PDF, paper=saying.paper), expires_at=expires_at, now=now)
        return None

    def _shown(self, picture: Picture, caption: str) -> Media | None:
        found = as_sent(picture, caption)
        if found is None:
            _log.warning("a picture can't be sent; its text goes alone", characters=len(picture.content_base64))
            return None
        form, data = found
        return Media(MediaKind(form), data)

    def _wait_for_peer(self, turn: Turn, down: _PeerDown) -> None:
        """Keep the item first in line, and tell the customer once that the answer will take a while."""
        _log.warning("a turn waits", item=turn.item.item_id, command=type(down.command).__name__, why=str(down))
        delay = timedelta(seconds=min(2 ** min(turn.item.attempts, 10), _MOST_DELAY_S))
        with self._db.write() as tx:
            conversations.put_back(tx, turn.conversation.id, me=self._owner, due=self._clock.now() + delay)
            inbox.try_again(tx, turn.item.seq, str(down), unreachable=True)
            if turn.item.kind is ItemKind.MESSAGE and turn.item.attempts == 0:
                is_payment = isinstance(down.command, StartCharge)
                notice = Reply("unreachable_payments" if is_payment else "unreachable_shop")
                body = self._script.render(notice, down.language)
                self._sender.enqueue(tx, _draft(turn, Purpose.NOTICE, body, answers_customer=True))

    def _stumble(self, turn: Turn, error: Exception) -> None:
        """Our own mistake: try again a few times, then give the item up and apologise."""
        errors = turn.item.errors + 1
        why = f"{type(error).__name__}: {error}"[:500]
        _log.error("a turn failed", item=turn.item.item_id, errors=errors, exc_info=error)
        if errors < MAX_ERRORS:
            due = self._clock.now() + _ERROR_DELAY * 2**errors
            with self._db.write() as tx:
                conversations.put_back(tx, turn.conversation.id, me=self._owner, due=due)
                inbox.try_again(tx, turn.item.seq, why, unreachable=False)
            return
        is_message = turn.item.kind is ItemKind.MESSAGE
        before = State.from_json(turn.conversation.state or {})
        language = spoken(before)
        apology = in_words(Reply("our_mistake"), language, self._script.render) if is_message else None
        whose = before.shop.vendor_id if before.shop is not None else None
        decided = _Decided(before, apology, answers_customer=True, vendor_id=whose, is_apology=True)
        self._finish(turn, decided, InboxStatus.FAILED, why)


def _shop_of(first: Event, after: State) -> str | None:
    """Whose shop a turn was about: the one that has news, else the one that the customer is in now."""
    if isinstance(first, Heard):
        return first.news.vendor_id
    return None if after.shop is None else after.shop.vendor_id


def _keep_consent(tx: Tx, turn: Turn, after: State, now: datetime) -> None:
    """STOP and START are kept with the message that said so."""
    was_opted_out = (turn.conversation.state or {}).get("opted_out") is True
    if after.opted_out is not was_opted_out:
        consents.changed(
            tx, turn.conversation.id, is_given=not after.opted_out, item_id=turn.item.item_id, at=turn.item.received_at
        )


def _was_key_reused(result: Result) -> bool:
    return isinstance(result, ProblemBody) and result.code == ErrorCode.IDEMPOTENCY_KEY_REUSED


def _draft(turn: Turn, purpose: Purpose, body: str, *, answers_customer: bool) -> Draft:
    return Draft(
        turn.conversation.id,
        turn.item.seq,
        purpose,
        sender=turn.conversation.shop_number,
        recipient=turn.conversation.address,
        body=body,
        answers_customer=answers_customer,
    )
