"""What the simulators remember, in one SQLite file: chats and prompts survive a restart.

One connection behind one lock: every change is a short transaction, and nothing waits for the network inside one."""

import sqlite3
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from kit.clock import Clock
from simulators.moments import us_of

SqlValue = str | int | bytes | None

_SCHEMA = """
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS faults (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS customers (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    address TEXT NOT NULL UNIQUE,
    msisdn TEXT UNIQUE,
    name TEXT NOT NULL,
    is_hidden INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS wallets (
    msisdn TEXT PRIMARY KEY,
    balance_whole INTEGER NOT NULL CHECK (balance_whole >= 0)
) STRICT;
CREATE TABLE IF NOT EXISTS messages (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    sid TEXT NOT NULL UNIQUE,
    seq INTEGER NOT NULL,
    customer TEXT NOT NULL,
    direction TEXT NOT NULL CHECK (direction IN ('in', 'out', 'reply')),
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    body TEXT NOT NULL,
    media TEXT,
    at_us INTEGER NOT NULL,
    sent_us INTEGER,
    updated_us INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('queued', 'sent', 'delivered', 'read', 'failed')),
    error_code INTEGER,
    error TEXT,
    status_callback TEXT,
    content TEXT,
    location TEXT,
    tap TEXT,
    reply_to TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS messages_seq ON messages (seq);
CREATE INDEX IF NOT EXISTS messages_customer ON messages (customer, direction, place);
CREATE TABLE IF NOT EXISTS media (
    message TEXT NOT NULL,
    place INTEGER NOT NULL,
    sid TEXT NOT NULL UNIQUE,
    url TEXT NOT NULL,
    content_type TEXT,
    file BLOB,
    error TEXT,
    PRIMARY KEY (message, place)
) STRICT;
CREATE TABLE IF NOT EXISTS contents (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    sid TEXT NOT NULL UNIQUE,
    friendly_name TEXT NOT NULL,
    language TEXT NOT NULL,
    variables TEXT NOT NULL,
    types TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    template TEXT,
    submitted_us INTEGER NOT NULL DEFAULT 0,
    decided TEXT,
    rejection_reason TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    lane TEXT NOT NULL,
    place INTEGER NOT NULL,
    due_us INTEGER NOT NULL,
    running INTEGER NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0,
    is_held INTEGER NOT NULL DEFAULT 0,
    payload TEXT NOT NULL,
    UNIQUE (lane, place)
) STRICT;
CREATE INDEX IF NOT EXISTS jobs_due ON jobs (running, due_us);
CREATE TABLE IF NOT EXISTS tokens (token TEXT PRIMARY KEY, expires_us INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS passkeys (shortcode TEXT PRIMARY KEY, passkey TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS pushes (
    id TEXT PRIMARY KEY,
    place INTEGER NOT NULL UNIQUE,
    seq INTEGER NOT NULL,
    merchant_request_id TEXT NOT NULL,
    shortcode TEXT NOT NULL,
    party_b TEXT NOT NULL,
    transaction_type TEXT NOT NULL,
    msisdn TEXT NOT NULL,
    amount_whole INTEGER NOT NULL,
    account_reference TEXT NOT NULL,
    description TEXT NOT NULL,
    callback_url TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    expires_us INTEGER NOT NULL,
    is_shown INTEGER NOT NULL,
    state TEXT NOT NULL,
    result_code INTEGER,
    result_us INTEGER,
    receipt TEXT UNIQUE,
    paid_whole INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS pushes_seq ON pushes (seq);
CREATE INDEX IF NOT EXISTS pushes_msisdn ON pushes (msisdn, expires_us);
CREATE TABLE IF NOT EXISTS callbacks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    push TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    http_status INTEGER,
    outcome TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS callbacks_push ON callbacks (push);
CREATE TABLE IF NOT EXISTS c2b_urls (
    shortcode TEXT PRIMARY KEY,
    version TEXT NOT NULL,
    response_type TEXT NOT NULL,
    confirmation_url TEXT NOT NULL,
    validation_url TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS c2b_payments (
    id TEXT PRIMARY KEY,
    place INTEGER NOT NULL UNIQUE,
    seq INTEGER NOT NULL,
    shortcode TEXT NOT NULL,
    kind TEXT NOT NULL,
    msisdn TEXT NOT NULL,
    amount_whole INTEGER NOT NULL,
    account_reference TEXT NOT NULL,
    third_party_id TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS daraja_orders (
    conversation_id TEXT PRIMARY KEY,
    originator_id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    result_url TEXT NOT NULL,
    timeout_url TEXT NOT NULL,
    result TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS reversals (
    transaction_id TEXT PRIMARY KEY,
    receipt TEXT NOT NULL UNIQUE,
    amount_whole INTEGER NOT NULL,
    at_us INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS kwanza_wallets (
    msisdn TEXT PRIMARY KEY,
    balance_minor INTEGER NOT NULL CHECK (balance_minor >= 0)
) STRICT;
CREATE TABLE IF NOT EXISTS ekwanza_merchants (
    merchant TEXT PRIMARY KEY,
    webhook_url TEXT,
    name TEXT,
    api_key TEXT,
    notification_token TEXT UNIQUE,
    registration_number TEXT,
    client_id TEXT,
    client_secret TEXT,
    resource TEXT,
    gpo_payment_method TEXT,
    ref_payment_method TEXT,
    shape TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS ekwanza_tokens (
    token TEXT PRIMARY KEY,
    client_id TEXT NOT NULL,
    expires_us INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS ekwanza_charges (
    id TEXT PRIMARY KEY,
    place INTEGER NOT NULL UNIQUE,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('gpo', 'emis_ref', 'ticket')),
    account TEXT NOT NULL,
    merchant TEXT,
    client_id TEXT NOT NULL,
    our_reference TEXT NOT NULL,
    ekwanza_id INTEGER NOT NULL,
    msisdn TEXT,
    amount_minor INTEGER NOT NULL,
    description TEXT NOT NULL,
    payment_method TEXT NOT NULL,
    options TEXT NOT NULL,
    entity TEXT,
    reference TEXT,
    at_us INTEGER NOT NULL,
    expires_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL,
    is_shown INTEGER NOT NULL,
    state TEXT NOT NULL,
    code INTEGER,
    paid_minor INTEGER,
    refunded_minor INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS ekwanza_charges_seq ON ekwanza_charges (seq);
CREATE INDEX IF NOT EXISTS ekwanza_charges_ours ON ekwanza_charges (account, our_reference);
CREATE INDEX IF NOT EXISTS ekwanza_charges_open ON ekwanza_charges (kind, state, place);
CREATE TABLE IF NOT EXISTS wire (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    endpoint TEXT NOT NULL,
    content TEXT NOT NULL,
    http_status INTEGER NOT NULL,
    error TEXT
) STRICT;
"""

_SCHEMA_VERSION = 2
"""Raise it when a table changes: what an older version remembered is then forgotten, since it is only play."""

# What was set up at a provider outlives a reset: addresses of c2b_urls, accounts of ekwanza_merchants, contents.
_TABLES_CLEARED = (
    "faults",
    "customers",
    "wallets",
    "messages",
    "media",
    "jobs",
    "tokens",
    "passkeys",
    "pushes",
    "callbacks",
    "wire",
    "c2b_payments",
    "daraja_orders",
    "reversals",
    "kwanza_wallets",
    "ekwanza_tokens",
    "ekwanza_charges",
)


class Transaction:
    """One transaction at one moment of the clock. `now_us` is that moment; `wakes` asks for the loops to be woken
    once it is committed."""

    def __init__(self, connection: sqlite3.Connection, now_us: int) -> None:
        self._connection = connection
        self.now_us = now_us
        self.wakes = False

    def run(self, sql: str, *values: SqlValue) -> int:
        """The number of rows changed."""
        return self._connection.execute(sql, values).rowcount

    def rows(self, sql: str, *values: SqlValue) -> list[sqlite3.Row]:
        return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: SqlValue) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._connection.execute(sql, values).fetchone()
        return row

    def counter(self, name: str) -> int:
        row = self.row("SELECT value FROM counters WHERE name = ?", name)
        return int(row["value"]) if row else 0

    def count(self, name: str) -> int:
        """The counter of that name, one higher than before."""
        row = self.row(
            "INSERT INTO counters (name, value) VALUES (?, 1)"
            " ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
            name,
        )
        assert row is not None
        return int(row["value"])

    def next_seq(self) -> int:
        """Every change that the page should see takes one. Never goes back, not even at a reset."""
        return self.count("seq")


class Store:
    def __init__(self, path: Path, clock: Clock) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._clock = clock
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._forget_older_versions()
        self._connection.executescript(_SCHEMA)
        self._on_wake: list[Callable[[], None]] = []

    def on_wake(self, wake: Callable[[], None]) -> None:
        """`wake` is called after every commit that left work for later."""
        self._on_wake.append(wake)

    def wake(self) -> None:
        for wake in self._on_wake:
            wake()

    @contextmanager
    def transaction(self) -> Generator[Transaction, None, None]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            tx = Transaction(self._connection, us_of(self._clock.now()))
            try:
                yield tx
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
        if tx.wakes:
            self.wake()

    def clear(self, tx: Transaction) -> None:
        """Forget everything but the counters and what merchants set up: versions go on, and a page sees by `resets`
        that it must start afresh."""
        for table in _TABLES_CLEARED:
            tx.run(f"DELETE FROM {table}")  # noqa: S608 (a name from the tuple above)
        tx.run("DELETE FROM counters WHERE name IN ('pushes', 'callbacks')")
        tx.count("resets")
        tx.next_seq()

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _forget_older_versions(self) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version == _SCHEMA_VERSION:
            return
        names = self._connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        for row in names:
            self._connection.execute(f"DROP TABLE {row['name']}")
        self._connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
