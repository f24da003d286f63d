"""The table of the charge machine: what is allowed, everything that is not, and what no order of events can break."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.states import ChargeStatus
from payment_adapter.charges.rules import Fact, follow

ALLOWED = {
    ("created", "claim", "claimed"),
    ("created", "lapse", "failed"),
    ("claimed", "accept", "accepted"),
    ("claimed", "refuse", "failed"),
    ("claimed", "doubt", "unknown"),
    ("claimed", "pay", "paid"),
    ("claimed", "fail", "failed"),
    ("claimed", "expire", "expired"),
    ("accepted", "doubt", "unknown"),
    ("accepted", "pay", "paid"),
    ("accepted", "fail", "failed"),
    ("accepted", "expire", "expired"),
    ("unknown", "accept", "accepted"),
    ("unknown", "refuse", "failed"),
    ("unknown", "pay", "paid"),
    ("unknown", "fail", "failed"),
    ("unknown", "expire", "expired"),
    ("failed", "pay", "paid"),
    ("expired", "pay", "paid"),
}
FORBIDDEN = sorted(
    (status, fact)
    for status in ChargeStatus
    for fact in Fact
    if (status, fact) not in {(before, fact) for before, fact, _ in ALLOWED}
)


@pytest.mark.parametrize(("before", "fact", "after"), sorted(ALLOWED))
def test_what_the_table_allows_leads_where_it_says(before: str, fact: str, after: str) -> None:
    assert follow(ChargeStatus(before), Fact(fact)) == after


@pytest.mark.parametrize(("before", "fact"), FORBIDDEN)
def test_everything_else_changes_nothing(before: ChargeStatus, fact: Fact) -> None:
    assert follow(before, fact) is None


def test_a_push_is_claimed_from_one_status_only_and_never_twice() -> None:
    assert [status for status in ChargeStatus if follow(status, Fact.CLAIM) is not None] == [ChargeStatus.CREATED]
    assert not [
        (status, fact) for status in ChargeStatus for fact in Fact if follow(status, fact) is ChargeStatus.CREATED
    ]


@given(st.lists(st.sampled_from([fact for fact in Fact if fact not in (Fact.CLAIM, Fact.LAPSE)])))
def test_after_a_claim_a_success_always_ends_as_paid_and_nothing_else_does(facts: list[Fact]) -> None:
    status = ChargeStatus.CLAIMED
    for fact in facts:
        status = follow(status, fact) or status
    assert (status is ChargeStatus.PAID) == (Fact.PAY in facts)
