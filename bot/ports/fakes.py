"""Stand-ins for what the bot calls, for tests: they remember what was asked and fail in every way the real ones do."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from bot.conversation.model import Command, Result
from bot.ports.messenger import LookUpFailed, Sending, Taken
from contracts.router_api import CustomerRef
from kit.clock import Clock


@dataclass(frozen=True, slots=True)
class Posted:
    """A message that the fake Twilio took."""

    sid: str
    sender: str
    recipient: str
    body: str
    taken_at: datetime
    picture_url: str | None = None


class FakeMessenger:
    """A Messenger that takes everything, unless told how the next calls end."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self.taken: list[Posted] = []
        self.calls = 0
        self.look_ups = 0
        self.next: deque[tuple[Sending, bool]] = deque()
        """How the coming calls end: the outcome, and whether the message was taken all the same."""
        self.is_blind = False
        """Look-ups fail."""
        self.before_call: Callable[[str], None] = lambda body: None
        """Called with the body before each call, outside any lock: a test may wait or raise in it."""

    def send(self, sender: str, recipient: str, body: str, picture_url: str | None = None) -> Sending:
        self.before_call(body)
        with self._lock:
            self.calls += 1
            outcome, is_taken = self.next.popleft() if self.next else (None, True)
            if not is_taken:
                assert outcome is not None
                return outcome
            posted = Posted(f"SM{len(self.taken) + 1:032x}", sender, recipient, body, self._clock.now(), picture_url)
            self.taken.append(posted)
            return outcome or Taken(posted.sid)

    def find(self, sender: str, recipient: str, body: str, since: datetime) -> list[str]:
        with self._lock:
            self.look_ups += 1
            if self.is_blind:
                raise LookUpFailed("blind")
            return [
                posted.sid
                for posted in reversed(self.taken)
                if (posted.sender, posted.recipient, posted.body) == (sender, recipient, body)
                and posted.taken_at >= since
            ]

    def warm_up(self) -> None:
        pass

    def bodies(self, recipient: str | None = None) -> list[str]:
        with self._lock:
            return [posted.body for posted in self.taken if recipient in (None, posted.recipient)]


@dataclass(frozen=True, slots=True)
class Asked:
    """A command that was performed."""

    command: Command
    customer: CustomerRef
    key: str


@dataclass(slots=True)
class FakePerformer:
    """A Performer that answers with `answer`, once per key as the real ones do: the same key, the same answer."""

    answer: Callable[[Command], Result]
    asked: list[Asked] = field(default_factory=list[Asked])
    """Every call, repeats included."""
    before: Callable[[Asked], None] = lambda asked: None
    """Called before the effect, and may raise Unreachable."""
    after: Callable[[Asked], None] = lambda asked: None
    """Called after the effect and before the answer: what it raises is an answer that was lost."""
    _answers: dict[str, Result] = field(default_factory=dict[str, Result])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def perform(self, command: Command, customer: CustomerRef, key: str) -> Result:
        asked = Asked(command, customer, key)
        with self._lock:
            self.asked.append(asked)
        self.before(asked)
        with self._lock:
            if key not in self._answers:
                self._answers[key] = self.answer(command)
        self.after(asked)
        return self._answers[key]

    @property
    def effects(self) -> list[str]:
        """The keys that had an effect, in order."""
        return list(self._answers)
