"""The router on PostgreSQL with two workers: `POST /api/v1/orders`, signed, capability checked, row-level security on,
idempotent and metered, beside the same rows written by bare psycopg on the same server in the same run.

Then how that changes as vendors, orders and dedicated databases grow. `--orders` says how many million orders."""

import asyncio
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from benchmarks.measure import console, cpu_s, family, median, quantile_ms, show
from benchmarks.wire import Client
from dukani.supervise import is_ready
from kit.clock import SystemClock
from kit.signing import KeyRing, sign_headers
from router.dedicated import AT_ONCE
from tests.support.postgres import Server, running
from tests.support.processes import ROOT, free_ports

CONNECTIONS = 16
REQUESTS_A_ROUND = 1_600
PHONES = 5
"""Customers of a shop. They exist before anything is measured: that somebody is new is no growth."""
ROUNDS = 5
WORKERS = 2
PATH = "/api/v1/orders"
_SECRET = "a-development-secret-for-benchmarks-only"
_CAPABILITIES = ("commerce.catalog", "commerce.orders", "payments.mpesa_stk")


@dataclass(frozen=True, slots=True)
class Round:
    per_s: float
    waits_s: Sequence[float]
    app_us: float
    """Processor time of the router's processes per request; `database_us` of PostgreSQL's."""
    database_us: float


@dataclass(slots=True)
class Stage:
    """A server, a router with two workers on it, and shops named `vendor-bench-<n>`."""

    server: Server
    server_pid: int
    platform: str
    ops: str
    port: int
    router_pid: int
    vendors: int = 0
    posted: int = 0
    turns: Iterator[int] = field(default_factory=itertools.count)

    def add_vendors(self, up_to: int) -> None:
        with _owner(self.platform) as connection:
            connection.execute(
                "INSERT INTO vendors (id, name) SELECT 'vendor-bench-' || n, 'Bench ' || n "
                "FROM generate_series(%s::int, %s::int) n",
                [self.vendors, up_to - 1],
            )
            for capability in _CAPABILITIES:
                connection.execute(
                    "INSERT INTO vendor_capabilities (vendor_id, capability) SELECT 'vendor-bench-' || n, %s "
                    "FROM generate_series(%s::int, %s::int) n",
                    [capability, self.vendors, up_to - 1],
                )
            connection.execute(
                "INSERT INTO vendor_limits (vendor_id, shop_per_minute, bot_per_minute) "
                "SELECT 'vendor-bench-' || n, 1000000, 1000000 FROM generate_series(%s::int, %s::int) n",
                [self.vendors, up_to - 1],
            )
            connection.execute("ANALYZE")
        with _owner(self.ops) as connection:
            connection.execute(
                "INSERT INTO customers (vendor_id, id, channel_address, name, created_at) "
                "SELECT 'vendor-bench-' || n, 'c' || p, 'whatsapp:+2547000000' || lpad(p::text, 2, '0'), '', now() "
                "FROM generate_series(%s::int, %s::int) n, generate_series(0, %s::int) p",
                [self.vendors, up_to - 1, PHONES - 1],
            )
            connection.execute("ANALYZE")
        self.vendors = up_to

    async def visit(self, among: int, prefix: str = "vendor-bench-") -> None:
        """Orders from every customer of the first `among` shops before it counts, so that each worker knows most."""
        for _ in range(-(-among * PHONES // REQUESTS_A_ROUND)):
            await self.post(among, prefix, in_turn=True)

    async def post(
        self, among: int, prefix: str = "vendor-bench-", *, in_turn: bool = False, connections: int = CONNECTIONS
    ) -> Round:
        """One round of orders for random shops among the first `among`, or for each in turn."""
        ring, clock = KeyRing.parse(f"1:{_SECRET}"), SystemClock()
        client = Client(self.port, connections)
        waits: list[float] = []
        router, database = family(self.router_pid), family(self.server_pid)
        self.posted += 1
        round_no = self.posted

        async def worker(n: int) -> None:
            for k in range(REQUESTS_A_ROUND // connections):
                turn, next_shop = divmod(next(self.turns), among)
                vendor = f"{prefix}{next_shop if in_turn else random.randrange(among)}"
                phone = f"2547000000{(turn if in_turn else k) % PHONES:02}"
                body = json.dumps({"customer_phone": phone, "amount_minor": 3000}).encode()
                headers = sign_headers(
                    ring, clock.now(), "POST", PATH, body, vendor=vendor, idempotency_key=f"{round_no}-{n}-{k}"
                )
                started = time.monotonic()
                status, content = await client.request(
                    "POST", PATH, {**headers, "content-type": "application/json"}, body
                )
                waits.append(time.monotonic() - started)
                if status != 201:
                    raise RuntimeError(f"POST {PATH} answered {status}: {content.decode()[:300]}")

        before, started = (cpu_s(router), cpu_s(database)), time.monotonic()
        await asyncio.gather(*(worker(n) for n in range(connections)))
        elapsed = time.monotonic() - started
        client.close()
        app_us, database_us = (
            (cpu_s(pids) - earlier) * 1e6 / len(waits) for pids, earlier in zip((router, database), before, strict=True)
        )
        return Round(len(waits) / elapsed, waits, app_us, database_us)

    def bare(self, round_no: int) -> tuple[float, float]:
        """(orders a second, processor time per order in µs) of bare psycopg in two processes. Raises RuntimeError."""
        url = self.server.as_app(self.ops).replace("+psycopg", "")
        share = REQUESTS_A_ROUND // WORKERS
        started = [
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.bare", url, *map(str, (self.vendors, first, share, 8))],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                text=True,
            )
            for first in (round_no * 100_000, round_no * 100_000 + 50_000)
        ]
        figures = [process.communicate(timeout=120)[0].split() for process in started]
        if any(process.returncode for process in started):
            raise RuntimeError("bare psycopg could not write the orders")
        return sum(float(rate) for rate, _ in figures), median([float(cpu) for _, cpu in figures])

    def add_orders(self, up_to: int) -> None:
        """Old orders of the first ten shops, with their lines, customers and usage records."""
        with _owner(self.ops) as connection:
            connection.execute("SET session_replication_role = replica")  # no triggers, no foreign keys: this is bulk
            for table, columns, values in _BULK:
                console.print(f"  {table} …", end=" ")
                statement = f"INSERT INTO {table} ({columns}) SELECT {values} FROM generate_series(1, {up_to:d}) n"  # noqa: S608 - constants
                connection.execute(statement.encode())
            connection.execute("COMMIT")
            connection.execute("VACUUM ANALYZE")
            console.print("done")


_OLD = "now() - (n % 400) * interval '1 day'"
_BULK = (
    (
        "orders",
        "vendor_id, id, code, customer_id, status, currency, total_minor, source, created_at, cancelled_at",
        (
            "'vendor-bench-' || n % 10, 'old-' || n, 'ZZZZZZ' || n, 'old-' || n % 5000, 'CANCELLED', "
            f"'KES', 3000, 'api', {_OLD}, {_OLD}"
        ),
    ),
    (
        "order_lines",
        "vendor_id, order_id, line_no, name, unit_price_minor, quantity",
        "'vendor-bench-' || n % 10, 'old-' || n, 1, 'Amount', 3000, 1",
    ),
    (
        "idempotency_records",
        "scope, principal, route, key, body_hash, status, answer, created_at",
        f"'vendor-bench-' || n % 10, 'bot', 'old', n::text, 'hash', 201, '{{}}', {_OLD}",
    ),
    (
        "usage_records",
        "vendor_id, id, meter, subject, quantity, occurred_at, window_id",
        f"'vendor-bench-' || n % 10, 'old-' || n, 'orders', 'old-' || n, 1, {_OLD}, '2026-01'",
    ),
)


@contextmanager
def _owner(url: str) -> Generator[psycopg.Connection]:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        yield connection


@contextmanager
def _stage(folder: Path) -> Generator[Stage]:
    with running(durable=True) as server:
        platform, ops = server.create("platform"), server.create("ops")
        port, bot = free_ports(2)
        environ = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "DUKANI_DATA_DIR": str(folder / "var"),
            "DUKANI_ROUTER_PORT": str(port),
            "DUKANI_BOT_PORT": str(bot),
            "DUKANI_SIMULATORS": "off",
            "DUKANI_DEDICATED_CONNECTIONS": "130",  # a hundred databases, and some to spare
            "PLATFORM_DATABASE_URL": server.as_app(platform),
            "OPS_DATABASE_URL": server.as_app(ops),
            "DUKANI_KEY_BOT_ROUTER": _SECRET,
        }
        command = [sys.executable, "-m", "dukani", "serve", "router", "--workers", str(WORKERS), "--no-work"]
        with (folder / "router.log").open("wb") as log:
            process = subprocess.Popen(command, env=environ, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + 30
            while not is_ready(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((folder / "router.log").read_text())
                time.sleep(0.05)
            yield Stage(server, _postmaster(server), platform, ops, port, process.pid)
        finally:
            process.terminate()
            process.wait(30)


def _postmaster(server: Server) -> int:
    return int((server.socket_dir / "data" / "postmaster.pid").read_text().split()[0])


async def _measure(stage: Stage) -> None:
    stage.add_vendors(10)
    await stage.visit(10)
    rounds = [(await stage.post(10), stage.bare(n)) for n in range(ROUNDS)]
    _show("10 vendors, few orders", [ours for ours, _ in rounds], [bare for _, bare in rounds])
    console.print(
        f"orders/s to bare psycopg {median([ours.per_s / bare for ours, (bare, _) in rounds]):.2f}, "
        f"processor time to its {median([ours.app_us / cpu for ours, (_, cpu) in rounds]):.2f}"
    )


async def _grow_vendors(stage: Stage) -> None:
    stage.add_vendors(10_000)
    await stage.visit(10_000)
    few: list[Round] = []
    many: list[Round] = []
    for _ in range(ROUNDS):
        few.append(await stage.post(10))
        many.append(await stage.post(10_000))
    _ratio("10 → 10,000 vendors", few, many)


async def _grow_orders(stage: Stage, millions: float) -> None:
    before = [await stage.post(10) for _ in range(ROUNDS)]
    stage.add_orders(int(millions * 1_000_000))
    await stage.post(10)
    _ratio(f"some thousand → {millions:g} million orders", before, [await stage.post(10) for _ in range(ROUNDS)])


async def _grow_databases(stage: Stage, count: int) -> None:
    with _owner(stage.platform) as connection:
        for n in range(count):
            database = stage.server.create("ops").partition("@/")[2].partition("?")[0]
            target = {
                "type": "postgres",
                "host": str(stage.server.socket_dir),
                "database": database,
                "user": "dukani_app",
                "passwordSecretRef": "plain:none",
            }
            connection.execute(
                "INSERT INTO vendors (id, name, isolation_level, db_target) VALUES (%s, %s, 'dedicated_db', %s)",
                [f"vendor-own-{n}", f"Own {n}", json.dumps(target)],
            )
            for capability in _CAPABILITIES:
                connection.execute("INSERT INTO vendor_capabilities VALUES (%s, %s)", [f"vendor-own-{n}", capability])
            connection.execute(
                "INSERT INTO vendor_limits (vendor_id, shop_per_minute, bot_per_minute) VALUES (%s, 1000000, 1000000)",
                [f"vendor-own-{n}"],
            )
    await stage.visit(count, "vendor-own-")
    one: list[Round] = []
    many: list[Round] = []
    for _ in range(ROUNDS):
        # As many at once as one shop's own database takes from a process without turning anybody away.
        one.append(await stage.post(1, "vendor-own-", connections=AT_ONCE))
        many.append(await stage.post(count, "vendor-own-", connections=AT_ONCE))
    _ratio(f"1 → {count} dedicated databases", one, many)


def _show(title: str, rounds: Sequence[Round], bare: Sequence[tuple[float, float]] = ()) -> None:
    rows = [_row("dukani", rounds)]
    if bare:
        rows.append(
            (
                "bare psycopg, 2×8",
                f"{median([r for r, _ in bare]):.0f}",
                "",
                "",
                f"{median([c for _, c in bare]):.0f}",
                "",
            )
        )
    show(title, ("", "orders/s", "p50 ms", "p99 ms", "app µs", "PostgreSQL µs"), rows)


def _row(name: str, rounds: Sequence[Round]) -> tuple[str, ...]:
    return (
        name,
        f"{median([r.per_s for r in rounds]):.0f}",
        f"{median([quantile_ms(r.waits_s, 0.5) for r in rounds]):.1f}",
        f"{median([quantile_ms(r.waits_s, 0.99) for r in rounds]):.1f}",
        f"{median([r.app_us for r in rounds]):.0f}",
        f"{median([r.database_us for r in rounds]):.0f}",
    )


def _ratio(title: str, before: Sequence[Round], after: Sequence[Round]) -> None:
    show(
        title,
        ("", "orders/s", "p50 ms", "p99 ms", "app µs", "PostgreSQL µs"),
        [_row("before", before), _row("after", after)],
    )
    pairs = list(zip(before, after, strict=True))
    cost = median([(b.app_us + b.database_us) / (a.app_us + a.database_us) for a, b in pairs])
    wait = median([quantile_ms(b.waits_s, 0.5) / quantile_ms(a.waits_s, 0.5) for a, b in pairs])
    console.print(f"{title}: processor time ×{cost:.2f}, p50 ×{wait:.2f}")


async def _run(millions: float, databases: int) -> None:
    with tempfile.TemporaryDirectory(prefix="dukani-bench-") as folder, _stage(Path(folder)) as stage:
        await _measure(stage)
        await _grow_vendors(stage)
        if databases:
            await _grow_databases(stage, databases)
        if millions:
            await _grow_orders(stage, millions)


def run(millions: float, databases: int) -> None:
    asyncio.run(_run(millions, databases))
