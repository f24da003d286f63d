"""Where payment events arrive from the payment adapter: POST /v1/payment-events, a signed Standard Webhook each.

200 means kept for good, whatever it said, so that the adapter stops sending; anything else makes it try again."""

import structlog
from flask import Blueprint, Response
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from contracts.errors import ErrorCode
from contracts.ids import VendorId
from contracts.payment_api import PAYMENT_EVENTS_PATH, PaymentEvent
from contracts.states import InboxStatus
from kit.clock import Clock
from kit.metrics import payment_event_taken
from kit.problems import Problem
from kit.signed_events import read_event
from kit.web import answer
from kit.webhooks import EventSigner
from router.databases import Databases, ShopDatabase
from router.operations import Audience, Operation, declared
from router.payments.apply import Outcome, apply_event
from router.payments.payables import Registry
from router.payments.pushes import release_push

_log = structlog.get_logger()


TAKE_EVENT = Operation(
    "payments.events.take",
    "POST",
    PAYMENT_EVENTS_PATH,
    "News of a charge from the payment adapter, as a signed Standard Webhook",
    frozenset({Audience.PAYMENT_ADAPTER}),
    of_shop=False,
    body=PaymentEvent,
    tag="payments",
)


def payment_events(databases: Databases, signer: EventSigner, registry: Registry, clock: Clock) -> Blueprint:
    """`signer` verifies with DUKANI_KEY_EVENTS_ADAPTER_ROUTER.

    Answers 200 with what became of the event; 401 unsigned, 422 malformed or another id in header and body, 503 when
    a database can't be used now."""
    blueprint = Blueprint("payment_events", __name__)

    def take() -> Response:
        now = clock.now()
        event = read_event(signer, PaymentEvent, now)
        try:
            with _home(databases, event).write() as tx:
                outcome = apply_event(tx, event, registry, now)
        except (DBAPIError, PoolTimeout, TimeoutError) as error:
            # A race that one of two lost counts as well: the next delivery finds what the winner left.
            _log.error("a payment event could not be applied now", event_id=event.event_id, error=type(error).__name__)
            raise Problem(
                503, ErrorCode.UNAVAILABLE, "the event could not be stored; send it again", retry_after_s=1
            ) from error
        payment_event_taken(event.status.value, outcome.status.value)
        if outcome.status is not InboxStatus.PROCESSED:  # what goes as it should is counted, and in the inbox
            _log.info("payment event", event_id=event.event_id, status=outcome.status, note=outcome.note)
        _release(databases, outcome, clock)
        return answer({"status": outcome.status.value, "note": outcome.note})

    blueprint.add_url_rule(TAKE_EVENT.path, "take", declared(TAKE_EVENT, take), methods=["POST"])
    return blueprint


def _home(databases: Databases, event: PaymentEvent) -> ShopDatabase:
    try:
        return databases.ops(VendorId(event.vendor_id))
    except Problem as problem:
        if problem.status != 404:
            raise
        # A vendor that nobody knows: the event is kept all the same, where a person can find it.
        return databases.shared.of(VendorId(event.vendor_id))


def _release(databases: Databases, outcome: Outcome, clock: Clock) -> None:
    if outcome.ended_intent is None:
        return
    try:
        with databases.platform.write() as tx:
            release_push(tx, intent_id=outcome.ended_intent, now=clock.now(), was_used=outcome.was_sent)
    except (DBAPIError, PoolTimeout, TimeoutError) as error:
        # The event is applied. The reservation ends by itself after ten minutes.
        _log.warning("a live push was not released", intent_id=outcome.ended_intent, error=type(error).__name__)
