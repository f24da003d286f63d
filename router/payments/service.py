"""The payment core's front door: the only module of this room that other rooms and the composition import.

Order of locks, everywhere: customer, payable, payment requests, stock. Functions that say so expect their caller to
hold the first two."""

from datetime import datetime

from contracts.ids import VendorId
from contracts.states import RequestStatus
from kit.db import Tx
from router.payments import requests
from router.payments.apply import Outcome, apply_event
from router.payments.claim_routes import claim_routes
from router.payments.handing_over import HandingOver
from router.payments.intake import payment_events
from router.payments.intents import start_intent
from router.payments.listing import Collected, collected
from router.payments.money_routes import vendor_money_routes
from router.payments.payables import (
    CannotFulfil,
    Fulfilled,
    Paid,
    Payable,
    PayableHandler,
    Registry,
    UnknownPayableKind,
)
from router.payments.payers import PushesAsked, has_paid_from, pushes_asked_by
from router.payments.pushes import release_push, reserve_push
from router.payments.reading import StillOpen, receipts, sent_back, still_open, views
from router.payments.refund_intake import refund_events
from router.payments.requests import open_request
from router.payments.sweep import Sweep, sweep_loop
from router.payments.vendor_routes import vendor_payment_routes

__all__ = [
    "CannotFulfil",
    "Collected",
    "Fulfilled",
    "HandingOver",
    "Outcome",
    "Paid",
    "Payable",
    "PayableHandler",
    "PushesAsked",
    "Registry",
    "StillOpen",
    "Sweep",
    "UnknownPayableKind",
    "apply_event",
    "claim_routes",
    "close_requests",
    "collected",
    "has_paid_from",
    "open_request",
    "payment_events",
    "pushes_asked_by",
    "receipts",
    "refund_events",
    "release_push",
    "reserve_push",
    "sent_back",
    "start_intent",
    "still_open",
    "sweep_loop",
    "vendor_money_routes",
    "vendor_payment_routes",
    "views",
]


def close_requests(
    tx: Tx, *, vendor_id: VendorId, payable_kind: str, payable_id: str, status: RequestStatus, now: datetime
) -> StillOpen:
    """Close what is open for a payable: `canceled` or `expired`. Returns what may bring money all the same. The caller
    holds the payable's lock."""
    known = requests.lock_requests(tx, vendor_id=vendor_id, payable_kind=payable_kind, payable_id=payable_id)
    requests.close_open(tx, known, status, now)
    return still_open(tx, vendor_id=vendor_id, payable_kind=payable_kind, payable_id=payable_id)
