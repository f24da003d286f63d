"""The tables of the conversations database."""

from enum import StrEnum

from sqlalchemy import (
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKeyConstraint,
    FromClause,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    and_,
    literal_column,
    or_,
    text,
)

from kit.columns import BigInt, Code, Flag, JsonDoc, UtcTime

metadata = MetaData()


class ItemKind(StrEnum):
    """What an inbox holds: a customer's message, or news from the router."""

    MESSAGE = "message"
    NEWS = "news"


class Purpose(StrEnum):
    """Why something is sent: to answer an inbox item, to say that its answer will take a while, to say an answer once
    more as plain text, or once more as it was, after something that passes kept it from arriving."""

    REPLY = "reply"
    NOTICE = "notice"
    PLAIN = "plain"
    AGAIN = "again"


class MessageStatus(StrEnum):
    """Of a message to a customer. `sent`: Twilio has it and gave it an id; `uncertain`: Twilio may have it; `held`:
    it may not be sent; `expired`: it meant nothing any more before it could be (`reason` says why, of both)."""

    QUEUED = "queued"
    SENDING = "sending"
    UNCERTAIN = "uncertain"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    HELD = "held"
    EXPIRED = "expired"


# Written out, never bound: a database uses a partial index only for a condition that it can read.
_OPEN_ITEM = text("status IN ('received', 'processing')")
_OPEN_MESSAGE = text("status IN ('queued', 'sending', 'uncertain')")
_UNREPORTED = text("sid IS NOT NULL AND vendor_id IS NOT NULL AND reported_at IS NULL")
_WAITING = text("waiting > 0")
_UNTOLD_ITEM = text("vendor_id IS NOT NULL AND told_at IS NULL")
_IS_NEWS = "(told_status IS NULL OR told_status <> status AND told_status <> '-')"
_UNTOLD = text(f"vendor_id IS NOT NULL AND status IN ('sent', 'delivered', 'read') AND {_IS_NEWS}")
_LOST = text(f"vendor_id IS NOT NULL AND status IN ('failed', 'held', 'expired') AND {_IS_NEWS}")
_PASSING = text("status = 'held' AND not_after IS NOT NULL")

conversations = Table(
    "conversations",
    metadata,
    Column("id", Code, nullable=False),
    Column("shop_number", Code, nullable=False),  # as Twilio writes it: whatsapp:+14155238886
    Column("address", Code, nullable=False),  # the customer's, opaque
    Column("profile_name", Text, nullable=False, server_default=""),
    Column("state", JsonDoc),
    Column("opted_out", Flag, nullable=False),
    Column("last_message_at", UtcTime, nullable=False),  # the customer's: free text is allowed for 24 h from here
    Column("waiting", Integer, nullable=False),  # inbox items received and not yet done
    Column("next_at", UtcTime, nullable=False),
    Column("lease_owner", Code),
    Column("lease_until", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    Column("paced_until", UtcTime),  # as much time as the messages sent to this customer take at a lasting pace
    Column("blocked_at", UtcTime),  # the channel said so; until they write again
    PrimaryKeyConstraint("id", name="conversations_pkey"),
    UniqueConstraint("shop_number", "address", name="conversations_customer_key"),
    CheckConstraint("waiting >= 0", name="conversations_waiting_check"),
    Index("conversations_address", "address", "last_message_at"),
    Index("conversations_due", "next_at", sqlite_where=_WAITING, postgresql_where=_WAITING),
    sqlite_strict=True,
)

inbox = Table(
    "inbox",
    metadata,
    Column("seq", BigInt, autoincrement=True),  # the order of receipt
    Column("item_id", Code, nullable=False),  # MessageSid or event id
    Column("kind", Code, nullable=False),
    Column("conversation_id", Code),  # none: news for somebody who never wrote
    Column("content", Text, nullable=False),  # the form as it came, or the event's JSON
    Column("is_urgent", Flag, nullable=False),  # STOP overtakes what waits
    Column("status", Code, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),  # that found another process unreachable
    Column("errors", Integer, nullable=False, server_default="0"),  # that ended in an exception of our own
    Column("last_error", Text),
    Column("received_at", UtcTime, nullable=False),
    Column("done_at", UtcTime),
    Column("burst", BigInt),  # the first of the messages that it is read together with
    Column("vendor_id", Code),  # whose shop a customer's message concerned: known when its turn ends
    Column("told_at", UtcTime),  # since when the router knows it, or needs nothing of it
    PrimaryKeyConstraint("seq", name="inbox_pkey"),
    UniqueConstraint("item_id", name="inbox_item_id_key"),
    ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name="inbox_conversation_fkey"),
    CheckConstraint("kind IN ('message', 'news')", name="inbox_kind_check"),
    CheckConstraint(
        "status IN ('received', 'processing', 'processed', 'ignored', 'failed')", name="inbox_status_check"
    ),
    CheckConstraint("conversation_id IS NOT NULL OR status = 'ignored'", name="inbox_conversation_check"),
    Index("inbox_open", "conversation_id", "is_urgent", "seq", sqlite_where=_OPEN_ITEM, postgresql_where=_OPEN_ITEM),
    Index("inbox_untold", "vendor_id", "seq", sqlite_where=_UNTOLD_ITEM, postgresql_where=_UNTOLD_ITEM),
    sqlite_strict=True,
)

messages = Table(
    "messages",
    metadata,
    Column("seq", BigInt, autoincrement=True),  # the order of sending within a conversation
    Column("conversation_id", Code, nullable=False),
    Column("inbox_seq", BigInt, nullable=False),  # what it answers
    Column("purpose", Code, nullable=False),
    Column("sender", Code, nullable=False),
    Column("recipient", Code, nullable=False),
    Column("body", Text, nullable=False),
    Column("answers_customer", Flag, nullable=False),  # news is not sent after STOP, a direct answer is
    Column("status", Code, nullable=False),
    Column("reason", Text),  # why it is held, failed, uncertain or late
    Column("error_code", Integer),  # Twilio's
    Column("sid", Code),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", UtcTime, nullable=False),
    Column("tried_at", UtcTime),  # since when Twilio may have it
    Column("lease_owner", Code),
    Column("lease_until", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    Column("sent_at", UtcTime),
    Column("vendor_id", Code),  # whose shop it was about: the one that the customer was in, or that had news
    Column("reported_at", UtcTime),  # since when the shop's usage contains it
    Column("media", Code),  # the file that goes with it: its token and its kind, such as <token>.png
    Column("tappable", JsonDoc),  # what can be tapped below it, where the channel can show that
    Column("template", JsonDoc),  # what may be sent in its place when free text may not
    Column("known_as", Code),  # its id at the router, where that is not made of its own number
    Column("told_status", Code),  # that the router was told last; '-': it is told nothing of this message
    Column("not_after", UtcTime),  # then it means nothing any more; none: it keeps its meaning
    Column("while_left", JsonDoc),  # what it reminds of: as soon as that is dealt with, it means nothing
    PrimaryKeyConstraint("seq", name="messages_pkey"),
    UniqueConstraint("inbox_seq", "purpose", name="messages_inbox_seq_key"),
    UniqueConstraint("sid", name="messages_sid_key"),
    ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name="messages_conversation_fkey"),
    ForeignKeyConstraint(["inbox_seq"], ["inbox.seq"], name="messages_inbox_fkey"),
    CheckConstraint("purpose IN ('reply', 'notice', 'plain', 'again')", name="messages_purpose_check"),
    CheckConstraint(
        "status IN ('queued', 'sending', 'uncertain', 'sent', 'delivered', 'read', 'failed', 'held', 'expired')",
        name="messages_status_check",
    ),
    CheckConstraint("sid IS NOT NULL OR status NOT IN ('sent', 'delivered', 'read')", name="messages_sid_check"),
    Index("messages_due", "next_at", "seq", sqlite_where=_OPEN_MESSAGE, postgresql_where=_OPEN_MESSAGE),
    Index("messages_open", "conversation_id", "seq", sqlite_where=_OPEN_MESSAGE, postgresql_where=_OPEN_MESSAGE),
    Index("messages_unreported", "vendor_id", "seq", sqlite_where=_UNREPORTED, postgresql_where=_UNREPORTED),
    Index("messages_untold", "vendor_id", "seq", sqlite_where=_UNTOLD, postgresql_where=_UNTOLD),
    Index("messages_lost", "vendor_id", "seq", sqlite_where=_LOST, postgresql_where=_LOST),
    Index("messages_passing", "not_after", sqlite_where=_PASSING, postgresql_where=_PASSING),
    sqlite_strict=True,
)

media = Table(
    "media",
    metadata,
    Column("token", Code, nullable=False),  # in its address, and all that protects it
    Column("kind", Code, nullable=False),
    Column("content", LargeBinary),
    Column("paper", JsonDoc),  # what a document says, laid out when it is fetched
    Column("expires_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("token", name="media_pkey"),
    CheckConstraint("kind IN ('png', 'jpg', 'pdf')", name="media_kind_check"),
    CheckConstraint("(content IS NULL) <> (paper IS NULL)", name="media_content_check"),
    Index("media_expired", "expires_at"),
    sqlite_strict=True,
)
"""What Twilio fetches to send it, for a while."""

contents = Table(
    "contents",
    metadata,
    Column("account", Code, nullable=False),  # at the channel: its id, and where that was asked
    Column("name", Code, nullable=False),  # ends in a digest of what it is: another content has another name
    Column("sid", Code, nullable=False),
    Column("approval", Code),  # of a template, as Twilio words it; none for what needs no approval
    Column("reason", Text),  # why it was rejected
    Column("checked_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("account", "name", name="contents_pkey"),
    sqlite_strict=True,
)
"""What was made at the channel, once, to send buttons, lists and templates with."""

consents = Table(
    "consents",
    metadata,
    Column("seq", BigInt, autoincrement=True),
    Column("conversation_id", Code, nullable=False),
    Column("is_given", Flag, nullable=False),  # START; else it was taken back by STOP
    Column("item_id", Code, nullable=False),  # by which message
    Column("at", UtcTime, nullable=False),
    PrimaryKeyConstraint("seq", name="consents_pkey"),
    UniqueConstraint("item_id", name="consents_item_key"),
    ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name="consents_conversation_fkey"),
    Index("consents_conversation", "conversation_id", "seq"),
    sqlite_strict=True,
)
"""Append-only. Whoever writes first agrees by that: the conversation's `created_at`."""

early_statuses = Table(
    "early_statuses",
    metadata,
    Column("sid", Code, nullable=False),
    Column("status", Code, nullable=False),
    Column("error_code", Integer),
    Column("received_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("sid", name="early_statuses_pkey"),
    CheckConstraint("status IN ('delivered', 'read', 'failed')", name="early_statuses_status_check"),
    sqlite_strict=True,
)
"""What Twilio said of a message whose id we had not committed yet: applied as soon as it is known."""

is_waiting: ColumnElement[bool] = conversations.c.waiting > literal_column("0")
"""For `conversations_due`."""

is_open_item: ColumnElement[bool] = inbox.c.status.in_([literal_column("'received'"), literal_column("'processing'")])
"""For `inbox_open`."""


def is_open_message(table: FromClause) -> ColumnElement[bool]:
    """For `messages_due` and `messages_open`. `table` is `messages` or an alias of it."""
    return table.c.status.in_([literal_column(f"'{status}'") for status in ("queued", "sending", "uncertain")])


def _written(*statuses: str) -> list[ColumnElement[str]]:
    return [literal_column(f"'{status}'") for status in statuses]


is_untold_item: ColumnElement[bool] = and_(inbox.c.vendor_id.is_not(None), inbox.c.told_at.is_(None))
"""For `inbox_untold`."""

_status_is_news = or_(
    messages.c.told_status.is_(None),
    and_(messages.c.told_status != messages.c.status, messages.c.told_status != literal_column("'-'")),
)

is_untold: ColumnElement[bool] = and_(
    messages.c.vendor_id.is_not(None), messages.c.status.in_(_written("sent", "delivered", "read")), _status_is_news
)
"""For `messages_untold`: it left, and the router was told another status of it, or nothing yet."""

is_lost: ColumnElement[bool] = and_(
    messages.c.vendor_id.is_not(None), messages.c.status.in_(_written("failed", "held", "expired")), _status_is_news
)
"""For `messages_lost`: it did not arrive, and the router was not told so yet."""

is_held_passing: ColumnElement[bool] = and_(
    messages.c.status == literal_column("'held'"), messages.c.not_after.is_not(None)
)
"""For `messages_passing`: it may not be sent now, and only for a while does it matter."""
