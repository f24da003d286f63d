"""The shops' people, as a conversation sees them: who answers, until when, and what they write."""

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.conversation.model import AskForPerson, JoinAlerts, LeaveAlerts, ReturnToBot
from contracts.chat_api import (
    AlertsJoined,
    AlertsLeft,
    ChatMode,
    HandoverNews,
    HandoverView,
    StaffMessageNews,
)
from contracts.errors import ErrorCode, ProblemBody
from contracts.events import DomainEvent, EventType

PeopleCommand = AskForPerson | ReturnToBot | JoinAlerts | LeaveAlerts
CODE = "CDFGHJ"
"""Of the only invitation that there is."""
_LASTS = timedelta(hours=2)


class FakePeople:
    """Nobody answers in the chat, unless `are_there`."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._now = clock
        self.are_there = False
        self.turns: dict[str, HandoverView] = {}
        self._heard = 0

    def perform(self, command: PeopleCommand) -> HandoverView | AlertsJoined | AlertsLeft | ProblemBody:
        match command:
            case AskForPerson(vendor_id) if not self.are_there:
                del vendor_id
                return ProblemBody(title="", status=403, code=ErrorCode.CAPABILITY_MISSING)
            case AskForPerson(vendor_id):
                return self.turns.setdefault(vendor_id, self._turn(ChatMode.WAITING))
            case ReturnToBot(vendor_id):
                self.turns.pop(vendor_id, None)
                return HandoverView(mode=ChatMode.BOT)
            case JoinAlerts(_, code):
                if code.upper() == CODE:
                    return AlertsJoined(shop_name="Mama Njeri")
                return ProblemBody(title="", status=404, code=ErrorCode.INVITATION_UNKNOWN)
            case LeaveAlerts():
                return AlertsLeft(was_told=True)

    def _turn(self, mode: ChatMode) -> HandoverView:
        return HandoverView(mode=mode, until=self._now() + _LASTS)

    # --- news ---

    def take(self, vendor_id: str = "vendor-mama", by: str = "") -> DomainEvent:
        self.turns[vendor_id] = self._turn(ChatMode.STAFF)
        return self._turned(vendor_id, EventType.CHAT_TAKEN, self.turns[vendor_id], taken_by=by)

    def give_back(self, by: str, vendor_id: str = "vendor-mama") -> DomainEvent:
        """`customer`, `shop` or `timer`."""
        self.turns.pop(vendor_id, None)
        return self._turned(vendor_id, EventType.CHAT_RETURNED, HandoverView(mode=ChatMode.BOT), by)

    def write(self, text: str, by: str = "Wanjiru", vendor_id: str = "vendor-mama") -> DomainEvent:
        self.turns[vendor_id] = self._turn(ChatMode.STAFF)
        news = StaffMessageNews(
            message_id=f"staff-{self._heard + 1}",
            customer_address="whatsapp:+254708374149",
            shop_name="Mama Njeri",
            text=text,
            by=by,
            until=self.turns[vendor_id].until,
        )
        return self.event(EventType.CHAT_STAFF_MESSAGE, news.model_dump(mode="json"), vendor_id)

    def event(self, kind: EventType, data: dict[str, object], vendor_id: str = "vendor-mama") -> DomainEvent:
        self._heard += 1
        return DomainEvent(
            event_id=f"people-{self._heard}",
            type=kind,
            vendor_id=vendor_id,
            aggregate="conversation:1",
            occurred_at=self._now(),
            data=data,
        )

    def _turned(
        self, vendor_id: str, kind: EventType, turn: HandoverView, by: str | None = None, taken_by: str = ""
    ) -> DomainEvent:
        news = HandoverNews(
            conversation_id="1",
            customer_address="whatsapp:+254708374149",
            shop_name="Mama Njeri",
            mode=turn.mode,
            until=turn.until,
            by=taken_by,
            returned_by=by,
        )
        return self.event(kind, news.model_dump(mode="json"), vendor_id)
