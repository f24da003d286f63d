"""Payments: requests, intents, provider transactions, inbox, ledger, fulfilments; and the events outbox."""

from alembic import op
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    text,
)

from kit.columns import BigInt, Code, UtcTime
from migrations.security import append_only, grant_to_inspect, protect, relay_may

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


_OF_VENDORS = (
    "payment_requests",
    "payment_intents",
    "provider_transactions",
    "payment_event_inbox",
    "ledger_entries",
    "fulfilments",
    "outbox",
)
_OUTCOME = ("status", "attempts", "next_at", "lease_owner", "lease_until", "delivered_at", "last_error")
_ENVELOPE = ("seq", "vendor_id", "event_id", "aggregate", "type", "created_at", *_OUTCOME)


def upgrade() -> None:
    _payment_requests()
    _payment_intents()
    _provider_transactions()
    _payment_event_inbox()
    _ledger_entries()
    _fulfilments()
    _outbox()
    _keep_what_is_written()
    _view_for_people()
    for table in _OF_VENDORS:
        protect(table)
    relay_may("outbox", select=_ENVELOPE, update=_OUTCOME)
    relay_may("payment_intents", select=["vendor_id", "id", "status", "grant_expires_at"])


def _payment_requests() -> None:
    op.create_table(
        "payment_requests",
        Column("vendor_id", Code, nullable=False),
        Column("id", Code, nullable=False),
        Column("payable_kind", Code, nullable=False),
        Column("payable_id", Code, nullable=False),
        Column("ordinal", Integer, nullable=False),
        Column("customer_id", Code, nullable=False),
        Column("amount_minor", BigInt, nullable=False),
        Column("currency", Code, nullable=False),
        Column("reference", Code, nullable=False),
        Column("description", Text, nullable=False),
        Column("status", Code, nullable=False),
        Column("expires_at", UtcTime),
        Column("created_at", UtcTime, nullable=False),
        Column("closed_at", UtcTime),
        PrimaryKeyConstraint("vendor_id", "id", name="payment_requests_pk"),
        UniqueConstraint("vendor_id", "payable_kind", "payable_id", "ordinal", name="payment_requests_ordinal_key"),
        ForeignKeyConstraint(
            ["vendor_id", "customer_id"], ["customers.vendor_id", "customers.id"], name="payment_requests_customer_fk"
        ),
        CheckConstraint("ordinal >= 1", name="payment_requests_ordinal_check"),
        CheckConstraint("amount_minor > 0", name="payment_requests_amount_check"),
        CheckConstraint("currency IN ('KES', 'AOA')", name="payment_requests_currency_check"),
        CheckConstraint(
            "status IN ('pending', 'paid', 'failed', 'expired', 'canceled')", name="payment_requests_status_check"
        ),
        sqlite_strict=True,
    )
    _partial_index(
        "payment_requests_one_open",
        "payment_requests",
        ["vendor_id", "payable_kind", "payable_id"],
        "status IN ('pending', 'failed')",
        unique=True,
    )


def _payment_intents() -> None:
    op.create_table(
        "payment_intents",
        Column("vendor_id", Code, nullable=False),
        Column("id", Code, nullable=False),
        Column("request_id", Code, nullable=False),
        Column("customer_id", Code, nullable=False),
        Column("rail", Code, nullable=False),
        Column("payer_msisdn", Code),
        Column("status", Code, nullable=False),
        Column("instructions", Text),
        Column("picture", Text),
        Column("payable_until", UtcTime),
        Column("reason", Code),
        Column("local_day", Code, nullable=False),
        Column("created_at", UtcTime, nullable=False),
        Column("grant_expires_at", UtcTime, nullable=False),
        Column("updated_at", UtcTime, nullable=False),
        PrimaryKeyConstraint("vendor_id", "id", name="payment_intents_pk"),
        ForeignKeyConstraint(
            ["vendor_id", "request_id"],
            ["payment_requests.vendor_id", "payment_requests.id"],
            name="payment_intents_request_fk",
        ),
        CheckConstraint("rail IN ('mpesa_stk', 'gpo', 'emis_ref', 'ticket')", name="payment_intents_rail_check"),
        CheckConstraint(
            "status IN ('created', 'provider_pending', 'succeeded', 'failed', 'expired', 'unknown')",
            name="payment_intents_status_check",
        ),
        CheckConstraint(
            "payer_msisdn IS NOT NULL OR rail IN ('emis_ref', 'ticket')", name="payment_intents_payer_check"
        ),
        sqlite_strict=True,
    )
    op.create_index("payment_intents_of_request", "payment_intents", ["vendor_id", "request_id", "created_at"])
    _partial_index(
        "payment_intents_one_live",
        "payment_intents",
        ["vendor_id", "request_id"],
        "status IN ('created', 'provider_pending') AND rail IN ('mpesa_stk', 'gpo')",
        unique=True,
    )
    _partial_index(
        "payment_intents_one_reference",
        "payment_intents",
        ["vendor_id", "request_id", "rail"],
        "status IN ('created', 'provider_pending') AND rail IN ('emis_ref', 'ticket')",
        unique=True,
    )
    op.create_index("payment_intents_of_day", "payment_intents", ["vendor_id", "customer_id", "local_day"])
    op.create_index("payment_intents_newest", "payment_intents", ["vendor_id", "created_at", "id"])
    op.create_index("payment_intents_of_status", "payment_intents", ["vendor_id", "status", "created_at", "id"])
    _partial_index("payment_intents_unsent", "payment_intents", ["grant_expires_at"], "status = 'created'")


def _provider_transactions() -> None:
    op.create_table(
        "provider_transactions",
        Column("vendor_id", Code, nullable=False),
        Column("id", Code, nullable=False),
        Column("provider", Code, nullable=False),
        Column("provider_transaction_id", Code, nullable=False),
        Column("rail", Code),
        Column("intent_id", Code),
        Column("request_id", Code),
        Column("receipt", Code),
        Column("amount_minor", BigInt),
        Column("currency", Code),
        Column("payer_msisdn", Code),
        Column("payer_name", Code),
        Column("account_reference", Code),
        Column("effect", Code),
        Column("same_as", Code),
        Column("refunded_minor", BigInt, nullable=False, server_default="0"),
        Column("occurred_at", UtcTime, nullable=False),
        Column("created_at", UtcTime, nullable=False),
        PrimaryKeyConstraint("vendor_id", "id", name="provider_transactions_pk"),
        UniqueConstraint("vendor_id", "provider", "provider_transaction_id", name="provider_transactions_provider_key"),
        ForeignKeyConstraint(
            ["vendor_id", "intent_id"],
            ["payment_intents.vendor_id", "payment_intents.id"],
            name="provider_transactions_intent_fk",
        ),
        ForeignKeyConstraint(
            ["vendor_id", "request_id"],
            ["payment_requests.vendor_id", "payment_requests.id"],
            name="provider_transactions_request_fk",
        ),
        CheckConstraint("rail IN ('mpesa_stk', 'gpo', 'emis_ref', 'ticket')", name="provider_transactions_rail_check"),
        CheckConstraint("effect IN ('applied', 'exception', 'same')", name="provider_transactions_effect_check"),
        CheckConstraint("amount_minor >= 0", name="provider_transactions_amount_check"),
        CheckConstraint("currency IN ('KES', 'AOA')", name="provider_transactions_currency_check"),
        CheckConstraint("(effect = 'same') = (same_as IS NOT NULL)", name="provider_transactions_same_check"),
        CheckConstraint(
            "refunded_minor BETWEEN 0 AND coalesce(amount_minor, 0)", name="provider_transactions_refunded_check"
        ),
        sqlite_strict=True,
    )
    _partial_index(
        "provider_transactions_one_per_receipt",
        "provider_transactions",
        ["vendor_id", "provider", "receipt"],
        "effect IN ('applied', 'exception')",
        unique=True,
    )
    op.create_index("provider_transactions_of_request", "provider_transactions", ["vendor_id", "request_id"])
    op.create_index("provider_transactions_of_intent", "provider_transactions", ["vendor_id", "intent_id"])
    _partial_index(
        "provider_transactions_one_applied",
        "provider_transactions",
        ["vendor_id", "request_id"],
        "effect = 'applied'",
        unique=True,
    )


def _payment_event_inbox() -> None:
    op.create_table(
        "payment_event_inbox",
        Column("vendor_id", Code, nullable=False),
        Column("event_id", Code, nullable=False),
        Column("intent_id", Code),
        Column("event_status", Code, nullable=False),
        Column("body", Text, nullable=False),
        Column("status", Code, nullable=False),
        Column("note", Text),
        Column("received_at", UtcTime, nullable=False),
        Column("processed_at", UtcTime),
        PrimaryKeyConstraint("vendor_id", "event_id", name="payment_event_inbox_pk"),
        CheckConstraint(
            "event_status IN ('pending', 'paid', 'failed', 'expired', 'unknown')",
            name="payment_event_inbox_event_status_check",
        ),
        CheckConstraint(
            "status IN ('received', 'processing', 'processed', 'ignored', 'failed')",
            name="payment_event_inbox_status_check",
        ),
        sqlite_strict=True,
    )
    op.create_index("payment_event_inbox_of_intent", "payment_event_inbox", ["vendor_id", "intent_id"])


def _ledger_entries() -> None:
    op.create_table(
        "ledger_entries",
        Column("vendor_id", Code, nullable=False),
        Column("id", Code, nullable=False),
        Column("kind", Code, nullable=False),
        Column("subject", Code, nullable=False),
        Column("request_id", Code),
        Column("intent_id", Code),
        Column("transaction_id", Code),
        Column("amount_minor", BigInt, nullable=False),
        Column("currency", Code, nullable=False),
        Column("note", Code),
        Column("recorded_at", UtcTime, nullable=False),
        PrimaryKeyConstraint("vendor_id", "id", name="ledger_entries_pk"),
        UniqueConstraint("vendor_id", "kind", "subject", name="ledger_entries_fact_key"),
        ForeignKeyConstraint(
            ["vendor_id", "request_id"],
            ["payment_requests.vendor_id", "payment_requests.id"],
            name="ledger_entries_request_fk",
        ),
        ForeignKeyConstraint(
            ["vendor_id", "intent_id"],
            ["payment_intents.vendor_id", "payment_intents.id"],
            name="ledger_entries_intent_fk",
        ),
        ForeignKeyConstraint(
            ["vendor_id", "transaction_id"],
            ["provider_transactions.vendor_id", "provider_transactions.id"],
            name="ledger_entries_transaction_fk",
        ),
        CheckConstraint(
            "kind IN ('requested', 'authorized', 'paid', 'failed', 'expired', 'settled', 'credited', 'adjusted')",
            name="ledger_entries_kind_check",
        ),
        CheckConstraint("currency IN ('KES', 'AOA')", name="ledger_entries_currency_check"),
        sqlite_strict=True,
    )
    op.create_index("ledger_entries_of_request", "ledger_entries", ["vendor_id", "request_id"])


def _fulfilments() -> None:
    op.create_table(
        "fulfilments",
        Column("vendor_id", Code, nullable=False),
        Column("payable_kind", Code, nullable=False),
        Column("payable_id", Code, nullable=False),
        Column("action", Code, nullable=False),
        Column("request_id", Code, nullable=False),
        Column("status", Code, nullable=False),
        Column("created_at", UtcTime, nullable=False),
        Column("completed_at", UtcTime),
        PrimaryKeyConstraint("vendor_id", "payable_kind", "payable_id", "action", name="fulfilments_pk"),
        ForeignKeyConstraint(
            ["vendor_id", "request_id"],
            ["payment_requests.vendor_id", "payment_requests.id"],
            name="fulfilments_request_fk",
        ),
        CheckConstraint("status IN ('pending', 'completed', 'failed', 'compensated')", name="fulfilments_status_check"),
        sqlite_strict=True,
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        Column("seq", BigInt, primary_key=True, autoincrement=True),
        Column("event_id", Code, nullable=False),
        Column("vendor_id", Code, nullable=False),
        Column("aggregate", Code, nullable=False),
        Column("type", Code, nullable=False),
        Column("body", Text, nullable=False),
        Column("created_at", UtcTime, nullable=False),
        Column("status", Code, nullable=False, server_default="pending"),
        Column("attempts", Integer, nullable=False, server_default="0"),
        Column("next_at", UtcTime, nullable=False),
        Column("lease_owner", Code),
        Column("lease_until", UtcTime),
        Column("delivered_at", UtcTime),
        Column("last_error", Text),
        UniqueConstraint("vendor_id", "event_id", name="outbox_event_id_key"),
        CheckConstraint("status IN ('pending', 'delivered', 'parked', 'discarded')", name="outbox_status_check"),
        sqlite_strict=True,
    )
    _partial_index("outbox_due", "outbox", ["next_at"], "status = 'pending'")
    _partial_index(
        "outbox_aggregate_order", "outbox", ["vendor_id", "aggregate", "seq"], "status IN ('pending', 'parked')"
    )


_NEVER = "the amount of a payment request never changes"


def _keep_what_is_written() -> None:
    """The ledger is only appended to, and what a request asks for never changes, whoever tries."""
    append_only("ledger_entries", "the ledger is append-only")
    changes = "CREATE TRIGGER payment_requests_amount_fixed BEFORE UPDATE OF amount_minor, currency ON payment_requests"
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"{changes} FOR EACH ROW EXECUTE FUNCTION refuse_change('{_NEVER}')")
    else:
        op.execute(f"{changes} BEGIN SELECT RAISE(ABORT, '{_NEVER}'); END")


def _view_for_people() -> None:
    """`payments`: one row per try. `amount` is in whole units with the cents cut off; `amount_minor` is exact."""
    options = "WITH (security_invoker = true)" if op.get_bind().dialect.name == "postgresql" else ""
    op.execute(
        f"""
        CREATE VIEW payments {options} AS
        SELECT i.id,
               i.vendor_id,
               CASE WHEN r.payable_kind = 'order' THEN r.payable_id END AS order_id,
               r.payable_kind,
               r.payable_id,
               r.reference,
               i.status,
               r.status AS request_status,
               i.reason,
               r.amount_minor / 100 AS amount,
               r.amount_minor,
               r.currency,
               i.rail,
               i.payer_msisdn,
               (SELECT max(t.receipt) FROM provider_transactions t
                 WHERE t.vendor_id = i.vendor_id AND t.intent_id = i.id) AS receipt,
               i.created_at,
               i.updated_at
          FROM payment_intents i
          JOIN payment_requests r ON r.vendor_id = i.vendor_id AND r.id = i.request_id
        """
    )
    grant_to_inspect("payments")


def _partial_index(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    op.create_index(name, table, columns, unique=unique, postgresql_where=text(where), sqlite_where=text(where))


def downgrade() -> None:
    raise NotImplementedError("a shop's history is not taken back: restore a backup instead")
