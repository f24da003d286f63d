"""People in the chat: what the bot tells the router of conversations, and what comes back up as events.

The bot holds the chat; the router holds whose turn it is. A conversation is answered by the bot, waits for a person of
the shop, or is answered by that person. While it is not the bot's, the bot is mute until `until`, or until the customer
asks for it. All routes are signed and of the shop in `x-vendor-id`.

Reports may come twice and in any order: a message counts once by its id, its status only ever moves forward."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from contracts.money import Currency
from contracts.router_api import CustomerRef, DeliveryView, Wire

MAX_REPORTED = 50
"""Messages, and as many statuses, in one report."""
MAX_TEXT = 1600
"""Characters of one message: what Twilio takes."""
MAX_NAME = 80


class ChatMode(StrEnum):
    """Who answers. `waiting`: a person of the shop was asked for and none has answered yet."""

    BOT = "bot"
    WAITING = "waiting"
    STAFF = "staff"


class ChatAuthor(StrEnum):
    CUSTOMER = "customer"
    BOT = "bot"
    STAFF = "staff"


class ChatStatus(StrEnum):
    """Of a message to a customer, in this order: it only moves forward. `received` is the customer's own. `held`: it
    may not be sent (no template fits outside the 24 hours, or the customer said STOP); `expired`: it meant nothing any
    more before it could be sent, and never will be; `failed`: it was refused."""

    RECEIVED = "received"
    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    HELD = "held"
    EXPIRED = "expired"
    FAILED = "failed"


MessageId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9:_-]{1,100}$")]
"""Of a message as the bot knows it, for ever the same: the MessageSid of a customer's, `out:<seq>` of the bot's own,
and of a staff message the id that the router gave it."""


class HandoverView(Wire):
    """Whose turn it is. `until` is None for the bot's."""

    mode: ChatMode
    until: datetime | None = None


class AskForPerson(Wire):
    """POST /v1/chat/handover → HandoverView. The customer wants a person. Asked again, it stands as it was.

    403 capability_missing: this shop has nobody who answers here."""

    customer: CustomerRef
    about: str = Field(default="", max_length=MAX_TEXT)
    """What the customer wrote with it."""


class ReturnToBot(Wire):
    """POST /v1/chat/return → HandoverView. The customer wants the bot again, or the time is over."""

    customer: CustomerRef


class ChatMessage(BaseModel):
    """One message of a conversation, as it is shown to the shop's people."""

    model_config = ConfigDict(frozen=True)

    message_id: MessageId
    customer: CustomerRef
    author: ChatAuthor
    text: str = Field(default="", max_length=2 * MAX_TEXT)
    """A message without text (a picture, a voice note, a pin) has none: `media` says what there was."""
    media: list[Annotated[str, StringConstraints(max_length=40)]] = Field(default_factory=list[str], max_length=10)
    at: AwareDatetime
    status: ChatStatus
    reason: str | None = Field(default=None, max_length=200)
    """Why it is held, expired or failed, in a word: `outside_24h`, `opted_out`; `too_late`, `no_longer_so`,
    `customer_wrote`, `not_known`; or the provider's."""
    error_code: int | None = None


class ChatStatusNews(BaseModel):
    """What became of a message that was reported before, or that a person of the shop wrote."""

    model_config = ConfigDict(frozen=True)

    message_id: MessageId
    status: ChatStatus
    at: AwareDatetime
    reason: str | None = Field(default=None, max_length=200)
    error_code: int | None = None


class ChatReport(BaseModel):
    """POST /v1/chat/report → ChatTaken. Messages of shops that have people in the chat (`chat.handover`); a shop
    without is answered 403 capability_missing, and needs nothing of this."""

    model_config = ConfigDict(frozen=True)

    messages: list[ChatMessage] = Field(default_factory=list[ChatMessage], max_length=MAX_REPORTED)
    statuses: list[ChatStatusNews] = Field(default_factory=list[ChatStatusNews], max_length=MAX_REPORTED)


class ChatTaken(BaseModel):
    """`new`: messages that were not known; `moved`: statuses that changed something; `unknown`: statuses of messages
    that nobody has reported: they may be left out from now on."""

    model_config = ConfigDict(frozen=True)

    new: int
    moved: int
    unknown: list[str] = Field(default_factory=list[str])


class Undelivered(BaseModel):
    """POST /v1/chat/undelivered → UndeliveredTaken. Messages to customers that did not arrive, of any shop: the shop
    sees them and is told, whether or not it has people in the chat."""

    model_config = ConfigDict(frozen=True)

    messages: list[ChatMessage] = Field(min_length=1, max_length=MAX_REPORTED)
    """`held`, `expired` or `failed`."""


class UndeliveredTaken(BaseModel):
    model_config = ConfigDict(frozen=True)

    new: int


class JoinAlerts(Wire):
    """POST /v1/chat/alerts → AlertsJoined. Somebody wrote the word that the shop's API gave out: alerts go to this chat
    from now on. 404 invitation_unknown (wrong, used, or too old)."""

    customer: CustomerRef
    code: str = Field(min_length=1, max_length=20)


class AlertsJoined(Wire):
    shop_name: str


class LeaveAlerts(Wire):
    """POST /v1/chat/alerts/leave → AlertsLeft. No alerts to this chat any more."""

    customer: CustomerRef


class AlertsLeft(Wire):
    was_told: bool


# --- events up to the bot (contracts.events.EventType) --------------------------------------------------------------


class StaffMessageNews(BaseModel):
    """Of chat.staff_message: send this to the customer as it is; then report its status by `message_id`."""

    message_id: str
    customer_address: str
    shop_name: str
    text: str
    by: str = ""
    """Who of the shop wrote it, as the shop calls them."""
    until: datetime | None
    """The bot is mute until then."""


class HandoverNews(BaseModel):
    """Of chat.waiting (for the shop: somebody waits for a person), chat.taken (a person answers from here on) and
    chat.returned (the bot answers again)."""

    conversation_id: str
    customer_address: str
    customer_name: str = ""
    shop_name: str
    mode: ChatMode
    until: datetime | None = None
    about: str = ""
    by: str = ""
    """Of chat.taken: who of the shop answers, as the shop calls them; empty where it did not say."""
    returned_by: str | None = None
    """`customer`, `shop` or `timer`."""


class UndeliveredNews(BaseModel):
    """Of message.undelivered."""

    message_id: str
    customer_address: str
    shop_name: str
    text: str
    status: ChatStatus
    reason: str | None = None
    error_code: int | None = None


class AlertKind(StrEnum):
    ORDER_PAID = "order_paid"
    PERSON_WAITING = "person_waiting"
    UNDELIVERED = "undelivered"
    MONEY_SET_ASIDE = "money_set_aside"
    MONEY_CLAIMED = "money_claimed"
    """A customer named the receipt of such money."""


class Alert(BaseModel):
    """What the shop's own people are told, whoever of them reads it."""

    alert: AlertKind
    shop_name: str
    about_address: str | None = None
    """The customer whom it is about."""
    about_name: str = ""
    order_code: str | None = None
    amount_minor: int | None = None
    currency: Currency | None = None
    text: str = ""
    """What the customer wrote, what did not arrive, what was ordered, or the receipt that was named."""
    delivery: DeliveryView | None = None
    """Of a paid order: how it gets to the customer. None where they did not say."""
    note: str = ""
    """Of a paid order: what the customer wants the shop to know."""
    scheduled_for: datetime | None = None
    """Of a paid order: not before this moment. None: as soon as possible."""


class AlertNews(Alert):
    """Of shop.alert: for one of the shop's own people, in their chat."""

    customer_address: str
    """Whom to tell: of the shop's people, who chat with the bot as customers do."""
