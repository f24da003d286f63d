"""A chat told in writing: YAML that a shopkeeper can read, and the form in which transcripts are kept.

    shop: Mama Njeri
    language: en
    who: Achieng, 254708374149
    chat:
      - customer: SHOP mama
      - shop: |
        *Mama Njeri*
        What would you like?
        list: [Sukuma wiki, Milk 500 ml]
        opens: See the shelf
      - tap: Milk 500 ml
      - shop: |
        1 × Milk 500 ml: KES 65.
        buttons: [CONFIRM, More]
      - wait: 2 h
      - customer: PAY
      - phone: "M-PESA asks for KES 65 to Mama Njeri, account K7M2XP: PIN entered"

The header: `shop` (the one the chat is with), `language` (two letters), `who` (the name, and the number or, where it is
hidden, `number hidden`). Then `chat`, a list in the order of time. Each entry has one of these keys:

- `customer`: what the customer typed. `tap`: the title of what was tapped. `picture`: a picture, with the words under
  it or nothing. `voice`: a voice note and its length. `location`: a pin, `label (latitude, longitude)`.
- `shop`: what the shop said, always as a block; a reader ignores the last line break. Beside it, where there is such a
  thing: `buttons` or `list` (their titles, `opens` being what opens the list), `links` (what opens, calls or copies
  something), `picture: true`, `document: true`, `pin: true`, and `undelivered` with Twilio's code for a message that
  never reached the phone.
- `phone`: a prompt for a PIN as `<brand> asks for <amount> to <shop>[, account|reference <…>]: <ending>`, where the
  ending is `PIN entered`, `wrong PIN entered`, `cancelled`, `not answered`, `PIN entered, too little money`, `ended by
  the provider` or `waiting`; or `M-PESA pays <amount> to <number>[, account <…>]` for money paid by hand; or `The bank
  pays <amount> for reference|code <…>` where one that the shop had told was paid.
- `person`: what somebody of the shop did in the chat, away from the phone: `Njeri takes over`, `Njeri: <words>` or
  `Njeri gives back`. It is not recorded, since the phone does not see it, only what comes of it.
- `wait`: how much time passed, from five minutes up: `10 min`, `2 h`, `1 d 3 h`."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from simulators.customers import Customer
from simulators.daraja import pushes
from simulators.ekwanza import book
from simulators.ekwanza.book import Kind
from simulators.moments import SECOND_US
from simulators.problems import JsonObject
from simulators.prompts import PromptState
from simulators.state import Directory, payee
from simulators.store import Transaction
from simulators.twilio import messages
from simulators.twilio.messages import Media, Message, Status

_WIDTH = 100
SHORTEST_WAIT_US = 5 * 60 * SECOND_US

_VOICE_NOTE = "0:07"
_ENDINGS = {
    PromptState.PAID: "PIN entered",
    PromptState.WRONG_PIN: "wrong PIN entered",
    PromptState.CANCELLED: "cancelled",
    PromptState.IGNORED: "not answered",
    PromptState.EXPIRED: "not answered",
    PromptState.NO_MONEY: "PIN entered, too little money",
    PromptState.FAILED: "ended by the provider",
    PromptState.WAITING: "waiting",
}
_BARE = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ][\w ,./()×·’!?*-]*")
_BARE_IN_LIST = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ][\w ./()×·’!?*-]*")
_GROUPED = re.compile(r"([0-9]{3})(?=[0-9])")
_NO_TEXTS = ("yes", "no", "on", "off", "true", "false", "null", "y", "n")
"""What YAML takes for something else than a text."""
_TITLED = {"QUICK_REPLY": "buttons", "ITEM": "list"}


@dataclass(frozen=True, slots=True)
class Transcript:
    shop: str
    language: str
    who: str
    chat: Sequence[JsonObject]


def of(tx: Transaction, customer: Customer, directory: Directory, language: str) -> Transcript:
    """That customer's chat, with what happened on the phone besides."""
    rows = tx.rows("SELECT * FROM messages WHERE customer = ? ORDER BY place", customer.address)
    said = [messages.message_of(row) for row in rows]
    events = [(one.at_us, one.place, _entry(one)) for one in said]
    events += [(at_us, 0, entry) for at_us, entry in _on_the_phone(tx, customer, directory)]
    events += [(at_us, 0, entry) for at_us, entry in _at_the_bank(tx, [one.body for one in said])]
    events.sort(key=lambda event: event[:2])
    chat: list[JsonObject] = []
    before_us = None
    for at_us, _, entry in events:
        if before_us is not None and at_us - before_us >= SHORTEST_WAIT_US:
            chat.append({"wait": span(at_us - before_us)})
        chat.append(entry)
        before_us = at_us
    known = "number hidden" if customer.is_hidden else customer.msisdn
    return Transcript(_shop(said, directory), language, f"{customer.name}, {known}", chat)


def write(one: Transcript) -> str:
    lines = [f"{name}: {_scalar(text)}" for name, text in _header(one)]
    lines.append("chat:" if one.chat else "chat: []")
    for entry in one.chat:
        for place, (name, value) in enumerate(entry.items()):
            start = "  - " if place == 0 else "    "
            if name == "shop":
                lines += _block(start + name, str(value))
            elif isinstance(value, list):
                titles = [_scalar(str(title), in_list=True) for title in cast(list[object], value)]
                in_one = f"{start}{name}: [{', '.join(titles)}]"
                fits = len(in_one) <= _WIDTH
                lines += [in_one] if fits else [f"{start}{name}:", *(f"      - {title}" for title in titles)]
            elif isinstance(value, bool | int):
                lines.append(f"{start}{name}: {json.dumps(value)}")
            else:
                lines.append(f"{start}{name}: {_scalar(str(value))}")
    return "\n".join(lines) + "\n"


def span(length_us: int) -> str:
    """`2 h`, `1 d 3 h`, `10 min`: to the minute."""
    minutes = (length_us + 30 * SECOND_US) // (60 * SECOND_US)
    parts = ((minutes // 1440, "d"), (minutes % 1440 // 60, "h"), (minutes % 60, "min"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count)


def _header(one: Transcript) -> tuple[tuple[str, str], ...]:
    return (("shop", one.shop), ("language", one.language), ("who", one.who))


def _entry(one: Message) -> JsonObject:
    if not one.is_from_customer:
        return _said_by_shop(one)
    if one.tap is not None:
        return {"tap": one.tap.title}
    if one.place_pin is not None:
        pin = one.place_pin
        return {"location": f"{pin.label} ({pin.latitude}, {pin.longitude})".strip()}
    if one.media is Media.AUDIO:
        return {"voice": _VOICE_NOTE}
    return {"picture" if one.media is Media.IMAGE else "customer": one.body}


def _said_by_shop(one: Message) -> JsonObject:
    entry: JsonObject = {"shop": one.body}
    for name in ("buttons", "list", "links"):
        titles = [str(option["title"]) for option in one.options if _TITLED.get(str(option["kind"]), "links") == name]
        if titles:
            entry[name] = titles
    if one.content is not None and "list" in entry:
        entry["opens"] = str(one.content["button"])
    match one.media:
        case Media.LOCATION:
            entry["pin"] = True
        case Media.DOCUMENT:
            entry["document"] = True
        case None:
            pass
        case _:
            entry["picture"] = True
    if one.status is Status.FAILED:
        entry["undelivered"] = one.error_code or 0
    return entry


def _on_the_phone(tx: Transaction, customer: Customer, directory: Directory) -> list[tuple[int, JsonObject]]:
    if customer.msisdn is None:
        return []
    told: list[tuple[int, JsonObject]] = []
    for row in tx.rows("SELECT * FROM pushes WHERE msisdn = ? AND is_shown = 1", customer.msisdn):
        push = pushes.push_of(row)
        business = directory.businesses.get(push.party_b, push.party_b)
        account = f", account {push.account_reference}" if push.account_reference else ""
        asked = f"M-PESA asks for {_money(push.amount_whole * 100, 'KES')} to {business}{account}"
        at_us = push.at_us if push.result_us is None else push.result_us
        told.append((at_us, {"phone": f"{asked}: {_ENDINGS[push.state]}"}))
    charges = tx.rows(
        "SELECT * FROM ekwanza_charges WHERE msisdn = ? AND kind = 'gpo' AND is_shown = 1", customer.msisdn
    )
    for row in charges:
        charge = book.charge_of(row)
        business = payee(tx, charge, directory)
        asked = f"Multicaixa Express asks for {_money(charge.amount_minor, 'AOA')} to {business}"
        ending = f", reference {charge.our_reference}: {_ENDINGS[charge.state]}"
        told.append((charge.updated_us, {"phone": asked + ending}))
    for row in tx.rows("SELECT * FROM c2b_payments WHERE msisdn = ?", customer.msisdn):
        amount, account = _money(int(row["amount_whole"]) * 100, "KES"), str(row["account_reference"])
        paid = f"M-PESA pays {amount} to {row['shortcode']}{f', account {account}' if account else ''}"
        told.append((int(row["at_us"]), {"phone": paid}))
    return told


def _at_the_bank(tx: Transaction, told: Sequence[str]) -> list[tuple[int, JsonObject]]:
    """Whoever pays it: references and tickets that were paid and stand in this chat."""
    paid: list[tuple[int, JsonObject]] = []
    for row in tx.rows("SELECT * FROM ekwanza_charges WHERE kind <> 'gpo' AND paid_minor IS NOT NULL"):
        charge = book.charge_of(row)
        is_ticket = charge.kind is Kind.TICKET
        digits = charge.id if is_ticket else charge.reference or ""
        spoken = digits if is_ticket else _GROUPED.sub(r"\1 ", digits)
        if any(spoken in text for text in told):
            what = f"{'code' if is_ticket else 'reference'} {spoken}"
            entry = f"The bank pays {_money(charge.paid_minor or 0, 'AOA')} for {what}"
            paid.append((charge.updated_us, {"phone": entry}))
    return paid


def _shop(said: Sequence[Message], directory: Directory) -> str:
    """The one greeted last, or named last by the shop itself."""
    for one in reversed(said):
        for greeting, name in directory.greetings:
            is_greeting = one.is_from_customer and one.body.strip().lower() == greeting.lower()
            if is_greeting or (not one.is_from_customer and f"*{name}*" in one.body):
                return name
    return "Dukani"


def _money(minor: int, currency: str) -> str:
    cents = f".{minor % 100:02}" if minor % 100 else ""
    return f"{currency} {minor // 100:,}{cents}"


def _block(name: str, text: str) -> list[str]:
    """As a literal block, or quoted where a block could not hold it."""
    is_plain = all(letter.isprintable() or letter == "\n" for letter in text)
    if not text or not is_plain or text[0] in " \n" or text[-1] == "\n":
        return [f"{name}: {_scalar(text)}"]
    return [f"{name}: |", *(f"      {line}" if line else "" for line in text.split("\n"))]


def _scalar(text: str, *, in_list: bool = False) -> str:
    """Bare where nothing in it could be mistaken for YAML, else in double quotes."""
    is_bare = (_BARE_IN_LIST if in_list else _BARE).fullmatch(text) and text.lower() not in _NO_TEXTS
    if is_bare and not text.endswith(" "):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in quoted)


def _escaped(letter: str) -> str:
    return f"\\u{ord(letter):04x}" if ord(letter) < 0x10000 else f"\\U{ord(letter):08x}"
