"""The table of refunds, in an ops database: each goes back through the provider of the transaction that it names."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from contracts.money import Currency
from contracts.payment_api import RefundStatus
from kit.columns import BigInt, Code, UtcTime
from router.databases import ops_metadata
from router.payments.models import one_of

payment_refunds = Table(
    "payment_refunds",
    ops_metadata,
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
    Column("attempts", Integer, nullable=False, server_default="0"),  # to hand it to the payment adapter
    Column("next_at", UtcTime, nullable=False),
    Column("sent_at", UtcTime),  # when the payment adapter took it
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("vendor_id", "id", name="payment_refunds_pk"),
    ForeignKeyConstraint(
        ["vendor_id", "transaction_id"],
        ["provider_transactions.vendor_id", "provider_transactions.id"],
        name="payment_refunds_transaction_fk",
    ),
    CheckConstraint("amount_minor > 0", name="payment_refunds_amount_check"),
    CheckConstraint(one_of("currency", Currency), name="payment_refunds_currency_check"),
    CheckConstraint(one_of("status", RefundStatus), name="payment_refunds_status_check"),
    Index("payment_refunds_of_transaction", "vendor_id", "transaction_id"),
    Index("payment_refunds_newest", "vendor_id", "created_at", "id"),
    Index(
        "payment_refunds_unsent",
        "next_at",
        postgresql_where=text("status = 'pending' AND sent_at IS NULL"),
        sqlite_where=text("status = 'pending' AND sent_at IS NULL"),
    ),
    sqlite_strict=True,
)
