"""Credential tickets as tokens that fit into an address: base64url(claims).key id.signature."""

import base64
import binascii

from pydantic import ValidationError

from contracts.credentials import CredentialTicket
from kit.signing import KeyRing

_PURPOSE = b"credential ticket\n"
"""Signed along, so that nothing else that the same key signs can pass for a ticket."""


class TicketInvalid(ValueError):
    """The router did not sign this, or it is damaged. It opens nothing."""


def sign_ticket(ring: KeyRing, ticket: CredentialTicket) -> str:
    claims = base64.urlsafe_b64encode(ticket.model_dump_json().encode()).decode().rstrip("=")
    key_id, signature = ring.sign(_PURPOSE + claims.encode())
    return f"{claims}.{key_id}.{signature}"


def open_ticket(ring: KeyRing, token: str) -> CredentialTicket:
    """The ticket in a token. Raises TicketInvalid. Does not judge its age, nor whether it was used."""
    claims, _, rest = token.partition(".")
    key_id, _, signature = rest.rpartition(".")
    if not ring.verifies(key_id, _PURPOSE + claims.encode(), signature):
        raise TicketInvalid("the ticket is not signed by the router")
    try:
        return CredentialTicket.model_validate_json(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    except (binascii.Error, ValidationError) as error:
        raise TicketInvalid("the ticket can't be read") from error
