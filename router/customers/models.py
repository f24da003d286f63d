"""The table of customers, in an ops database."""

from sqlalchemy import CheckConstraint, Column, PrimaryKeyConstraint, Table, Text, UniqueConstraint

from kit.columns import Code, UtcTime
from router.databases import ops_metadata

customers = Table(
    "customers",
    ops_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("id", Code, nullable=False),
    Column("channel_address", Code, nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    Column("payer_msisdn", Code),  # given by the customer; the number of the address itself is not repeated here
    Column("created_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("vendor_id", "id", name="customers_pk"),
    UniqueConstraint("vendor_id", "channel_address", name="customers_channel_address_key"),
    CheckConstraint("length(channel_address) BETWEEN 3 AND 180", name="customers_channel_address_check"),
    CheckConstraint("length(payer_msisdn) BETWEEN 8 AND 15", name="customers_payer_msisdn_check"),
    sqlite_strict=True,
)
