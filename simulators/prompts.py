"""What a phone asks its owner, whoever's money it is about: the states of a prompt and what a person can do with it."""

from enum import StrEnum

RIGHT_PIN = "1234"


class PromptState(StrEnum):
    WAITING = "waiting"
    PAID = "paid"
    WRONG_PIN = "wrong_pin"
    CANCELLED = "cancelled"
    IGNORED = "ignored"
    """Left lying. It still occupies the phone, and ends as unanswered when it expires."""
    NO_MONEY = "no_money"
    EXPIRED = "expired"
    FAILED = "failed"
    """The provider ended it; nobody was asked."""


class Action(StrEnum):
    PIN = "pin"
    CANCEL = "cancel"
    IGNORE = "ignore"
    NO_MONEY = "no_money"


class NotWaiting(ValueError):
    """The prompt has left the phone: it was answered, or it expired."""


class UnknownPrompt(ValueError):
    """There is no prompt with that id."""


class PhoneBusy(ValueError):
    """Another prompt is on that phone; one at a time."""
