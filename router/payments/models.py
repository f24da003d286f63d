"""Tables of the payment core: in an ops database, where every key begins with the vendor, and one in the platform's.

`ledger_entries` is append-only and the amount of a request never changes: triggers in the migration see to both. The
same migration makes the view `payments`, for people who look with SQL."""

from enum import StrEnum

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
    true,
)

from contracts.money import Currency
from contracts.states import (
    ExceptionKind,
    FulfilmentStatus,
    InboxStatus,
    IntentStatus,
    LedgerKind,
    PaymentEventStatus,
    Rail,
    RequestStatus,
)
from kit.columns import BigInt, Code, Flag, UtcTime
from router.databases import ops_metadata, platform_metadata


class Effect(StrEnum):
    """What a provider transaction did here, once and for ever."""

    APPLIED = "applied"
    EXCEPTION = "exception"
    SAME = "same"
    """It is another transaction's money, reported on another way: `same_as` names that one, which had the effect."""


class ExceptionStatus(StrEnum):
    OPEN = "open"
    REFUNDING = "refunding"
    """A refund was asked for, and nobody has said yet how it ended."""
    RESOLVED = "resolved"


class Resolution(StrEnum):
    """How an exception was closed."""

    NOTED = "noted"
    """The shop dealt with it by itself, and its note says how."""
    ATTACHED = "attached"
    """The money paid an order after all."""
    REFUNDED = "refunded"
    SAME_MONEY = "same_money"
    """It turned out to be money that was counted elsewhere."""


def one_of(column: str, words: type[StrEnum]) -> str:
    """The condition of a column that holds one of these words."""
    return f"{column} IN ({', '.join(repr(word.value) for word in words)})"


payment_requests = Table(
    "payment_requests",
    ops_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("id", Code, nullable=False),
    Column("payable_kind", Code, nullable=False),
    Column("payable_id", Code, nullable=False),
    Column("ordinal", Integer, nullable=False),  # 1, 2, … for one payable: a new one follows only a closed one
    Column("customer_id", Code, nullable=False),
    Column("amount_minor", BigInt, nullable=False),
    Column("currency", Code, nullable=False),
    Column("reference", Code, nullable=False),
    Column("description", Text, nullable=False),
    Column("status", Code, nullable=False),
    Column("expires_at", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    Column("closed_at", UtcTime),
    PrimaryKeyConstraint("vendor_id", "id", name="payment_requests_pk"),
    UniqueConstraint("vendor_id", "payable_kind", "payable_id", "ordinal", name="payment_requests_ordinal_key"),
    ForeignKeyConstraint(
        ["vendor_id", "customer_id"], ["customers.vendor_id", "customers.id"], name="payment_requests_customer_fk"
    ),
    CheckConstraint("ordinal >= 1", name="payment_requests_ordinal_check"),
    CheckConstraint("amount_minor > 0", name="payment_requests_amount_check"),
    CheckConstraint(one_of("currency", Currency), name="payment_requests_currency_check"),
    CheckConstraint(one_of("status", RequestStatus), name="payment_requests_status_check"),
    Index(
        "payment_requests_one_open",
        "vendor_id",
        "payable_kind",
        "payable_id",
        unique=True,
        postgresql_where=text("status IN ('pending', 'failed')"),
        sqlite_where=text("status IN ('pending', 'failed')"),
    ),
    sqlite_strict=True,
)

payment_intents = Table(
    "payment_intents",
    ops_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("id", Code, nullable=False),
    Column("request_id", Code, nullable=False),
    Column("customer_id", Code, nullable=False),
    Column("rail", Code, nullable=False),
    Column("payer_msisdn", Code),  # none on rails that ring no phone
    Column("status", Code, nullable=False),
    Column("instructions", Text),  # how to pay a reference: contracts.payment_api.PaymentInstructions, no picture in it
    Column("picture", Text),  # its picture, base64
    Column("payable_until", UtcTime),  # when the reference expires, as its provider says
    Column("reason", Code),  # a FailureReason; new ones may come with a newer payment adapter
    Column("local_day", Code, nullable=False),  # the vendor's day it was created in
    Column("created_at", UtcTime, nullable=False),
    Column("grant_expires_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("vendor_id", "id", name="payment_intents_pk"),
    ForeignKeyConstraint(
        ["vendor_id", "request_id"],
        ["payment_requests.vendor_id", "payment_requests.id"],
        name="payment_intents_request_fk",
    ),
    CheckConstraint(one_of("rail", Rail), name="payment_intents_rail_check"),
    CheckConstraint(one_of("status", IntentStatus), name="payment_intents_status_check"),
    CheckConstraint("payer_msisdn IS NOT NULL OR rail IN ('emis_ref', 'ticket')", name="payment_intents_payer_check"),
    Index("payment_intents_of_request", "vendor_id", "request_id", "created_at"),
    Index(
        "payment_intents_one_live",
        "vendor_id",
        "request_id",
        unique=True,
        postgresql_where=text("status IN ('created', 'provider_pending') AND rail IN ('mpesa_stk', 'gpo')"),
        sqlite_where=text("status IN ('created', 'provider_pending') AND rail IN ('mpesa_stk', 'gpo')"),
    ),
    Index(  # beside the one prompt, one reference of each kind may wait to be paid
        "payment_intents_one_reference",
        "vendor_id",
        "request_id",
        "rail",
        unique=True,
        postgresql_where=text("status IN ('created', 'provider_pending') AND rail IN ('emis_ref', 'ticket')"),
        sqlite_where=text("status IN ('created', 'provider_pending') AND rail IN ('emis_ref', 'ticket')"),
    ),
    Index("payment_intents_of_day", "vendor_id", "customer_id", "local_day"),
    Index("payment_intents_newest", "vendor_id", "created_at", "id"),
    Index("payment_intents_of_status", "vendor_id", "status", "created_at", "id"),
    Index(
        "payment_intents_unsent",
        "grant_expires_at",
        postgresql_where=text("status = 'created'"),
        sqlite_where=text("status = 'created'"),
    ),
    sqlite_strict=True,
)

provider_transactions = Table(
    "provider_transactions",
    ops_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("id", Code, nullable=False),
    Column("provider", Code, nullable=False),
    Column("provider_transaction_id", Code, nullable=False),
    Column("rail", Code),  # none for money that was paid by hand
    Column("intent_id", Code),  # none for money that came unasked
    Column("request_id", Code),
    Column("receipt", Code),
    Column("amount_minor", BigInt),
    Column("currency", Code),
    Column("payer_msisdn", Code),
    Column("payer_name", Code),
    Column("account_reference", Code),  # what was typed, where it was paid by hand
    Column("effect", Code),  # when it is paid
    Column("same_as", Code),  # the transaction whose money this is
    Column("refunded_minor", BigInt, nullable=False, server_default="0"),  # went back, or was asked to
    Column("occurred_at", UtcTime, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("vendor_id", "id", name="provider_transactions_pk"),
    UniqueConstraint("vendor_id", "provider", "provider_transaction_id", name="provider_transactions_provider_key"),
    ForeignKeyConstraint(
        ["vendor_id", "intent_id"],
        ["payment_intents.vendor_id", "payment_intents.id"],
        name="provider_transactions_intent_fk",
    ),
    ForeignKeyConstraint(
        ["vendor_id", "request_id"],
        ["payment_requests.vendor_id", "payment_requests.id"],
        name="provider_transactions_request_fk",
    ),
    CheckConstraint(one_of("rail", Rail), name="provider_transactions_rail_check"),
    CheckConstraint(one_of("effect", Effect), name="provider_transactions_effect_check"),
    CheckConstraint("amount_minor >= 0", name="provider_transactions_amount_check"),
    CheckConstraint(one_of("currency", Currency), name="provider_transactions_currency_check"),
    CheckConstraint("(effect = 'same') = (same_as IS NOT NULL)", name="provider_transactions_same_check"),
    CheckConstraint(
        "refunded_minor BETWEEN 0 AND coalesce(amount_minor, 0)", name="provider_transactions_refunded_check"
    ),
    Index("provider_transactions_of_request", "vendor_id", "request_id"),
    Index("provider_transactions_of_intent", "vendor_id", "intent_id"),
    Index("provider_transactions_newest", "vendor_id", "created_at", "id"),
    Index(  # money with one receipt is counted once, whatever it was reported by
        "provider_transactions_one_per_receipt",
        "vendor_id",
        "provider",
        "receipt",
        unique=True,
        postgresql_where=text("effect IN ('applied', 'exception')"),
        sqlite_where=text("effect IN ('applied', 'exception')"),
    ),
    Index("provider_transactions_of_receipt", "vendor_id", "provider", "receipt"),
    Index(
        "provider_transactions_one_applied",
        "vendor_id",
        "request_id",
        unique=True,
        postgresql_where=text("effect = 'applied'"),
        sqlite_where=text("effect = 'applied'"),
    ),
    sqlite_strict=True,
)

payment_event_inbox = Table(
    "payment_event_inbox",
    ops_metadata,
    Column("vendor_id", Code, nullable=False),  # as the event says; a vendor nobody knows is kept all the same
    Column("event_id", Code, nullable=False),
    Column("intent_id", Code),
    Column("event_status", Code, nullable=False),
    Column("body", Text, nullable=False),
    Column("status", Code, nullable=False),
    Column("note", Text),
    Column("received_at", UtcTime, nullable=False),
    Column("processed_at", UtcTime),
    PrimaryKeyConstraint("vendor_id", "event_id", name="payment_event_inbox_pk"),
    CheckConstraint(one_of("event_status", PaymentEventStatus), name="payment_event_inbox_event_status_check"),
    CheckConstraint(one_of("status", InboxStatus), name="payment_event_inbox_status_check"),
    Index("payment_event_inbox_of_intent", "vendor_id", "intent_id"),
    sqlite_strict=True,
)

ledger_entries = Table(
    "ledger_entries",
    ops_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("id", Code, nullable=False),
    Column("kind", Code, nullable=False),
    Column("subject", Code, nullable=False),  # the request, intent or provider transaction whose fact this is
    Column("request_id", Code),
    Column("intent_id", Code),
    Column("transaction_id", Code),
    Column("amount_minor", BigInt, nullable=False),
    Column("currency", Code, nullable=False),
    Column("note", Code),
    Column("recorded_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("vendor_id", "id", name="ledger_entries_pk"),
    UniqueConstraint("vendor_id", "kind", "subject", name="ledger_entries_fact_key"),
    ForeignKeyConstraint(
        ["vendor_id", "request_id"],
        ["payment_requests.vendor_id", "payment_requests.id"],
        name="ledger_entries_request_fk",
    ),
    ForeignKeyConstraint(
        ["vendor_id", "intent_id"],
        ["payment_intents.vendor_id", "payment_intents.id"],
        name="ledger_entries_intent_fk",
    ),
    ForeignKeyConstraint(
        ["vendor_id", "transaction_id"],
        ["provider_transactions.vendor_id", "provider_transactions.id"],
        name="ledger_entries_transaction_fk",
    ),
    CheckConstraint(one_of("kind", LedgerKind), name="ledger_entries_kind_check"),
    CheckConstraint(one_of("currency", Currency), name="ledger_entries_currency_check"),
    Index("ledger_entries_of_request", "vendor_id", "request_id"),
    sqlite_strict=True,
)

fulfilments = Table(
    "fulfilments",
    ops_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("payable_kind", Code, nullable=False),
    Column("payable_id", Code, nullable=False),
    Column("action", Code, nullable=False),
    Column("request_id", Code, nullable=False),
    Column("status", Code, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("completed_at", UtcTime),
    PrimaryKeyConstraint("vendor_id", "payable_kind", "payable_id", "action", name="fulfilments_pk"),
    ForeignKeyConstraint(
        ["vendor_id", "request_id"],
        ["payment_requests.vendor_id", "payment_requests.id"],
        name="fulfilments_request_fk",
    ),
    CheckConstraint(one_of("status", FulfilmentStatus), name="fulfilments_status_check"),
    sqlite_strict=True,
)

payment_exceptions = Table(
    "payment_exceptions",
    ops_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("id", Code, nullable=False),
    Column("kind", Code, nullable=False),
    Column("status", Code, nullable=False),
    Column("transaction_id", Code, nullable=False),
    Column("request_id", Code),
    Column("intent_id", Code),
    Column("amount_minor", BigInt, nullable=False),
    Column("currency", Code, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("resolved_at", UtcTime),
    Column("resolution", Code),
    Column("note", Text),
    Column("resolved_by", Code),  # the caller of the API; none if it resolved itself
    Column("claimed_by", Code),  # the first customer who named its receipt in the chat
    Column("claimed_at", UtcTime),
    PrimaryKeyConstraint("vendor_id", "id", name="payment_exceptions_pk"),
    UniqueConstraint("vendor_id", "transaction_id", name="payment_exceptions_transaction_key"),
    ForeignKeyConstraint(
        ["vendor_id", "transaction_id"],
        ["provider_transactions.vendor_id", "provider_transactions.id"],
        name="payment_exceptions_transaction_fk",
    ),
    ForeignKeyConstraint(
        ["vendor_id", "request_id"],
        ["payment_requests.vendor_id", "payment_requests.id"],
        name="payment_exceptions_request_fk",
    ),
    ForeignKeyConstraint(
        ["vendor_id", "intent_id"],
        ["payment_intents.vendor_id", "payment_intents.id"],
        name="payment_exceptions_intent_fk",
    ),
    CheckConstraint(one_of("kind", ExceptionKind), name="payment_exceptions_kind_check"),
    CheckConstraint(one_of("status", ExceptionStatus), name="payment_exceptions_status_check"),
    CheckConstraint("amount_minor >= 0", name="payment_exceptions_amount_check"),
    CheckConstraint(one_of("currency", Currency), name="payment_exceptions_currency_check"),
    CheckConstraint("(status = 'resolved') = (resolved_at IS NOT NULL)", name="payment_exceptions_resolved_check"),
    CheckConstraint("(status = 'resolved') = (resolution IS NOT NULL)", name="payment_exceptions_resolution_check"),
    CheckConstraint(one_of("resolution", Resolution), name="payment_exceptions_resolution_word_check"),
    Index("payment_exceptions_newest", "vendor_id", "created_at", "id"),
    Index("payment_exceptions_queue", "vendor_id", "status", "created_at", "id"),
    sqlite_strict=True,
)

live_pushes = Table(
    "live_pushes",
    platform_metadata,
    Column("intent_id", Code, nullable=False),
    Column("vendor_id", Code, nullable=False),
    Column("payer_msisdn", Code, nullable=False),
    Column("reserved_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("released_at", UtcTime),
    Column("was_used", Flag, nullable=False, server_default=true()),  # one that never made a phone ring is not counted
    PrimaryKeyConstraint("intent_id", name="live_pushes_pk"),
    Index(
        "live_pushes_one_per_number",
        "payer_msisdn",
        unique=True,
        postgresql_where=text("released_at IS NULL"),
        sqlite_where=text("released_at IS NULL"),
    ),
    Index("live_pushes_of_number", "payer_msisdn", "reserved_at"),
    Index(
        "live_pushes_unreleased",
        "expires_at",
        postgresql_where=text("released_at IS NULL"),
        sqlite_where=text("released_at IS NULL"),
    ),
    sqlite_strict=True,
)
"""In the platform database: pushes to a payer number, from all shops."""
