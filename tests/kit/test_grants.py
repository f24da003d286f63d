"""A grant is what the router signed, whole, or it is nothing."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.money import Currency
from contracts.payment_api import GRANT_LIFETIME, ChargeGrant
from contracts.states import Rail
from kit.grants import GrantInvalid, open_grant, sign_grant
from kit.signing import KeyRing

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
RING = KeyRing.parse("g1:" + "g" * 40)
GRANT = ChargeGrant(
    intent_id="i1",
    request_id="r1",
    vendor_id="v1",
    rail=Rail.MPESA_STK,
    amount_minor=45000,
    currency=Currency.KES,
    payer_msisdn="254708374149",
    account_reference="K7M3XP",
    description="Mama Njeri",
    issued_at=NOW,
    expires_at=NOW + GRANT_LIFETIME,
)
TOKEN = sign_grant(RING, GRANT)


def test_a_signed_grant_opens_to_what_was_signed() -> None:
    assert open_grant(RING, TOKEN) == GRANT


@given(st.integers(min_value=0, max_value=len(TOKEN) - 1), st.characters(codec="ascii"))
def test_no_changed_character_leaves_a_grant_open_to_anything_else(at: int, character: str) -> None:
    changed = TOKEN[:at] + character + TOKEN[at + 1 :]
    if changed == TOKEN:
        return
    with pytest.raises(GrantInvalid):
        open_grant(RING, changed)


@pytest.mark.parametrize("token", ["", ".", "..", "a.b", "a.b.c", TOKEN[:-1], TOKEN + "0"])
def test_a_damaged_token_is_refused(token: str) -> None:
    with pytest.raises(GrantInvalid):
        open_grant(RING, token)


def test_another_key_does_not_sign_for_the_router() -> None:
    with pytest.raises(GrantInvalid):
        open_grant(RING, sign_grant(KeyRing.parse("g1:" + "x" * 40), GRANT))
