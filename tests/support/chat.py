"""One customer's phone without a phone: what is typed goes through the step, its commands through a fake router."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.conversation.languages import spoken
from bot.conversation.model import Command, Heard, Location, Outcome, Reply, Said, State, Step
from bot.conversation.step import step
from bot.conversation.talk import MAX_COMMANDS
from bot.replies.rendering import render
from contracts.events import DomainEvent
from tests.support.fake_router import FakeRouter
from tests.support.fake_shops import FakeShop

START = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Answer:
    """What came back: the text as it would be sent, the key of its reply, and the commands that were performed."""

    text: str
    key: str
    commands: tuple[Command, ...]


class Chat:
    """State goes through its JSON form after every turn, as it does between two messages in life."""

    def __init__(self, shops: list[FakeShop] | None = None) -> None:
        self.now = START
        self.router = FakeRouter(lambda: self.now, shops)
        self.state = State()
        self.own_msisdn: str | None = None
        self.replies: list[Reply] = []

    def says(
        self,
        text: str,
        *,
        media: tuple[str, ...] = (),
        waited: timedelta | None = None,
        payload: str | None = None,
        location: Location | None = None,
    ) -> Answer:
        taken, commands = self._take(text, media=media, waited=waited, payload=payload, location=location)
        assert taken.reply is not None, f"{text!r} was not answered"
        assert taken.answers_customer
        self._keep(taken.state)
        self.replies.append(taken.reply)
        return Answer(render(taken.reply, spoken(taken.state)), taken.reply.key, tuple(commands))

    def says_unanswered(self, text: str, *, media: tuple[str, ...] = (), payload: str | None = None) -> None:
        """For the people of the shop: the bot neither answers nor does anything."""
        taken, commands = self._take(text, media=media, payload=payload)
        assert taken.reply is None, f"{text!r} was answered: {taken.reply.key}"
        assert commands == []
        self._keep(taken.state)

    def _take(
        self,
        text: str,
        *,
        media: tuple[str, ...] = (),
        waited: timedelta | None = None,
        payload: str | None = None,
        location: Location | None = None,
    ) -> tuple[Step, list[Command]]:
        self.now += timedelta(seconds=5)
        received_at = None if waited is None else self.now - waited
        said = Said("SM1", text, media, self.own_msisdn, received_at, payload, location)
        taken = step(self.state, said, self.now)
        commands: list[Command] = []
        while taken.command is not None:
            commands.append(taken.command)
            assert len(commands) <= MAX_COMMANDS, f"{text!r} took {commands}"
            result = self.router.perform(taken.command)
            taken = step(taken.state, Outcome(taken.command, result), self.now)
        return taken, commands

    def taps(self, payload: str, text: str = "what stood on it", *, waited: timedelta | None = None) -> Answer:
        """A button or a line of a list with that token."""
        return self.says(text, waited=waited, payload=payload)

    def sends_pin(self, latitude: float, longitude: float, label: str = "") -> Answer:
        """A location, as the phone sends it: no text, and degrees."""
        return self.says("", media=("location",), location=Location(latitude, longitude, label=label))

    def says_each(self, *texts: str) -> Answer:
        """The answer to the last of them."""
        answers = [self.says(text) for text in texts]
        return answers[-1]

    def hears(self, news: DomainEvent) -> str | None:
        """The message that the news becomes, or None for silence."""
        self.now += timedelta(seconds=5)
        taken = step(self.state, Heard(news), self.now)
        assert taken.command is None
        assert not taken.answers_customer
        self._keep(taken.state)
        if taken.reply is None:
            return None
        self.replies.append(taken.reply)
        return render(taken.reply, spoken(taken.state))

    def waits(self, time: timedelta) -> None:
        self.now += time

    def cart(self) -> list[tuple[str, int]]:
        """Names and quantities of what is in Mama's cart."""
        cart = self.router.cart_of("vendor-mama")
        return [(line.name, line.quantity) for line in cart.lines] if cart else []

    def confirms_two(self) -> tuple[str, str]:
        """Two confirmed orders in an emptied cart's place: the older one's code and the newer one's."""
        if self.cart():
            self.says("CANCEL ORDER")
        self.says_each("add milk", "CONFIRM")
        older = self.router.latest().code
        self.says_each("add bread", "CONFIRM")
        return older, self.router.latest().code

    def _keep(self, state: State) -> None:
        kept = State.from_json(state.to_json())
        assert kept == state, "a state must survive its JSON form"
        assert state.turn is None, "a turn that is over leaves nothing behind"
        self.state = kept
