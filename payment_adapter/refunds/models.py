"""Tables of the refunds room: the refunds, how much of a payment has gone back, the addresses that results are sent to,
and the inbox of these, raw as it came."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from kit.columns import BigInt, Code, JsonDoc, UtcTime
from payment_adapter.schema import metadata

refunds = Table(
    "refunds",
    metadata,
    Column("vendor_id", Code, nullable=False),
    Column("refund_id", Code, nullable=False),
    # What was asked for.
    Column("provider", Code, nullable=False),
    Column("asked_transaction_id", Code),
    Column("asked_receipt", Code),
    Column("amount_minor", BigInt, nullable=False),
    Column("currency", Code, nullable=False),
    Column("note", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    # The payment that it was found to be of: a charge, or money paid by hand.
    Column("payment_id", Code, nullable=False),
    Column("rail", Code, nullable=False),
    Column("our_reference", Code, nullable=False),
    Column("provider_transaction_id", Code),
    Column("receipt", Code),
    Column("paid_minor", BigInt, nullable=False),
    # Where it stands.
    Column("status", Code, nullable=False),
    Column("detail", Text),
    Column("updated_at", UtcTime, nullable=False),
    # The one request.
    Column("claim_owner", Text),
    Column("claimed_at", UtcTime),
    Column("provider_refund_id", Code),
    Column("refund_receipt", Code),
    # When to ask next what became of it.
    Column("next_ask_at", UtcTime),
    PrimaryKeyConstraint("vendor_id", "refund_id", name="refunds_pkey"),
    UniqueConstraint("refund_id", name="refunds_refund_id_key"),
    CheckConstraint(
        "status IN ('created', 'claimed', 'pending', 'done', 'failed', 'unknown')", name="refunds_status_check"
    ),
    CheckConstraint("amount_minor > 0 AND amount_minor <= paid_minor", name="refunds_amount_check"),
    # Whatever was sent was claimed before, and keeps its claim.
    CheckConstraint("status IN ('created', 'failed') OR claimed_at IS NOT NULL", name="refunds_claim_check"),
    Index(
        "refunds_to_send",
        "status",
        "created_at",
        postgresql_where=text("status IN ('created', 'claimed')"),
        sqlite_where=text("status IN ('created', 'claimed')"),
    ),
    Index(
        "refunds_to_ask",
        "next_ask_at",
        postgresql_where=text("next_ask_at IS NOT NULL"),
        sqlite_where=text("next_ask_at IS NOT NULL"),
    ),
    sqlite_strict=True,
)

totals = Table(
    "refund_totals",
    metadata,
    Column("vendor_id", Code, nullable=False),
    Column("provider", Code, nullable=False),
    Column("payment_id", Code, nullable=False),
    # Of every refund that has not failed: what may have gone back counts as gone.
    Column("refunded_minor", BigInt, nullable=False),
    PrimaryKeyConstraint("vendor_id", "provider", "payment_id", name="refund_totals_pkey"),
    CheckConstraint("refunded_minor >= 0", name="refund_totals_check"),
    sqlite_strict=True,
)

addresses = Table(
    "refund_addresses",
    metadata,
    Column("vendor_id", Code, nullable=False),
    Column("secret_hash", Code, nullable=False),
    Column("refund_id", Code, nullable=False),
    # What comes there: the result of the refund, or the answer to a question about it.
    Column("kind", Code, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("vendor_id", "secret_hash", name="refund_addresses_pkey"),
    UniqueConstraint("secret_hash", name="refund_addresses_secret_hash_key"),
    ForeignKeyConstraint(
        ["vendor_id", "refund_id"], ["refunds.vendor_id", "refunds.refund_id"], name="refund_addresses_refund_fkey"
    ),
    CheckConstraint("kind IN ('result', 'answer')", name="refund_addresses_kind_check"),
    sqlite_strict=True,
)

results = Table(
    "refund_results",
    metadata,
    Column("vendor_id", Code, nullable=False),
    Column("result_id", Code, nullable=False),
    Column("refund_id", Code, nullable=False),
    Column("kind", Code, nullable=False),
    Column("body_hash", Code, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("headers", JsonDoc, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("status", Code, nullable=False, server_default="received"),
    Column("outcome", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("vendor_id", "result_id", name="refund_results_pkey"),
    UniqueConstraint("refund_id", "kind", "body_hash", name="refund_results_body_key"),
    ForeignKeyConstraint(
        ["vendor_id", "refund_id"], ["refunds.vendor_id", "refunds.refund_id"], name="refund_results_refund_fkey"
    ),
    CheckConstraint("kind IN ('result', 'answer', 'timeout')", name="refund_results_kind_check"),
    CheckConstraint(
        "status IN ('received', 'processing', 'processed', 'ignored', 'failed')", name="refund_results_status_check"
    ),
    Index(
        "refund_results_due",
        "next_at",
        postgresql_where=text("status = 'received'"),
        sqlite_where=text("status = 'received'"),
    ),
    sqlite_strict=True,
)
