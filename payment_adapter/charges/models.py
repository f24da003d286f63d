"""Tables of the charges room: the charges, and the outbox of what became of them."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from kit.columns import BigInt, Code, Flag, JsonDoc, UtcTime
from kit.outbox import outbox_table
from payment_adapter.schema import metadata

charges = Table(
    "charges",
    metadata,
    Column("vendor_id", Code, nullable=False),
    Column("charge_id", Code, nullable=False),
    # What the grant says.
    Column("intent_id", Code, nullable=False),
    Column("request_id", Code, nullable=False),
    Column("rail", Code, nullable=False),
    Column("provider", Code, nullable=False),
    Column("amount_minor", BigInt, nullable=False),
    Column("currency", Code, nullable=False),
    Column("payer_msisdn", Text),
    Column("account_reference", Text, nullable=False),
    Column("our_reference", Code, nullable=False),
    Column("description", Text, nullable=False),
    Column("grant_expires_at", UtcTime, nullable=False),
    Column("opened_as", Code, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    # Where it stands.
    Column("status", Code, nullable=False),
    Column("reason", Code),
    Column("may_retry", Flag, nullable=False, server_default=text("false")),
    Column("provider_code", Text),
    Column("provider_detail", Text),
    Column("decided_by", Code),
    Column("updated_at", UtcTime, nullable=False),
    # The one push.
    Column("claim_owner", Text),
    Column("claimed_at", UtcTime),
    Column("secret_hash", Code),
    Column("provider_transaction_id", Code),
    Column("provider_request_id", Code),
    Column("instructions", JsonDoc),
    # The money.
    Column("paid_amount_minor", BigInt),
    Column("receipt", Code),
    Column("paid_at", UtcTime),
    # What a callback said that is believed only once the provider says so, too.
    Column("hinted_amount_minor", BigInt),
    Column("hinted_receipt", Code),
    # When to ask next what became of it.
    Column("next_poll_at", UtcTime),
    Column("asked_at", UtcTime),
    # How many hints brought a question forward.
    Column("hints_asked", Integer, nullable=False, server_default="0"),
    PrimaryKeyConstraint("vendor_id", "charge_id", name="charges_pkey"),
    UniqueConstraint("charge_id", name="charges_charge_id_key"),
    UniqueConstraint("intent_id", name="charges_intent_id_key"),
    UniqueConstraint("our_reference", name="charges_our_reference_key"),
    UniqueConstraint("secret_hash", name="charges_secret_hash_key"),
    UniqueConstraint("provider", "provider_transaction_id", name="charges_provider_transaction_key"),
    UniqueConstraint("provider", "receipt", name="charges_receipt_key"),
    CheckConstraint(
        "status IN ('created', 'claimed', 'accepted', 'paid', 'failed', 'expired', 'unknown')",
        name="charges_status_check",
    ),
    CheckConstraint("opened_as IN ('created', 'failed')", name="charges_opened_as_check"),
    CheckConstraint("decided_by IN ('push', 'callback', 'query', 'statement')", name="charges_decided_by_check"),
    CheckConstraint("amount_minor > 0", name="charges_amount_check"),
    CheckConstraint(
        "(paid_amount_minor IS NOT NULL AND paid_amount_minor > 0) = (status = 'paid')", name="charges_paid_check"
    ),
    # What was claimed has its callback secret, what was not has none: a charge is never pushed unclaimed.
    CheckConstraint("(claimed_at IS NULL) = (secret_hash IS NULL)", name="charges_claim_check"),
    Index(
        "charges_to_push",
        "status",
        "created_at",
        postgresql_where=text("status IN ('created', 'claimed')"),
        sqlite_where=text("status IN ('created', 'claimed')"),
    ),
    Index(
        "charges_to_poll",
        "next_poll_at",
        postgresql_where=text("next_poll_at IS NOT NULL"),
        sqlite_where=text("next_poll_at IS NOT NULL"),
    ),
    Index("charges_of_vendor", "vendor_id", "created_at"),
    sqlite_strict=True,
)

outbox = outbox_table(metadata)
