"""What the phones show, for the page to draw and for tests to look at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from simulators import customers, faults
from simulators.customers import Customer
from simulators.daraja import pushes
from simulators.daraja.pushes import Push
from simulators.moments import iso
from simulators.problems import JsonObject
from simulators.store import Transaction
from simulators.twilio.messages import Message, message_of


@dataclass(frozen=True, slots=True)
class Directory:
    """What the phones know of shops without asking anybody."""

    shop_number: str
    greetings: Sequence[tuple[str, str]] = ()
    """What a newcomer can say first, and the name of the shop that answers."""
    businesses: Mapping[str, str] = field(default_factory=dict[str, str])
    """Names by shortcode or till, as M-Pesa shows them in a prompt. A number without a name is shown as it is."""


def snapshot(tx: Transaction, since: int, directory: Directory, clock_offset_s: int) -> JsonObject:
    """Everything with a seq above `since`; what is small, whole. A client that sees another `resets` than before asks
    again with since 0."""
    messages = tx.rows("SELECT * FROM messages WHERE seq > ? ORDER BY place", since)
    prompts = tx.rows("SELECT * FROM pushes WHERE seq > ? AND is_shown = 1 ORDER BY place", since)
    return {
        "version": tx.counter("seq"),
        "resets": tx.counter("resets"),
        "now": iso(tx.now_us),
        "clock_offset_s": clock_offset_s,
        "shop_number": directory.shop_number,
        "greetings": [{"text": text, "name": name} for text, name in directory.greetings],
        "customers": [customer(tx, one) for one in customers.all_of_them(tx)],
        "messages": [message(message_of(row)) for row in messages],
        "prompts": [prompt(tx, pushes.push_of(row), directory) for row in prompts],
        "faults": faults.read_all(tx),
        "pushes": tx.counter("pushes"),
        "callbacks": tx.counter("callbacks"),
    }


def customer(tx: Transaction, one: Customer) -> JsonObject:
    return {
        "address": one.address,
        "msisdn": one.msisdn,
        "name": one.name,
        "hidden": one.is_hidden,
        "balance_whole": 0 if one.msisdn is None else customers.balance(tx, one.msisdn),
    }


def message(one: Message) -> JsonObject:
    """`in` is from the customer to the shop. `place` is the order in the chat and never changes."""
    return {
        "id": one.sid,
        "seq": one.seq,
        "place": one.place,
        "customer": one.customer,
        "direction": "in" if one.is_from_customer else "out",
        "body": one.body,
        "media": one.media.value if one.media else None,
        "at": iso(one.at_us),
        "status": one.status.value,
        "error": one.error,
    }


def prompt(tx: Transaction, push: Push, directory: Directory) -> JsonObject:
    return {
        "id": push.id,
        "seq": push.seq,
        "customer": customers.address_of(tx, push.msisdn),
        "msisdn": push.msisdn,
        "business": directory.businesses.get(push.party_b, push.party_b),
        "account_reference": push.account_reference,
        "amount_whole": push.amount_whole,
        "currency": "KES",
        "at": iso(push.at_us),
        "expires_at": iso(push.expires_us),
        "state": push.state.value,
        "receipt": push.receipt,
    }


def all_pushes(tx: Transaction) -> list[JsonObject]:
    """Every accepted push as the shop asked for it, with what became of it and of its callbacks."""
    return [
        {
            "checkout_request_id": push.id,
            "merchant_request_id": push.merchant_request_id,
            "shortcode": push.shortcode,
            "party_b": push.party_b,
            "transaction_type": push.transaction_type,
            "msisdn": push.msisdn,
            "amount_whole": push.amount_whole,
            "account_reference": push.account_reference,
            "description": push.description,
            "callback_url": push.callback_url,
            "at": iso(push.at_us),
            "state": push.state.value,
            "result_code": push.result_code,
            "receipt": push.receipt,
            "paid_whole": push.paid_whole,
            "callbacks": [
                {"at": iso(int(row["at_us"])), "http_status": row["http_status"], "outcome": str(row["outcome"])}
                for row in tx.rows("SELECT * FROM callbacks WHERE push = ? ORDER BY id", push.id)
            ],
        }
        for push in (pushes.push_of(row) for row in tx.rows("SELECT * FROM pushes ORDER BY place"))
    ]


def all_messages(tx: Transaction) -> list[JsonObject]:
    """Every message in both directions, in the order in which they came to be."""
    return [message(message_of(row)) for row in tx.rows("SELECT * FROM messages ORDER BY place")]
