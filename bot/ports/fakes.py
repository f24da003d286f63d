"""Stand-ins for what the bot calls, for tests: they remember what was asked and fail in every way the real ones do."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from bot.channels.remedies import Remedy
from bot.channels.twilio_codes import remedy_for
from bot.conversation.model import Command, Result
from bot.ports.messenger import LookUpFailed, Outbound, Sending, Taken
from bot.replies.template import Template
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
    message: Outbound

    @property
    def media_url(self) -> str | None:
        return self.message.media_url


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
        self.approved: set[str] = set()
        """Keys of the templates that may be sent to somebody who has not written for a day."""
        self.before_call: Callable[[str], None] = lambda body: None
        """Called with the body before each call, outside any lock: a test may wait or raise in it."""

    def send(self, message: Outbound) -> Sending:
        body = " ".join(message.template.values) if message.template is not None else message.text
        self.before_call(body)
        with self._lock:
            self.calls += 1
            outcome, is_taken = self.next.popleft() if self.next else (None, True)
            if not is_taken:
                assert outcome is not None
                return outcome
            sid, now = f"SM{len(self.taken) + 1:032x}", self._clock.now()
            posted = Posted(sid, message.sender, message.recipient, body, now, message)
            self.taken.append(posted)
            return outcome or Taken(posted.sid)

    def find(self, message: Outbound, since: datetime) -> list[str]:
        with self._lock:
            self.look_ups += 1
            if self.is_blind:
                raise LookUpFailed("blind")
            recent = [posted for posted in reversed(self.taken) if posted.taken_at >= since]
            return [posted.sid for posted in recent if _are_alike(posted.message, message)]

    def may_open_with(self, template: Template) -> bool:
        return template.key in self.approved

    def remedy(self, code: int | None) -> Remedy:
        return remedy_for(code)

    def bodies(self, recipient: str | None = None) -> list[str]:
        with self._lock:
            return [posted.body for posted in self.taken if recipient in (None, posted.recipient)]


def _are_alike(one: Outbound, other: Outbound) -> bool:
    return (one.sender, one.recipient, one.text) == (other.sender, other.recipient, other.text)


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
