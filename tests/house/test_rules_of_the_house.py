"""The whole project keeps the rules of the house."""

import re
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.house import rules

LONG_FILES: dict[str, str] = {}
"""Files that may be longer than the ceiling, each with its reason."""

LONG_FUNCTIONS: dict[str, str] = {}
"""`file:function` that may be longer than the ceiling, each with its reason."""


FLOATS: dict[str, str] = {}
"""Files that speak of money and yet hold floats, each with its reason."""


def _breaches(check: Callable[[str, str], list[str]], packages: tuple[str, ...], besides: tuple[str, ...] = ()) -> str:
    found: list[str] = []
    for name, text in rules.python_files(packages):
        if name not in besides:
            found += check(name, text)
    return "\n".join(found)


def test_no_file_is_longer_than_the_ceiling() -> None:
    assert _breaches(rules.long_file, rules.CODE, tuple(LONG_FILES)) == ""


def test_no_function_is_longer_than_the_ceiling() -> None:
    def check(name: str, text: str) -> list[str]:
        allowed = {known.partition(":")[2] for known in LONG_FUNCTIONS if known.startswith(f"{name}:")}
        return [line for line in rules.long_functions(name, text) if line.split()[1].rstrip(":") not in allowed]

    assert _breaches(check, rules.CODE) == ""


def test_every_exception_is_still_needed_and_has_a_reason() -> None:
    sources = dict(rules.python_files(rules.CODE))
    assert [name for name, why in FLOATS.items() if not why or not rules.floats_near_money(name, sources[name])] == []
    assert [name for name, why in LONG_FILES.items() if not why or not rules.long_file(name, sources[name])] == []
    for known, why in LONG_FUNCTIONS.items():
        name, _, function = known.partition(":")
        assert why
        assert any(f" {function}:" in line for line in rules.long_functions(name, sources[name])), known


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert _breaches(lambda name, _: rules.vague_name(name), rules.CODE) == ""


def test_only_the_clock_reads_the_time() -> None:
    assert _breaches(rules.wall_clock, rules.PRODUCT, ("kit/clock.py",)) == ""


def test_no_naive_datetime_is_waved_through() -> None:
    assert _breaches(rules.silenced_time_zones, rules.PRODUCT) == ""


def test_no_float_comes_near_money() -> None:
    rooms = ("contracts", "router", "payment_adapter", "bot", "simulators")
    assert _breaches(rules.floats_near_money, rooms, tuple(FLOATS)) == ""


def test_only_the_edge_ends_a_transaction() -> None:
    assert _breaches(rules.commits, rules.PRODUCT, ("kit/db.py",)) == ""


def test_a_room_knows_another_by_its_service_only() -> None:
    assert _breaches(rules.foreign_tables, ("router",)) == ""


def test_the_import_law_holds() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    ran = subprocess.run(command, cwd=rules.ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_phone_number_is_nobodys() -> None:
    found = [line for name, text in rules.text_files() for line in rules.strangers_numbers(name, text)]
    assert found == []


def test_no_file_says_where_packages_come_from() -> None:
    besides = ("dev", "tests/house/rules.py")  # the options that keep addresses out are named there
    found = [
        line for name, text in rules.text_files() if name not in besides for line in rules.index_traces(name, text)
    ]
    assert found == []


def test_there_is_no_lock_file_that_records_addresses() -> None:
    names = ("uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock", "pylock.toml")
    assert [name for name in names if (rules.ROOT / name).exists()] == []


@pytest.mark.parametrize("name", ["tools", "runtime", "test"])
def test_requirements_hold_versions_and_hashes_and_nothing_else(name: str) -> None:
    text = (rules.ROOT / "requirements" / f"{name}.txt").read_text()
    pinned = re.compile(r"[a-z0-9-]+(\[[a-z,]+\])?==[0-9][^ /@:]*( ; [^/@:]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?")
    assert [line for line in text.splitlines() if not pinned.fullmatch(line)] == []
    assert text.count("==") > 0


def test_the_tests_run_on_the_versions_that_the_shop_runs_on() -> None:
    runtime = (rules.ROOT / "requirements" / "runtime.txt").read_text()
    test = (rules.ROOT / "requirements" / "test.txt").read_text()
    pins = re.findall(r"^[a-z0-9-]+(?:\[[a-z,]+\])?==\S+", runtime, re.MULTILINE)
    assert [pin for pin in pins if f"{pin} " not in test] == []
