"""The floor of an order on PostgreSQL: its rows written by bare psycopg, nothing around them.

`python -m benchmarks.bare <url> <vendors> <first> <orders> <threads>` writes the orders numbered from `first` on and
prints how many a second, and its own processor time per order in microseconds. The statements are those of an order
with one open amount: the scope, the idempotency record, the customer, the order, its line, the usage record and one
commit."""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import psycopg

INSERTS = {
    "idempotency_records (scope, principal, route, key, body_hash, status, answer, created_at)": (
        "%(vendor)s, 'bare', 'orders.create', %(id)s, 'hash', 201, '{}', %(now)s"
    ),
    "customers (vendor_id, id, channel_address, name, created_at)": (
        "%(vendor)s, %(customer)s, %(address)s, '', %(now)s"
    ),
    "orders (vendor_id, id, code, customer_id, status, currency, total_minor, source, created_at)": (
        "%(vendor)s, %(id)s, %(code)s, %(customer)s, 'DRAFT', 'KES', 3000, 'api', %(now)s"
    ),
    "order_lines (vendor_id, order_id, line_no, name, unit_price_minor, quantity)": (
        "%(vendor)s, %(id)s, 1, 'Amount', 3000, 1"
    ),
    "usage_records (vendor_id, id, meter, subject, quantity, occurred_at, window_id)": (
        "%(vendor)s, %(id)s, 'orders', %(id)s, 1, %(now)s, '2026-11'"
    ),
    "usage_tail (vendor_id, id, window_id, meter, quantity)": "%(vendor)s, %(id)s, '2026-11', 'orders', 1",
}
STATEMENTS = [
    f"INSERT INTO {into} VALUES ({values}) ON CONFLICT DO NOTHING".encode()  # noqa: S608 - constants
    for into, values in INSERTS.items()
]


def _work(url: str, vendors: int, orders: range) -> None:
    with psycopg.connect(url) as connection:
        connection.prepare_threshold = 1  # as prepared as can be: this is the floor
        for n in orders:
            vendor = f"vendor-bench-{n % vendors}"
            connection.execute("SELECT set_config('app.vendor_id', %s, true)", [vendor])
            values = {
                "vendor": vendor,
                "id": f"bare-{n}",
                "code": f"B{n}",
                "customer": f"bare-{n % 5}",
                "address": f"whatsapp:+2547000001{n % 5:02}",
                "now": datetime.now(UTC),
            }
            for statement in STATEMENTS:
                connection.execute(statement, values)
            connection.commit()


def main() -> None:
    url = sys.argv[1]
    vendors, first, orders, threads = (int(text) for text in sys.argv[2:])
    share = orders // threads
    shares = [range(first + n * share, first + (n + 1) * share) for n in range(threads)]
    started = time.monotonic()
    with ThreadPoolExecutor(threads) as pool:
        for each in [pool.submit(_work, url, vendors, numbers) for numbers in shares]:
            each.result()
    elapsed = time.monotonic() - started
    used = os.times()
    done = share * threads
    print(f"{done / elapsed:.1f} {(used.user + used.system) * 1e6 / done:.1f}")


if __name__ == "__main__":
    main()
