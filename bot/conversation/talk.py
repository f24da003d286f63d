"""One turn in the making: what is known, and the two ways it goes on. Asking is bounded, so that every turn ends."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.conversation.model import Command, Outcome, Reply, Said, State, Step
from bot.conversation.state import Listing, ListKind, Purpose, Shop, Turn
from bot.replies.reply import Option, ReplyParam

MAX_COMMANDS = 14
"""In one turn: more is a mistake of ours, and the customer should hear so instead of waiting. A message that names
several things takes one look at the shelves and one command for each that is added (`lists.MAX_PARTS`)."""

_MAX_KEPT_TEXT = 100
_LATE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Talk:
    """Immutable, like the state in it: every method gives the next one, or the step that the turn comes to."""

    state: State
    now: datetime
    turn: Turn
    options: tuple[Option, ...] = ()
    """What can be tapped below the answer."""

    @classmethod
    def begun_by(cls, state: State, said: Said, now: datetime) -> "Talk":
        is_late = said.received_at is not None and now - said.received_at > _LATE
        return cls(replace(state, turn=None), now, Turn(own_msisdn=said.sender_msisdn, is_late=is_late))

    @classmethod
    def continued(cls, state: State, outcome: Outcome, now: datetime) -> "Talk":
        return cls(state, now, state.turn or Turn())

    @property
    def shop(self) -> Shop:
        """The shop that the customer is in: handlers that need one are only reached with one."""
        if self.state.shop is None:
            raise ValueError("no shop was chosen")
        return self.state.shop

    def knowing(
        self,
        *,
        text: str | None = None,
        quantity: int | None = None,
        heading: str | None = None,
        code: str | None = None,
    ) -> "Talk":
        """With that kept for the rest of the turn."""
        turn = replace(
            self.turn,
            text=self.turn.text if text is None else text[:_MAX_KEPT_TEXT],
            quantity=self.turn.quantity if quantity is None else quantity,
            heading=self.turn.heading if heading is None else heading,
            code=self.turn.code if code is None else code,
        )
        return replace(self, turn=turn)

    def with_state(self, state: State) -> "Talk":
        return replace(self, state=state)

    def showing(self, listing: Listing) -> "Talk":
        return self.with_state(self.state.show(listing))

    def offering(self, *options: Option) -> "Talk":
        """With these to tap below what is said next."""
        return replace(self, options=options)

    def ask(self, purpose: Purpose, command: Command) -> Step:
        """Perform that, and come back with its outcome."""
        if self.turn.asked >= MAX_COMMANDS:
            return self.say("our_mistake")
        turn = replace(self.turn, purpose=purpose, asked=self.turn.asked + 1)
        return Step(replace(self.state, turn=turn), command=command)

    def say(self, key: str, **params: ReplyParam) -> Step:
        """That is the answer: the turn is over."""
        return Step(replace(self.state, turn=None, is_greeted=True), reply=Reply(key, params, options=self.options))

    def quiet(self) -> Step:
        """The turn is over, and nothing is said: it was for a person of the shop, and so may the next word be."""
        return Step(replace(self.state.asking_nothing(), turn=None))

    def list_of(self, kind: ListKind) -> Listing | None:
        """The list last shown, if it is of that kind and not too old. For items: the items last shown, whatever was
        shown after them."""
        listing = self.state.items if kind is ListKind.ITEMS else self.state.other
        if listing is None or listing.kind is not kind or not listing.is_alive(self.now):
            return None
        return listing
