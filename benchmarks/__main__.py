"""`./dev bench [turns|callbacks|orders|catalogue|start …] [--engine sqlite|postgres]`: on SQLite, by default all five.

`./dev bench router [--million-orders 3] [--databases 100]` takes minutes and has PostgreSQL only, and so has
`./dev bench payments`."""

import argparse
import os
import platform

from benchmarks import callbacks, catalogue, orders, payments, router, start, turns
from benchmarks.measure import console

SUITES = {
    "turns": turns.run,
    "callbacks": callbacks.run,
    "orders": orders.run,
    "catalogue": catalogue.run,
    "start": start.run,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument(
        "suites", nargs="*", choices=[[], *SUITES, "payments", "router"], help="default: all but these two"
    )
    parser.add_argument("--engine", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--million-orders", type=float, default=0, help="router: grow to so many")
    parser.add_argument("--databases", type=int, default=0, help="router: grow to so many dedicated ones")
    arguments = parser.parse_args()
    suites = arguments.suites or list(SUITES)
    engine = "postgres" if {"router", "payments"}.issuperset(suites) else arguments.engine
    console.print(f"{os.cpu_count()} processors, Python {platform.python_version()}, {engine}")
    for name in suites:
        if name == "router":
            router.run(arguments.million_orders, arguments.databases)
        elif name == "payments":
            payments.run()
        else:
            SUITES[name](arguments.engine)


main()
