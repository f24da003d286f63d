"""What the phones show, for the page to draw and for tests to look at."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from simulators import customers, faults
from simulators.customers import Customer
from simulators.daraja import pushes
from simulators.daraja.hand_payments import HandPayment
from simulators.daraja.pushes import Push
from simulators.ekwanza import book, merchants
from simulators.ekwanza.book import Charge, Kind
from simulators.moments import iso
from simulators.problems import JsonObject
from simulators.store import Transaction
from simulators.twilio import media
from simulators.twilio.messages import Message, message_of, num_media

MOST_REFERENCES = 20


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
    prompts = [
        prompt(tx, pushes.push_of(row), directory)
        for row in tx.rows("SELECT * FROM pushes WHERE seq > ? AND is_shown = 1 ORDER BY place", since)
    ]
    multicaixa = [
        multicaixa_prompt(tx, book.charge_of(row), directory)
        for row in tx.rows(
            "SELECT * FROM ekwanza_charges WHERE seq > ? AND kind = 'gpo' AND is_shown = 1 ORDER BY place", since
        )
    ]
    return {
        "version": tx.counter("seq"),
        "resets": tx.counter("resets"),
        "now": iso(tx.now_us),
        "clock_offset_s": clock_offset_s,
        "shop_number": directory.shop_number,
        "greetings": [{"text": text, "name": name} for text, name in directory.greetings],
        "customers": [customer(tx, one) for one in customers.all_of_them(tx)],
        "messages": [message(tx, message_of(row)) for row in messages],
        "prompts": prompts + multicaixa,
        "references": open_references(tx, directory),
        "tills": [{"number": number, "name": name} for number, name in directory.businesses.items()],
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
        "kwanza_minor": 0 if one.msisdn is None else customers.kwanza_balance(tx, one.msisdn),
    }


_KINDS = {
    "twilio/quick-reply": "buttons",
    "twilio/list-picker": "list",
    "twilio/call-to-action": "links",
    "twilio/card": "card",
    "whatsapp/card": "card",
    "twilio/location": "location",
}


def message(tx: Transaction, one: Message) -> JsonObject:
    """`in` is from the customer to the shop. `place` is the order in the chat and never changes. `kind` is text, image,
    audio, video, document or location, or of what can be tapped: buttons, list, links, card."""
    has_files = num_media(one.media) or (one.content is not None and not one.is_from_customer)
    pin = one.place_pin
    place: object = None if pin is None else asdict(pin)
    if one.content is not None:
        place = one.content["location"]
    return {
        "id": one.sid,
        "seq": one.seq,
        "place": one.place,
        "customer": one.customer,
        "direction": "in" if one.is_from_customer else "out",
        "kind": _kind(one),
        "body": one.body if one.tap is None else one.tap.title,
        "media": one.media.value if one.media else None,
        "files": [file(each) for each in media.of_message(tx, one.sid)] if has_files else [],
        "content": one.content,
        "location": place,
        "reply_to": one.reply_to,
        "at": iso(one.at_us),
        "status": one.status.value,
        "error": one.error,
        "error_code": one.error_code,
    }


def file(one: media.File) -> JsonObject:
    """`state` is waiting, ready or broken; `url` is of this page."""
    return {
        "state": "broken" if one.error else "ready" if one.content_type else "waiting",
        "url": f"/sim/media/{one.message}/{one.place}",
        "content_type": one.content_type,
        "size": one.size,
        "error": one.error,
    }


def _kind(one: Message) -> str:
    if one.content is not None:
        return _KINDS.get(str(one.content["type"]), "text")
    return one.media.value if one.media else "text"


def prompt(tx: Transaction, push: Push, directory: Directory) -> JsonObject:
    return {
        "id": push.id,
        "seq": push.seq,
        "customer": customers.address_of(tx, push.msisdn),
        "msisdn": push.msisdn,
        "business": directory.businesses.get(push.party_b, push.party_b),
        "account_reference": push.account_reference,
        "reference": push.account_reference,
        "provider": "mpesa",
        "amount_minor": push.amount_whole * 100,
        "currency": "KES",
        "at": iso(push.at_us),
        "expires_at": iso(push.expires_us),
        "state": push.state.value,
        "receipt": push.receipt,
    }


def multicaixa_prompt(tx: Transaction, charge: Charge, directory: Directory) -> JsonObject:
    """A GPO charge on the phone, in the shape of an M-Pesa prompt. The wire carries no account: `account_reference` is
    the description as it came, `reference` what the merchant calls the payment."""
    return {
        "id": charge.id,
        "seq": charge.seq,
        "customer": customers.address_of(tx, charge.msisdn or ""),
        "msisdn": charge.msisdn,
        "business": payee(tx, charge, directory),
        "account_reference": charge.description,
        "reference": charge.our_reference,
        "provider": "multicaixa",
        "amount_minor": charge.amount_minor,
        "currency": "AOA",
        "at": iso(charge.at_us),
        "expires_at": iso(charge.expires_us),
        "state": charge.state.value,
        "receipt": str(charge.ekwanza_id) if charge.paid_minor is not None else None,
    }


def open_references(tx: Transaction, directory: Directory) -> list[JsonObject]:
    """References and tickets that a person could still pay, also those whose time is over; the newest first."""
    rows = tx.rows(
        "SELECT * FROM ekwanza_charges WHERE kind <> 'gpo' AND state IN ('waiting', 'expired')"
        " ORDER BY place DESC LIMIT ?",
        MOST_REFERENCES,
    )
    return [reference(tx, book.charge_of(row), directory) for row in rows]


def reference(tx: Transaction, charge: Charge, directory: Directory) -> JsonObject:
    return {
        "id": charge.id,
        "kind": charge.kind.value,
        "entity": charge.entity,
        "reference": charge.id if charge.kind is Kind.TICKET else charge.reference,
        "business": payee(tx, charge, directory),
        "amount_minor": charge.amount_minor,
        "currency": "AOA",
        "expires_at": iso(charge.expires_us),
        "state": charge.state.value,
        "takes_other_amounts": charge.kind is Kind.EMIS_REF,
        "paid_minor": charge.paid_minor,
    }


def all_ekwanza_charges(tx: Transaction) -> list[JsonObject]:
    """Every charge of every kind as the shop asked for it, with what became of it and of its webhooks."""
    return [
        {
            "id": charge.id,
            "kind": charge.kind.value,
            "merchant": charge.merchant,
            "our_reference": charge.our_reference,
            "ekwanza_id": charge.ekwanza_id,
            "msisdn": charge.msisdn,
            "amount_minor": charge.amount_minor,
            "description": charge.description,
            "entity": charge.entity,
            "reference": charge.reference,
            "at": iso(charge.at_us),
            "expires_at": iso(charge.expires_us),
            "state": charge.state.value,
            "code": charge.code,
            "paid_minor": charge.paid_minor,
            "refunded_minor": charge.refunded_minor,
            "webhooks": callbacks_of(tx, charge.id),
        }
        for charge in (book.charge_of(row) for row in tx.rows("SELECT * FROM ekwanza_charges ORDER BY place"))
    ]


def hand_payment(tx: Transaction, payment: HandPayment) -> JsonObject:
    return {
        "id": payment.id,
        "shortcode": payment.shortcode,
        "kind": payment.kind.value,
        "msisdn": payment.msisdn,
        "amount_whole": payment.amount_whole,
        "account_reference": payment.account_reference,
        "at": iso(payment.at_us),
        "state": payment.state.value,
        "reason": payment.reason,
        "callbacks": callbacks_of(tx, payment.id),
    }


def order(tx: Transaction, told: JsonObject) -> JsonObject:
    """A reversal or a question about a status, with the result and its deliveries."""
    return {**told, "callbacks": callbacks_of(tx, str(told["conversation_id"]))}


def callbacks_of(tx: Transaction, told_of: str) -> list[JsonObject]:
    return [
        {"at": iso(int(row["at_us"])), "http_status": row["http_status"], "outcome": str(row["outcome"])}
        for row in tx.rows("SELECT * FROM callbacks WHERE push = ? ORDER BY id", told_of)
    ]


def payee(tx: Transaction, charge: Charge, directory: Directory) -> str:
    """As the payer sees it: the merchant's name, if it has one, else how it is known."""
    merchant = None if charge.merchant is None else merchants.by_identifier(tx, charge.merchant)
    if merchant is not None and merchant.name is not None:
        return merchant.name
    return directory.businesses.get(charge.merchant or "", charge.merchant or "e-Kwanza")


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
            "callbacks": callbacks_of(tx, push.id),
        }
        for push in (pushes.push_of(row) for row in tx.rows("SELECT * FROM pushes ORDER BY place"))
    ]


def all_messages(tx: Transaction) -> list[JsonObject]:
    """Every message in both directions, in the order in which they came to be."""
    return [message(tx, message_of(row)) for row in tx.rows("SELECT * FROM messages ORDER BY place")]
