"""Where the payment adapter says how refunds ended: POST /v1/refund-events, a signed Standard Webhook each.

200 means kept for good; anything else makes it try again. What is said again changes nothing."""

import structlog
from flask import Blueprint, Response
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from contracts.errors import ErrorCode
from contracts.ids import VendorId
from contracts.payment_api import REFUND_EVENTS_PATH, RefundEvent
from contracts.states import InboxStatus
from kit.clock import Clock
from kit.problems import Problem
from kit.signed_events import read_event
from kit.web import answer
from kit.webhooks import EventSigner
from router.databases import Databases
from router.operations import Audience, Operation, declared
from router.payments.payables import Registry
from router.payments.refunds import record_outcome

_log = structlog.get_logger()

TAKE_REFUND_EVENT = Operation(
    "payments.refund_events.take",
    "POST",
    REFUND_EVENTS_PATH,
    "News of a refund from the payment adapter, as a signed Standard Webhook",
    frozenset({Audience.PAYMENT_ADAPTER}),
    of_shop=False,
    body=RefundEvent,
    tag="payments",
)


def refund_events(databases: Databases, signer: EventSigner, registry: Registry, clock: Clock) -> Blueprint:
    """`signer` verifies with DUKANI_KEY_EVENTS_ADAPTER_ROUTER.

    Answers 200 with what became of the event; 401 unsigned, 422 malformed or another id in header and body, 503 when
    a database can't be used now."""
    blueprint = Blueprint("refund_events", __name__)

    def take() -> Response:
        event = read_event(signer, RefundEvent, clock.now())
        try:
            note = _taken(databases, registry, event, clock)
        except (DBAPIError, PoolTimeout, TimeoutError) as error:
            _log.error("a refund event could not be taken now", event_id=event.event_id, error=type(error).__name__)
            raise Problem(
                503, ErrorCode.UNAVAILABLE, "the event could not be stored; send it again", retry_after_s=1
            ) from error
        status = InboxStatus.FAILED if note is None else InboxStatus.PROCESSED
        _log.info("refund event", event_id=event.event_id, status=status, note=note)
        return answer({"status": status.value, "note": note or "this vendor has no such refund"})

    blueprint.add_url_rule(TAKE_REFUND_EVENT.path, "take", declared(TAKE_REFUND_EVENT, take), methods=["POST"])
    return blueprint


def _taken(databases: Databases, registry: Registry, event: RefundEvent, clock: Clock) -> str | None:
    vendor_id = VendorId(event.vendor_id)
    try:
        home = databases.ops(vendor_id)
    except Problem as problem:
        if problem.status != 404:
            raise
        return None
    with home.write() as tx:
        return record_outcome(
            tx,
            registry,
            vendor_id,
            event.refund_id,
            event.status,
            clock.now(),
            provider_refund_id=event.provider_refund_id,
            detail=event.detail,
        )
