"""Callbacks: from Daraja's POST to the receipt handed to Twilio, at 50 a second and all at once.

Beside them, in the same run, a bare transaction that writes as many rows as one callback does, on the same kind of
database. Each callback ends in an order that is PAID: the receipt says so, and a lost one is counted."""

import asyncio
import json
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import text

from benchmarks.load import Bot, Twilio, one_after_another, signed_messages
from benchmarks.measure import console, quantile_ms, show
from benchmarks.shops import engine, real_shop
from benchmarks.turns import addresses
from benchmarks.wire import Client, listen
from dukani.processes import Process
from kit.db import Database
from kit.settings import DEV_INTERNAL_KEY
from tests.support.processes import Shop, free_ports

CHARGES = 240
PACED_PER_S = 50.0
BARE_TRANSACTIONS = 300
BARE_STATEMENTS = 6


class Daraja:
    """Accepts every push and remembers what to call back."""

    def __init__(self, twilio: Twilio) -> None:
        self._twilio = twilio
        self.pushes: dict[str, tuple[str, bytes]] = {}
        """Payer's number → (path of the callback, its body)."""

    async def start(self, port: int) -> asyncio.Server:
        return await listen(port, self._handle)

    async def _handle(self, method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        if target.startswith("/oauth"):
            return 200, b'{"access_token":"benchmark","expires_in":"3599"}'
        if not target.startswith("/mpesa"):
            return await self._twilio.handle(method, target, headers, body)
        if target.startswith("/mpesa/stkpushquery"):  # whoever waits long for a callback is asked about
            return 200, b'{"ResponseCode":"0","ResultCode":"4999","ResultDesc":"still under processing"}'
        push = json.loads(body)
        payer, number = str(push["PhoneNumber"]), len(self.pushes)
        ids = {"MerchantRequestID": f"bench-{number}", "CheckoutRequestID": f"ws_CO_bench{number}"}
        items = {
            "Amount": push["Amount"],
            "MpesaReceiptNumber": f"BENCH{number:05}",
            "TransactionDate": 20261121120000,
            "PhoneNumber": int(payer),
        }
        paid = {
            **ids,
            "ResultCode": 0,
            "ResultDesc": "The service request is processed successfully.",
            "CallbackMetadata": {"Item": [{"Name": name, "Value": value} for name, value in items.items()]},
        }
        callback = json.dumps({"Body": {"stkCallback": paid}}).encode()
        self.pushes[payer] = (urlsplit(push["CallBackURL"]).path, callback)
        return 200, json.dumps({**ids, "ResponseCode": "0", "ResponseDescription": "accepted"}).encode()


async def until_pushed(daraja: Daraja, count: int) -> None:
    deadline = time.monotonic() + 60
    while len(daraja.pushes) < count:
        if time.monotonic() > deadline:
            raise RuntimeError(f"only {len(daraja.pushes)} of {count} prompts were pushed")
        await asyncio.sleep(0.05)


async def order_and_pay(shop: Shop, bot: Bot, twilio: Twilio, who: list[str], vendor: dict[str, str]) -> None:
    client = Client(shop.settings.router_port, 4)
    for address in who:
        phone = address.removeprefix("whatsapp:+")
        body = {"vendor_id": vendor["id"], "customer_phone": phone, "amount": 30}
        headers = {
            "content-type": "application/json",
            "x-vendor-id": vendor["id"],
            "x-internal-key": DEV_INTERNAL_KEY,
            "idempotency-key": f"bench-{phone}",
        }
        status, answer = await client.request("POST", "/orders", headers, json.dumps(body).encode())
        if status != 201:
            raise RuntimeError(f"POST /orders answered {status}: {answer.decode()[:200]}")
    client.close()
    for start in range(0, len(who), 16):
        some = who[start : start + 16]
        for said in (f"SHOP {vendor['word']}", "CONFIRM", "PAY"):
            outcome = await one_after_another(bot, twilio, [signed_messages(bot, some, said)])
            if outcome.lost:
                raise RuntimeError(f"no reply to {said!r}")


async def _call_back(
    client: Client, twilio: Twilio, daraja: Daraja, address: str, accepted_s: list[float], receipts_s: list[float]
) -> None:
    path, body = daraja.pushes[address.removeprefix("whatsapp:+")]
    receipt = twilio.next_reply(address)
    started = time.monotonic()
    status, _ = await client.request("POST", path, {"content-type": "application/json"}, body)
    if status != 200:
        raise RuntimeError(f"the adapter answered {status}")
    accepted_s.append(time.monotonic() - started)
    try:
        receipts_s.append(await asyncio.wait_for(receipt, 30) - started)
    except TimeoutError:
        return


async def paced(
    shop: Shop, twilio: Twilio, daraja: Daraja, who: list[str], per_s: float
) -> tuple[float, list[float], list[float]]:
    client = Client(shop.settings.adapter_port, 32)
    accepted_s: list[float] = []
    receipts_s: list[float] = []
    started = time.monotonic()
    tasks: list[asyncio.Task[None]] = []
    for n, address in enumerate(who):
        await asyncio.sleep(max(0.0, started + n / per_s - time.monotonic()))
        tasks.append(asyncio.create_task(_call_back(client, twilio, daraja, address, accepted_s, receipts_s)))
    await asyncio.gather(*tasks)
    elapsed_s = time.monotonic() - started
    client.close()
    return elapsed_s, accepted_s, receipts_s


def _bare(url: str) -> float:
    """Transactions a second of as many small inserts as one applied callback makes, one writer."""
    db = Database(url)
    with db.write() as tx:
        tx.execute(text("CREATE TABLE bare (id TEXT PRIMARY KEY, body TEXT NOT NULL)"))
    statement = text("INSERT INTO bare (id, body) VALUES (:id, 'a row')")
    started = time.monotonic()
    for n in range(BARE_TRANSACTIONS):
        with db.write() as tx:
            for k in range(BARE_STATEMENTS):
                tx.execute(statement, {"id": f"{n}-{k}"})
    elapsed_s = time.monotonic() - started
    db.close()
    return BARE_TRANSACTIONS / elapsed_s


async def _run(engine_name: str) -> None:
    sink_port = free_ports(1)[0]
    twilio = Twilio()
    daraja = Daraja(twilio)
    sink = await daraja.start(sink_port)
    with (
        tempfile.TemporaryDirectory() as folder,
        engine(engine_name) as server,
        real_shop(server, sink_port) as (running, shop),
    ):
        vendor = shop.get(Process.ROUTER, "/vendors", {"x-internal-key": DEV_INTERNAL_KEY})["vendors"][0]
        who = addresses(CHARGES, first=20_000)
        await order_and_pay(shop, running.bot, twilio, who, vendor)
        await until_pushed(daraja, CHARGES)
        half = CHARGES // 2
        _, accepted_s, receipts_s = await paced(shop, twilio, daraja, who[:half], PACED_PER_S)
        burst_s, _, burst_receipts_s = await paced(shop, twilio, daraja, who[half:], 1e6)
        bare_per_s = _bare(server.create_empty() if server else f"sqlite:///{Path(folder) / 'bare.sqlite'}")
    sink.close()
    burst_per_s = len(burst_receipts_s) / burst_s
    show(
        f"Callbacks on {engine_name}",
        ("", "per s", "p50 ms", "p99 ms", "lost"),
        (
            (
                f"answered 200, at {PACED_PER_S:.0f}/s",
                "",
                f"{quantile_ms(accepted_s, 0.5):.1f}",
                f"{quantile_ms(accepted_s, 0.99):.1f}",
                str(half - len(accepted_s)),
            ),
            (
                f"receipt handed over, at {PACED_PER_S:.0f}/s",
                "",
                f"{quantile_ms(receipts_s, 0.5):.1f}",
                f"{quantile_ms(receipts_s, 0.99):.1f}",
                str(half - len(receipts_s)),
            ),
            (f"{half} at once, to the last receipt", f"{burst_per_s:.0f}", "", "", str(half - len(burst_receipts_s))),
            (f"bare transaction of {BARE_STATEMENTS} inserts, 1 writer", f"{bare_per_s:.0f}", "", "", ""),
        ),
    )
    console.print(f"callbacks to receipts, dukani to bare transactions: {burst_per_s / bare_per_s:.2f}")


def run(engine_name: str) -> None:
    asyncio.run(_run(engine_name))
