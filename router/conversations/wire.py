"""Conversations on the wire: what a shop's people ask and are shown, and the operations themselves."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.chat_api import (
    MAX_NAME,
    MAX_TEXT,
    AskForPerson,
    ChatAuthor,
    ChatMode,
    ChatReport,
    ChatStatus,
    ChatTaken,
    HandoverView,
    ReturnToBot,
    Undelivered,
    UndeliveredTaken,
)
from contracts.errors import ErrorCode
from contracts.states import Capability
from kit.paging import NewestFirst
from router.operations import BY_BOT, BY_VENDOR, KeyScope, Operation

_NUMBERS = "Customers' numbers are masked (2547*****149) unless the API key is good for customers:read too."
_PEOPLE = (Capability.HANDOVER,)
_ONE = {"conversation_id": "As the list names it."}


class ConversationsQuery(NewestFirst):
    mode: ChatMode | None = Field(None, description="Only those that stand like this.")


class MessagesQuery(NewestFirst):
    pass


class UndeliveredQuery(NewestFirst):
    pass


class NewStaffMessage(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT, strip_whitespace=True)] = Field(
        description="As the customer will read it.", examples=["Yes, we have the big ones too. Shall I keep two?"]
    )
    by: Annotated[str, StringConstraints(max_length=MAX_NAME, strip_whitespace=True)] = Field(
        "", description="Who of the shop writes. The customer sees it.", examples=["Wanjiru"]
    )


class ByWhom(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    by: Annotated[str, StringConstraints(max_length=MAX_NAME, strip_whitespace=True)] = Field(
        "", description="Who of the shop. The customer reads it.", examples=["Wanjiru"]
    )


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class Chatter(_Answer):
    customer_id: str
    name: str
    phone: str | None
    """None for a customer whose number is hidden."""


class VendorConversation(_Answer):
    conversation_id: str
    customer: Chatter
    mode: ChatMode
    until: datetime | None
    """The bot is mute until then."""
    asked_at: datetime | None
    """When the customer last asked for a person."""
    about: str
    taken_by: str | None
    last_at: datetime
    last_author: ChatAuthor
    last_line: str
    unread: int
    """Messages of the customer since a person last wrote or took it."""
    may_write: bool
    """Whether WhatsApp takes free text now: within 24 hours of the customer's last message."""


class VendorConversations(_Answer):
    conversations: list[VendorConversation]
    next_cursor: str | None


class VendorChatMessage(_Answer):
    message_id: str
    author: ChatAuthor
    by: str | None
    text: str
    media: list[str]
    """What there was beside text: image, audio, video, document, location, contact."""
    status: ChatStatus
    reason: str | None
    error_code: int | None
    """Of twilio.com/docs/api/errors."""
    at: datetime


class VendorChatMessages(_Answer):
    messages: list[VendorChatMessage]
    next_cursor: str | None


class UndeliveredMessage(_Answer):
    conversation_id: str
    customer: Chatter
    message: VendorChatMessage


class UndeliveredMessages(_Answer):
    messages: list[UndeliveredMessage]
    next_cursor: str | None


ASK = Operation(
    "chat.ask",
    "POST",
    "/v1/chat/handover",
    "A customer wants a person of the shop",
    BY_BOT,
    needs=_PEOPLE,
    body=AskForPerson,
    answer=HandoverView,
    tag="conversations",
)
RETURN = Operation(
    "chat.return",
    "POST",
    "/v1/chat/return",
    "A customer wants the bot again",
    BY_BOT,
    body=ReturnToBot,
    answer=HandoverView,
    tag="conversations",
)
REPORT = Operation(
    "chat.report",
    "POST",
    "/v1/chat/report",
    "What was said in the shop's conversations, and what became of it",
    BY_BOT,
    needs=_PEOPLE,
    even_suspended=True,
    body=ChatReport,
    answer=ChatTaken,
    tag="conversations",
)
REPORT_UNDELIVERED = Operation(
    "chat.report_undelivered",
    "POST",
    "/v1/chat/undelivered",
    "Messages to customers that did not arrive",
    BY_BOT,
    even_suspended=True,
    body=Undelivered,
    answer=UndeliveredTaken,
    tag="conversations",
)
LIST = Operation(
    "vendor.conversations.list",
    "GET",
    "/api/v1/conversations",
    "Conversations, the one with the newest message first",
    BY_VENDOR,
    needs=_PEOPLE,
    scope=KeyScope.CHAT_READ,
    query=ConversationsQuery,
    answer=VendorConversations,
    description=_NUMBERS,
    tag="conversations",
)
SHOW = Operation(
    "vendor.conversations.show",
    "GET",
    "/api/v1/conversations/<conversation_id>",
    "One conversation: whose turn it is",
    BY_VENDOR,
    needs=_PEOPLE,
    scope=KeyScope.CHAT_READ,
    answer=VendorConversation,
    problems=((404, ErrorCode.CONVERSATION_UNKNOWN),),
    description=_NUMBERS,
    tag="conversations",
    parameters=_ONE,
)
MESSAGES = Operation(
    "vendor.conversations.messages",
    "GET",
    "/api/v1/conversations/<conversation_id>/messages",
    "What was said, newest first",
    BY_VENDOR,
    needs=_PEOPLE,
    scope=KeyScope.CHAT_READ,
    query=MessagesQuery,
    answer=VendorChatMessages,
    problems=((404, ErrorCode.CONVERSATION_UNKNOWN),),
    tag="conversations",
    parameters=_ONE,
)
WRITE = Operation(
    "vendor.conversations.write",
    "POST",
    "/api/v1/conversations/<conversation_id>/messages",
    "Write to the customer as a person",
    BY_VENDOR,
    needs=_PEOPLE,
    scope=KeyScope.CHAT_WRITE,
    body=NewStaffMessage,
    answer=VendorChatMessage,
    status=202,
    problems=((404, ErrorCode.CONVERSATION_UNKNOWN), (409, ErrorCode.CHAT_WINDOW_CLOSED)),
    description="The bot sends it, and is mute for two hours from then. The message's status says what became of it.",
    tag="conversations",
    parameters=_ONE,
)
TAKE = Operation(
    "vendor.conversations.take",
    "POST",
    "/api/v1/conversations/<conversation_id>/take",
    "Answer in person from here on",
    BY_VENDOR,
    needs=_PEOPLE,
    scope=KeyScope.CHAT_WRITE,
    body=ByWhom,
    answer=VendorConversation,
    problems=((404, ErrorCode.CONVERSATION_UNKNOWN),),
    description="The bot is mute for two hours, and from every message of the shop for two hours again.",
    tag="conversations",
    parameters=_ONE,
)
GIVE_BACK = Operation(
    "vendor.conversations.give_back",
    "POST",
    "/api/v1/conversations/<conversation_id>/return",
    "Let the bot answer again",
    BY_VENDOR,
    needs=_PEOPLE,
    scope=KeyScope.CHAT_WRITE,
    answer=VendorConversation,
    problems=((404, ErrorCode.CONVERSATION_UNKNOWN),),
    tag="conversations",
    parameters=_ONE,
)
UNDELIVERED = Operation(
    "vendor.messages.undelivered",
    "GET",
    "/api/v1/messages/undelivered",
    "Messages to customers that did not arrive, newest first",
    BY_VENDOR,
    scope=KeyScope.CHAT_READ,
    query=UndeliveredQuery,
    answer=UndeliveredMessages,
    description="Every shop sees these, whether or not its people answer in the chat. `held` may not be sent, "
    f"`expired` meant nothing any more before it could be; `reason` says why. {_NUMBERS}",
    tag="conversations",
)
