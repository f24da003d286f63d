"""Messages in both directions, as the store keeps them and as Twilio's Message resource shows them."""

import secrets
import sqlite3
from dataclasses import dataclass
from email.utils import format_datetime
from enum import StrEnum
from typing import cast

from simulators.jobs import JobKind, Jobs
from simulators.moments import SECOND_US, moment_of
from simulators.problems import JsonObject
from simulators.store import Transaction

API_VERSION = "2010-04-01"

# 63016: twilio.com/docs/api/errors/63016. The window restarts at each message of the customer.
WINDOW_US = 24 * 3600 * SECOND_US
OUTSIDE_WINDOW = 63016
_OUTSIDE_WINDOW_TEXT = "Failed to send freeform message because you are outside the allowed window"

_DELIVERED_AFTER_US = 150_000
_READ_AFTER_US = 500_000


class Direction(StrEnum):
    IN = "in"
    """From a customer to the shop."""
    OUT = "out"
    REPLY = "reply"
    """From the shop, in the answer to a webhook."""


class Status(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


# A message that failed rises all the same when a second delivery of it is taken.
_RANK = {Status.QUEUED: 0, Status.FAILED: 1, Status.SENT: 2, Status.DELIVERED: 3, Status.READ: 4}


class Media(StrEnum):
    IMAGE = "image"
    AUDIO = "audio"
    LOCATION = "location"


@dataclass(frozen=True, slots=True)
class Message:
    place: int
    """The order in which messages came to be; never changes. `seq` is new at each change of status."""
    sid: str
    seq: int
    customer: str
    direction: Direction
    sender: str
    recipient: str
    body: str
    media: Media | None
    at_us: int
    sent_us: int | None
    updated_us: int
    status: Status
    error_code: int | None
    error: str | None
    status_callback: str | None

    @property
    def is_from_customer(self) -> bool:
        return self.direction is Direction.IN

    @property
    def wire_status(self) -> str:
        """As Twilio words it."""
        if self.is_from_customer:
            return "received"
        return "undelivered" if self.status is Status.FAILED else self.status.value


def new_sid(prefix: str) -> str:
    """Two letters and 32 hexadecimal characters."""
    return prefix + secrets.token_hex(16)


def add_inbound(tx: Transaction, customer: str, shop: str, body: str, media: Media | None) -> Message:
    return _insert(tx, customer, Direction.IN, customer, shop, body, media, None)


def add_outbound(
    tx: Transaction,
    jobs: Jobs,
    customer: str,
    shop: str,
    body: str,
    *,
    media: Media | None = None,
    status_callback: str | None = None,
    direction: Direction = Direction.OUT,
    is_template: bool = False,
    is_out_of_order: bool = False,
) -> Message:
    """Take a message for the customer's phone and plan its ticks; outside the 24-hour window only its failure."""
    message = _insert(tx, customer, direction, shop, customer, body, media, status_callback)
    if is_template or _is_window_open(tx, customer):
        ticks = [(Status.SENT, 0), (Status.DELIVERED, _DELIVERED_AFTER_US), (Status.READ, _READ_AFTER_US)]
    else:
        ticks = [(Status.FAILED, 0)]
    if is_out_of_order:
        ticks = [(status, 0) for status, _ in reversed(ticks)]
    for status, after_us in ticks:
        payload = {"sid": message.sid, "status": status.value}
        jobs.add(tx, JobKind.STATUS, f"status:{message.sid}", payload, due_us=tx.now_us + after_us)
    return message


def by_sid(tx: Transaction, sid: str) -> Message | None:
    row = tx.row("SELECT * FROM messages WHERE sid = ?", sid)
    return message_of(row) if row else None


def set_status(tx: Transaction, sid: str, status: Status, error: str | None = None) -> None:
    """A status only rises; a lower one changes nothing. For a failed message of a customer, `error` says why."""
    message = by_sid(tx, sid)
    if message is None or _RANK[status] <= _RANK[message.status]:
        return
    is_outside_window = status is Status.FAILED and not message.is_from_customer
    tx.run(
        "UPDATE messages SET status = ?, error = ?, error_code = ?, sent_us = coalesce(sent_us, ?), updated_us = ?,"
        " seq = ? WHERE sid = ?",
        status.value,
        _OUTSIDE_WINDOW_TEXT if is_outside_window else error,
        OUTSIDE_WINDOW if is_outside_window else None,
        tx.now_us,
        tx.now_us,
        tx.next_seq(),
        sid,
    )


def resource(message: Message, account_sid: str) -> JsonObject:
    """Twilio's Message resource: dates in RFC 2822, numbers of things as strings."""
    uri = f"/{API_VERSION}/Accounts/{account_sid}/Messages/{message.sid}"
    direction = {Direction.IN: "inbound", Direction.OUT: "outbound-api", Direction.REPLY: "outbound-reply"}
    return {
        "account_sid": account_sid,
        "api_version": API_VERSION,
        "body": message.body,
        "date_created": _rfc2822(message.at_us),
        "date_sent": None if message.sent_us is None else _rfc2822(message.sent_us),
        "date_updated": _rfc2822(message.updated_us),
        "direction": direction[message.direction],
        "error_code": message.error_code,
        "error_message": message.error if message.error_code else None,
        "from": message.sender,
        "messaging_service_sid": None,
        "num_media": str(num_media(message.media)),
        "num_segments": "1",
        "price": None,
        "price_unit": None,
        "sid": message.sid,
        "status": message.wire_status,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": message.recipient,
        "uri": f"{uri}.json",
    }


def num_media(media: Media | None) -> int:
    """A location is no media file: it travels in fields of its own."""
    return 1 if media in (Media.IMAGE, Media.AUDIO) else 0


def message_of(row: sqlite3.Row) -> Message:
    return Message(
        place=int(row["place"]),
        sid=str(row["sid"]),
        seq=int(row["seq"]),
        customer=str(row["customer"]),
        direction=Direction(row["direction"]),
        sender=str(row["sender"]),
        recipient=str(row["recipient"]),
        body=str(row["body"]),
        media=Media(row["media"]) if row["media"] else None,
        at_us=int(row["at_us"]),
        sent_us=cast(int | None, row["sent_us"]),
        updated_us=int(row["updated_us"]),
        status=Status(row["status"]),
        error_code=cast(int | None, row["error_code"]),
        error=cast(str | None, row["error"]),
        status_callback=cast(str | None, row["status_callback"]),
    )


def _is_window_open(tx: Transaction, customer: str) -> bool:
    row = tx.row(
        "SELECT at_us FROM messages WHERE customer = ? AND direction = 'in' ORDER BY place DESC LIMIT 1", customer
    )
    return row is not None and tx.now_us - int(row["at_us"]) < WINDOW_US


def _insert(
    tx: Transaction,
    customer: str,
    direction: Direction,
    sender: str,
    recipient: str,
    body: str,
    media: Media | None,
    status_callback: str | None,
) -> Message:
    row = tx.row(
        "INSERT INTO messages (sid, seq, customer, direction, sender, recipient, body, media, at_us, updated_us,"
        " status, status_callback) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?) RETURNING *",
        new_sid("MM" if num_media(media) and direction is not Direction.IN else "SM"),
        tx.next_seq(),
        customer,
        direction.value,
        sender,
        recipient,
        body,
        media.value if media else None,
        tx.now_us,
        tx.now_us,
        status_callback,
    )
    assert row is not None
    return message_of(row)


def _rfc2822(at_us: int) -> str:
    return format_datetime(moment_of(at_us))
