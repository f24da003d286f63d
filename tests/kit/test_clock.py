"""One clock for all processes of a local shop, which only moves forward."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kit.clock import FixedClock, SharedClock, SystemClock

MINUTE = timedelta(minutes=1)


def test_a_move_is_seen_by_every_clock_on_the_same_file(tmp_path: Path) -> None:
    mine, theirs = SharedClock(tmp_path / "clock"), SharedClock(tmp_path / "clock")
    before = theirs.now()
    mine.advance(timedelta(days=3))
    assert timedelta(days=3) <= theirs.now() - before < timedelta(days=3) + MINUTE
    assert theirs.offset == timedelta(days=3)


def test_a_move_is_seen_in_another_process(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    clock = SharedClock(path)
    code = (
        f"from pathlib import Path; from kit.clock import SharedClock; print(SharedClock(Path({str(path)!r})).offset)"
    )
    clock.advance(timedelta(minutes=10, microseconds=7))
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert seen.stdout.strip() == "0:10:00.000007"


def test_moves_add_up_and_outlive_the_process(tmp_path: Path) -> None:
    SharedClock(tmp_path / "clock").advance(MINUTE)
    SharedClock(tmp_path / "clock").advance(MINUTE)
    assert SharedClock(tmp_path / "clock").offset == 2 * MINUTE


def test_the_shared_clock_refuses_to_go_back(tmp_path: Path) -> None:
    clock = SharedClock(tmp_path / "clock")
    clock.advance(MINUTE)
    with pytest.raises(ValueError, match="forward"):
        clock.advance(-timedelta(microseconds=1))
    assert clock.offset == MINUTE


def test_a_file_cut_short_by_a_crash_starts_again_from_the_systems_time(tmp_path: Path) -> None:
    (tmp_path / "clock").write_bytes(b"\x01\x02")
    assert SharedClock(tmp_path / "clock").offset == timedelta(0)


def test_an_unmoved_clock_and_the_systems_agree_and_are_aware(tmp_path: Path) -> None:
    for clock in (SystemClock(), SharedClock(tmp_path / "clock")):
        assert clock.now().tzinfo is UTC
        assert abs(clock.now() - SystemClock().now()) < MINUTE


def test_a_fixed_clock_stands_still_until_it_is_moved() -> None:
    start = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    clock = FixedClock(start)
    assert clock.now() == clock.now() == start
    clock.advance(MINUTE)
    assert clock.now() == start + MINUTE


def test_a_fixed_clock_refuses_a_time_without_a_zone() -> None:
    with pytest.raises(ValueError, match="aware"):
        FixedClock(datetime(2026, 11, 20, 9, 0))  # noqa: DTZ001 - what is refused
