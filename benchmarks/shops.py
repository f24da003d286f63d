"""What is measured: the real shop and the naive one, each on the engine asked for, pointed at the load's own Twilio."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from benchmarks.load import Bot
from benchmarks.measure import family
from benchmarks.naive import create_tables
from dukani.processes import Process, work_command_line
from dukani.supervise import is_ready
from kit.db import Database
from tests.support.postgres import Server, running
from tests.support.processes import ROOT, Shop, free_ports

ACCOUNT_SID = "AC" + "0" * 32
AUTH_TOKEN = "a-development-token-for-benchmarks-only"

DATABASES = ("platform", "ops", "conversations", "payments")

_WORKERS = ("--workers", "2")


@dataclass(frozen=True, slots=True)
class Running:
    bot: Bot
    roots: dict[str, int]
    """Name → process id of each process's parent."""

    def pids(self) -> list[int]:
        return [pid for root in self.roots.values() for pid in family(root)]


@contextmanager
def engine(name: str) -> Generator[Server | None]:
    """`sqlite` needs nothing; `postgres` is a server of its own, with fsync on."""
    if name == "sqlite":
        yield None
        return
    with running(durable=True) as server:
        yield server


@contextmanager
def real_shop(
    server: Server | None, sink_port: int, *, in_production_shape: bool = False
) -> Generator[tuple[Running, Shop]]:
    """Bot, router and payment adapter, seeded, without simulators.

    In the shape of production: two workers each, the router's work in a process of its own, and everything connected
    as a role that row-level security binds. Needs PostgreSQL."""
    environ = {
        "DUKANI_SIMULATORS": "off",
        "TWILIO_API_BASE_URL": f"http://127.0.0.1:{sink_port}",
        "DARAJA_BASE_URL": f"http://127.0.0.1:{sink_port}",
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
    }
    if server is not None:
        for name in DATABASES:
            url = server.create_empty()
            environ[f"{name.upper()}_MIGRATION_URL"] = url
            environ[f"{name.upper()}_DATABASE_URL"] = server.as_app(url) if in_production_shape else url
    with tempfile.TemporaryDirectory(prefix="dukani-bench-") as folder:
        shop = Shop(Path(folder), environ)
        shop.prepare()
        _lift_limits(shop.settings.migration_urls["platform"])
        working: subprocess.Popen[bytes] | None = None
        try:
            if in_production_shape:
                shop.options.update(dict.fromkeys(Process, _WORKERS))
                shop.options[Process.ROUTER] = (*_WORKERS, "--no-work")
                command = work_command_line(Process.ROUTER, free_ports(1)[0])
                working = subprocess.Popen(command, cwd=folder, env=_environ(shop))
            shop.start()
            bot = Bot(shop.settings.bot_port, shop.settings.bot_public_url, ACCOUNT_SID, AUTH_TOKEN)
            roots = {process.value: shop.pid(process) for process in shop.running}
            if working is not None:
                roots["router's work"] = working.pid
            yield Running(bot, roots), shop
        finally:
            shop.stop_all()
            if working is not None:
                working.terminate()
                working.wait(20)


def _environ(shop: Shop) -> dict[str, str]:
    return {**os.environ, **shop.environ, "PYTHONPATH": str(ROOT)}


def _lift_limits(platform_url: str) -> None:
    """One shop is asked more here than a shop may be."""
    database = Database(platform_url)
    with database.write() as tx:
        tx.execute(
            text(
                "INSERT INTO vendor_limits (vendor_id, bot_per_minute, key_per_minute, customer_per_minute) "
                "SELECT id, 1000000, 1000000, 1000000 FROM vendors"
            )
        )
    database.close()


@contextmanager
def naive_shop(server: Server | None, sink_port: int) -> Generator[Running]:
    """One bot and one router, as `benchmarks.naive` describes them."""
    with tempfile.TemporaryDirectory(prefix="dukani-bench-") as folder:
        ops, conversations = (
            (server.create_empty(), server.create_empty())
            if server is not None
            else (f"sqlite:///{folder}/ops.sqlite", f"sqlite:///{folder}/conversations.sqlite")
        )
        create_tables(ops)
        create_tables(conversations)
        bot_port, router_port = free_ports(2)
        environ = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "NAIVE_OPS_URL": ops,
            "NAIVE_CONVERSATIONS_URL": conversations,
            "NAIVE_BOT_PORT": str(bot_port),
            "NAIVE_ROUTER_PORT": str(router_port),
            "NAIVE_ROUTER": f"http://127.0.0.1:{router_port}",
            "NAIVE_TWILIO": f"http://127.0.0.1:{sink_port}",
            "NAIVE_PUBLIC": f"http://127.0.0.1:{bot_port}",
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        }
        running = {
            which: subprocess.Popen([sys.executable, "-m", "benchmarks.naive", which], env=environ, cwd=folder)
            for which in ("router", "bot")
        }
        try:
            for port in (bot_port, router_port):
                deadline = time.monotonic() + 20
                while not is_ready(port) and time.monotonic() < deadline:
                    time.sleep(0.02)
            bot = Bot(bot_port, f"http://127.0.0.1:{bot_port}", ACCOUNT_SID, AUTH_TOKEN)
            yield Running(bot, {which: process.pid for which, process in running.items()})
        finally:
            for process in running.values():
                process.terminate()
            for process in running.values():
                process.wait(20)
