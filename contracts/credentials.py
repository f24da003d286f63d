"""Between router and payment adapter: who may enter a vendor's settings in a browser, for a short time and once.

The router signs a ticket, the browser carries it straight to the adapter, and no secret ever passes the router."""

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from contracts.states import Rail

TICKET_LIFETIME = timedelta(minutes=10)
"""From signing to opening it."""

SETTINGS_PATH = "/settings"
"""Where the adapter serves the page; a ticket stands behind it: `/settings/<ticket>`."""


class CredentialTicket(BaseModel):
    """Opens the page of one vendor's settings, in one browser."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ticket_id: str
    vendor_id: str
    vendor_name: str
    """So that whoever opens it sees whose settings they are."""
    rails: list[Rail]
    """Those that the vendor could use, being in its currency: settings of no other are asked for."""
    asked_by: str
    """Who asked for it, for the record: `key:<id>`, `operator`, `command line`."""
    issued_at: datetime
    expires_at: datetime


class CredentialsLink(BaseModel):
    """POST /api/v1/credentials-links → 201"""

    url: str | None = None
    """To open in a browser, once. In the first answer alone: a repeat under the same Idempotency-Key has null here."""
    expires_at: datetime
