"""Figures: quantiles of waiting times, processor time and memory of process trees, and how they are printed."""

import os
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

console = Console()

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def quantile_ms(waits_s: Sequence[float], q: float) -> float:
    """The q-quantile in milliseconds; NaN where nothing was measured."""
    if not waits_s:
        return float("nan")
    ordered = sorted(waits_s)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))] * 1000


def family(pid: int) -> list[int]:
    """The process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            parent = int(stat.rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
    found, todo = [pid], [pid]
    while todo:
        for child in children.get(todo.pop(), []):
            found.append(child)
            todo.append(child)
    return found


def cpu_s(pids: Iterable[int]) -> float:
    """Processor seconds that these processes have used so far, user and system."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS_PER_S


def pss_mb(pids: Iterable[int]) -> float:
    """Proportional memory in MB: what these processes would give back, pages that they share counted once."""
    total_kb = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total_kb += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total_kb / 1024


def median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else float("nan")


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(title=title, title_justify="left")
    for n, column in enumerate(columns):
        table.add_column(column, justify="left" if n == 0 else "right")
    for row in rows:
        table.add_row(*row)
    console.print(table)
