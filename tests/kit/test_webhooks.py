"""Events are accepted with the sender's signature, within five minutes, and not otherwise."""

from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from kit.problems import Problem
from kit.webhooks import EventSigner

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
SIGNER = EventSigner("a" * 40)
BODY = b'{"type":"order.paid"}'


def test_a_signed_event_is_accepted_and_named() -> None:
    assert SIGNER.verify(SIGNER.headers("evt-1", NOW, BODY), BODY, NOW) == "evt-1"


def test_our_signature_is_the_one_the_standard_library_of_the_scheme_makes() -> None:
    assert SIGNER.headers("evt-1", NOW, BODY)["webhook-signature"] == Webhook(b"a" * 40).sign(
        "evt-1", NOW, BODY.decode()
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-id", "evt-2"),
        ("webhook-timestamp", str(int(NOW.timestamp()) + 1)),
        ("webhook-timestamp", "soon"),
        ("webhook-timestamp", "²"),
        ("webhook-timestamp", "999999999999"),
        ("webhook-signature", "v1,AAAA"),
        ("webhook-signature", ""),
    ],
)
def test_a_changed_header_is_refused(name: str, value: str) -> None:
    headers = SIGNER.headers("evt-1", NOW, BODY) | {name: value}
    with pytest.raises(Problem) as refused:
        SIGNER.verify(headers, BODY, NOW)
    assert refused.value.status == 401


def test_a_changed_or_unreadable_body_is_refused() -> None:
    headers = SIGNER.headers("evt-1", NOW, BODY)
    for body in (BODY + b" ", b"\xff\xfe"):
        with pytest.raises(Problem):
            SIGNER.verify(headers, body, NOW)


def test_an_event_older_than_five_minutes_is_refused_by_the_given_clock() -> None:
    headers = SIGNER.headers("evt-1", NOW, BODY)
    SIGNER.verify(headers, BODY, NOW + timedelta(minutes=5))
    with pytest.raises(Problem, match="300 s"):
        SIGNER.verify(headers, BODY, NOW + timedelta(minutes=5, seconds=1))


def test_an_older_secret_still_verifies_during_a_rotation() -> None:
    headers = EventSigner("old" * 12).headers("evt-1", NOW, BODY)
    assert EventSigner("new" * 12 + "," + "old" * 12).verify(headers, BODY, NOW) == "evt-1"
