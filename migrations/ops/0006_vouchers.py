"""Vouchers and who used them on which order."""

from alembic import op
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    UniqueConstraint,
    true,
)

from kit.columns import BigInt, Code, Flag, UtcTime
from migrations.security import protect

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "vouchers",
        Column("vendor_id", Code, nullable=False),
        Column("id", Code, nullable=False),
        Column("code", Code, nullable=False),
        Column("percent", Integer),
        Column("amount_minor", BigInt),
        Column("currency", Code, nullable=False),
        Column("minimum_minor", BigInt, nullable=False, server_default="0"),
        Column("per_customer", Integer),
        Column("in_total", Integer),
        Column("used", Integer, nullable=False, server_default="0"),
        Column("starts_at", UtcTime),
        Column("ends_at", UtcTime),
        Column("active", Flag, nullable=False, server_default=true()),
        Column("created_at", UtcTime, nullable=False),
        PrimaryKeyConstraint("vendor_id", "id", name="vouchers_pk"),
        UniqueConstraint("vendor_id", "code", name="vouchers_code_key"),
        CheckConstraint("(percent IS NULL) <> (amount_minor IS NULL)", name="vouchers_kind_check"),
        CheckConstraint("percent BETWEEN 1 AND 100", name="vouchers_percent_check"),
        CheckConstraint("amount_minor > 0", name="vouchers_amount_check"),
        CheckConstraint("minimum_minor >= 0", name="vouchers_minimum_check"),
        CheckConstraint("currency IN ('KES', 'AOA')", name="vouchers_currency_check"),
        CheckConstraint("per_customer >= 1", name="vouchers_per_customer_check"),
        CheckConstraint("in_total >= 1", name="vouchers_in_total_check"),
        CheckConstraint("used >= 0", name="vouchers_used_check"),
        sqlite_strict=True,
    )
    op.create_table(
        "voucher_uses",
        Column("vendor_id", Code, nullable=False),
        Column("order_id", Code, nullable=False),
        Column("voucher_id", Code, nullable=False),
        Column("customer_id", Code, nullable=False),
        Column("status", Code, nullable=False),
        Column("changed_at", UtcTime, nullable=False),
        PrimaryKeyConstraint("vendor_id", "order_id", name="voucher_uses_pk"),
        ForeignKeyConstraint(
            ["vendor_id", "voucher_id"], ["vouchers.vendor_id", "vouchers.id"], name="voucher_uses_voucher_fk"
        ),
        CheckConstraint("status IN ('counted', 'given_back', 'honoured')", name="voucher_uses_status_check"),
        sqlite_strict=True,
    )
    op.create_index("voucher_uses_of_customer", "voucher_uses", ["vendor_id", "voucher_id", "customer_id"])
    for table in ("vouchers", "voucher_uses"):
        protect(table)


def downgrade() -> None:
    raise NotImplementedError("a shop's history is not taken back: restore a backup instead")
