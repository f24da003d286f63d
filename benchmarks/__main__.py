"""`./dev bench [turns|callbacks|orders|start …] [--engine sqlite|postgres]`: all of them, on SQLite, by default."""

import argparse
import os
import platform

from benchmarks import callbacks, orders, start, turns
from benchmarks.measure import console

SUITES = {"turns": turns.run, "callbacks": callbacks.run, "orders": orders.run, "start": start.run}


def main() -> None:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("suites", nargs="*", choices=[[], *SUITES], help="default: all")
    parser.add_argument("--engine", choices=["sqlite", "postgres"], default="sqlite")
    arguments = parser.parse_args()
    console.print(f"{os.cpu_count()} processors, Python {platform.python_version()}, {arguments.engine}")
    for name in arguments.suites or SUITES:
        SUITES[name](arguments.engine)


main()
