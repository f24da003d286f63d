"""How many of what: reads "2 x 3", "milk x2", "3 milk", "two" and the ways they go wrong. Knows no catalogue."""

import re
from dataclasses import dataclass

_NUMBER_WORDS = {
    word: number
    for number, word in enumerate(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), start=1
    )
}
_POLITE = ("a", "an", "the", "some", "of", "please", "pls", "me", "and")
_PACKS = ("packet", "packets", "pkt", "pkts", "piece", "pieces", "pc", "pcs", "bottle", "bottles", "loaf", "loaves")
_FILLERS = frozenset((*_POLITE, *_PACKS))
_WEIGHTS = ("kg", "kgs", "kilo", "kilos", "g", "gm", "gms", "gram", "grams")
_VOLUMES = ("ml", "cl", "l", "lt", "ltr", "litre", "litres", "liter", "liters")
_UNITS = frozenset((*_WEIGHTS, *_VOLUMES))
_LIKELY_QUANTITY = 20  # "milk 500" names a size, "milk 2" a quantity
_TOO_MANY = 10**9  # what more digits than this would say anyway

_TIMES = r"[xX×*]"
_NUMBER_FIRST = re.compile(rf"(-?[0-9]+)\s*{_TIMES}\s*(.+)")
_THING_TIMES = re.compile(rf"(.+?)(?:\s+{_TIMES}|\s*[×*])\s*(-?\s?\S+)")
_DECIMAL = re.compile(r"-?[0-9]*[.,/][0-9]+")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What someone asked to add.

    Either `number` (a line of a list) or `name`. `quantity` is None where none was said; `odd_quantity` is what was
    said in its place and can't be read ("lots", "1.5"). Where a number may be part of the name ("7 up"), `name` holds
    all of it, and `spare_name` with `spare_quantity` the other reading."""

    number: int | None = None
    name: str = ""
    quantity: int | None = None
    odd_quantity: str = ""
    spare_name: str = ""
    spare_quantity: int | None = None


def read_number(text: str) -> int | None:
    """A whole number in digits (a sign is allowed) or in words from one to twelve."""
    word = text.strip().casefold()
    if re.fullmatch(r"[-+]?\s?[0-9]+", word):
        if len(word) > 10:
            return -_TOO_MANY if word.startswith("-") else _TOO_MANY
        return int(word.replace(" ", ""))
    return _NUMBER_WORDS.get(word)


def without_fillers(name: str) -> str:
    """`some of the milk, please` is milk. A name made of fillers alone stays as it is."""
    words = [word for word in name.split() if word.casefold().strip(",.") not in _FILLERS]
    return " ".join(words).strip(" ,.") or name.strip()


def read_wanted(text: str) -> Wanted:
    """The words after ADD (or without it)."""
    text = " ".join(text.split())
    number = read_number(text)
    if number is not None:
        return Wanted(number=number)

    first = _NUMBER_FIRST.fullmatch(text)
    if first is not None:
        left, right = read_number(first[1]), first[2]
        quantity = read_number(right)
        if quantity is not None:
            return Wanted(number=left, quantity=quantity)
        if _DECIMAL.fullmatch(right):
            return Wanted(number=left, odd_quantity=right)
        return Wanted(name=without_fillers(right), quantity=left)

    times = _THING_TIMES.fullmatch(text)
    if times is not None:
        thing, said = times[1], times[2]
        quantity = read_number(said)
        is_a_pack = quantity is None and any(char.isdigit() for char in said) and not _DECIMAL.fullmatch(said)
        if not is_a_pack:  # "tea bags x 2g" is a name
            odd = said if quantity is None else ""
            number = read_number(thing)
            if number is not None:
                return Wanted(number=number, quantity=quantity, odd_quantity=odd)
            return Wanted(name=without_fillers(thing), quantity=quantity, odd_quantity=odd)

    return _read_loose(text)


def _read_loose(text: str) -> Wanted:
    words = text.split()
    if len(words) < 2:
        return Wanted(name=text)
    leading, trailing = read_number(words[0]), read_number(words[-1])
    if leading is not None and trailing is not None and len(words) == 2:
        return Wanted(number=leading, quantity=trailing)
    whole = without_fillers(text)
    if trailing is not None:
        thing = without_fillers(" ".join(words[:-1]))
        if trailing <= _LIKELY_QUANTITY:
            return Wanted(name=thing, quantity=trailing)
        return Wanted(name=whole, spare_name=thing, spare_quantity=trailing)
    if leading is not None and words[1].casefold() not in _UNITS:
        return Wanted(name=whole, spare_name=without_fillers(" ".join(words[1:])), spare_quantity=leading)
    return Wanted(name=whole)
