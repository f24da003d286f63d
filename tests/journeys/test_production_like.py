"""The whole shop in production's shape, in one command: a purchase, one without Valkey, and one that a second run
remembers."""

import fcntl
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Generator
from http.client import HTTPConnection
from pathlib import Path

import psutil
import psycopg
import pytest

from dukani.engines.postgres import SUPERUSER
from tests.support.phone import Phone
from tests.support.processes import eventually, is_alive
from tests.support.up import Up, up

WHO = "Achieng"
SETTLED_S = 30.0

DATABASES = ("PLATFORM", "OPS", "CONVERSATIONS", "PAYMENTS")


@pytest.fixture
def folder() -> Generator[Path]:
    # Not pytest's own folder, which is closed to the user that PostgreSQL runs as when this user is root.
    made = Path(tempfile.mkdtemp(prefix="dukani shop ", dir="/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def buy(run: Up) -> None:
    """From hello to the receipt, on the phone page's own API."""
    phone = Phone(f"http://127.0.0.1:{run.ports['DUKANI_SIMULATORS_PORT']}")
    try:
        phone.asks(WHO, "SHOP mama", timeout_s=SETTLED_S)
        phone.asks(WHO, "MENU", timeout_s=SETTLED_S)
        phone.asks(WHO, "ADD 2", containing="total", timeout_s=SETTLED_S)
        phone.asks(WHO, "CONFIRM", containing="PAY", timeout_s=SETTLED_S)
        paying = phone.says(WHO, "PAY")
        prompt = phone.enter_pin(WHO, timeout_s=SETTLED_S)
        phone.wait_for_reply(WHO, containing=prompt.receipt or "?", after=paying, timeout_s=SETTLED_S)
    finally:
        phone.close()


def order_statuses(folder: Path) -> list[str]:
    sockets = (folder / "var" / "production-like" / "sockets").read_text()
    with psycopg.connect(host=sockets, user=SUPERUSER, dbname="dukani_ops") as connection:
        return [row[0] for row in connection.execute("SELECT status FROM orders ORDER BY created_at").fetchall()]


def metrics(port: int) -> str:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def servers(run: Up) -> dict[str, psutil.Process]:
    """PostgreSQL and Valkey, by their program's name."""
    children = psutil.Process(run.process.pid).children()
    return {child.name(): child for child in children if child.name() in ("postgres", "valkey-server")}


def test_the_shop_sells_in_productions_shape_and_loses_nothing(folder: Path) -> None:
    with up(folder, "--production-like") as run:
        run.await_open()
        buy(run)
        assert_each_line_is_an_object_without_numbers_or_secrets(run, folder)
        router, adapter = run.ports["DUKANI_ROUTER_PORT"], run.ports["DUKANI_ADAPTER_PORT"]
        # Whichever worker did it, and whichever is asked: within a second or so.
        eventually(lambda: 'dukani_payment_events_total{became="processed",said="paid"} 1' in metrics(router), "told")
        eventually(lambda: 'route="/callbacks/<' in metrics(adapter), "the callback is counted by its template")

        servers(run)["valkey-server"].kill()
        eventually(lambda: "Valkey was killed by signal 9" in run.text, "the loss is told")
        buy(run)
        assert order_statuses(folder) == ["PAID", "PAID"]

        family, running = run.family(), servers(run)
        (work,) = [child for child in psutil.Process(run.process.pid).children() if "work" in child.cmdline()]
        os.kill(work.pid, signal.SIGKILL)
        assert run.ended() == 1
        assert "router work was killed by signal 9" in run.text
        assert not running["postgres"].is_running()
        assert [child for child in family if is_alive(child.pid)] == []

    with up(folder, "--production-like") as again:
        again.await_open()
        assert order_statuses(folder) == ["PAID", "PAID"]
        again.process.send_signal(signal.SIGINT)
        assert again.ended() == 0


def assert_each_line_is_an_object_without_numbers_or_secrets(run: Up, folder: Path) -> None:
    names = ("bot", "router", "router work", "payment_adapter")
    lines = [line.partition("│") for line in list(run.lines)]
    logged = [(name.strip(), json.loads(text)) for name, bar, text in lines if bar and name.strip() in names]
    assert "payment_adapter" in {name for name, _ in logged}
    for _, entry in logged:
        assert {"timestamp", "level", "event", "process"} <= entry.keys()
    assert "254708374149" not in run.text
    for key in (folder / "var" / "production-like" / "keys").iterdir():
        assert key.read_text().strip() not in run.text


def test_what_stands_in_the_settings_is_used(folder: Path) -> None:
    somewhere = {f"{name}_DATABASE_URL": f"postgresql://nobody@127.0.0.1:1/{name.lower()}" for name in DATABASES}
    with up(folder, "--production-like", REDIS_URL="redis://127.0.0.1:1/0", **somewhere) as run:
        assert run.ended() == 1
        assert "Starting" not in run.text
        for name in DATABASES:
            assert f"{name}_" in run.text


def test_a_second_shop_on_the_same_data_is_refused_in_a_sentence(folder: Path) -> None:
    kept = folder / "var" / "production-like"
    kept.mkdir(parents=True)
    with (kept / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with up(folder, "--production-like") as run:
            assert run.ended() == 1
            (sentence,) = run.lines
            assert str(kept) in sentence
            assert "DUKANI_DATA_DIR" in sentence


def test_it_is_not_for_production(folder: Path) -> None:
    settings = {
        "DUKANI_ENV": "production",
        "TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000001",
        "TWILIO_WHATSAPP_FROM": "whatsapp:+254700000001",
        "DUKANI_BOT_PUBLIC_URL": "https://shop.example.com",
        "DUKANI_ADAPTER_PUBLIC_URL": "https://pay.example.com",
    }
    with up(folder, "--production-like", **settings) as run:
        assert run.ended() == 1
        assert "DUKANI_ENV" in run.text
        assert len(run.lines) == 1
