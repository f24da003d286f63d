"""What is on its way to vendors' webhook endpoints: deliveries, each attempt, and each endpoint's lane."""

from alembic import op
from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Integer, PrimaryKeyConstraint, Text, text

from kit.columns import BigInt, Code, UtcTime
from migrations.security import protect, relay_may

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _deliveries()
    _attempts()
    _lanes()
    op.create_index("outbox_of_vendor", "outbox", ["vendor_id", "created_at", "event_id"])


def _deliveries() -> None:
    op.create_table(
        "webhook_deliveries",
        Column("vendor_id", Code, nullable=False),
        Column("id", Code, nullable=False),
        Column("endpoint_id", Code, nullable=False),
        Column("event_id", Code, nullable=False),
        Column("event_seq", BigInt, nullable=False),
        Column("type", Code, nullable=False),
        Column("aggregate", Code, nullable=False),
        Column("cause", Code, nullable=False),
        Column("body", Text),
        Column("status", Code, nullable=False, server_default="pending"),
        Column("attempts", Integer, nullable=False, server_default="0"),
        Column("attempts_before", Integer, nullable=False, server_default="0"),
        Column("next_at", UtcTime, nullable=False),
        Column("created_at", UtcTime, nullable=False),
        Column("first_tried_at", UtcTime),
        Column("finished_at", UtcTime),
        Column("last_error", Text),
        PrimaryKeyConstraint("vendor_id", "id", name="webhook_deliveries_pk"),
        CheckConstraint("cause IN ('event', 'replay', 'ping')", name="webhook_deliveries_cause_check"),
        CheckConstraint(
            "status IN ('pending', 'delivered', 'parked', 'discarded')", name="webhook_deliveries_status_check"
        ),
        CheckConstraint("(status = 'pending') = (finished_at IS NULL)", name="webhook_deliveries_finished_check"),
        CheckConstraint("attempts >= attempts_before", name="webhook_deliveries_attempts_check"),
        sqlite_strict=True,
    )
    _partial_index("webhook_deliveries_due", ["endpoint_id", "next_at"], "status = 'pending'")
    _partial_index("webhook_deliveries_queue", ["endpoint_id", "event_seq", "id"], "status = 'pending'")
    _partial_index(
        "webhook_deliveries_order", ["endpoint_id", "aggregate", "event_seq", "id"], "status IN ('pending', 'parked')"
    )
    op.create_index(
        "webhook_deliveries_of_endpoint", "webhook_deliveries", ["vendor_id", "endpoint_id", "created_at", "id"]
    )
    op.create_index("webhook_deliveries_of_event", "webhook_deliveries", ["vendor_id", "event_id"])
    protect("webhook_deliveries")
    relay_may("webhook_deliveries", select=["vendor_id", "endpoint_id", "status", "next_at"])


def _attempts() -> None:
    op.create_table(
        "webhook_attempts",
        Column("vendor_id", Code, nullable=False),
        Column("delivery_id", Code, nullable=False),
        Column("number", Integer, nullable=False),
        Column("started_at", UtcTime, nullable=False),
        Column("status_code", Integer),
        Column("duration_ms", Integer),
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
    protect("webhook_attempts")


def _lanes() -> None:
    op.create_table(
        "webhook_lanes",
        Column("vendor_id", Code, nullable=False),
        Column("endpoint_id", Code, nullable=False),
        Column("lease_owner", Code),
        Column("lease_until", UtcTime),
        Column("paused_until", UtcTime),
        Column("failures", Integer, nullable=False, server_default="0"),
        Column("slow_ms", Integer, nullable=False, server_default="0"),
        Column("served_at", UtcTime),
        PrimaryKeyConstraint("vendor_id", "endpoint_id", name="webhook_lanes_pk"),
        CheckConstraint("failures >= 0", name="webhook_lanes_failures_check"),
        CheckConstraint("(lease_owner IS NULL) = (lease_until IS NULL)", name="webhook_lanes_lease_check"),
        sqlite_strict=True,
    )
    protect("webhook_lanes")
    relay_may(
        "webhook_lanes",
        select=["vendor_id", "endpoint_id", "lease_until", "paused_until", "failures", "slow_ms", "served_at"],
    )


def _partial_index(name: str, columns: list[str], where: str) -> None:
    op.create_index(name, "webhook_deliveries", columns, postgresql_where=text(where), sqlite_where=text(where))


def downgrade() -> None:
    raise NotImplementedError("a shop's history is not taken back: restore a backup instead")
