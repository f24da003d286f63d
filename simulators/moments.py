"""Moments as whole microseconds since 1970, the form in which the store keeps and compares them."""

from datetime import UTC, datetime, timedelta, timezone

EAT = timezone(timedelta(hours=3), "EAT")
"""East Africa Time: the zone of every time that Safaricom writes."""

SECOND_US = 1_000_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def us_of(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(at_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at_us)


def iso(at_us: int) -> str:
    """`2026-11-21T09:30:00.000000Z`: always with microseconds, so that texts sort as moments do."""
    return moment_of(at_us).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
