"""How much of what people type is understood: every labelled message is said to a shop in a fresh chat, and what comes
of it is compared with its label.

There are four sets: what was thought of before the rules were made; what strangers type (`strangers/`), written by
somebody who had not read the rules; what other strangers type (`second_strangers/`), written so after the rules had
learnt from the first; and what yet others type (`third_strangers/`), in the proportions that a shop sees.

Half of the messages of the first two, by a hash of their text, are kept out of the making of the rules: `show` in
`__main__` never lists them, only their share is told. The third set was measured blind, once, and then rules were made
with all of it. The fourth is never listed, and no rule is made with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import cast

import yaml

from bot.conversation.languages import change_wanted
from bot.conversation.model import AddItem, Said
from bot.conversation.state import Listing
from bot.conversation.understanding.goods import match_items
from bot.conversation.understanding.intents import Intent, Word, parse
from bot.conversation.understanding.quantities import read_wanted
from contracts.money import Currency
from router.catalog.words import nearest, ranked_words, words_in
from tests.support.chat import Answer, Chat
from tests.support.fake_router import FakeRouter
from tests.support.fake_shops import FakeShop, Stocked

LANGUAGES = {"en": "nairobi", "sw": "nairobi", "pt": "luanda"}
"""And the shop that is spoken to."""

OURS = "."
STRANGERS = "strangers"
SECOND_STRANGERS = "second_strangers"
THIRD_STRANGERS = "third_strangers"
"""The sets, by their folder. Rules are made with half of the first two, with all of the third, none of the last."""

Items = dict[str, int]
Label = Items | int | str | None

_HERE = Path(__file__).parent
_ASKING = frozenset(("found", "which_item", "items_close", "several"))
_ADDING = (Word.ADD, Word.TEXT, Word.NUMBER, Word.SET)
_ABOUT_PAYING = (Word.PAY_UNCLEAR, Word.PAY_ASKED)


@dataclass(frozen=True, slots=True)
class Message:
    """`intent` and `label` are what a person takes it for."""

    text: str
    intent: str
    label: Label = None

    @property
    def is_held_out(self) -> bool:
        return sha256(self.text.encode()).digest()[0] % 2 == 1


@dataclass(frozen=True, slots=True)
class Share:
    right: int
    of: int

    @property
    def percent(self) -> float:
        return 100 * self.right / self.of


@cache
def messages(language: str, whose: str = OURS) -> tuple[Message, ...]:
    with (_HERE / whose / f"{language}.yaml").open(encoding="utf-8") as file:
        labelled = cast(dict[str, list[str] | dict[str, Label]], yaml.safe_load(file))
    return tuple(_messages(labelled))


def _messages(labelled: dict[str, list[str] | dict[str, Label]]) -> Iterator[Message]:
    for intent, said in labelled.items():
        if isinstance(said, list):
            yield from (Message(text, intent) for text in said)
        else:
            yield from (Message(text, intent, label) for text, label in said.items())


@cache
def shelf(shop: str) -> dict[str, str]:
    """The names of what that shop sells, by SKU."""
    with (_HERE / "duka.yaml").open(encoding="utf-8") as file:
        return cast(dict[str, dict[str, str]], yaml.safe_load(file))[shop]


@cache
def shares(language: str, whose: str = OURS) -> tuple[Share, Share]:
    """Of the messages that the rules were made with, and of those that were kept out."""
    listener = Listener(language)
    right = {False: 0, True: 0}
    of = {False: 0, True: 0}
    for message in messages(language, whose):
        of[message.is_held_out] += 1
        right[message.is_held_out] += listener.understands(message)
    return Share(right[False], of[False]), Share(right[True], of[True])


def whole(language: str, whose: str) -> Share:
    seen, unseen = shares(language, whose)
    return Share(seen.right + unseen.right, seen.of + unseen.of)


def search(items: list[Stocked], query: str) -> list[Stocked]:
    """As forgiving as the router's: words, their beginnings, and words that were nearly written."""
    words = {item.item_id: ranked_words(item.sku, item.name, "") for item in items}
    known = {word for each in words.values() for word in each}
    meant = [
        word if any(one.startswith(word) for one in known) else nearest(word, known) for word in words_in(query)[:6]
    ]
    hits = {
        item.item_id: sum(1 for word in meant if word and any(one.startswith(word) for one in words[item.item_id]))
        for item in items
    }
    return sorted((item for item in items if hits[item.item_id]), key=lambda item: -hits[item.item_id])


class Listener:
    """A customer who has just come into the shop of that language, again for every message."""

    def __init__(self, language: str) -> None:
        names = shelf(LANGUAGES[language])
        self._items = [Stocked(sku, sku, name, 10_000) for sku, name in names.items()]
        currency = Currency.AOA if language == "pt" else Currency.KES
        self._chat = Chat([FakeShop("vendor-sokoni", "sokoni", "Sokoni", self._items, currency)])
        self._chat.says("SHOP sokoni")
        self._inside = self._chat.state

    def understands(self, message: Message) -> bool:
        text = message.text
        intent = parse(text)
        language = change_wanted(Said("SM1", text))
        if message.intent == "language" or language is not None:
            return message.intent == "language" and language == (message.label or "")
        match message.intent:
            case "add":
                return self._adds(text, cast(Items, message.label))
            case "find":
                return self._shows(text, cast(Items, message.label))
            case "none":
                is_free = intent.word in (Word.TEXT, Word.FIND, Word.ADD)
                answer = self._says(text)
                return is_free and answer.key not in _ASKING and not _added(answer)
            case "remove":
                return intent.word is Word.REMOVE and self._names(intent.rest, cast(Items, message.label))
            case "pay_unclear":
                return intent.word in _ABOUT_PAYING
            case "number":
                return intent.word is Word.NUMBER and read_wanted(intent.rest).number == message.label
            case _:
                return intent.word == message.intent and _is_complete(intent)

    def _says(self, text: str) -> Answer:
        shop = self._chat.router.shops
        self._chat.state = self._inside
        self._chat.router = FakeRouter(lambda: self._chat.now, shop)
        self._chat.router.search = search
        return self._chat.says(text)

    def _adds(self, text: str, wanted: Items) -> bool:
        """All that was wanted is added, or asked about with its quantity, and nothing else is added."""
        answer = self._says(text)
        added = _added(answer)
        asked = self._asked(counted=answer.key == "found") if answer.key in _ASKING else []
        is_there = [
            any(sku.startswith(start) and count == quantity for sku, quantity in (*added.items(), *asked))
            for start, count in wanted.items()
        ]
        is_wanted = [any(sku.startswith(start) for start in wanted) for sku in added]
        return all(is_there) and all(is_wanted) and parse(text).word in _ADDING

    def _shows(self, text: str, wanted: Items) -> bool:
        """It is shown, before anything else, and nothing is added."""
        answer = self._says(text)
        asked = self._asked() if answer.key in _ASKING else []
        return not _added(answer) and bool(asked) and all(asked[0][0].startswith(start) for start in wanted)

    def _asked(self, *, counted: bool = False) -> list[tuple[str, int]]:
        """What can be picked now, and how many of it; `counted`: only where the answer says how many."""
        listing: Listing | None = self._chat.state.items
        if listing is None or (counted and listing.quantity is None):
            return []
        return [(entry.id, entry.quantity or listing.quantity or 1) for entry in listing.entries]

    def _names(self, said: str, wanted: Items) -> bool:
        items = [item.view() for item in self._items]
        found = match_items(read_wanted(said).name or said, items)
        places = (found.clear,) if found.clear is not None else found.several or found.close[:1]
        return bool(places) and all(items[place].sku.startswith(tuple(wanted)) for place in places)


def _added(answer: Answer) -> Items:
    return {command.item_id: command.quantity for command in answer.commands if isinstance(command, AddItem)}


def _is_complete(intent: Intent) -> bool:
    """A phone number is only understood with its digits."""
    return intent.word is not Word.PHONE or sum(char.isdigit() for char in intent.rest) >= 9
