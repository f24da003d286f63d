"""Finding items among a shop's: the exact SKU, then what holds the words, then what nearly does.

Pure and in memory: a shop's items are few enough to be looked through, and are looked through only as far as needed."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rapidfuzz import fuzz, process

from contracts.ids import ItemId
from contracts.money import Currency, Money

MAX_QUERY_LENGTH = 100
_WORD_SCORE = 70
"""A written word stands for a known one from here: `tomatos` 93, `suger` 80, `milk` for `silk` 75."""
_NAME_SCORE = 80


class PriceNotWhole(ValueError):
    """M-Pesa collects whole shillings: set a price without cents."""


@dataclass(frozen=True, slots=True)
class Item:
    """Something a shop sells. `is_counted`: how many are left matters."""

    id: ItemId
    sku: str
    name: str
    description: str
    unit: str
    price: Money
    is_counted: bool

    def __post_init__(self) -> None:
        if self.price.minor <= 0:
            raise ValueError("a price is positive")
        if self.price.currency is Currency.KES and not self.price.is_whole:
            raise PriceNotWhole(f"{self.name}: {self.price.minor} cents is not a whole price in shillings")


@dataclass(frozen=True, slots=True)
class Shelf:
    """A shop's items in its own order, with what searching needs worked out once."""

    items: Sequence[Item]
    by_id: dict[ItemId, Item] = field(repr=False)
    _names: list[str] = field(repr=False)
    _words: list[str] = field(repr=False)

    @classmethod
    def of(cls, items: Sequence[Item]) -> "Shelf":
        names = [_folded(item.name) for item in items]
        words = sorted({word for name in names for word in name.split()})
        return cls(items, {item.id: item for item in items}, names, words)

    def search(self, query: str) -> Sequence[Item]:
        """Best match first; everything, in the shop's order, for an empty query."""
        wanted = _folded(query[:MAX_QUERY_LENGTH])
        if not wanted:
            return self.items
        exact = [item for item in self.items if item.sku.casefold() == wanted]
        holding = self._holding(wanted)
        if exact or holding:
            return exact + [item for item in holding if item not in exact]
        return self._resembling(wanted)

    def _holding(self, wanted: str) -> list[Item]:
        """Items whose name holds the text: those that begin with it before those with a word that does."""
        found = [(_place(name, wanted), at) for at, name in enumerate(self._names) if wanted in name]
        return [self.items[at] for _, at in sorted(found)]

    def _resembling(self, wanted: str) -> list[Item]:
        """Items named by the same words in another order, or by words that were nearly written."""
        known = [self._nearest_word(word) for word in wanted.split()]
        meant = " ".join(known)
        found = process.extract(meant, self._names, scorer=fuzz.token_set_ratio, score_cutoff=_NAME_SCORE, limit=None)
        return [self.items[at] for _, _, at in sorted(found, key=lambda hit: (-hit[1], hit[2]))]

    def _nearest_word(self, word: str) -> str:
        nearest = process.extractOne(word, self._words, scorer=fuzz.ratio, score_cutoff=_WORD_SCORE)
        return word if nearest is None else nearest[0]


def _folded(text: str) -> str:
    return " ".join(text.casefold().replace(",", " ").split())


def _place(name: str, wanted: str) -> int:
    if name.startswith(wanted):
        return 0
    return 1 if f" {wanted}" in name else 2
