"""A ticket of the router is exchanged, once, for a session of one browser."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from contracts.credentials import CredentialTicket
from contracts.states import Rail
from kit.db import Tx, insert_new
from payment_adapter.settings_page.models import settings_sessions
from payment_adapter.vault.secret import Secret

SESSION_LIFETIME = timedelta(minutes=30)
"""From opening the ticket: looking for a passkey takes a while."""

MAX_TRIALS = 20
"""How often one session may ask the provider."""

_REMEMBERED = timedelta(days=1)  # far beyond a ticket's life, so that no ticket is opened twice


@dataclass(frozen=True, slots=True)
class Session:
    """Whose settings this browser may enter. `rails` are those that the vendor could use."""

    ticket_id: str
    vendor_id: str
    vendor_name: str
    rails: tuple[Rail, ...]
    asked_by: str
    expires_at: datetime


def open_session(tx: Tx, ticket: CredentialTicket, now: datetime) -> Secret | None:
    """What the browser proves itself with from now on; None for a ticket that was opened before, by whomever."""
    tx.execute(delete(settings_sessions).where(settings_sessions.c.expires_at < now - _REMEMBERED))
    secret = Secret(secrets.token_hex(32))
    row = {
        "ticket_id": ticket.ticket_id,
        "session_hash": _hash(secret.reveal()),
        "vendor_id": ticket.vendor_id,
        "vendor_name": ticket.vendor_name,
        "rails": list(ticket.rails),
        "asked_by": ticket.asked_by,
        "opened_at": now,
        "expires_at": now + SESSION_LIFETIME,
    }
    return secret if insert_new(tx, settings_sessions, row, conflict=["ticket_id"]) else None


def is_opened(tx: Tx, ticket_id: str) -> bool:
    found = select(settings_sessions.c.ticket_id).where(settings_sessions.c.ticket_id == ticket_id)
    return tx.execute(found).first() is not None


def find_session(tx: Tx, secret: str, now: datetime) -> Session | None:
    """The session of this browser, unless it is over."""
    found = select(settings_sessions).where(
        settings_sessions.c.session_hash == _hash(secret), settings_sessions.c.expires_at > now
    )
    row = tx.execute(found).first()
    if row is None:
        return None
    return Session(
        ticket_id=row.ticket_id,
        vendor_id=row.vendor_id,
        vendor_name=row.vendor_name,
        rails=tuple(Rail(rail) for rail in row.rails),
        asked_by=row.asked_by,
        expires_at=row.expires_at,
    )


def take_trial(tx: Tx, session: Session) -> bool:
    """Count one question to a provider. False: this session has asked too often."""
    asked = settings_sessions.c.trials
    counted = (
        update(settings_sessions)
        .where(settings_sessions.c.ticket_id == session.ticket_id, asked < MAX_TRIALS)
        .values(trials=asked + 1)
    )
    return tx.execute(counted).rowcount == 1


def form_token(secret: str) -> str:
    """What every form of this browser's page carries: nobody else's page can know it."""
    return hmac.new(secret.encode(), b"settings form", hashlib.sha256).hexdigest()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
