"""What came in over the wire, accepted or refused, for tests that ask what was really sent. The newest only."""

import json
from collections.abc import Mapping

from simulators.moments import iso
from simulators.problems import JsonObject
from simulators.store import Transaction

KEPT = 5_000


def remember(
    tx: Transaction,
    provider: str,
    endpoint: str,
    content: Mapping[str, object],
    http_status: int,
    error: str | None = None,
) -> None:
    row = tx.row(
        "INSERT INTO wire (provider, at_us, endpoint, content, http_status, error) VALUES (?, ?, ?, ?, ?, ?)"
        " RETURNING id",
        provider,
        tx.now_us,
        endpoint,
        json.dumps(content),
        http_status,
        error,
    )
    assert row is not None
    if int(row["id"]) % 100 == 0:
        tx.run("DELETE FROM wire WHERE id <= ?", int(row["id"]) - KEPT)


def received(tx: Transaction, provider: str) -> list[JsonObject]:
    """Oldest first: when, where, what, and how it was answered."""
    return [
        {
            "at": iso(int(row["at_us"])),
            "endpoint": str(row["endpoint"]),
            "content": json.loads(row["content"]),
            "http_status": int(row["http_status"]),
            "error": row["error"],
        }
        for row in tx.rows("SELECT * FROM wire WHERE provider = ? ORDER BY id", provider)
    ]
