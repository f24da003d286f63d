"""Kept conversations, run against the real processes: as they stand, and with the world's disorder; what one purchase
may come to, read from the books."""

from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, text

from bot.conversation.understanding.intents import Word, parse
from dukani.transcript_people import People
from dukani.transcript_player import NotSaid, Phones, Player, passes_time
from dukani.transcripts import differences, read
from kit.db import Database
from kit.settings import Settings
from simulators.transcript import Transcript
from tests.support.processes import ROOT, eventually

FOLDER = ROOT / "tests" / "transcripts"
LATE_S = 3
"""How late a provider's news comes, of the clock: before anybody asks for it."""

_AT_ONCE = 3
_WITHIN_S = 30.0
_PAID = ("PIN entered", "The bank pays")


class Disorder(StrEnum):
    NONE = "as it stands"
    TWICE = "every message twice"
    SWAPPED = "neighbours swapped"
    BOTH = "twice and swapped"
    LATE = "providers late"


_FAULTS: Mapping[Disorder, Mapping[str, bool | int]] = {
    Disorder.NONE: {},
    Disorder.TWICE: {"webhook_twice": True, "status_twice": True},
    Disorder.SWAPPED: {"status_out_of_order": True},
    Disorder.BOTH: {"webhook_twice": True, "status_twice": True, "status_out_of_order": True},
    Disorder.LATE: {"callback_delay_s": LATE_S, "ekwanza_webhook_delay_s": LATE_S},
}


def files() -> Sequence[Path]:
    return sorted(FOLDER.glob("*/*.yaml"))


def is_purchase(chat: Transcript) -> bool:
    return any(_is_paid(entry) for entry in chat.chat)


def swaps(chat: Transcript) -> Sequence[int]:
    """The places of typed wishes for things by their names, where the next thing that the customer sends is such a
    wish, too, with nothing but an answer between: in whichever order they come, the same is in the cart."""
    found: list[int] = []
    for place, (first, answer, second) in enumerate(zip(chat.chat, chat.chat[1:], chat.chat[2:], strict=False)):
        is_free = not found or place > found[-1] + 2  # each is swapped once
        if is_free and _is_wish(first) and "shop" in answer and "buttons" in answer and _is_wish(second):
            found.append(place)
    return found


class Ledger:
    """What the books say of one customer."""

    def __init__(self, settings: Settings) -> None:
        # As the owner of the tables: the application's role sees one vendor's rows at a time.
        self._ops = Database(settings.migration_urls["ops"])
        self._payments = Database(settings.payments_database_url)
        self._conversations = Database(settings.conversations_database_url)

    def close(self) -> None:
        for db in (self._ops, self._payments, self._conversations):
            db.close()

    def stock_up(self) -> None:
        """Enough of what there is for as many purchases as there are transcripts."""
        with self._ops.write() as tx:
            tx.execute(text("UPDATE stock SET on_hand = 10000 WHERE on_hand > 0"))

    def statuses(self, address: str) -> list[str]:
        return [
            row["status"]
            for row in self._all(
                self._ops,
                "SELECT o.status FROM orders o JOIN customers c ON c.vendor_id = o.vendor_id AND c.id = o.customer_id"
                " WHERE c.channel_address = :address ORDER BY o.created_at",
                address=address,
            )
        ]

    def paid_once_each(self, address: str, purchases: int, pushes: int) -> None:
        """An order for each purchase, paid; one intent for each push, one of them and its charge paid for each order;
        one ledger entry for each."""
        assert self.statuses(address) == ["PAID"] * purchases
        intents = self._all(
            self._ops,
            "SELECT i.id, i.status FROM payment_intents i"
            " JOIN payment_requests r ON r.vendor_id = i.vendor_id AND r.id = i.request_id"
            " JOIN customers c ON c.vendor_id = r.vendor_id AND c.id = r.customer_id"
            " WHERE c.channel_address = :address",
            address=address,
        )
        assert len(intents) == pushes
        assert [one["status"] for one in intents].count("succeeded") == purchases
        charges = self._among(self._payments, "SELECT status FROM charges WHERE intent_id IN :ids", intents)
        assert (len(charges), [one["status"] for one in charges].count("paid")) == (pushes, purchases)
        paid = "SELECT id FROM ledger_entries WHERE kind = 'paid' AND intent_id IN :ids"
        assert len(self._among(self._ops, paid, intents)) == purchases

    def is_quiet(self, address: str) -> bool:
        """Everything this customer sent is answered, and every answer handed over."""
        (row,) = self._all(
            self._conversations,
            "SELECT (SELECT count(*) FROM inbox i JOIN conversations c ON c.id = i.conversation_id"
            "  WHERE c.address = :address AND i.status IN ('received', 'processing'))"
            " + (SELECT count(*) FROM messages m JOIN conversations c ON c.id = m.conversation_id"
            "  WHERE c.address = :address AND m.status IN ('queued', 'sending', 'uncertain')) AS open",
            address=address,
        )
        return row["open"] == 0

    def _among(self, db: Database, sql: str, intents: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        statement = text(sql).bindparams(bindparam("ids", expanding=True))
        with db.read() as tx:
            return [dict(row) for row in tx.execute(statement, {"ids": [one["id"] for one in intents]}).mappings()]

    def _all(self, db: Database, sql: str, **values: object) -> list[Mapping[str, Any]]:
        with db.read() as tx:
            return [dict(row) for row in tx.execute(text(sql), values).mappings()]


@dataclass(frozen=True, slots=True)
class Street:
    """A running shop with its phones and its books."""

    phones: Phones
    people: People
    ledger: Ledger

    def run_all(self, disorder: Disorder, chosen: Callable[[Transcript], bool]) -> Sequence[str]:
        """Everything that is not as it should be, with the file that it is about. Several at once, but those in which
        time passes one by one: there is one clock."""
        chats = {file: read(file.read_text(encoding="utf-8")) for file in files()}
        chosen_files = [file for file, chat in chats.items() if chosen(chat)]
        alone = [file for file in chosen_files if passes_time(chats[file])]

        def run(file: Path) -> Sequence[str]:
            return self._run(file, chats[file], disorder)

        with self._faults(disorder):
            with ThreadPoolExecutor(1 if disorder is Disorder.LATE else _AT_ONCE) as pool:
                found = list(pool.map(run, [file for file in chosen_files if file not in alone]))
            found += [run(file) for file in alone]
        return [line for lines in found for line in lines]

    def _run(self, file: Path, chat: Transcript, disorder: Disorder) -> Sequence[str]:
        is_swapped = disorder in (Disorder.SWAPPED, Disorder.BOTH)
        somebody = self.phones.newcomer(chat.who)
        player = Player(self.phones, somebody, chat, within_s=_WITHIN_S, people=self.people)
        player.late_s = LATE_S if disorder is Disorder.LATE else 0
        wrong: list[str] = []
        try:
            if is_swapped:
                self._play_swapped(player, swaps(chat))
            else:
                player.play()
            self._all_answered(player)
            said = player.recorded()
            if is_swapped:
                wrong += _otherwise(chat, said)
            else:
                wrong += differences(chat, said)
            if is_purchase(chat):
                purchases = sum(_is_paid(one) for one in chat.chat)
                pushes = sum(" asks for " in _phone(one) for one in said.chat) or 1
                self.ledger.paid_once_each(player.address, purchases, pushes)
        except (NotSaid, AssertionError) as error:
            wrong += [str(error), *differences(chat, player.recorded())]
        return [f"{file.parent.name}/{file.name}, {disorder}:", *wrong] if wrong else []

    def _play_swapped(self, player: Player, places: Sequence[int]) -> None:
        """Each of these and its neighbour arrive the other way round, before the shop has answered either; both may be
        read together and answered by one message."""
        go_on = 0
        for place, entry in enumerate(player.chat.chat):
            if place in places:
                player.say(str(player.chat.chat[place + 2]["customer"]))
                player.say(str(entry["customer"]))
                self._all_answered(player)
                player.caught_up()
                go_on = place + 4  # the two, and their answers
            elif place >= go_on:
                player.one(entry)

    def _all_answered(self, player: Player) -> None:
        player.arrived()
        eventually(lambda: self.ledger.is_quiet(player.address), "everything is answered")

    @contextmanager
    def _faults(self, disorder: Disorder) -> Generator[None]:
        faults = _FAULTS[disorder]
        self.phones.call("PUT", "/sim/faults", dict(faults))
        yield
        off = {name: False if isinstance(value, bool) else 0 for name, value in faults.items()}
        self.phones.call("PUT", "/sim/faults", off)


def _otherwise(expected: Transcript, said: Transcript) -> Sequence[str]:
    """What is not as it must be, in whichever order things came into the cart: the shop's last word, its receipts, and
    what happened on the phone."""
    return differences(replace(expected, chat=_end_of(expected)), replace(said, chat=_end_of(said)))


def _end_of(chat: Transcript) -> Sequence[dict[str, object]]:
    shop = [dict(entry) for entry in chat.chat if "shop" in entry]
    phone = [dict(entry) for entry in chat.chat if "phone" in entry]
    receipts = [entry for entry in shop if "{receipt}" in str(entry["shop"])]
    return [{**entry, "shop": _in_order(str(entry["shop"]))} if "shop" in entry else entry
            for entry in (*phone, *receipts, shop[-1])]  # fmt: skip


def _in_order(words: str) -> str:
    """With the lines of an order in the order of the alphabet."""
    lines = words.split("\n")
    ordered = iter(sorted(line for line in lines if line.startswith("• ")))
    return "\n".join(next(ordered) if line.startswith("• ") else line for line in lines)


def _is_wish(entry: Mapping[str, object]) -> bool:
    intent = parse(str(entry.get("customer", "")))
    return intent.word in (Word.ADD, Word.TEXT) and any(letter.isalpha() for letter in intent.rest)


def _is_paid(entry: Mapping[str, object]) -> bool:
    return _phone(entry).endswith(f": {_PAID[0]}") or _phone(entry).startswith(_PAID[1])


def _phone(entry: Mapping[str, object]) -> str:
    return str(entry.get("phone", ""))
