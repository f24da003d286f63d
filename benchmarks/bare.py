"""The floor of an order on PostgreSQL: its rows written by bare psycopg, nothing around them.

`python -m benchmarks.bare <url> <vendors> <orders> <threads> <prefix>` prints orders a second and its own processor
time per order in microseconds. The statements are those of an order with one open amount: the scope, the idempotency
record, the customer, the order, its line, the usage record, one commit."""

import os
import sys
import threading
import time
from datetime import UTC, datetime

import psycopg

INSERTS = {
    "idempotency_records (scope, principal, route, key, body_hash, status, answer, created_at)": (
        "%(vendor)s, 'bare', 'orders.create', %(id)s, 'hash', 201, '{}', %(now)s"
    ),
    "customers (vendor_id, id, channel_address, name, created_at)": (
        "%(vendor)s, %(customer)s, %(customer)s, '', %(now)s"
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


def _work(url: str, vendors: int, orders: range, prefix: str) -> None:
    with psycopg.connect(url) as connection:
        connection.prepare_threshold = 1  # as prepared as can be: this is the floor
        for n in orders:
            vendor = f"vendor-bench-{n % vendors}"
            connection.execute("SELECT set_config('app.vendor_id', %s, true)", [vendor])
            values = {
                "vendor": vendor,
                "id": f"{prefix}-{n}",
                "code": f"{prefix[-3:]}{n}",
                "customer": f"customer-{n % 50}",
                "now": datetime.now(UTC),
            }
            for statement in STATEMENTS:
                connection.execute(statement, values)
            connection.commit()


def main() -> None:
    url, vendors, orders, threads, prefix = sys.argv[1:]
    share = int(orders) // int(threads)
    workers = [
        threading.Thread(target=_work, args=(url, int(vendors), range(n * share, (n + 1) * share), prefix))
        for n in range(int(threads))
    ]
    started = time.monotonic()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    elapsed = time.monotonic() - started
    used = os.times()
    done = share * int(threads)
    print(f"{done / elapsed:.1f} {(used.user + used.system) * 1e6 / done:.1f}")


if __name__ == "__main__":
    main()
