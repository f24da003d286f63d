"""The outbox of an ops database and what goes from it to vendors' endpoints; the endpoints, in the platform database.

An event is a row of the transaction that caused it, and so is each of its deliveries."""

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

from kit.columns import BigInt, Code, JsonDoc, UtcTime
from kit.outbox import outbox_table
from router.databases import ops_metadata, platform_metadata

# Written out, never bound: a database uses a partial index only for a condition that it can read.
IS_PENDING = text("status = 'pending'")
IS_UNFINISHED = text("status IN ('pending', 'parked')")
IS_ENABLED = text("status = 'enabled'")

outbox = outbox_table(ops_metadata)

Index("outbox_of_vendor", outbox.c.vendor_id, outbox.c.created_at, outbox.c.event_id)

webhook_endpoints = Table(
    "webhook_endpoints",
    platform_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("id", Code, nullable=False),
    Column("slot", Integer, nullable=False),  # ten of them bound how many endpoints a shop may have
    Column("url", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("event_types", JsonDoc, nullable=False),  # a list; empty means every type
    Column("status", Code, nullable=False, server_default="enabled"),
    Column("disabled_reason", Text),
    Column("failing_since", UtcTime),  # of the first failure after the last success
    Column("secret_version", Integer, nullable=False, server_default="1"),
    Column("secret_key_id", Code, nullable=False),  # which master key the present secret derives from
    Column("previous_key_id", Code),
    Column("previous_until", UtcTime),  # the previous secret signs, too, until then
    Column("created_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("vendor_id", "id", name="webhook_endpoints_pk"),
    UniqueConstraint("vendor_id", "slot", name="webhook_endpoints_slot_key"),
    ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name="webhook_endpoints_vendor_fk"),
    CheckConstraint("slot BETWEEN 1 AND 10", name="webhook_endpoints_slot_check"),
    CheckConstraint("length(url) BETWEEN 8 AND 2000", name="webhook_endpoints_url_check"),
    CheckConstraint("status IN ('enabled', 'disabled')", name="webhook_endpoints_status_check"),
    CheckConstraint("secret_version >= 1", name="webhook_endpoints_secret_version_check"),
    CheckConstraint("(previous_key_id IS NULL) = (previous_until IS NULL)", name="webhook_endpoints_previous_check"),
    Index(
        "webhook_endpoints_enabled",
        "vendor_id",
        postgresql_where=IS_ENABLED,
        sqlite_where=IS_ENABLED,
    ),
    sqlite_strict=True,
)

webhook_deliveries = Table(
    "webhook_deliveries",
    ops_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("id", Code, nullable=False),  # sorts by created_at
    Column("endpoint_id", Code, nullable=False),
    Column("event_id", Code, nullable=False),
    Column("event_seq", BigInt, nullable=False),  # the outbox's: the order within an aggregate
    Column("type", Code, nullable=False),
    Column("aggregate", Code, nullable=False),
    Column("cause", Code, nullable=False),
    Column("body", Text),  # of a ping; an event's is in the outbox
    Column("status", Code, nullable=False, server_default="pending"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("attempts_before", Integer, nullable=False, server_default="0"),  # somebody asked for another round
    Column("next_at", UtcTime, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("first_tried_at", UtcTime),  # in this round
    Column("finished_at", UtcTime),
    Column("last_error", Text),
    PrimaryKeyConstraint("vendor_id", "id", name="webhook_deliveries_pk"),
    CheckConstraint("cause IN ('event', 'replay', 'ping')", name="webhook_deliveries_cause_check"),
    CheckConstraint(
        "status IN ('pending', 'delivered', 'parked', 'discarded')", name="webhook_deliveries_status_check"
    ),
    CheckConstraint("(status = 'pending') = (finished_at IS NULL)", name="webhook_deliveries_finished_check"),
    CheckConstraint("attempts >= attempts_before", name="webhook_deliveries_attempts_check"),
    Index("webhook_deliveries_due", "endpoint_id", "next_at", postgresql_where=IS_PENDING, sqlite_where=IS_PENDING),
    Index(
        "webhook_deliveries_queue",
        "endpoint_id",
        "event_seq",
        "id",
        postgresql_where=IS_PENDING,
        sqlite_where=IS_PENDING,
    ),
    Index(
        "webhook_deliveries_order",
        "endpoint_id",
        "aggregate",
        "event_seq",
        "id",
        postgresql_where=IS_UNFINISHED,
        sqlite_where=IS_UNFINISHED,
    ),
    Index("webhook_deliveries_of_endpoint", "vendor_id", "endpoint_id", "created_at", "id"),
    Index("webhook_deliveries_of_event", "vendor_id", "event_id"),
    sqlite_strict=True,
)

webhook_attempts = Table(
    "webhook_attempts",
    ops_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("delivery_id", Code, nullable=False),
    Column("number", Integer, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("status_code", Integer),
    Column("duration_ms", Integer),  # NULL: the process ended before it knew
    Column("error", Code),
    Column("answer", Text),
    PrimaryKeyConstraint("vendor_id", "delivery_id", "number", name="webhook_attempts_pk"),
    ForeignKeyConstraint(
        ["vendor_id", "delivery_id"],
        ["webhook_deliveries.vendor_id", "webhook_deliveries.id"],
        name="webhook_attempts_delivery_fk",
    ),
    CheckConstraint("number >= 1", name="webhook_attempts_number_check"),
    CheckConstraint("length(answer) <= 500", name="webhook_attempts_answer_check"),
    sqlite_strict=True,
)

webhook_lanes = Table(
    "webhook_lanes",
    ops_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("endpoint_id", Code, nullable=False),
    Column("lease_owner", Code),
    Column("lease_until", UtcTime),
    Column("paused_until", UtcTime),
    Column("failures", Integer, nullable=False, server_default="0"),  # in a row, of the endpoint as a whole
    Column("slow_ms", Integer, nullable=False, server_default="0"),  # the slowest answer of the last batch
    Column("served_at", UtcTime),
    PrimaryKeyConstraint("vendor_id", "endpoint_id", name="webhook_lanes_pk"),
    CheckConstraint("failures >= 0", name="webhook_lanes_failures_check"),
    CheckConstraint("(lease_owner IS NULL) = (lease_until IS NULL)", name="webhook_lanes_lease_check"),
    sqlite_strict=True,
)
"""One per endpoint that was ever delivered to: one worker at a time serves it, a few deliveries at once."""
