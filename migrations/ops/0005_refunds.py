"""The exceptions queue and refunds."""

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
from migrations.security import protect, relay_may

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_WAITS = "status = 'pending' AND sent_at IS NULL"


def upgrade() -> None:
    op.create_index("provider_transactions_of_receipt", "provider_transactions", ["vendor_id", "provider", "receipt"])
    op.create_index("provider_transactions_newest", "provider_transactions", ["vendor_id", "created_at", "id"])
    _payment_exceptions()
    _refunds()


def _payment_exceptions() -> None:
    op.create_table(
        "payment_exceptions",
        Column("vendor_id", Code, nullable=False),
        Column("id", Code, nullable=False),
        Column("kind", Code, nullable=False),
        Column("status", Code, nullable=False),
        Column("transaction_id", Code, nullable=False),
        Column("request_id", Code),
        Column("intent_id", Code),
        Column("amount_minor", BigInt, nullable=False),
        Column("currency", Code, nullable=False),
        Column("created_at", UtcTime, nullable=False),
        Column("resolved_at", UtcTime),
        Column("resolution", Code),
        Column("note", Text),
        Column("resolved_by", Code),
        PrimaryKeyConstraint("vendor_id", "id", name="payment_exceptions_pk"),
        UniqueConstraint("vendor_id", "transaction_id", name="payment_exceptions_transaction_key"),
        ForeignKeyConstraint(
            ["vendor_id", "transaction_id"],
            ["provider_transactions.vendor_id", "provider_transactions.id"],
            name="payment_exceptions_transaction_fk",
        ),
        ForeignKeyConstraint(
            ["vendor_id", "request_id"],
            ["payment_requests.vendor_id", "payment_requests.id"],
            name="payment_exceptions_request_fk",
        ),
        ForeignKeyConstraint(
            ["vendor_id", "intent_id"],
            ["payment_intents.vendor_id", "payment_intents.id"],
            name="payment_exceptions_intent_fk",
        ),
        CheckConstraint(
            "kind IN ('late', 'no_stock', 'duplicate', 'under', 'over', 'unmatched')",
            name="payment_exceptions_kind_check",
        ),
        CheckConstraint("status IN ('open', 'refunding', 'resolved')", name="payment_exceptions_status_check"),
        CheckConstraint("amount_minor >= 0", name="payment_exceptions_amount_check"),
        CheckConstraint("currency IN ('KES', 'AOA')", name="payment_exceptions_currency_check"),
        CheckConstraint("(status = 'resolved') = (resolved_at IS NOT NULL)", name="payment_exceptions_resolved_check"),
        CheckConstraint("(status = 'resolved') = (resolution IS NOT NULL)", name="payment_exceptions_resolution_check"),
        CheckConstraint(
            "resolution IN ('noted', 'attached', 'refunded', 'same_money')",
            name="payment_exceptions_resolution_word_check",
        ),
        sqlite_strict=True,
    )
    op.create_index("payment_exceptions_newest", "payment_exceptions", ["vendor_id", "created_at", "id"])
    op.create_index("payment_exceptions_queue", "payment_exceptions", ["vendor_id", "status", "created_at", "id"])
    protect("payment_exceptions")


def _refunds() -> None:
    op.create_table(
        "payment_refunds",
        Column("vendor_id", Code, nullable=False),
        Column("id", Code, nullable=False),
        Column("transaction_id", Code, nullable=False),
        Column("amount_minor", BigInt, nullable=False),
        Column("currency", Code, nullable=False),
        Column("note", Text, nullable=False),
        Column("asked_by", Code, nullable=False),
        Column("status", Code, nullable=False),
        Column("detail", Text),
        Column("provider_refund_id", Code),
        Column("attempts", Integer, nullable=False, server_default="0"),
        Column("next_at", UtcTime, nullable=False),
        Column("sent_at", UtcTime),
        Column("created_at", UtcTime, nullable=False),
        Column("updated_at", UtcTime, nullable=False),
        PrimaryKeyConstraint("vendor_id", "id", name="payment_refunds_pk"),
        ForeignKeyConstraint(
            ["vendor_id", "transaction_id"],
            ["provider_transactions.vendor_id", "provider_transactions.id"],
            name="payment_refunds_transaction_fk",
        ),
        CheckConstraint("amount_minor > 0", name="payment_refunds_amount_check"),
        CheckConstraint("currency IN ('KES', 'AOA')", name="payment_refunds_currency_check"),
        CheckConstraint("status IN ('pending', 'done', 'failed', 'unknown')", name="payment_refunds_status_check"),
        sqlite_strict=True,
    )
    op.create_index("payment_refunds_of_transaction", "payment_refunds", ["vendor_id", "transaction_id"])
    op.create_index("payment_refunds_newest", "payment_refunds", ["vendor_id", "created_at", "id"])
    op.create_index(
        "payment_refunds_unsent",
        "payment_refunds",
        ["next_at"],
        postgresql_where=text(_WAITS),
        sqlite_where=text(_WAITS),
    )
    protect("payment_refunds")
    relay_may("payment_refunds", select=["vendor_id", "id", "status", "next_at", "sent_at"])


def downgrade() -> None:
    raise NotImplementedError("a shop's history is not taken back: restore a backup instead")
