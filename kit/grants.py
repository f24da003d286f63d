"""The signed charge grant as a token: base64url(claims).key id.signature. Whoever holds the key may sign."""

import base64
import binascii

from pydantic import ValidationError

from contracts.payment_api import ChargeGrant
from kit.signing import KeyRing


class GrantInvalid(ValueError):
    """The token was not signed by the router, or is damaged. Nothing may be charged with it."""


def sign_grant(ring: KeyRing, grant: ChargeGrant) -> str:
    claims = base64.urlsafe_b64encode(grant.model_dump_json().encode()).decode().rstrip("=")
    key_id, signature = ring.sign(claims.encode())
    return f"{claims}.{key_id}.{signature}"


def open_grant(ring: KeyRing, token: str) -> ChargeGrant:
    """The grant in a token. Raises GrantInvalid. Does not judge its age: a known intent outlives its grant."""
    claims, _, rest = token.partition(".")
    key_id, _, signature = rest.partition(".")
    if not ring.verifies(key_id, claims.encode(), signature):
        raise GrantInvalid("the grant is not signed by the router")
    try:
        return ChargeGrant.model_validate_json(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    except (binascii.Error, ValidationError) as error:
        raise GrantInvalid("the grant can't be read") from error
