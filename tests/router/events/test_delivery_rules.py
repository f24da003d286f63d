"""When a delivery is tried again, when it is given up, and what an answer means."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.events.rules import (
    DELAYS_S,
    FAILING_FOR,
    JITTER,
    KEEP_TRYING_FOR,
    LONGEST_RETRY_AFTER_S,
    Outcome,
    must_be_disabled,
    next_try,
    without_controls,
)

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(("failures", "delay_s"), [*enumerate(DELAYS_S, 1), (len(DELAYS_S) + 3, DELAYS_S[-1])])
def test_the_delay_grows_and_then_stays(failures: int, delay_s: int) -> None:
    assert next_try(failures, NOW, NOW, jitter=0.0) == NOW + timedelta(seconds=delay_s)


@given(failures=st.integers(1, 50), jitter=st.floats(-1, 1), waited_s=st.integers(0, 4 * 86400))
def test_jitter_stays_within_its_bounds_and_no_try_is_later_than_three_days(
    failures: int, jitter: float, waited_s: int
) -> None:
    first = NOW - timedelta(seconds=waited_s)
    again_at = next_try(failures, first, NOW, jitter=jitter)
    delay_s = DELAYS_S[min(failures, len(DELAYS_S)) - 1]
    longest = timedelta(seconds=delay_s * (1 + JITTER))
    if again_at is None:
        assert NOW + longest > first + KEEP_TRYING_FOR
    else:
        assert timedelta(seconds=delay_s * (1 - JITTER)) <= again_at - NOW <= longest
        assert again_at <= first + KEEP_TRYING_FOR


@pytest.mark.parametrize(
    ("asked_s", "delay_s"), [(0, 5), (4, 5), (60, 60), (LONGEST_RETRY_AFTER_S + 1, LONGEST_RETRY_AFTER_S)]
)
def test_retry_after_is_honoured_within_bounds(asked_s: int, delay_s: int) -> None:
    assert next_try(1, NOW, NOW, jitter=0.0, retry_after_s=asked_s) == NOW + timedelta(seconds=delay_s)


def test_an_endpoint_is_disabled_after_five_days_and_not_a_moment_before() -> None:
    assert not must_be_disabled(None, NOW)
    assert not must_be_disabled(NOW - FAILING_FOR + timedelta(seconds=1), NOW)
    assert must_be_disabled(NOW - FAILING_FOR, NOW)


@pytest.mark.parametrize(
    ("status", "is_accepted", "is_gone", "is_unwell"),
    [
        (None, False, False, True),
        (199, False, False, False),
        (200, True, False, False),
        (204, True, False, False),
        (299, True, False, False),
        (302, False, False, False),
        (400, False, False, False),
        (410, False, True, False),
        (429, False, False, True),
        (500, False, False, True),
        (503, False, False, True),
    ],
)
def test_what_an_answer_means(status: int | None, is_accepted: bool, is_gone: bool, is_unwell: bool) -> None:
    outcome = Outcome(status, 10, None if is_accepted else "refused")
    assert (outcome.is_accepted, outcome.is_gone, outcome.is_unwell) == (is_accepted, is_gone, is_unwell)
    assert (outcome.problem is None) == is_accepted


def test_a_stranger_s_answer_is_kept_without_what_turns_text_around() -> None:
    assert without_controls("a\x00b\x1b[2J\u202ec\nd" + "e" * 10, 12) == "a b [2J c de"
