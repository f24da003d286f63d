"""The table of zones, in the platform database. A zone without a place is chosen by its name."""

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Integer, PrimaryKeyConstraint, Table, Text

from kit.columns import BigInt, Code
from router.databases import platform_metadata

delivery_zones = Table(
    "delivery_zones",
    platform_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("id", Code, nullable=False),
    Column("name", Text, nullable=False),
    Column("fee_minor", BigInt, nullable=False),
    Column("position", Integer, nullable=False, server_default="0"),
    Column("latitude_e6", Integer),
    Column("longitude_e6", Integer),
    Column("radius_m", Integer),
    PrimaryKeyConstraint("vendor_id", "id", name="delivery_zones_pk"),
    ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name="delivery_zones_vendor_fk"),
    CheckConstraint("fee_minor >= 0", name="delivery_zones_fee_check"),
    CheckConstraint("radius_m > 0", name="delivery_zones_radius_check"),
    CheckConstraint(
        "(latitude_e6 IS NULL) = (radius_m IS NULL) AND (longitude_e6 IS NULL) = (radius_m IS NULL)",
        name="delivery_zones_place_check",
    ),
    sqlite_strict=True,
)
