"""Tables of orders and their lines, in an ops database. Lines keep names and prices as they were when added, an order
its zone's fee and its voucher's terms as they were when chosen.

`remind_from` is the moment from which the time until a reminder counts, NULL where nothing is to be said."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from kit.columns import BigInt, Code, UtcTime
from router.databases import ops_metadata

orders = Table(
    "orders",
    ops_metadata,
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
    Index("orders_of_customer", "vendor_id", "customer_id", "status", "created_at", "id"),
    Index("orders_newest", "vendor_id", "created_at", "id"),
    Index("orders_of_status", "vendor_id", "status", "created_at", "id"),
    Index(
        "orders_to_remind",
        "status",
        "remind_from",
        postgresql_where=text("remind_from IS NOT NULL"),
        sqlite_where=text("remind_from IS NOT NULL"),
    ),
    sqlite_strict=True,
)

order_lines = Table(
    "order_lines",
    ops_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("order_id", Code, nullable=False),
    Column("line_no", Integer, nullable=False),
    Column("item_id", Code),  # none for an open amount
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
