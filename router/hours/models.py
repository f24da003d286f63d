"""The table of opening hours, in the platform database: one document for a shop, as `router.hours.rules` reads it."""

from sqlalchemy import Column, ForeignKeyConstraint, PrimaryKeyConstraint, Table

from kit.columns import Code, JsonDoc
from router.databases import platform_metadata

opening_hours = Table(
    "opening_hours",
    platform_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("hours", JsonDoc, nullable=False),
    PrimaryKeyConstraint("vendor_id", name="opening_hours_pk"),
    ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name="opening_hours_vendor_fk"),
    sqlite_strict=True,
)
