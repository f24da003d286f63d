"""What Twilio tells the shop: a customer's message, and the ticks of the shop's own messages. Every form is signed."""

import secrets
from collections.abc import Mapping
from urllib.parse import urldefrag
from xml.etree import ElementTree as ET

import structlog
from twilio.request_validator import RequestValidator

from kit.settings import Settings
from simulators import customers, faults
from simulators.courier import Courier, Delivery, Outcome
from simulators.customers import Customer
from simulators.fault_names import Fault
from simulators.jobs import Job, JobKind, Jobs
from simulators.moments import SECOND_US
from simulators.store import Store, Transaction
from simulators.twilio import composing, media, messages
from simulators.twilio.composing import Composed
from simulators.twilio.messages import API_VERSION, Direction, Media, Message, Place, Status, Tap
from simulators.twilio.samples import SAMPLES
from simulators.twilio.watchers import Watchers

_log = structlog.get_logger()

INBOUND_PATH = "/webhooks/twilio/whatsapp"

# twilio.com/docs/usage/webhooks/webhooks-connection-overrides: 5 s to connect, 15 s to answer, and one retry
# where the connection failed. An answer that is no 2xx is final.
_CONNECT_S = 5.0
_READ_S = 15.0
_RETRIES = 1
_RETRY_AFTER_US = SECOND_US // 2

_SWAP_WAITS_US = 2 * SECOND_US

NAIROBI = Place("-1.286389", "36.817223", "Nairobi", "Nairobi, Kenya")
"""The city centre, as a phone would pin it."""


class Webhooks:
    def __init__(self, settings: Settings, store: Store, jobs: Jobs, courier: Courier, watchers: Watchers) -> None:
        self._settings = settings
        self._watchers = watchers
        self._store = store
        self._jobs = jobs
        self._courier = courier
        self._validator = RequestValidator(settings.secret("TWILIO_AUTH_TOKEN"))

    def customer_says(
        self,
        tx: Transaction,
        customer: Customer,
        body: str,
        kind: Media | None,
        *,
        pin: Place | None = None,
        tap: Tap | None = None,
        reply_to: str | None = None,
    ) -> Message:
        """Take a customer's message and plan its way to the shop, after those the same customer wrote before."""
        shop = self._settings.twilio_whatsapp_from
        where = (pin or NAIROBI) if kind is Media.LOCATION else None
        message = messages.add_inbound(tx, customer.address, shop, body, kind, pin=where, tap=tap, reply_to=reply_to)
        if kind in SAMPLES:
            media.keep(tx, message.sid, *SAMPLES[kind])
        lane = f"inbound:{customer.address}"
        payload = {"sid": message.sid, "token": secrets.token_hex(16)}
        is_swapped = False
        if faults.is_on(tx, Fault.WEBHOOK_SWAP):
            is_swapped = self._jobs.add_before_held(tx, JobKind.INBOUND, lane, payload)
            if is_swapped:
                faults.takes(tx, Fault.WEBHOOK_SWAP)
            else:
                due_us = tx.now_us + _SWAP_WAITS_US
                self._jobs.add(tx, JobKind.INBOUND, lane, payload, due_us=due_us, is_held=True)
        else:
            self._jobs.add(tx, JobKind.INBOUND, lane, payload)
        if faults.takes(tx, Fault.WEBHOOK_TWICE):
            self._jobs.add(tx, JobKind.INBOUND, lane, payload)
        return message

    def deliver_inbound(self, job: Job) -> None:
        with self._store.transaction() as tx:
            message = messages.by_sid(tx, job.payload["sid"])
            sender = customers.by_address(tx, message.customer) if message else None
        if message is None or sender is None:
            self._done(job)
            return
        outcome = self._post(
            self._settings.bot_public_url + INBOUND_PATH,
            inbound_form(message, sender, self._settings.twilio_account_sid, self._settings.twilio_api_base_url),
            {"I-Twilio-Idempotency-Token": job.payload["token"]},
        )
        if outcome.delivery is Delivery.UNREACHABLE and job.tries < _RETRIES:
            with self._store.transaction() as tx:
                self._jobs.retry(tx, job, _RETRY_AFTER_US)
            return
        with self._store.transaction() as tx:
            if outcome.is_accepted:
                messages.set_status(tx, message.sid, Status.DELIVERED)
                for text in twiml_replies(outcome):
                    shop, customer = message.recipient, message.customer
                    composing.take(tx, self._jobs, customer, shop, Composed(text), direction=Direction.REPLY)
            else:
                messages.set_status(tx, message.sid, Status.FAILED, f"not delivered: {outcome.describe()}")
            self._jobs.finish(tx, job)

    def deliver_status(self, job: Job) -> None:
        status = Status(job.payload["status"])
        if status is Status.READ and "seen" not in job.payload and self._watchers.are_there():
            self._done(job)  # somebody holds this phone: it is read when the chat is shown
            return
        with self._store.transaction() as tx:
            if job.tries == 0:
                messages.set_status(tx, job.payload["sid"], status, failure=messages.failure_of(job.payload))
            message = messages.by_sid(tx, job.payload["sid"])
            is_lost = job.tries == 0 and faults.takes(tx, Fault.STATUS_LOST)
            times = 2 if job.tries == 0 and not is_lost and faults.takes(tx, Fault.STATUS_TWICE) else 1
        if message is None or message.status_callback is None or is_lost:
            self._done(job)
            return
        form = status_form(message, status, self._settings.twilio_account_sid)
        headers = {"I-Twilio-Idempotency-Token": secrets.token_hex(16)}
        outcomes = [self._post(message.status_callback, form, headers) for _ in range(times)]
        with self._store.transaction() as tx:
            if outcomes[0].delivery is Delivery.UNREACHABLE and job.tries < _RETRIES:
                self._jobs.retry(tx, job, _RETRY_AFTER_US)
            else:
                self._jobs.finish(tx, job)

    def _post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> Outcome:
        signature = self._validator.compute_signature(urldefrag(url).url, dict(form))
        return self._courier.post_form(
            url,
            form,
            {**headers, "X-Twilio-Signature": signature, "User-Agent": "TwilioProxy/1.1", "Accept": "*/*"},
            connect_s=_CONNECT_S,
            read_s=_READ_S,
        )

    def _done(self, job: Job) -> None:
        with self._store.transaction() as tx:
            self._jobs.finish(tx, job)


def inbound_form(message: Message, customer: Customer, account_sid: str, api_base_url: str) -> dict[str, str]:
    """The fields of twilio.com/docs/messaging/guides/webhook-request.

    ExternalUserId holds the business-scoped id as `whatsapp:KE.…`, always; where the number is hidden, From is the same
    and there is no WaId (Twilio's notice of May 2026 about WhatsApp usernames). A tapped button, as captured: Body and
    ButtonText are the title, ButtonPayload its id, MessageType `interactive` (`button` for a template's), with the
    shop's message in OriginalRepliedMessageSid. A tapped item of a list, as others report it from real webhooks: ListId
    and ListTitle, and **Body holds the id, not the title**."""
    form = {
        "AccountSid": account_sid,
        "ApiVersion": API_VERSION,
        "Body": message.body,
        "ExternalUserId": customer.scoped_address,
        "From": message.sender,
        "MessageSid": message.sid,
        "MessageType": message.media.value if message.media else "text",
        "NumMedia": str(messages.num_media(message.media)),
        "NumSegments": "1",
        "ProfileName": customer.name,
        "SmsMessageSid": message.sid,
        "SmsSid": message.sid,
        "SmsStatus": "received",
        "To": message.recipient,
    }
    if not customer.is_hidden:
        form["WaId"] = customer.address.removeprefix("whatsapp:+")
    if message.place_pin is not None:
        pin = message.place_pin
        named = {"Label": pin.label, "Address": pin.address}
        form |= {"Latitude": pin.latitude, "Longitude": pin.longitude, **{n: text for n, text in named.items() if text}}
    elif message.media in SAMPLES:
        path = f"/{API_VERSION}/Accounts/{account_sid}/Messages/{message.sid}/Media/{media.media_sid(message.sid)}"
        form |= {"MediaUrl0": api_base_url + path, "MediaContentType0": SAMPLES[message.media][0]}
    if message.tap is not None:
        form |= _tapped(message, message.tap)
    return form


def _tapped(message: Message, tap: Tap) -> dict[str, str]:
    form = {"OriginalRepliedMessageSender": message.recipient, "OriginalRepliedMessageSid": message.reply_to or ""}
    if tap.kind == "list":
        return {**form, "MessageType": "interactive", "ListId": tap.id, "ListTitle": tap.title}
    kind = "button" if tap.kind == "template" else "interactive"
    return {**form, "MessageType": kind, "ButtonText": tap.title, "ButtonPayload": tap.id}


def status_form(message: Message, status: Status, account_sid: str) -> dict[str, str]:
    word = "undelivered" if status is Status.FAILED else status.value
    form = {
        "AccountSid": account_sid,
        "ApiVersion": API_VERSION,
        "ChannelPrefix": "whatsapp",
        "ChannelToAddress": message.recipient.removeprefix("whatsapp:"),
        "From": message.sender,
        "MessageSid": message.sid,
        "MessageStatus": word,
        "SmsSid": message.sid,
        "SmsStatus": word,
        "To": message.recipient,
    }
    if status in (Status.READ, Status.DELIVERED):
        form["EventType"] = word.upper()
    if status is Status.FAILED and message.error_code is not None:
        form |= {"ErrorCode": str(message.error_code), "ErrorMessage": message.error or ""}
    return form


def twiml_replies(outcome: Outcome) -> list[str]:
    """What a shop that answers a webhook with TwiML wants said; nothing for an empty `<Response/>` or no XML."""
    if "xml" not in outcome.content_type or not outcome.body.strip():
        return []
    try:
        root = ET.fromstring(outcome.body)  # noqa: S314 (our own shop's answer, at most 64 KiB)
    except ET.ParseError:
        _log.warning("a webhook was answered with broken TwiML")
        return []
    bodies = [(message, message.find("Body")) for message in root.iter("Message")]
    texts = ["".join((message if body is None else body).itertext()) for message, body in bodies]
    return [text.strip() for text in texts if text.strip()]
