"""Payments on PostgreSQL: callbacks accepted, understood, delivered and applied to PAID, each with exactly one ledger
group, beside a bare transaction that writes the same rows on the same server in turns with them; and how long it takes
from a callback's arrival to the receipt handed to Twilio.

In the shape of production: two workers each, the router's work in a process of its own, and a role that row-level
security binds. Whoever calls back, and the Twilio that takes the receipts, are this process: it shares the processors
with what is measured, so its share is shown beside theirs.

The bare transaction is pgbench's: six prepared statements, 32 clients, and nothing of what a payment must check."""

import asyncio
import os
import re
import subprocess
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

import psycopg

from benchmarks.callbacks import PACED_PER_S, Daraja, order_and_pay, paced, until_pushed
from benchmarks.load import Twilio
from benchmarks.measure import console, cpu_s, family, median, quantile_ms, show
from benchmarks.shops import Running, engine, real_shop
from benchmarks.turns import addresses
from benchmarks.wire import Client
from dukani.engines.postgres import package
from dukani.processes import Process
from kit.settings import DEV_INTERNAL_KEY
from tests.support.postgres import OWNER, Server
from tests.support.processes import Shop, free_ports

CHARGES_A_ROUND = 250
ROUNDS = 2
PACED = 150
CLIENTS = 32
BARE_S = 4
BARE_ROWS = 20_000
LOAD = "who calls back, and Twilio"
_PAID_WITHIN_S = 60.0
_LAST_RECEIPTS_S = 0.5

_TABLES = """
CREATE TABLE floor_inbox (id bigint PRIMARY KEY, body text NOT NULL, received_at timestamptz NOT NULL);
CREATE TABLE floor_attempts (id int PRIMARY KEY, status text NOT NULL, receipt text, paid_at timestamptz);
CREATE TABLE floor_orders (id int PRIMARY KEY, status text NOT NULL, paid_at timestamptz);
CREATE TABLE floor_ledger (seq bigserial PRIMARY KEY, attempt int NOT NULL, kind text NOT NULL, minor bigint NOT NULL);
CREATE TABLE floor_outbox (seq bigserial PRIMARY KEY, body text NOT NULL, status text NOT NULL);
"""
_BARE = """
\\set n random(1, {rows})
\\set id random(1, 9000000000000000000)
BEGIN;
INSERT INTO floor_inbox VALUES (:id, '{body}', now()) ON CONFLICT DO NOTHING;
UPDATE floor_attempts SET status = 'paid', receipt = 'BENCH00001', paid_at = now() WHERE id = :n;
UPDATE floor_orders SET status = 'PAID', paid_at = now() WHERE id = :n;
INSERT INTO floor_ledger (attempt, kind, minor) VALUES (:n, 'receivable', -3000);
INSERT INTO floor_ledger (attempt, kind, minor) VALUES (:n, 'clearing', 3000);
INSERT INTO floor_outbox (body, status) VALUES ('{body}', 'pending');
COMMIT;
"""


@dataclass(frozen=True, slots=True)
class Round:
    accepted_per_s: float
    paid_per_s: float
    """From the first callback sent to the last order that is PAID."""
    waits_s: Sequence[float]
    """For the answer 200."""
    cpu_ms: dict[str, float]
    """For each payment, by process."""


class Bare:
    """pgbench on a database of its own on the same server."""

    def __init__(self, server: Server, folder: Path) -> None:
        url = server.create_empty()
        self._socket_dir = server.socket_dir
        self._database = urlsplit(url).path.removeprefix("/")
        self._script = folder / "bare.sql"
        self._script.write_text(_BARE.format(rows=BARE_ROWS, body="x" * 400))
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(_TABLES.encode())
            for table in ("floor_attempts", "floor_orders"):
                rows = "SELECT n, 'pending' FROM generate_series(1, %s::int) n"
                connection.execute(f"INSERT INTO {table} (id, status) {rows}".encode(), [BARE_ROWS])
            connection.execute("VACUUM ANALYZE")

    def per_s(self) -> float:
        """Transactions a second. Raises RuntimeError."""
        command = [str(package() / "bin" / "pgbench"), "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2"]
        command += ["-T", str(BARE_S), "-f", str(self._script), "-h", str(self._socket_dir), "-U", OWNER]
        ran = subprocess.run(
            [*command, self._database], capture_output=True, text=True, timeout=BARE_S + 60, check=False
        )
        found = re.search(r"^tps = ([0-9.]+)", ran.stdout, re.MULTILINE)
        if ran.returncode or found is None:
            raise RuntimeError(f"pgbench: {ran.stderr[-500:]}")
        return float(found[1])


class Books:
    """What came of it, seen past everything."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def paid(self) -> int:
        return self._count("SELECT count(*) FROM orders WHERE status = 'PAID'")

    def check(self, payments: int) -> None:
        """Raises RuntimeError unless each payment has one ledger group and none is an exception."""
        groups = self._count("SELECT count(*) FROM ledger_entries WHERE kind = 'paid'")
        apart = self._count("SELECT count(DISTINCT intent_id) FROM ledger_entries WHERE kind = 'paid'")
        exceptions = self._count("SELECT count(*) FROM payment_exceptions")
        if (groups, apart, exceptions) != (payments, payments, 0):
            raise RuntimeError(
                f"{payments} payments made {groups} ledger groups of {apart} intents and {exceptions} exceptions"
            )

    def _count(self, statement: str) -> int:
        row = self._connection.execute(statement.encode()).fetchone()
        assert row is not None
        return int(row[0])


@contextmanager
def _books(shop: Shop) -> Generator[Books]:
    url = shop.settings.migration_urls["ops"].replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        yield Books(connection)


class Costs:
    """Processor time of everybody who takes part, by name."""

    def __init__(self, running: Running, server: Server) -> None:
        postmaster = int((server.socket_dir / "data" / "postmaster.pid").read_text().split()[0])
        self._roots = {**running.roots, "PostgreSQL": postmaster}

    def now_s(self) -> dict[str, float]:
        used = {name: cpu_s(family(root)) for name, root in self._roots.items()}
        return {**used, LOAD: cpu_s([os.getpid()])}


async def _burst(shop: Shop, daraja: Daraja, who: Sequence[str], books: Books, costs: Costs) -> Round:
    """All of them as fast as they are taken, on connections that each wait for their answer."""
    client = Client(shop.settings.adapter_port, CLIENTS)
    waits_s: list[float] = []
    goal = books.paid() + len(who)

    left = iter(who)

    async def call_back() -> None:
        for address in left:
            path, body = daraja.pushes[address.removeprefix("whatsapp:+")]
            began = monotonic()
            status, _ = await client.request("POST", path, {"content-type": "application/json"}, body)
            waits_s.append(monotonic() - began)
            if status != 200:
                raise RuntimeError(f"the adapter answered {status}")

    before, started = costs.now_s(), monotonic()
    await asyncio.gather(*(call_back() for _ in range(CLIENTS)))
    accepted_s = monotonic() - started
    while (paid := await asyncio.to_thread(books.paid)) < goal:
        if monotonic() > started + _PAID_WITHIN_S:
            raise RuntimeError(f"only {len(who) - (goal - paid)} of {len(who)} orders were paid")
        await asyncio.sleep(0.02)
    paid_s = monotonic() - started
    await asyncio.sleep(_LAST_RECEIPTS_S)  # they cost something, too
    client.close()
    after = costs.now_s()
    cpu_ms = {name: (after[name] - used) * 1000 / len(who) for name, used in before.items()}
    return Round(len(who) / accepted_s, len(who) / paid_s, waits_s, cpu_ms)


async def _run() -> None:
    sink_port = free_ports(1)[0]
    twilio = Twilio()
    daraja = Daraja(twilio)
    sink = await daraja.start(sink_port)
    rounds: list[Round] = []
    bare: list[float] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        engine("postgres") as server,
        real_shop(server, sink_port, in_production_shape=True) as (running, shop),
        _books(shop) as books,
    ):
        assert server is not None
        vendor = shop.get(Process.ROUTER, "/vendors", {"x-internal-key": DEV_INTERNAL_KEY})["vendors"][0]
        who = addresses(ROUNDS * CHARGES_A_ROUND + PACED, first=20_000)
        console.print(f"preparing {len(who)} orders, each with a prompt on its phone …")
        began = monotonic()
        await order_and_pay(shop, running.bot, twilio, who, vendor)
        await until_pushed(daraja, len(who))
        console.print(f"… took {monotonic() - began:.0f} s")
        floor, costs = Bare(server, Path(folder)), Costs(running, server)
        for number in range(ROUNDS):  # in turns, so that a slow moment of the machine meets both
            bare.append(await asyncio.to_thread(floor.per_s))
            some = who[number * CHARGES_A_ROUND : (number + 1) * CHARGES_A_ROUND]
            rounds.append(await _burst(shop, daraja, some, books, costs))
        last = who[ROUNDS * CHARGES_A_ROUND :]
        _, accepted_s, receipts_s = await paced(shop, twilio, daraja, last, PACED_PER_S)
        books.check(len(who))
    sink.close()
    _show(rounds, bare, accepted_s, receipts_s)


def _show(
    rounds: Sequence[Round], bare: Sequence[float], accepted_s: Sequence[float], receipts_s: Sequence[float]
) -> None:
    waits_s = [wait for each in rounds for wait in each.waits_s]
    paid = median([each.paid_per_s for each in rounds])
    cpu = {name: median([each.cpu_ms[name] for each in rounds]) for name in rounds[0].cpu_ms}
    cpu["in all"] = sum(cpu.values()) - cpu[LOAD]

    def row(name: str, per_s: float | None, waits: Sequence[float] = (), cpu: float | None = None) -> tuple[str, ...]:
        times = [f"{quantile_ms(waits, q):.1f}" if waits else "" for q in (0.5, 0.99)]
        return (name, "" if per_s is None else f"{per_s:.0f}", *times, "" if cpu is None else f"{cpu:.1f}")

    show(
        f"Payments on PostgreSQL, {CLIENTS} connections",
        ("", "per s", "p50 ms", "p99 ms", "CPU ms"),
        (
            row("callbacks answered 200, committed", median([each.accepted_per_s for each in rounds]), waits_s),
            row("… to PAID, one ledger group each", paid, (), cpu["in all"]),
            row(f"answered 200, at {PACED_PER_S:.0f}/s", None, accepted_s),
            row(f"receipt handed to Twilio, at {PACED_PER_S:.0f}/s", None, receipts_s),
            row(f"bare transaction, six statements, {CLIENTS} clients", median(bare)),
        ),
    )
    parts = [*(name for name in cpu if name not in (LOAD, "in all")), "in all", LOAD]
    show("Processor time of a payment, in such a burst", ("", "ms"), [(name, f"{cpu[name]:.1f}") for name in parts])
    ratios = [ours.paid_per_s / floor for ours, floor in zip(rounds, bare, strict=True)]
    accepted = [ours.accepted_per_s / floor for ours, floor in zip(rounds, bare, strict=True)]
    console.print(
        f"to the bare transaction: callbacks accepted {median(accepted):.2f}, applied to PAID {median(ratios):.2f}; "
        f"{PACED - len(receipts_s)} of {PACED} receipts lost"
    )


def run() -> None:
    asyncio.run(_run())
