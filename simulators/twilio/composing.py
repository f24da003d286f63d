"""What the shop asks to be sent, checked as Twilio checks it, and what WhatsApp makes of it.

Refused at once (400), where nothing is sent: 21603, 21604, 21211, 21910, 63007 (addresses), 21619 (nothing to send),
21617 (Body over 1,600), 21609 (StatusCallback), 21655 (no such ContentSid), 21656 (ContentVariables), 21658 (a value
over 1,600), 21610 (unsubscribed). Taken and then `undelivered` with a code: 63016 (outside 24 h without an approved
template), 63005 (only sent as an approved template, or more than 3 buttons in session), 63021 (over a limit once its
variables are filled in, or a file of a wrong kind), 63019 (a file that can't be fetched).

With ContentSid, `Body` and `MediaUrl` are ignored. ContentVariables is a JSON text of names and texts; what it leaves
out is filled in from the content's `variables`. 21656, as twilio.com/docs/api/errors/21656 words it: no JSON object, a
value that is null or empty, a variable without any value, and **a line break, a tab or more than four spaces in a value
that is used in a body**. The page makes no exception for messages in session, so none is made here: a text of several
lines needs a variable for each line, or the lines in the content itself. The message's `body` is the filled-in text."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from werkzeug.datastructures import MultiDict

from simulators import faults
from simulators.fault_names import Fault
from simulators.jobs import Jobs
from simulators.problems import JsonObject
from simulators.store import Transaction
from simulators.twilio import content_types, contents, failures, media, messages
from simulators.twilio.content_types import MOST_BUTTONS_IN_SESSION, NEVER_APPROVED, ONLY_APPROVED, Rendered
from simulators.twilio.contents import Approval
from simulators.twilio.errors import PLAIN_LIMIT_UNITS, TwilioError, units
from simulators.twilio.failures import BAD_CONTENT, NOT_IN_SESSION, OUTSIDE_WINDOW, UNSUBSCRIBED, Failure
from simulators.twilio.messages import Direction, Media, Message

_ADDRESS = re.compile(r"whatsapp:(\+[1-9][0-9]{6,14}|[A-Z]{2}\.[A-Za-z0-9]{1,128})")
_UNFIT_FOR_A_BODY = re.compile(r"[\n\r\t]| {5}")
_MOST_FILES = 10


@dataclass(frozen=True, slots=True)
class Composed:
    """A message as WhatsApp would get it."""

    body: str
    media_urls: tuple[str, ...] = ()
    rendered: Rendered | None = None
    is_approved: bool = False

    @property
    def content(self) -> JsonObject | None:
        """For the page: what stands around and below the text."""
        one = self.rendered
        if one is None or one.type in ("twilio/text", "twilio/media"):
            return None
        return {
            "type": one.type,
            "header": one.header,
            "footer": one.footer,
            "button": one.button,
            "options": [
                {
                    "kind": option.kind,
                    "title": option.title,
                    "id": option.id,
                    "description": option.description,
                    "value": option.value,
                }
                for option in one.options
            ],
            "location": None if one.location is None else dict(one.location),
            "is_template": self.is_approved,
        }


def send(tx: Transaction, jobs: Jobs, form: MultiDict[str, str], shop: str) -> Message:
    """Take the message of that form. Raises TwilioError."""
    to, sender = form.get("To", ""), form.get("From", "")
    _check_addresses(to, sender, shop)
    composed = _with_content(tx, form) if form.get("ContentSid") else _plain(form)
    status_callback = form.get("StatusCallback") or None
    if status_callback and not is_web_address(status_callback):
        raise TwilioError(400, 21609, f"The StatusCallback URL {status_callback[:80]} is not a valid URL.")
    if faults.takes(tx, Fault.ERROR_21610):
        raise TwilioError(400, UNSUBSCRIBED.code, UNSUBSCRIBED.text)
    return take(tx, jobs, to, sender, composed, status_callback=status_callback)


def take(
    tx: Transaction,
    jobs: Jobs,
    customer: str,
    shop: str,
    composed: Composed,
    *,
    status_callback: str | None = None,
    direction: Direction = Direction.OUT,
) -> Message:
    """Put it on its way: its files are fetched, then its ticks come, or its failure."""
    is_pin = composed.rendered is not None and composed.rendered.location is not None
    message = messages.add_outbound(
        tx,
        customer,
        shop,
        composed.body,
        media=Media.LOCATION if is_pin else Media.IMAGE if composed.media_urls else None,
        status_callback=status_callback,
        direction=direction,
        content=composed.content,
    )
    failure = _refused_by_whatsapp(tx, customer, composed) or failures.switched_on(tx)
    if failure is None:
        media.plan(tx, jobs, message.sid, composed.media_urls)
    is_out_of_order = failure is None and direction is Direction.OUT and faults.takes(tx, Fault.STATUS_OUT_OF_ORDER)
    messages.plan_ticks(tx, jobs, message.sid, failure, is_out_of_order=is_out_of_order)
    return message


def is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _refused_by_whatsapp(tx: Transaction, customer: str, composed: Composed) -> Failure | None:
    one, is_open = composed.rendered, messages.is_window_open(tx, customer)
    if not is_open and not composed.is_approved:
        return OUTSIDE_WINDOW
    if one is None:
        return None
    if not is_open and one.type in NEVER_APPROVED:
        return OUTSIDE_WINDOW
    if one.type in ONLY_APPROVED and not composed.is_approved:
        return NOT_IN_SESSION.because(f"{one.type} is sent only as an approved template")
    if one.options and one.type != "twilio/list-picker" and not composed.is_approved:
        count = len(one.options)
        if count > MOST_BUTTONS_IN_SESSION:
            return NOT_IN_SESSION.because(f"{count} buttons: without approval at most {MOST_BUTTONS_IN_SESSION}")
    why = content_types.too_much(one)
    return None if why is None else BAD_CONTENT.because(why)


def _check_addresses(to: str, sender: str, shop: str) -> None:
    if not to:
        raise TwilioError(400, 21604, "A 'To' phone number is required.")
    if not sender:
        raise TwilioError(400, 21603, "A 'From' phone number is required.")
    if not to.startswith("whatsapp:"):
        raise TwilioError(400, 21910, "Invalid From and To pair. From and To should be of the same channel")
    if not _ADDRESS.fullmatch(to):
        raise TwilioError(400, 21211, f"Invalid 'To' Phone Number: {to[:40]}")
    if sender != shop:
        raise TwilioError(400, 63007, "Twilio could not find a Channel with the specified From address")


def _plain(form: MultiDict[str, str]) -> Composed:
    body, urls = form.get("Body", ""), form.getlist("MediaUrl")
    if not body and not urls:
        raise TwilioError(400, 21619, "A text message body or media urls must be specified.")
    if units(body) > PLAIN_LIMIT_UNITS:
        raise TwilioError(400, 21617, "The concatenated message body exceeds the 1600 character limit")
    if len(urls) > _MOST_FILES:
        raise TwilioError(400, 21623, "Number of media files exceeds allowed limit")
    return Composed(body, tuple(urls))


def _with_content(tx: Transaction, form: MultiDict[str, str]) -> Composed:
    sid = form.get("ContentSid", "")
    content = contents.find(tx, sid) if contents.SID.fullmatch(sid) else None
    if content is None:
        raise TwilioError(400, 21655, "The ContentSid is Invalid")
    name = content.type
    raw = content.types[name]
    values = {**content.variables, **_variables(form.get("ContentVariables", ""))}
    needed = content_types.placeholders(raw)
    rendered = content_types.render(name, raw, {key: value for key, value in values.items() if key in needed})
    unfit = any(_UNFIT_FOR_A_BODY.search(values.get(key, "")) for key in rendered.body_variables)
    if unfit or any(not values.get(key) for key in needed):
        raise _bad_variables()
    is_approved = content.approval(tx.now_us) is Approval.APPROVED
    return Composed(rendered.body, rendered.media, rendered, is_approved)


def _variables(text: str) -> Mapping[str, str]:
    if not text:
        return {}
    try:
        given: object = json.loads(text)
    except (ValueError, RecursionError):
        raise _bad_variables() from None
    if not isinstance(given, dict):
        raise _bad_variables()
    for value in cast(JsonObject, given).values():
        if not isinstance(value, str) or not value:
            raise _bad_variables()
        if units(value) > PLAIN_LIMIT_UNITS:
            raise TwilioError(400, 21658, "A content variable exceeds the 1600 character limit")
    return cast(dict[str, str], given)


def _bad_variables() -> TwilioError:
    return TwilioError(400, 21656, "The Content Variables parameter is invalid.")
