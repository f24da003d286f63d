"""PostgreSQL's roles; customers, orders and their lines, stock and holds on it; fences of shops that moved away."""

from alembic import context, op
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

from dukani.roles import make_group_roles
from kit.columns import BigInt, Code, UtcTime
from migrations.security import protect, relay_may

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    # First, since what is protected below, here and in later revisions, is opened to them.
    make_group_roles(op.get_bind(), may_lack_them=bool(context.config.attributes.get("is_dedicated")))
    _customers()
    _orders()
    _order_lines()
    _stock()
    _stock_holds()
    _idempotency_records()
    _vendor_fences()
    for table in ("customers", "orders", "order_lines", "stock", "stock_holds", "vendor_fences"):
        protect(table)
    protect("idempotency_records", "scope")
    relay_may("orders", select=["vendor_id", "id", "status", "remind_from"])
    relay_may("stock_holds", select=["vendor_id", "order_id", "status", "expires_at"])
    relay_may("vendor_fences", select=["vendor_id"])


def _customers() -> None:
    op.create_table(
        "customers",
        Column("vendor_id", Code, nullable=False),
        Column("id", Code, nullable=False),
        Column("channel_address", Code, nullable=False),
        Column("name", Text, nullable=False, server_default=""),
        Column("payer_msisdn", Code),
        Column("created_at", UtcTime, nullable=False),
        PrimaryKeyConstraint("vendor_id", "id", name="customers_pk"),
        UniqueConstraint("vendor_id", "channel_address", name="customers_channel_address_key"),
        CheckConstraint("length(channel_address) BETWEEN 3 AND 180", name="customers_channel_address_check"),
        CheckConstraint("length(payer_msisdn) BETWEEN 8 AND 15", name="customers_payer_msisdn_check"),
        sqlite_strict=True,
    )


def _orders() -> None:
    op.create_table(
        "orders",
        Column("vendor_id", Code, nullable=False),
        Column("id", Code, nullable=False),
        Column("code", Code, nullable=False),
        Column("customer_id", Code, nullable=False),
        Column("status", Code, nullable=False),
        Column("currency", Code, nullable=False),
        Column("total_minor", BigInt, nullable=False),
        Column("source", Code, nullable=False),
        Column("created_at", UtcTime, nullable=False),
        Column("confirmed_at", UtcTime),
        Column("paid_at", UtcTime),
        Column("cancelled_at", UtcTime),
        Column("cancel_reason", Code),
        Column("remind_from", UtcTime),
        Column("cart_reminded_at", UtcTime),
        Column("note", Text, nullable=False, server_default=""),
        Column("scheduled_for", UtcTime),
        Column("fulfilment", Code),
        Column("zone_id", Code),
        Column("zone_name", Text),
        Column("fee_minor", BigInt, nullable=False, server_default="0"),
        Column("latitude_e6", Integer),
        Column("longitude_e6", Integer),
        Column("landmark", Text, nullable=False, server_default=""),
        Column("voucher_id", Code),
        Column("voucher_code", Code),
        Column("voucher_percent", Integer),
        Column("voucher_amount_minor", BigInt),
        Column("voucher_minimum_minor", BigInt, nullable=False, server_default="0"),
        Column("discount_minor", BigInt, nullable=False, server_default="0"),
        PrimaryKeyConstraint("vendor_id", "id", name="orders_pk"),
        UniqueConstraint("vendor_id", "code", name="orders_code_key"),
        ForeignKeyConstraint(
            ["vendor_id", "customer_id"], ["customers.vendor_id", "customers.id"], name="orders_customer_fk"
        ),
        CheckConstraint("length(code) BETWEEN 1 AND 12", name="orders_code_check"),
        CheckConstraint("status IN ('DRAFT', 'CONFIRMED', 'PAID', 'CANCELLED')", name="orders_status_check"),
        CheckConstraint("currency IN ('KES', 'AOA')", name="orders_currency_check"),
        CheckConstraint("total_minor >= 0", name="orders_total_check"),
        CheckConstraint("source IN ('chat', 'api')", name="orders_source_check"),
        CheckConstraint(
            "status = 'CANCELLED' OR (status = 'DRAFT') = (confirmed_at IS NULL)", name="orders_confirmed_at_check"
        ),
        CheckConstraint("(status = 'PAID') = (paid_at IS NOT NULL)", name="orders_paid_at_check"),
        CheckConstraint("(status = 'CANCELLED') = (cancelled_at IS NOT NULL)", name="orders_cancelled_at_check"),
        CheckConstraint("fulfilment IN ('delivery', 'pickup')", name="orders_fulfilment_check"),
        CheckConstraint("fee_minor >= 0", name="orders_fee_check"),
        CheckConstraint("discount_minor >= 0", name="orders_discount_check"),
        CheckConstraint("discount_minor = 0 OR voucher_id IS NOT NULL", name="orders_voucher_check"),
        CheckConstraint("(latitude_e6 IS NULL) = (longitude_e6 IS NULL)", name="orders_place_check"),
        sqlite_strict=True,
    )
    _order_indexes()


def _order_indexes() -> None:
    op.create_index("orders_of_customer", "orders", ["vendor_id", "customer_id", "status", "created_at", "id"])
    op.create_index("orders_newest", "orders", ["vendor_id", "created_at", "id"])
    op.create_index("orders_of_status", "orders", ["vendor_id", "status", "created_at", "id"])
    op.create_index(
        "orders_to_remind",
        "orders",
        ["status", "remind_from"],
        postgresql_where=text("remind_from IS NOT NULL"),
        sqlite_where=text("remind_from IS NOT NULL"),
    )


def _order_lines() -> None:
    op.create_table(
        "order_lines",
        Column("vendor_id", Code, nullable=False),
        Column("order_id", Code, nullable=False),
        Column("line_no", Integer, nullable=False),
        Column("item_id", Code),
        Column("name", Text, nullable=False),
        Column("unit_price_minor", BigInt, nullable=False),
        Column("quantity", Integer, nullable=False),
        PrimaryKeyConstraint("vendor_id", "order_id", "line_no", name="order_lines_pk"),
        UniqueConstraint("vendor_id", "order_id", "item_id", name="order_lines_item_key"),
        ForeignKeyConstraint(["vendor_id", "order_id"], ["orders.vendor_id", "orders.id"], name="order_lines_order_fk"),
        CheckConstraint("line_no >= 1", name="order_lines_line_no_check"),
        CheckConstraint("unit_price_minor > 0", name="order_lines_unit_price_check"),
        CheckConstraint("quantity BETWEEN 1 AND 999", name="order_lines_quantity_check"),
        sqlite_strict=True,
    )


def _stock() -> None:
    op.create_table(
        "stock",
        Column("vendor_id", Code, nullable=False),
        Column("item_id", Code, nullable=False),
        Column("on_hand", BigInt, nullable=False),
        Column("reserved", BigInt, nullable=False, server_default="0"),
        PrimaryKeyConstraint("vendor_id", "item_id", name="stock_pk"),
        CheckConstraint("reserved BETWEEN 0 AND on_hand", name="stock_reserved_check"),
        sqlite_strict=True,
    )


def _stock_holds() -> None:
    op.create_table(
        "stock_holds",
        Column("vendor_id", Code, nullable=False),
        Column("order_id", Code, nullable=False),
        Column("item_id", Code, nullable=False),
        Column("ordinal", Integer, nullable=False),
        Column("quantity", BigInt, nullable=False),
        Column("status", Code, nullable=False),
        Column("expires_at", UtcTime, nullable=False),
        Column("closed_at", UtcTime),
        PrimaryKeyConstraint("vendor_id", "order_id", "item_id", "ordinal", name="stock_holds_pk"),
        ForeignKeyConstraint(
            ["vendor_id", "item_id"], ["stock.vendor_id", "stock.item_id"], name="stock_holds_stock_fk"
        ),
        CheckConstraint("quantity >= 1", name="stock_holds_quantity_check"),
        CheckConstraint("ordinal >= 1", name="stock_holds_ordinal_check"),
        CheckConstraint("status IN ('held', 'sold', 'released')", name="stock_holds_status_check"),
        CheckConstraint("(status = 'held') = (closed_at IS NULL)", name="stock_holds_closed_check"),
        sqlite_strict=True,
    )
    op.create_index(
        "stock_holds_one_held",
        "stock_holds",
        ["vendor_id", "order_id", "item_id"],
        unique=True,
        postgresql_where=text("status = 'held'"),
        sqlite_where=text("status = 'held'"),
    )
    op.create_index(
        "stock_holds_due",
        "stock_holds",
        ["expires_at"],
        postgresql_where=text("status = 'held'"),
        sqlite_where=text("status = 'held'"),
    )


def _idempotency_records() -> None:
    op.create_table(
        "idempotency_records",
        Column("scope", Code, nullable=False),
        Column("principal", Code, nullable=False),
        Column("route", Code, nullable=False),
        Column("key", Code, nullable=False),
        Column("body_hash", Code, nullable=False),
        Column("status", Integer),
        Column("answer", Text),
        Column("created_at", UtcTime, nullable=False),
        PrimaryKeyConstraint("scope", "principal", "route", "key", name="idempotency_records_pk"),
        sqlite_strict=True,
    )


def _vendor_fences() -> None:
    op.create_table(
        "vendor_fences",
        Column("vendor_id", Code, nullable=False),
        Column("state", Code, nullable=False),
        Column("since", UtcTime, nullable=False),
        Column("note", Text),
        PrimaryKeyConstraint("vendor_id", name="vendor_fences_pk"),
        CheckConstraint("state IN ('moving', 'moved')", name="vendor_fences_state_check"),
        sqlite_strict=True,
    )


def downgrade() -> None:
    raise NotImplementedError("a shop's history is not taken back: restore a backup instead")
