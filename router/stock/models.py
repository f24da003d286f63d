"""Tables of what is on the shelf and what is held for whom, in an ops database."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    text,
)

from kit.columns import BigInt, Code, UtcTime
from router.databases import ops_metadata

stock = Table(
    "stock",
    ops_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("item_id", Code, nullable=False),
    Column("on_hand", BigInt, nullable=False),
    Column("reserved", BigInt, nullable=False, server_default="0"),
    PrimaryKeyConstraint("vendor_id", "item_id", name="stock_pk"),
    CheckConstraint("reserved BETWEEN 0 AND on_hand", name="stock_reserved_check"),
    sqlite_strict=True,
)

stock_holds = Table(
    "stock_holds",
    ops_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("order_id", Code, nullable=False),
    Column("item_id", Code, nullable=False),
    Column("ordinal", Integer, nullable=False),  # 1, 2, … for one order: a new hold follows only a released one
    Column("quantity", BigInt, nullable=False),
    Column("status", Code, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("closed_at", UtcTime),
    PrimaryKeyConstraint("vendor_id", "order_id", "item_id", "ordinal", name="stock_holds_pk"),
    ForeignKeyConstraint(["vendor_id", "item_id"], ["stock.vendor_id", "stock.item_id"], name="stock_holds_stock_fk"),
    CheckConstraint("quantity >= 1", name="stock_holds_quantity_check"),
    CheckConstraint("ordinal >= 1", name="stock_holds_ordinal_check"),
    CheckConstraint("status IN ('held', 'sold', 'released')", name="stock_holds_status_check"),
    CheckConstraint("(status = 'held') = (closed_at IS NULL)", name="stock_holds_closed_check"),
    Index(
        "stock_holds_one_held",
        "vendor_id",
        "order_id",
        "item_id",
        unique=True,
        postgresql_where=text("status = 'held'"),
        sqlite_where=text("status = 'held'"),
    ),
    Index(
        "stock_holds_due",
        "expires_at",
        postgresql_where=text("status = 'held'"),
        sqlite_where=text("status = 'held'"),
    ),
    sqlite_strict=True,
)
