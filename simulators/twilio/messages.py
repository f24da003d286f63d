"""Messages in both directions, as the store keeps them and as Twilio's Message resource shows them."""

import json
import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from enum import StrEnum
from typing import cast

from simulators.jobs import JobKind, Jobs
from simulators.moments import SECOND_US, moment_of
from simulators.problems import JsonObject
from simulators.store import SqlValue, Transaction
from simulators.twilio.failures import Failure, text_of

API_VERSION = "2010-04-01"

# 63016: twilio.com/docs/api/errors/63016. The window restarts at each message of the customer.
WINDOW_US = 24 * 3600 * SECOND_US

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
    VIDEO = "video"
    DOCUMENT = "document"
    LOCATION = "location"


@dataclass(frozen=True, slots=True)
class Tap:
    """What a customer tapped in a message of the shop."""

    kind: str
    """`button`, `list`, or `template`: a button of an approved template."""
    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Place:
    """A location pin."""

    latitude: str
    longitude: str
    label: str = ""
    address: str = ""


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
    content: JsonObject | None
    """What is shown of a rich message: its options, header, footer …"""
    place_pin: Place | None
    tap: Tap | None
    reply_to: str | None
    """The shop's message that this one answers by a tap."""

    @property
    def is_from_customer(self) -> bool:
        return self.direction is Direction.IN

    @property
    def options(self) -> list[JsonObject]:
        """What can be tapped in it: `{kind, title, id, description, value}`."""
        return [] if self.content is None else cast(list[JsonObject], self.content["options"])

    @property
    def wire_status(self) -> str:
        """As Twilio words it."""
        if self.is_from_customer:
            return "received"
        return "undelivered" if self.status is Status.FAILED else self.status.value


def new_sid(prefix: str) -> str:
    """Two letters and 32 hexadecimal characters."""
    return prefix + secrets.token_hex(16)


def add_inbound(
    tx: Transaction,
    customer: str,
    shop: str,
    body: str,
    media: Media | None,
    *,
    pin: Place | None = None,
    tap: Tap | None = None,
    reply_to: str | None = None,
) -> Message:
    row: dict[str, SqlValue] = {
        "location": json.dumps([pin.latitude, pin.longitude, pin.label, pin.address]) if pin else None,
        "tap": json.dumps([tap.kind, tap.id, tap.title]) if tap else None,
        "reply_to": reply_to,
    }
    return _insert(tx, customer, Direction.IN, customer, shop, body, media, row)


def add_outbound(
    tx: Transaction,
    customer: str,
    shop: str,
    body: str,
    *,
    media: Media | None = None,
    status_callback: str | None = None,
    direction: Direction = Direction.OUT,
    content: JsonObject | None = None,
) -> Message:
    """Take a message for the customer's phone. What becomes of it is planned by `plan_ticks`."""
    row: dict[str, SqlValue] = {
        "status_callback": status_callback,
        "content": None if content is None else json.dumps(content),
    }
    return _insert(tx, customer, direction, shop, customer, body, media, row)


def plan_ticks(
    tx: Transaction, jobs: Jobs, sid: str, failure: Failure | None = None, *, is_out_of_order: bool = False
) -> None:
    """What becomes of a message once its files are fetched; of one that fails only that."""
    if failure is not None:
        plan_status(tx, jobs, sid, Status.FAILED, failure=failure)
        return
    ticks = [(Status.SENT, 0), (Status.DELIVERED, _DELIVERED_AFTER_US), (Status.READ, _READ_AFTER_US)]
    if is_out_of_order:
        ticks = [(status, 0) for status, _ in reversed(ticks)]
    for status, after_us in ticks:
        plan_status(tx, jobs, sid, status, after_us=after_us)


def plan_status(
    tx: Transaction,
    jobs: Jobs,
    sid: str,
    status: Status,
    *,
    after_us: int = 0,
    failure: Failure | None = None,
    is_seen: bool = False,
) -> None:
    """`is_seen`: somebody looks at the chat on the page."""
    payload = {"sid": sid, "status": status.value}
    if failure is not None:
        payload |= {"code": str(failure.code), "error": failure.text, "why": failure.why}
    if is_seen:
        payload["seen"] = "yes"
    jobs.add(tx, JobKind.STATUS, f"status:{sid}", payload, due_us=tx.now_us + after_us)


def failure_of(payload: Mapping[str, str]) -> Failure | None:
    """The one that `plan_status` was given."""
    if "code" not in payload:
        return None
    return Failure(int(payload["code"]), payload["error"], payload["why"])


def by_sid(tx: Transaction, sid: str) -> Message | None:
    row = tx.row("SELECT * FROM messages WHERE sid = ?", sid)
    return message_of(row) if row else None


def set_status(
    tx: Transaction, sid: str, status: Status, error: str | None = None, failure: Failure | None = None
) -> None:
    """A status only rises; a lower one changes nothing. For a failed message of a customer, `error` says why; for one
    of the shop, `failure`."""
    message = by_sid(tx, sid)
    if message is None or _RANK[status] <= _RANK[message.status]:
        return
    tx.run(
        "UPDATE messages SET status = ?, error = ?, error_code = ?, sent_us = coalesce(sent_us, ?), updated_us = ?,"
        " seq = ? WHERE sid = ?",
        status.value,
        error if failure is None else failure.why or failure.text,
        None if failure is None else failure.code,
        tx.now_us,
        tx.now_us,
        tx.next_seq(),
        sid,
    )


def carries(tx: Transaction, sid: str, media: Media) -> None:
    """A file of that kind was fetched for it."""
    tx.run("UPDATE messages SET media = ?, seq = ? WHERE sid = ?", media.value, tx.next_seq(), sid)


def unread_by(tx: Transaction, customer: str, up_to_place: int) -> list[Message]:
    """The shop's messages that were delivered to that customer and not read, up to that place."""
    rows = tx.rows(
        "SELECT * FROM messages WHERE customer = ? AND direction <> 'in' AND status = 'delivered' AND place <= ?"
        " ORDER BY place",
        customer,
        up_to_place,
    )
    return [message_of(row) for row in rows]


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
        "error_message": text_of(message.error_code) if message.error_code else None,
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
    return 0 if media in (None, Media.LOCATION) else 1


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
        content=cast(JsonObject, json.loads(row["content"])) if row["content"] else None,
        place_pin=Place(*cast(list[str], json.loads(row["location"]))) if row["location"] else None,
        tap=Tap(*cast(list[str], json.loads(row["tap"]))) if row["tap"] else None,
        reply_to=cast(str | None, row["reply_to"]),
    )


def is_window_open(tx: Transaction, customer: str) -> bool:
    """Did that customer write within the last 24 hours?"""
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
    more: Mapping[str, SqlValue],
) -> Message:
    is_rich = (num_media(media) or more.get("content")) and direction is not Direction.IN
    values: dict[str, SqlValue] = {
        "sid": new_sid("MM" if is_rich else "SM"),
        "seq": tx.next_seq(),
        "customer": customer,
        "direction": direction.value,
        "sender": sender,
        "recipient": recipient,
        "body": body,
        "media": media.value if media else None,
        "at_us": tx.now_us,
        "updated_us": tx.now_us,
        "status": Status.QUEUED.value,
        **more,
    }
    marks = ", ".join("?" for _ in values)
    row = tx.row(
        f"INSERT INTO messages ({', '.join(values)}) VALUES ({marks}) RETURNING *",  # noqa: S608 (names from above)
        *values.values(),
    )
    assert row is not None
    return message_of(row)


def _rfc2822(at_us: int) -> str:
    return format_datetime(moment_of(at_us))
