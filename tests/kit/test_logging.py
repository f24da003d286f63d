"""What must not leave through a log line does not."""

import pytest

from kit.logging import redact


@pytest.mark.parametrize(
    ("text", "kept_out"),
    [
        ("payer 254708374149 answered", "254708374149"),
        ("from whatsapp:+254708374149", "254708374149"),
        ("POST /callbacks/" + "ab12" * 16, "ab12" * 16),
        ("Authorization: Bearer abcdefghijklmnop", "abcdefghijklmnop"),
        ("Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA=="),
        ("ws_CO_21112026090000123708374149 not found", "708374149"),
    ],
)
def test_numbers_secrets_and_tokens_are_masked(text: str, kept_out: str) -> None:
    assert kept_out not in redact(text)


@pytest.mark.parametrize(
    "text", ["order K7M3XP is PAID", "took 12345 ms", "event 0195d3a0-7b1c-7c3e-8a2b-1234567890ab delivered"]
)
def test_what_is_harmless_stays_readable(text: str) -> None:
    assert redact(text) == text
