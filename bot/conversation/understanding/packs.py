"""What things are sold by: a kilo, a crate, a tray of thirty. Six eggs are not six trays of eggs."""

import re
from collections.abc import Sequence

from bot.conversation.understanding.matching import names_it, tokens
from bot.conversation.understanding.spelling import fold
from bot.conversation.understanding.vocabulary import VOCABULARY, squeezed
from contracts.router_api import ItemView

_BIG_PACK = 12  # pieces
_FEW = 3
"""Up to so many packs may well be meant by a bare number."""

_PACK_OF = re.compile(r"\b[^\W\d_]+ (?:of|de|ya|za|com) ([0-9]{2,3})\b")


def is_sold_by(item: ItemView, measure: str) -> bool:
    """Whether one of it is one kilo (litre, crate, tray, …)."""
    if measure in VOCABULARY.containers.values():
        return any(
            VOCABULARY.containers.get(squeezed(word)) == measure for word in (*tokens(item.name), *tokens(item.unit))
        )
    return tokens(item.unit) in ((measure,), ("1", measure)) or names_it(item.name, f"1 {measure}")


def is_big_pack(item: ItemView) -> bool:
    """Whether its name says that a dozen pieces or more are in one of it: `Eggs, tray of 30`."""
    pieces = _PACK_OF.search(fold(item.name))
    return pieces is not None and int(pieces[1]) >= _BIG_PACK


def counts_pieces(item: ItemView, quantity: int | None) -> bool:
    """Whether such a number of it, without a word for the pack, more likely counts the pieces: "6 eggs" of a tray of
    thirty. How many packs is then the customer's to say."""
    return quantity is not None and quantity > _FEW and is_big_pack(item)


def loose(items: Sequence[ItemView], quantity: int | None) -> Sequence[ItemView]:
    """Those that such a number of pieces may be meant of, as far as there are any."""
    return [item for item in items if not counts_pieces(item, quantity)] or items
