"""Refunds: what was asked for, how much of a payment has gone back, and what providers send about it."""

import sqlalchemy as sa
from alembic import op

from kit.columns import BigInt, Code, JsonDoc, UtcTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    _refunds()
    _totals()
    _addresses()
    _results()


def _refunds() -> None:
    op.create_table(
        "refunds",
        sa.Column("vendor_id", Code, nullable=False),
        sa.Column("refund_id", Code, nullable=False),
        sa.Column("provider", Code, nullable=False),
        sa.Column("asked_transaction_id", Code),
        sa.Column("asked_receipt", Code),
        sa.Column("amount_minor", BigInt, nullable=False),
        sa.Column("currency", Code, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("payment_id", Code, nullable=False),
        sa.Column("rail", Code, nullable=False),
        sa.Column("our_reference", Code, nullable=False),
        sa.Column("provider_transaction_id", Code),
        sa.Column("receipt", Code),
        sa.Column("paid_minor", BigInt, nullable=False),
        sa.Column("status", Code, nullable=False),
        sa.Column("detail", sa.Text),
        sa.Column("updated_at", UtcTime, nullable=False),
        sa.Column("claim_owner", sa.Text),
        sa.Column("claimed_at", UtcTime),
        sa.Column("provider_refund_id", Code),
        sa.Column("refund_receipt", Code),
        sa.Column("next_ask_at", UtcTime),
        sa.PrimaryKeyConstraint("vendor_id", "refund_id", name="refunds_pkey"),
        sa.UniqueConstraint("refund_id", name="refunds_refund_id_key"),
        sa.CheckConstraint(
            "status IN ('created', 'claimed', 'pending', 'done', 'failed', 'unknown')", name="refunds_status_check"
        ),
        sa.CheckConstraint("amount_minor > 0 AND amount_minor <= paid_minor", name="refunds_amount_check"),
        sa.CheckConstraint("status IN ('created', 'failed') OR claimed_at IS NOT NULL", name="refunds_claim_check"),
        sqlite_strict=True,
    )
    _partial_index("refunds_to_send", "refunds", ["status", "created_at"], "status IN ('created', 'claimed')")
    _partial_index("refunds_to_ask", "refunds", ["next_ask_at"], "next_ask_at IS NOT NULL")


def _totals() -> None:
    op.create_table(
        "refund_totals",
        sa.Column("vendor_id", Code, nullable=False),
        sa.Column("provider", Code, nullable=False),
        sa.Column("payment_id", Code, nullable=False),
        sa.Column("refunded_minor", BigInt, nullable=False),
        sa.PrimaryKeyConstraint("vendor_id", "provider", "payment_id", name="refund_totals_pkey"),
        sa.CheckConstraint("refunded_minor >= 0", name="refund_totals_check"),
        sqlite_strict=True,
    )


def _addresses() -> None:
    op.create_table(
        "refund_addresses",
        sa.Column("vendor_id", Code, nullable=False),
        sa.Column("secret_hash", Code, nullable=False),
        sa.Column("refund_id", Code, nullable=False),
        sa.Column("kind", Code, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.PrimaryKeyConstraint("vendor_id", "secret_hash", name="refund_addresses_pkey"),
        sa.UniqueConstraint("secret_hash", name="refund_addresses_secret_hash_key"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "refund_id"], ["refunds.vendor_id", "refunds.refund_id"], name="refund_addresses_refund_fkey"
        ),
        sa.CheckConstraint("kind IN ('result', 'answer')", name="refund_addresses_kind_check"),
        sqlite_strict=True,
    )


def _results() -> None:
    op.create_table(
        "refund_results",
        sa.Column("vendor_id", Code, nullable=False),
        sa.Column("result_id", Code, nullable=False),
        sa.Column("refund_id", Code, nullable=False),
        sa.Column("kind", Code, nullable=False),
        sa.Column("body_hash", Code, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("headers", JsonDoc, nullable=False),
        sa.Column("received_at", UtcTime, nullable=False),
        sa.Column("status", Code, nullable=False, server_default="received"),
        sa.Column("outcome", sa.Text),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("next_at", UtcTime, nullable=False),
        sa.PrimaryKeyConstraint("vendor_id", "result_id", name="refund_results_pkey"),
        sa.UniqueConstraint("refund_id", "kind", "body_hash", name="refund_results_body_key"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "refund_id"], ["refunds.vendor_id", "refunds.refund_id"], name="refund_results_refund_fkey"
        ),
        sa.CheckConstraint("kind IN ('result', 'answer', 'timeout')", name="refund_results_kind_check"),
        sa.CheckConstraint(
            "status IN ('received', 'processing', 'processed', 'ignored', 'failed')",
            name="refund_results_status_check",
        ),
        sqlite_strict=True,
    )
    _partial_index("refund_results_due", "refund_results", ["next_at"], "status = 'received'")


def _partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))
