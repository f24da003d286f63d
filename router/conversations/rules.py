"""Whose turn it is in a conversation, for how long, and which of two statuses of a message is the later one."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts.chat_api import ChatMode, ChatStatus

WAIT_FOR = timedelta(hours=2)
"""How long the bot is mute for somebody who waits for a person."""
STAFF_FOR = timedelta(hours=2)
"""How long it is mute after a person of the shop wrote, or took the conversation."""
FREE_TEXT_WINDOW = timedelta(hours=24)
"""After the customer's last message nothing but approved templates may be sent (Twilio refuses it with 63016)."""
MAX_PREVIEW = 120

_RANK = {
    ChatStatus.QUEUED: 0,
    ChatStatus.HELD: 1,  # its template may be approved while it still means something
    ChatStatus.EXPIRED: 2,
    ChatStatus.SENT: 3,
    ChatStatus.FAILED: 4,
    ChatStatus.DELIVERED: 5,
    ChatStatus.READ: 6,
}

NOT_ARRIVED = frozenset({ChatStatus.HELD, ChatStatus.EXPIRED, ChatStatus.FAILED})
MISSED = frozenset({ChatStatus.HELD, ChatStatus.FAILED})
"""What the shop is told of at once: nobody misses what meant nothing any more."""


@dataclass(frozen=True, slots=True)
class Turn:
    """`until` is None for the bot's."""

    mode: ChatMode = ChatMode.BOT
    until: datetime | None = None

    def at(self, now: datetime) -> "Turn":
        """As it is now: what is over is the bot's."""
        return BOTS_TURN if self.until is not None and now >= self.until else self


BOTS_TURN = Turn()


def asked(turn: Turn, now: datetime) -> Turn:
    """After the customer asked for a person. Asked again, it stands as it was: nobody waits longer for asking twice."""
    current = turn.at(now)
    return current if current.mode is not ChatMode.BOT else Turn(ChatMode.WAITING, now + WAIT_FOR)


def taken(now: datetime) -> Turn:
    """After a person of the shop wrote, or took the conversation."""
    return Turn(ChatMode.STAFF, now + STAFF_FOR)


def moves(before: ChatStatus, after: ChatStatus) -> bool:
    """Whether that news of a message to a customer is later than what is known."""
    if before is ChatStatus.RECEIVED or after is ChatStatus.RECEIVED:
        return False  # a customer's own message has come, and that is all
    return _RANK[after] > _RANK[before]


def may_write(last_from_customer: datetime | None, now: datetime) -> bool:
    """Whether free text may be sent. None: the customer never wrote here, as far as is known."""
    return last_from_customer is not None and now - last_from_customer < FREE_TEXT_WINDOW


def preview(text: str, media: list[str]) -> str:
    """One line of a message, for a list of conversations."""
    line = " ".join(text.split()) or ", ".join(media)
    return line if len(line) <= MAX_PREVIEW else line[: MAX_PREVIEW - 1].rstrip() + "…"
