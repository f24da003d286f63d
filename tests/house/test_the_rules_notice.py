"""Each rule notices what it is there for: a planted breach is found, its honest neighbour is left alone."""

import pytest

from tests.house import rules

LINE = "x = 1\n"


def test_a_file_one_line_too_long_is_noticed() -> None:
    assert rules.long_file("a.py", LINE * rules.MAX_FILE_LINES) == []
    assert rules.long_file("a.py", LINE * (rules.MAX_FILE_LINES + 1))


def test_a_function_one_line_too_long_is_noticed() -> None:
    body = "    x = 1\n"
    assert rules.long_functions("a.py", "def f():\n" + body * (rules.MAX_FUNCTION_LINES - 1)) == []
    assert rules.long_functions("a.py", "def f():\n" + body * rules.MAX_FUNCTION_LINES)


@pytest.mark.parametrize("name", ["router/utils.py", "bot/helpers/x.py", "kit/common.py", "kit/manager.py"])
def test_a_name_that_says_nothing_is_noticed(name: str) -> None:
    assert rules.vague_name(name)
    assert rules.vague_name("router/orders/service.py") == []


@pytest.mark.parametrize(
    "text",
    [
        "datetime.now(UTC)",
        "datetime.datetime.utcnow()",
        "date.today()",
        "time.time()",
        "from time import time",
        "create(default=datetime.now)",
    ],
)
def test_reading_the_wall_clock_is_noticed(text: str) -> None:
    assert rules.wall_clock("a.py", text)


@pytest.mark.parametrize("text", ["clock.now()", "time.monotonic()", "from time import monotonic", "self.time.hour"])
def test_the_injected_clock_and_monotonic_time_are_left_alone(text: str) -> None:
    assert rules.wall_clock("a.py", text) == []


@pytest.mark.parametrize("line", ["price = 0.1", "x = float(amount)", "half = total / 2", "def f(amount: float): ..."])
def test_a_float_in_a_file_that_speaks_of_money_is_noticed(line: str) -> None:
    assert rules.floats_near_money("a.py", f"amount_minor = 1\n{line}\n")
    assert rules.floats_near_money("a.py", line.replace("amount", "size") + "\n") == []


@pytest.mark.parametrize(
    "line",
    ["timeout_s = 0.5", "wait(timeout_s=0.5)", "def f(wait_s: float): ...", "path = folder / 'x'", "half = total // 2"],
)
def test_times_paths_and_whole_divisions_are_left_alone(line: str) -> None:
    assert rules.floats_near_money("a.py", f"amount_minor = 1\n{line}\n") == []


def test_a_stray_commit_is_noticed() -> None:
    assert rules.commits("a.py", "session.commit()")
    assert rules.commits("a.py", "conn.rollback()")
    assert rules.commits("a.py", "tx.execute(statement)") == []


@pytest.mark.parametrize(
    "text",
    [
        "from router.vendors.models import vendors",
        "from router.vendors import models",
        "import router.vendors.rules",
    ],
)
def test_reaching_into_another_room_is_noticed(text: str) -> None:
    assert rules.foreign_tables("router/orders/service.py", text)


@pytest.mark.parametrize(
    "text",
    [
        "from router.vendors import service",
        "from router.vendors.service import gate",
        "from router.orders.models import orders",
        "from router import databases",
        "from kit.db import Tx",
    ],
)
def test_a_rooms_own_tables_and_anothers_service_are_left_alone(text: str) -> None:
    assert rules.foreign_tables("router/orders/service.py", text) == []


def test_a_number_that_may_be_somebodys_is_noticed() -> None:
    somebody = "2547" + "12345678"
    assert rules.strangers_numbers("a.md", f"call +{somebody} now")
    assert rules.strangers_numbers("a.md", "call 0" + somebody[3:])
    assert rules.strangers_numbers("a.md", "254708374149, whatsapp:+254700000001, 0700000002") == []


def test_a_trace_of_a_package_index_is_noticed() -> None:
    assert rules.index_traces("a.txt", "https://" + "pypi" + ".org/simple")
    assert rules.index_traces("a.txt", "--find" + "-links /somewhere")
    assert rules.index_traces("a.txt", "https://dukani.example") == []


def test_a_silenced_naive_datetime_is_noticed() -> None:
    assert rules.silenced_time_zones("a.py", "x = datetime(2026, 1, 1)  # " + "noqa: E501, DTZ001")
    assert rules.silenced_time_zones("a.py", "x = 1  # " + "noqa: E501") == []
