"""`POST /orders` a second, beside the same rows written by bare SQL on the same kind of database in the same run."""

import asyncio
import json
import tempfile
import time
from pathlib import Path

from sqlalchemy import text

from benchmarks.measure import console, cpu_s, median, quantile_ms, show
from benchmarks.shops import Running, engine, real_shop
from benchmarks.wire import Client
from dukani.processes import Process
from kit.db import Database
from kit.settings import DEV_INTERNAL_KEY
from tests.support.postgres import Server
from tests.support.processes import Shop, free_ports

CONNECTIONS = 8
ORDERS_A_ROUND = 400
ROUNDS = 3


async def _post(running: Running, shop: Shop, vendor_id: str, round_no: int) -> tuple[float, list[float], float]:
    client = Client(shop.settings.router_port, CONNECTIONS)
    waits: list[float] = []
    pids = running.pids()

    async def worker(n: int) -> None:
        for k in range(ORDERS_A_ROUND // CONNECTIONS):
            headers = {
                "content-type": "application/json",
                "x-vendor-id": vendor_id,
                "x-internal-key": DEV_INTERNAL_KEY,
                "idempotency-key": f"bench-{round_no}-{n}-{k}",
            }
            body = {"vendor_id": vendor_id, "customer_phone": f"2547000{n:05}", "amount": 30}
            started = time.monotonic()
            status, content = await client.request("POST", "/orders", headers, json.dumps(body).encode())
            if status != 201:
                raise RuntimeError(f"POST /orders answered {status}: {content.decode()[:200]}")
            waits.append(time.monotonic() - started)

    before, started = cpu_s(pids), time.monotonic()
    await asyncio.gather(*(worker(n) for n in range(CONNECTIONS)))
    elapsed = time.monotonic() - started
    client.close()
    return len(waits) / elapsed, waits, (cpu_s(pids) - before) * 1000 / len(waits)


def _bare(db: Database, round_no: int) -> float:
    """One row for the order, one for its line, one for the key, a commit each: the floor, one writer."""
    statements = (
        text("INSERT INTO bare_orders (id, body) VALUES (:id, 'order')"),
        text("INSERT INTO bare_lines (id, body) VALUES (:id, 'line')"),
        text("INSERT INTO bare_keys (id, body) VALUES (:id, 'key')"),
    )
    started = time.monotonic()
    for n in range(ORDERS_A_ROUND):
        with db.write() as tx:
            for statement in statements:
                tx.execute(statement, {"id": f"{round_no}-{n}"})
    return ORDERS_A_ROUND / (time.monotonic() - started)


def _bare_database(server: Server | None, folder: str) -> Database:
    db = Database(server.create_empty() if server else f"sqlite:///{Path(folder) / 'bare.sqlite'}")
    with db.write() as tx:
        for table in ("orders", "lines", "keys"):
            tx.execute(text(f"CREATE TABLE bare_{table} (id TEXT PRIMARY KEY, body TEXT NOT NULL)"))
    return db


async def _run(engine_name: str) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        engine(engine_name) as server,
        real_shop(server, free_ports(1)[0]) as (running, shop),
    ):
        bare_db = _bare_database(server, folder)
        vendor_id = shop.get(Process.ROUTER, "/vendors", {"x-internal-key": DEV_INTERNAL_KEY})["vendors"][0]["id"]
        await _post(running, shop, vendor_id, -1)
        posted = [(await _post(running, shop, vendor_id, n), _bare(bare_db, n)) for n in range(ROUNDS)]
        bare_db.close()
    rates = [rate for (rate, _, _), _ in posted]
    show(
        f"POST /orders on {engine_name}, {CONNECTIONS} connections",
        ("", "orders/s", "p50 ms", "p99 ms", "CPU ms/order"),
        (
            (
                "dukani",
                f"{median(rates):.0f}",
                f"{median([quantile_ms(waits, 0.5) for (_, waits, _), _ in posted]):.1f}",
                f"{median([quantile_ms(waits, 0.99) for (_, waits, _), _ in posted]):.1f}",
                f"{median([cpu for (_, _, cpu), _ in posted]):.2f}",
            ),
            ("bare SQL, 1 writer", f"{median([bare for _, bare in posted]):.0f}", "", "", ""),
        ),
    )
    console.print(f"orders/s, dukani to bare SQL: {median([rate / bare for (rate, _, _), bare in posted]):.2f}")


def run(engine_name: str) -> None:
    asyncio.run(_run(engine_name))
