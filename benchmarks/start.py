"""From exec to the first answer of each process, and what the three hold in memory together."""

import tempfile
import time
from pathlib import Path

from benchmarks.measure import console, family, median, pss_mb, show
from dukani.processes import Process
from tests.support.processes import Shop, free_ports

ROUNDS = 5
OURS = (Process.BOT, Process.ROUTER, Process.PAYMENT_ADAPTER)


def run(_engine_name: str) -> None:
    sink = free_ports(1)[0]
    with tempfile.TemporaryDirectory(prefix="dukani-bench-") as folder:
        shop = Shop(
            Path(folder),
            {
                "DUKANI_SIMULATORS": "off",
                "TWILIO_API_BASE_URL": f"http://127.0.0.1:{sink}",
                "DARAJA_BASE_URL": f"http://127.0.0.1:{sink}",
            },
        )
        shop.prepare()
        first: dict[Process, list[float]] = {process: [] for process in OURS}
        memory: dict[Process, list[float]] = {process: [] for process in OURS}
        for _ in range(ROUNDS):
            for process in OURS:
                started = time.monotonic()
                shop.start(process)
                first[process].append((time.monotonic() - started) * 1000)
            for process in OURS:
                memory[process].append(pss_mb(family(shop.pid(process))))
            shop.stop_all()
    show(
        f"Start and memory, median of {ROUNDS}",
        ("", "first answer ms", "memory MB (PSS)"),
        [(process.value, f"{median(first[process]):.0f}", f"{median(memory[process]):.0f}") for process in OURS],
    )
    console.print(f"all three together: {sum(median(values) for values in memory.values()):.0f} MB")
