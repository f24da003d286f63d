"""How many of what: reads "2 x 3", "milk x2", "maziwa mbili", "meia dúzia de ovos" and the ways they go wrong. Knows no
catalogue."""

import re
from dataclasses import dataclass

from bot.conversation.understanding.spelling import fold
from bot.conversation.understanding.vocabulary import VOCABULARY, squeezed

_LIKELY_QUANTITY = 20  # "milk 500" names a size, "milk 2" a quantity
_TOO_MANY = 10**9  # what more digits than this would say anyway
_DOZEN = 12

_TIMES = r"[xX×*]"
_NUMBER_FIRST = re.compile(rf"(-?[0-9]+)\s*{_TIMES}\s*(.+)")
_THING_TIMES = re.compile(rf"(.+?)(?:\s+{_TIMES}|\s*[×*])\s*(-?\s?\S+)")
_TIMES_FIRST = re.compile(rf"{_TIMES}\s?[0-9]+\s+[^\W\d_]{{2}}")
_TIMES_BEFORE = re.compile(rf"(?<!\S){_TIMES}\s?([0-9]+)(?!\S)")
_AND_A_HALF = re.compile(
    r"\b([0-9]{1,3})(\s+(?:kg|kgs|kilos?|quilos?|litres?|liters?|litros?|lita))?\s+(?:and\s+a|and|na|e)\s+(?:half|nusu|mei[ao])\b",
    re.IGNORECASE,
)
_UNIT_AND_A_HALF = re.compile(
    r"\b(kg|kilo|quilo|litre|liter|litro|lita)\s+(?:and\s+a|na|e)\s+(?:half|nusu|mei[ao])\b", re.IGNORECASE
)
_BRACKETED = re.compile(rf"[(\[]\s*{_TIMES}?\s*([0-9]{{1,4}})\s*{_TIMES}?\s*[)\]]")
_TIMES_BEHIND = re.compile(rf"(?<=[^\W\d_])\s+([0-9]{{1,4}})\s?{_TIMES}$")
_PIECES = re.compile(r"(?<![\w.,/])([0-9]{1,4})\s?(?:pcs?|pces|pieces?|unid(?:ade)?s?|vipande)\b\.?", re.IGNORECASE)
_DECIMAL = re.compile(r"-?[0-9]*[.,/][0-9]+")
_HAS_DIGIT = re.compile(r"[0-9]")
_DIGITS = re.compile(r"[-+]?\s?[0-9]+")
_SIZED = re.compile(r"([0-9]+)([^\W\d_]+)")
_WORDS = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\s+|[0-9]+|[^\w\s]+|_+")
_CONNECTORS = frozenset(("na", "e"))
_UNITS = {
    "kgs": "kg", "kilo": "kg", "kilos": "kg", "quilo": "kg", "quilos": "kg",
    "gm": "g", "gms": "g", "gram": "g", "grams": "g", "gramu": "g", "grama": "g", "gramas": "g",
    "lt": "l", "ltr": "l", "litre": "l", "litres": "l", "liter": "l", "liters": "l", "lita": "l", "litro": "l",
    "litros": "l",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """What someone asked to add.

    Either `number` (a line of a list) or `name`. `quantity` is None where none was said; `odd_quantity` is what was
    said in its place and can't be read ("lots", "1.5"). Where a number may be part of the name ("7 up"), `name` holds
    all of it, and `spare_name` with `spare_quantity` the other reading. `measure` (kg, g, l, ml, or what many come in:
    a crate, a tray) says that the number counts these: "2 kg sugar" is a bag of two, or twice what is sold by the
    kilo. With a measure and no quantity a part of one was said: half a kilo."""

    number: int | None = None
    name: str = ""
    quantity: int | None = None
    odd_quantity: str = ""
    spare_name: str = ""
    spare_quantity: int | None = None
    measure: str = ""

    @property
    def is_counted(self) -> bool:
        """Whether a number was said that may be how many."""
        return self.quantity is not None or self.spare_quantity is not None or bool(self.odd_quantity or self.measure)


def read_number(text: str) -> int | None:
    """A whole number in digits (a sign is allowed) or in words ("two", "ishirini na tano", "dúzia")."""
    word = text.strip()
    if not _DIGITS.fullmatch(word):
        word = in_digits(word).strip() if len(word) <= 40 else ""
        if not _DIGITS.fullmatch(word):
            return None
    if len(word) > 10:
        return -_TOO_MANY if word.startswith("-") else _TOO_MANY
    return int(word.replace(" ", ""))


# --- numbers in words ------------------------------------------------------------------------------------------------


def in_digits(text: str) -> str:
    """With every number that is written out in digits: `half a dozen eggs` → `6 eggs`, `kumi na mbili` → `12`."""
    pieces = _WORDS.findall(text)
    words = [squeezed(piece) if piece[0].isalpha() else piece for piece in pieces]
    if not any(word in VOCABULARY.numbers or word in VOCABULARY.dozens for word in words):
        return text
    read, at = list[str](), 0
    while at < len(pieces):
        number, after = _number_at(words, at)
        read.append(pieces[at] if number is None else str(number))
        at = after
    return "".join(read)


def _number_at(words: list[str], at: int) -> tuple[int | None, int]:
    """The number that begins there, and where it ends; (None, the next piece) for what is none."""
    if words[at] in VOCABULARY.halves:
        dozen = _skip(words, at + 1, ("a", "ya", "de"))
        if dozen < len(words) and words[dozen] in VOCABULARY.dozens:
            return _DOZEN // 2, dozen + 1
        return None, at + 1
    if (
        words[at] == "a"
        and (after := _skip(words, at + 1, ())) < len(words)
        and words[after] in (*VOCABULARY.dozens, "couple")
    ):
        return _number_at(words, after)
    if words[at] in VOCABULARY.dozens:
        times = _skip(words, at + 1, ())
        number, after = _simple(words, times)
        return (_DOZEN, at + 1) if number is None else (_DOZEN * number, after)
    number, after = _simple(words, at)
    if number is None:
        return None, at + 1
    dozen = _skip(words, after, ())
    if dozen < len(words) and words[dozen] in VOCABULARY.dozens:
        return _DOZEN * number, dozen + 1
    return number, after


def _simple(words: list[str], at: int) -> tuple[int | None, int]:
    """A number without dozens: `5`, `five`, `twenty five`, `ishirini na tano`, `vinte e cinco`."""
    if at >= len(words):
        return None, at
    if words[at].isdigit():
        following = words[at + 1 : at + 3]
        is_dozens = any(word in VOCABULARY.dozens for word in following)
        return (int(words[at][:9]), at + 1) if is_dozens else (None, at)
    number = VOCABULARY.numbers.get(words[at])
    if number is None:
        return None, at
    if number >= 10 and number % 10 == 0 and (number > 10 or words[at] == "kumi"):
        more = _skip(words, at + 1, ("na", "e", "-"))
        unit = VOCABULARY.numbers.get(words[more]) if more < len(words) else None
        if unit is not None and unit < 10 and words[more] not in ("a", "couple"):
            return number + unit, more + 1
    return number, at + 1


def _skip(words: list[str], at: int, fillers: tuple[str, ...]) -> int:
    """Past spaces, and one of these words between them."""
    while at < len(words) and words[at].isspace():
        at += 1
    if at < len(words) and words[at] in fillers:
        at += 1
        while at < len(words) and words[at].isspace():
            at += 1
    return at


def arranged(text: str) -> str:
    """`x2 milk x3 bread` as `2 x milk 3 x bread`; `2 and a half kilos` and `kilo 2 na nusu` as `2.5`, `litro e meio` as
    `1.5`; `milk (6)` and `milk 6pcs` as `milk 6`."""
    text = _TIMES_BEFORE.sub(r"\1 x", text) if _TIMES_FIRST.match(text) else text
    text = _UNIT_AND_A_HALF.sub(r"1.5 \1", _AND_A_HALF.sub(r"\1.5\2", text))
    if not _HAS_DIGIT.search(text):
        return text
    return _PIECES.sub(r"\1", _BRACKETED.sub(r" \1 ", text).strip())


# --- names -----------------------------------------------------------------------------------------------------------


def without_fillers(name: str) -> str:
    """`some of the milk, please` is milk, `pacote de massa` massa. A name made of fillers alone stays as it is."""
    words = name.split()
    keys = [squeezed(word.strip(",.:;!\"'()")) for word in words]
    start, end = 0, len(words)
    while start < end:
        if keys[start] in VOCABULARY.meaningless or not keys[start]:
            start += 1
        elif keys[start] in VOCABULARY.packs and start + 1 < end and keys[start + 1] in VOCABULARY.meaningless:
            start += 2
        elif keys[start] in _SURE_PACKS and start + 1 < end:
            start += 1
        else:
            break
    while end > start and (keys[end - 1] in VOCABULARY.meaningless or not keys[end - 1]):
        end -= 1
    if end - start > 1 and keys[end - 1] in _SURE_PACKS:  # "mishumaa pakiti 2"
        end -= 1
    return " ".join(words[start:end]).strip(" ,.:;-") or name.strip()


_SURE_PACKS = frozenset(
    ("packet", "packets", "pkt", "pkts", "piece", "pieces", "pc", "pcs", "botle", "botles", "loaf", "loaves",
     "pakiti", "chupa", "pacote", "pacotes", "garafa", "garafas", "caixa", "caixas")
)  # fmt: skip
"""What is no part of a name, as the vocabulary spells it: "2 packets milk", but not "2 bar soap"."""


# --- what is wanted --------------------------------------------------------------------------------------------------


def read_wanted(text: str) -> Wanted:
    """The words after ADD (or without it)."""
    text = _TIMES_BEHIND.sub(r" \1", arranged(in_digits(" ".join(text.split()))))
    number = read_number(text)
    if number is not None:
        return Wanted(number=number)
    part = _read_part(text)
    if part is not None:
        return part

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


_PART_SHOWN = re.compile(r"[0-9]\s?[/⁄.,]\s?[0-9]")
_PART = re.compile(r"([0-9]*)\s?([/⁄.,])\s?([0-9]+)")
_PART_WITH_UNIT = re.compile(r"([0-9]*\s?[/⁄.,]\s?[0-9]+)\s*([^\W\d_]*)")
_NUMBER = re.compile(r"[0-9]{1,4}")
_SMALLER = {"kg": "g", "l": "ml"}
_BETWEEN = frozenset(("a", "an", "ya", "za", "wa", "de", "of", "da", "do"))


def _read_part(text: str) -> Wanted | None:
    """`half a kilo of onions`, `nyanya nusu kilo`, `1/2 kg de cebola`: 500 g of it, where that is sold; else the
    customer is asked. None for what names no part of a measure."""
    if _PART_SHOWN.search(text) is None and VOCABULARY.fractions.keys().isdisjoint(text.casefold().split()):
        return None
    words = _PART_WITH_UNIT.sub(r"\1 \2", text).split()
    for at, word in enumerate(words):
        share = _share(word)
        if share is None:
            continue
        after = at + 1
        while after < len(words) and squeezed(words[after]) in _BETWEEN:
            after += 1
        unit = _measure(words[after]) if after < len(words) else ""
        if unit:
            start, end = at, after + 1
        elif at and (unit := _measure(words[at - 1])):  # "kilo nusu"
            start, end = at - 1, at + 1
        else:
            continue
        rest = [*words[:start], *words[end:]]
        count = read_number(rest.pop()) if len(rest) > 1 and _NUMBER.fullmatch(rest[-1]) else None
        thing = without_fillers(" ".join(rest))
        if not thing or thing[0].isdigit():
            return None
        small = _SMALLER.get(unit)
        said = f"{share} {small}" if small and share < 1000 else " ".join(words[start:end])
        if count is not None:  # "maji nusu lita 6"
            said = said if said.endswith(unit) or share < 1000 else f"{words[start]} {unit}"
            return Wanted(name=f"{said} {thing}", quantity=count)
        return Wanted(name=f"{said} {thing}", spare_name=thing, measure=unit)
    return None


def _share(word: str) -> int | None:
    """A part of a whole in thousandths: `half`, `nusu`, `1/2`, `0.25`, `1,5`."""
    named = VOCABULARY.fractions.get(squeezed(word))
    digits = _PART.fullmatch(word) if named is None else None
    if digits is None:
        return named
    whole, mark, rest = digits[1] or "0", digits[2], digits[3]
    if len(whole) > 3 or len(rest) > 3:
        return None
    if mark in "/⁄":
        return 1000 * int(whole) // int(rest) if int(rest) else None
    return 1000 * int(whole) + int(rest.ljust(3, "0"))


def _read_loose(text: str) -> Wanted:
    words = _apart(_without_meaningless_end(text))
    if len(words) > 2 and _container(words[0]) and squeezed(words[1]) in _BETWEEN:
        words = ["1", *words]  # "(a) crate of soda"
    elif len(words) > 2 and squeezed(words[0]) in ("a", "an") and _container(words[1]):
        words[0] = "1"
    if len(words) < 2:
        return Wanted(name=without_fillers(text)) if words else Wanted(name=text)
    leading, trailing = read_number(words[0]), read_number(words[-1])
    if leading is not None and trailing is not None and len(words) == 2:
        return Wanted(number=leading, quantity=trailing)
    if leading is None and trailing is None and len(words) > 2 and squeezed(words[-1]) in VOCABULARY.packs:
        words, trailing = words[:-1], read_number(words[-2])  # "milk 2 packets"
    if trailing is not None:
        return _counted_behind(words, trailing)
    if leading is not None:
        return _counted_before(words, leading)
    counted = read_number(words[1])
    if counted is not None and len(words) > 2 and _container(words[0]):
        return _counted_before([words[1], words[0], *words[2:]], counted)  # "trei 1 ya mayai"
    if counted is not None and len(words) > 2 and squeezed(words[0]) in VOCABULARY.packs:
        return _counted_before([words[1], *words[2:]], counted)  # "pakiti 2 za maziwa"
    if len(words) > 3 and (kind := _counted_between(words)) is not None:
        return kind
    if len(words) > 2 and _measure(words[-1]) in _SMALLER and (counted := read_number(words[-2])) is not None:
        unit, thing = _measure(words[-1]), without_fillers(" ".join(words[:-2]))  # "carapau 2 kg"
        return Wanted(name=f"{thing} {counted} {unit}", spare_name=thing, spare_quantity=counted, measure=unit)
    return Wanted(name=without_fillers(text))


_OF_A_KIND = {"za": "ya", "ya": "ya", "wa": "wa", "la": "la", "vya": "vya", "of": "of", "de": "de"}


def _counted_between(words: list[str]) -> Wanted | None:
    """`unga 2 za ugali`, `crisps 2 za vinegar`: how many stands between a thing and its kind."""
    for at in range(1, len(words) - 2):
        kind = _OF_A_KIND.get(fold(words[at + 1]))
        if kind is not None and _NUMBER.fullmatch(words[at]):
            name = without_fillers(" ".join((*words[:at], kind, *words[at + 2 :])))
            return Wanted(name=name, quantity=int(words[at]))
    return None


def _without_meaningless_end(text: str) -> str:
    """`milk 2 please` → `milk 2`."""
    words = text.split()
    end = len(words)
    while end > 1 and squeezed(words[end - 1].strip(",.!")) in VOCABULARY.meaningless:
        end -= 1
    return " ".join(words[:end])


def _apart(text: str) -> list[str]:
    """The words, with `2kg` as `2 kg`; a word of digits and other letters (`7up`) stays one."""
    words: list[str] = []
    for word in text.split():
        sized = _SIZED.fullmatch(word)
        if sized and _measure(sized[2]):
            words.extend((sized[1], _UNITS.get(fold(sized[2]), sized[2])))
        elif words and words[-1].isdigit():
            words.append(_UNITS.get(fold(word), word))
        else:
            words.append(word)
    return words


def _measure(word: str) -> str:
    """The unit that a word means, or what many come in, or nothing."""
    unit = fold(word).strip(".,")
    return _UNITS.get(unit, unit) if squeezed(unit) in VOCABULARY.measures else _container(unit)


def _container(word: str) -> str:
    return VOCABULARY.containers.get(squeezed(word), "")


def _counted_behind(words: list[str], count: int) -> Wanted:
    """`milk 2`; `sukari kilo 1`; `milk 500`."""
    unit = _measure(words[-2]) if len(words) > 2 else ""
    if unit and read_number(words[-3]) is None:
        thing = without_fillers(" ".join(words[:-2]))
        return Wanted(name=f"{count} {unit} {thing}", spare_name=thing, spare_quantity=count, measure=unit)
    thing = without_fillers(" ".join(_without_pack(words[:-1])))
    if count <= _LIKELY_QUANTITY or count % 12 == 0:
        return Wanted(name=thing, quantity=count)
    return Wanted(name=without_fillers(" ".join(words)), spare_name=thing, spare_quantity=count)


def _without_pack(words: list[str]) -> list[str]:
    """`sukuma fungu`, "3": but bar soap is a thing."""
    is_pack = len(words) > 1 and squeezed(words[-1]) in VOCABULARY.packs
    return words[:-1] if is_pack and squeezed(" ".join(words)) not in VOCABULARY.goods else words


def _counted_before(words: list[str], count: int) -> Wanted:
    """`3 milk`; `2 kg of sugar`; `2 7 up`."""
    unit = _measure(words[1])
    if unit:
        thing = without_fillers(" ".join(words[2:]))
        if not thing:
            return Wanted(name=" ".join(words))
        return Wanted(name=f"{count} {unit} {thing}", spare_name=thing, spare_quantity=count, measure=unit)
    thing = without_fillers(" ".join(words[1:]))
    if words[1].isdigit():
        return Wanted(name=thing, quantity=count)
    return Wanted(name=f"{words[0]} {thing}", spare_name=thing, spare_quantity=count)
