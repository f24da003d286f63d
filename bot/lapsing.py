"""What becomes of messages that mean something only for a while: looked at right before they leave, and every half
minute while they are held."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from bot.conversation.model import ShowCart
from bot.ports.messenger import Messenger
from bot.ports.performer import Performer
from bot.replies.passing import Left, Passing, StillLeft
from bot.store import lapsing
from bot.store.lapsing import TOO_LATE
from bot.store.messages import Gate
from contracts.router_api import CartView, CustomerRef, OrderView
from contracts.states import IntentStatus
from kit.background import Loop
from kit.clock import Clock
from kit.db import Database
from kit.peers import Unreachable

_log = structlog.get_logger()

IDLE_S = 30.0
BATCH = 200

SOON = timedelta(minutes=1)
"""So long it is believed that something is as it was announced, where nobody can be asked."""

CUSTOMER_WROTE = "customer_wrote"
"""Why a reminder expired: whoever it is for is here."""
NO_LONGER_SO = "no_longer_so"
"""Why a reminder expired: what was left behind was bought, paid, emptied, cancelled, or is being paid."""
NOT_KNOWN = "not_known"
"""Why a reminder expired: nobody could say whether it is still true."""

_BEING_PAID = (IntentStatus.CREATED, IntentStatus.PROVIDER_PENDING, IntentStatus.UNKNOWN)


class Truth:
    """Whether what a message reminds of is still left lying, as the router knows it now."""

    def __init__(self, performer: Performer, clock: Clock) -> None:
        self._performer = performer
        self._clock = clock

    def why_not(self, recipient: str, left: StillLeft) -> str | None:
        """None: it is still so. Never called with a transaction open."""
        now = self._clock.now()
        try:
            look = f"{left.order_id}:{now.isoformat()}"
            shown = self._performer.perform(ShowCart(left.vendor_id), CustomerRef(address=recipient), look)
        except Unreachable as error:
            is_news = now - left.as_of < SOON
            _log.warning("nobody can say whether a reminder is still true", order_id=left.order_id, why=str(error))
            return None if is_news else NOT_KNOWN
        if not isinstance(shown, CartView):
            return NOT_KNOWN
        return None if is_left(shown, left) else NO_LONGER_SO


def is_left(shown: CartView, left: StillLeft) -> bool:
    match left.what:
        case Left.CART:
            return shown.cart is not None and shown.cart.order_id == left.order_id and bool(shown.cart.lines)
        case Left.ORDER:
            return any(order.order_id == left.order_id and not _is_being_paid(order) for order in shown.unpaid)


def _is_being_paid(order: OrderView) -> bool:
    payment = order.payment
    return payment is not None and (payment.intent_status in _BEING_PAID or payment.instructions is not None)


def why_lapsed(passing: Passing | None, gate: Gate, now: datetime) -> str | None:
    """Why a message means nothing any more, as far as that can be told without asking anybody."""
    if passing is None:
        return None
    if now >= passing.not_after:
        return TOO_LATE
    left = passing.while_left
    return CUSTOMER_WROTE if left is not None and gate.last_message_at > left.as_of else None


class Lapses:
    """Of messages that are held: those that mean nothing any more have expired, and those whose template was approved
    meanwhile are queued again. Several may run at once."""

    def __init__(self, db: Database, clock: Clock, messenger: Messenger, wake: Callable[[], None]) -> None:
        """`wake`: there may be something to send."""
        self._db = db
        self._clock = clock
        self._messenger = messenger
        self._wake = wake

    def loop(self) -> Loop:
        return Loop("bot-lapses", self.turn, idle_s=IDLE_S)

    def turn(self) -> bool:
        """Always returns False: the next look is never urgent."""
        now = self._clock.now()
        with self._db.read() as tx:
            if not lapsing.is_any_held(tx):
                return False
        with self._db.write() as tx:
            expired = lapsing.expire_held(tx, now)
        if expired:
            _log.info("held messages mean nothing any more", messages=expired)
        with self._db.read() as tx:
            held = lapsing.held_passing(tx, limit=BATCH)
        approved = [message.seq for message in held if self._messenger.may_open_with(message.template)]
        if approved:
            with self._db.write() as tx:
                for seq in approved:
                    lapsing.released(tx, seq, now)
                tx.after_commit(self._wake)
        return False
