"""Charges, their callbacks and outbox, and the vault."""

import sqlalchemy as sa
from alembic import op

from kit.columns import BigInt, Code, Flag, JsonDoc, UtcTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    _vault()
    _charges()
    _callback_inbox()
    _outbox()


def _vault() -> None:
    op.create_table(
        "vault_data_keys",
        sa.Column("vendor_id", Code, nullable=False),
        sa.Column("key_id", Code, nullable=False),
        sa.Column("wrapped", sa.Text, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.PrimaryKeyConstraint("vendor_id", "key_id", name="vault_data_keys_pkey"),
        sqlite_strict=True,
    )
    op.create_table(
        "vault_sets",
        sa.Column("vendor_id", Code, nullable=False),
        sa.Column("provider", Code, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("origin", Code, nullable=False),
        sa.Column("stored_by", Code, nullable=False),
        sa.Column("stored_at", UtcTime, nullable=False),
        sa.Column("erased_at", UtcTime),
        sa.PrimaryKeyConstraint("vendor_id", "provider", "version", name="vault_sets_pkey"),
        sa.CheckConstraint("version > 0", name="vault_sets_version_check"),
        sa.CheckConstraint("origin IN ('planted', 'vendor', 'removed')", name="vault_sets_origin_check"),
        sqlite_strict=True,
    )
    op.create_table(
        "vault_credentials",
        sa.Column("vendor_id", Code, nullable=False),
        sa.Column("provider", Code, nullable=False),
        sa.Column("field", Code, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("key_id", Code, nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("vendor_id", "provider", "version", "field", name="vault_credentials_pkey"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "provider", "version"],
            ["vault_sets.vendor_id", "vault_sets.provider", "vault_sets.version"],
            name="vault_credentials_set_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "key_id"],
            ["vault_data_keys.vendor_id", "vault_data_keys.key_id"],
            name="vault_credentials_key_fkey",
        ),
        sqlite_strict=True,
    )


def _charges() -> None:
    op.create_table(
        "charges",
        sa.Column("vendor_id", Code, nullable=False),
        sa.Column("charge_id", Code, nullable=False),
        sa.Column("intent_id", Code, nullable=False),
        sa.Column("request_id", Code, nullable=False),
        sa.Column("rail", Code, nullable=False),
        sa.Column("provider", Code, nullable=False),
        sa.Column("amount_minor", BigInt, nullable=False),
        sa.Column("currency", Code, nullable=False),
        sa.Column("payer_msisdn", sa.Text),
        sa.Column("account_reference", sa.Text, nullable=False),
        sa.Column("our_reference", Code, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("grant_expires_at", UtcTime, nullable=False),
        sa.Column("opened_as", Code, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("status", Code, nullable=False),
        sa.Column("reason", Code),
        sa.Column("may_retry", Flag, nullable=False, server_default=sa.text("false")),
        sa.Column("provider_code", sa.Text),
        sa.Column("provider_detail", sa.Text),
        sa.Column("decided_by", Code),
        sa.Column("updated_at", UtcTime, nullable=False),
        sa.Column("claim_owner", sa.Text),
        sa.Column("claimed_at", UtcTime),
        sa.Column("secret_hash", Code),
        sa.Column("provider_transaction_id", Code),
        sa.Column("provider_request_id", Code),
        sa.Column("instructions", JsonDoc),
        sa.Column("paid_amount_minor", BigInt),
        sa.Column("receipt", Code),
        sa.Column("paid_at", UtcTime),
        sa.Column("hinted_amount_minor", BigInt),
        sa.Column("hinted_receipt", Code),
        sa.Column("next_poll_at", UtcTime),
        sa.Column("asked_at", UtcTime),
        sa.Column("hints_asked", sa.Integer, nullable=False, server_default="0"),
        *_charge_constraints(),
        sqlite_strict=True,
    )
    _partial_index("charges_to_push", "charges", ["status", "created_at"], "status IN ('created', 'claimed')")
    _partial_index("charges_to_poll", "charges", ["next_poll_at"], "next_poll_at IS NOT NULL")
    op.create_index("charges_of_vendor", "charges", ["vendor_id", "created_at"])


def _charge_constraints() -> tuple[sa.Constraint, ...]:
    return (
        sa.PrimaryKeyConstraint("vendor_id", "charge_id", name="charges_pkey"),
        sa.UniqueConstraint("charge_id", name="charges_charge_id_key"),
        sa.UniqueConstraint("intent_id", name="charges_intent_id_key"),
        sa.UniqueConstraint("our_reference", name="charges_our_reference_key"),
        sa.UniqueConstraint("secret_hash", name="charges_secret_hash_key"),
        sa.UniqueConstraint("provider", "provider_transaction_id", name="charges_provider_transaction_key"),
        sa.UniqueConstraint("provider", "receipt", name="charges_receipt_key"),
        sa.CheckConstraint(
            "status IN ('created', 'claimed', 'accepted', 'paid', 'failed', 'expired', 'unknown')",
            name="charges_status_check",
        ),
        sa.CheckConstraint("opened_as IN ('created', 'failed')", name="charges_opened_as_check"),
        sa.CheckConstraint("decided_by IN ('push', 'callback', 'query', 'statement')", name="charges_decided_by_check"),
        sa.CheckConstraint("amount_minor > 0", name="charges_amount_check"),
        sa.CheckConstraint(
            "(paid_amount_minor IS NOT NULL AND paid_amount_minor > 0) = (status = 'paid')", name="charges_paid_check"
        ),
        sa.CheckConstraint("(claimed_at IS NULL) = (secret_hash IS NULL)", name="charges_claim_check"),
    )


def _callback_inbox() -> None:
    op.create_table(
        "callback_inbox",
        sa.Column("vendor_id", Code, nullable=False),
        sa.Column("callback_id", Code, nullable=False),
        sa.Column("provider", Code, nullable=False),
        sa.Column("charge_id", Code),
        sa.Column("sent_to", Code, nullable=False),
        sa.Column("event_id", sa.Text),
        sa.Column("body_hash", Code, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("headers", JsonDoc, nullable=False),
        sa.Column("received_at", UtcTime, nullable=False),
        sa.Column("status", Code, nullable=False, server_default="received"),
        sa.Column("outcome", sa.Text),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("next_at", UtcTime, nullable=False),
        sa.Column("processed_at", UtcTime),
        sa.PrimaryKeyConstraint("vendor_id", "callback_id", name="callback_inbox_pkey"),
        sa.UniqueConstraint("vendor_id", "sent_to", "body_hash", name="callback_inbox_body_key"),
        sa.ForeignKeyConstraint(
            ["vendor_id", "charge_id"], ["charges.vendor_id", "charges.charge_id"], name="callback_inbox_charge_fkey"
        ),
        sa.CheckConstraint(
            "status IN ('received', 'processing', 'processed', 'ignored', 'failed')",
            name="callback_inbox_status_check",
        ),
        sa.CheckConstraint("sent_to = coalesce(charge_id, provider)", name="callback_inbox_sent_to_check"),
        sqlite_strict=True,
    )
    _partial_index("callback_inbox_due", "callback_inbox", ["next_at"], "status = 'received'")


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("seq", BigInt, primary_key=True, autoincrement=True),
        sa.Column("event_id", Code, nullable=False),
        sa.Column("vendor_id", Code, nullable=False),
        sa.Column("aggregate", Code, nullable=False),
        sa.Column("type", Code, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("status", Code, nullable=False, server_default="pending"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("next_at", UtcTime, nullable=False),
        sa.Column("lease_owner", Code),
        sa.Column("lease_until", UtcTime),
        sa.Column("delivered_at", UtcTime),
        sa.Column("last_error", sa.Text),
        sa.UniqueConstraint("vendor_id", "event_id", name="outbox_event_id_key"),
        sa.CheckConstraint("status IN ('pending', 'delivered', 'parked', 'discarded')", name="outbox_status_check"),
        sqlite_strict=True,
    )
    _partial_index("outbox_due", "outbox", ["next_at"], "status = 'pending'")
    _partial_index(
        "outbox_aggregate_order", "outbox", ["vendor_id", "aggregate", "seq"], "status IN ('pending', 'parked')"
    )


def _partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))
