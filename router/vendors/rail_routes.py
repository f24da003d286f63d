"""Rails over the API: which of them a shop can be paid on, where it enters what they need, and news of them from the
payment adapter. What is entered goes from the browser straight there: this process never sees it."""

from datetime import datetime

import structlog
from flask import Blueprint, Response

from contracts.credentials import SETTINGS_PATH, TICKET_LIFETIME, CredentialsLink, CredentialTicket
from contracts.ids import VendorId, new_id
from contracts.payment_api import RAILS_EVENTS_PATH, RailsNews
from kit.clock import Clock
from kit.db import Tx
from kit.signed_events import read_event
from kit.signing import KeyRing
from kit.tickets import sign_ticket
from kit.web import answer
from kit.webhooks import EventSigner
from router.databases import Databases
from router.edge import Call, Edge, Routes
from router.operations import BY_VENDOR, Audience, KeyScope, Operation, declared
from router.vendors.rails import apply_news, rails_told
from router.vendors.recording import record_change
from router.vendors.rules import Vendor, fitting_rails
from router.vendors.service import Directory
from router.vendors.wire import RailList, VendorDetail

_log = structlog.get_logger()

TAKE_NEWS = Operation(
    "rails.events.take",
    "POST",
    RAILS_EVENTS_PATH,
    "News of a shop's rails from the payment adapter, as a signed Standard Webhook",
    frozenset({Audience.PAYMENT_ADAPTER}),
    of_shop=False,
    body=RailsNews,
    tag="payments",
)
RAILS = Operation(
    "rails.list",
    "GET",
    "/api/v1/rails",
    "The ways to pay in the shop's currency: which are offered, and what the others lack",
    BY_VENDOR,
    scope=KeyScope.SHOP_READ,
    even_suspended=True,
    answer=RailList,
    tag="shop",
)
LINK = Operation(
    "credentials.link",
    "POST",
    "/api/v1/credentials-links",
    "An address where the shop's payment credentials are entered",
    BY_VENDOR,
    scope=KeyScope.CREDENTIALS_WRITE,
    answer=CredentialsLink,
    status=201,
    description="To be opened in a browser within ten minutes, once. What is entered there goes straight to the "
    "payment adapter and can't be read again by anybody. The address is shown in the first answer alone: a repeat "
    "under the same Idempotency-Key answers with `url` null.",
    tag="shop",
)


def rail_routes(edge: Edge, tickets: KeyRing, adapter_public_url: str) -> Blueprint:
    """`tickets` signs with DUKANI_KEY_ROUTER_ADAPTER."""
    routes = Routes(edge, "rails")

    @routes.add(RAILS)
    def rails(call: Call) -> Response:
        with edge.databases.platform.read() as tx:
            return answer(rails_told(tx, edge.directory.paid_on(call.vendor, None)))

    @routes.add(LINK)
    def link(call: Call) -> Response:
        first: list[CredentialsLink] = []

        def effect(tx: Tx) -> tuple[int, CredentialsLink]:
            made = settings_link(tx, call.vendor, tickets, adapter_public_url, call.now, by=call.caller.name)
            first.append(made)
            return 201, CredentialsLink(expires_at=made.expires_at)  # what is stored opens nothing

        stored = edge.perform_on_platform(call, effect)
        return answer(first[0], stored.status_code) if first else stored

    return routes.blueprint


def settings_link(
    tx: Tx, vendor: Vendor | VendorDetail, tickets: KeyRing, adapter_public_url: str, now: datetime, *, by: str
) -> CredentialsLink:
    """An address where this shop's settings are entered, once; that it was asked for is recorded."""
    vendor_id = VendorId(vendor.id)
    ticket = CredentialTicket(
        ticket_id=new_id(now),
        vendor_id=vendor_id,
        vendor_name=vendor.name,
        rails=fitting_rails(vendor.currency),
        asked_by=by,
        issued_at=now,
        expires_at=now + TICKET_LIFETIME,
    )
    record_change(tx, vendor_id, "credentials link", None, "made", now, by=by)
    url = f"{adapter_public_url}{SETTINGS_PATH}/{sign_ticket(tickets, ticket)}"
    return CredentialsLink(url=url, expires_at=ticket.expires_at)


def rails_events(databases: Databases, directory: Directory, signer: EventSigner, clock: Clock) -> Blueprint:
    """`signer` verifies with DUKANI_KEY_EVENTS_ADAPTER_ROUTER.

    Answers 200 with what became of the news; 401 unsigned, 422 malformed or another id in header and body."""
    blueprint = Blueprint("rails_events", __name__)

    def take() -> Response:
        news = read_event(signer, RailsNews, clock.now())
        with databases.platform.write() as tx:
            tx.after_commit(lambda: directory.forget(VendorId(news.vendor_id)))
            status = "applied" if apply_news(tx, news) else "outdated"
        _log.info(
            "news of rails", vendor_id=news.vendor_id, provider=news.provider, version=news.version, became=status
        )
        return answer({"status": status})

    blueprint.add_url_rule(TAKE_NEWS.path, "take", declared(TAKE_NEWS, take), methods=["POST"])
    return blueprint
