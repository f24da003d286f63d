"""What a shop's usage contains, and the sweep that adds it up."""

from collections import Counter as Sum
from dataclasses import dataclass

from contracts.ids import VendorId
from router.metering.models import platform_usage_totals, usage_records, usage_tail, usage_totals
from router.metering.rollup import Rollup
from router.metering.service import totals_of
from tests.support.counter import MAMA, Counter

NOVEMBER = "2026-11"


@dataclass
class Usage:
    counter: Counter
    rollup: Rollup

    def recorded(self, meter: str | None = None, vendor: str = MAMA) -> list[str]:
        """Subjects, in the order in which they occurred."""
        rows = [row for row in self.counter.rows(usage_records) if row["vendor_id"] == vendor]
        return [row["subject"] for row in sorted(rows, key=lambda row: row["id"]) if meter in (None, row["meter"])]

    def totals(self, window: str = NOVEMBER, vendor: str = MAMA) -> dict[str, int]:
        """As they are answered now."""
        with self.counter.of(vendor).read() as tx:
            return totals_of(tx, VendorId(vendor), window)

    def summed(self, window: str = NOVEMBER, vendor: str = MAMA) -> dict[str, int]:
        """As they must be: the plain sum of the records."""
        sums: Sum[str] = Sum()
        for row in self.counter.rows(usage_records):
            if (row["vendor_id"], row["window_id"]) == (vendor, window):
                sums[row["meter"]] += row["quantity"]
        return dict(sums)

    def rolled(self, vendor: str = MAMA) -> dict[tuple[str, str], int]:
        rows = [row for row in self.counter.rows(usage_totals) if row["vendor_id"] == vendor]
        return {(row["window_id"], row["meter"]): row["quantity"] for row in rows}

    def copied(self, vendor: str = MAMA) -> dict[tuple[str, str], int]:
        rows = self.counter.rows(platform_usage_totals, self.counter.platform)
        return {(row["window_id"], row["meter"]): row["quantity"] for row in rows if row["vendor_id"] == vendor}

    def tail(self) -> int:
        return len(self.counter.rows(usage_tail))

    def sweep(self) -> None:
        for _ in range(100):
            if not self.rollup.turn():
                return
        raise AssertionError("still sweeping")
