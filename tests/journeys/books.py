"""What the shop's databases say in the end: the truth that a journey is judged by, read with plain SQL."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text

from kit.db import Database
from kit.settings import Settings
from tests.support.processes import eventually


class Books:
    def __init__(self, settings: Settings) -> None:
        # As the owner of the tables: the application's role sees one vendor's rows at a time.
        self._ops = Database(settings.migration_urls["ops"])
        self._payments = Database(settings.payments_database_url)
        self._conversations = Database(settings.conversations_database_url)

    def close(self) -> None:
        for db in (self._ops, self._payments, self._conversations):
            db.close()

    def orders(self) -> list[Mapping[str, Any]]:
        return self._all(self._ops, "SELECT id, code, status, total_minor FROM orders ORDER BY created_at")

    def order_statuses(self) -> list[str]:
        return [row["status"] for row in self.orders()]

    def ledger(self, kind: str) -> list[int]:
        rows = self._all(self._ops, f"SELECT amount_minor FROM ledger_entries WHERE kind = '{kind}'")  # noqa: S608
        return [row["amount_minor"] for row in rows]

    def exceptions(self) -> list[str]:
        return [row["kind"] for row in self._all(self._ops, "SELECT kind FROM payment_exceptions ORDER BY kind")]

    def intents(self) -> list[str]:
        rows = self._all(self._ops, "SELECT status FROM payment_intents ORDER BY created_at")
        return [row["status"] for row in rows]

    def charges(self) -> list[str]:
        rows = self._all(self._payments, "SELECT status FROM charges ORDER BY created_at")
        return [row["status"] for row in rows]

    def fulfilments(self) -> list[str]:
        return [row["status"] for row in self._all(self._ops, "SELECT status FROM fulfilments")]

    def message_statuses(self) -> set[str]:
        """Of everything that was written to customers."""
        return {row["status"] for row in self._all(self._conversations, "SELECT status FROM messages")}

    def stock(self, sku: str, settings: Settings) -> tuple[int, int]:
        """(on hand, reserved) of an item."""
        platform = Database(settings.platform_database_url)
        try:
            (item,) = self._all(platform, f"SELECT id FROM catalog_items WHERE sku = '{sku}'")  # noqa: S608
        finally:
            platform.close()
        rows = self._all(self._ops, f"SELECT on_hand, reserved FROM stock WHERE item_id = '{item['id']}'")  # noqa: S608
        return rows[0]["on_hand"], rows[0]["reserved"]

    def eventually_statuses(self, *statuses: str, within_s: float = 20.0) -> None:
        """Wait until these are all orders' statuses, oldest first."""
        eventually(
            lambda: self.order_statuses() == list(statuses),
            f"orders are {list(statuses)} (they are {self.order_statuses()})",
            within_s,
        )

    def one_paid_once(self, total_minor: int) -> None:
        """Exactly one order, PAID; one charge paid; one ledger entry `paid` of that amount; one fulfilment."""
        assert [(order["status"], order["total_minor"]) for order in self.orders()] == [("PAID", total_minor)]
        assert self.ledger("paid") == [total_minor]
        assert self.charges().count("paid") == 1
        assert self.fulfilments() == ["completed"]
        assert self.exceptions() == []

    def _all(self, db: Database, sql: str) -> list[Mapping[str, Any]]:
        with db.read() as tx:
            return [dict(row) for row in tx.execute(text(sql)).mappings()]
