"""Conversations that are kept as YAML, in the form of `simulators.transcript`: reading them, what differs each time (a
placeholder stands for it), and how two of them compare."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import yaml

from contracts.ids import CODE_ALPHABET, CODE_LENGTH
from simulators.transcript import Transcript, write

Entry = Mapping[str, object]

SAID = ("customer", "tap", "picture", "voice", "location")
"""What a customer sends."""

_KINDS = (*SAID, "shop", "phone", "person", "wait")
_HEADER = ("shop", "language", "who")

_DAY = r"(?:[0-9]{1,2} [A-Z][a-z]{2,4}\.?|[0-9]{2}/[0-9]{2}), "
PLACEHOLDERS: Mapping[str, str] = {
    "code": rf"[{CODE_ALPHABET}]{{{CODE_LENGTH}}}",
    "payment": rf"[{CODE_ALPHABET}]{{15}}",
    "receipt": r"(?=[A-Z]*[0-9])[A-Z][A-Z0-9]{9}",
    "reference": r"[0-9]{3} [0-9]{3} [0-9]{3}",
    "link": r"https?://[^\s)*]+",
    "time": rf"(?:{_DAY})?[0-9]{{1,2}}:[0-9]{{2}}(?:\s?[AP]M)?",
}
"""What no two runs have in common, each as it is written. The same thing has the same placeholder throughout; the
second order's code is `{code 2}`. Besides there is `{number}`: the customer's own."""

_OPEN = ("time",)
"""Never counted: every time is `{time}`."""


class BadTranscript(ValueError):
    """The file can't be read as a transcript. The text says where and what would be right."""


@dataclass
class Placeholders:
    """What the placeholders of one chat stand for, by the order in which they came up."""

    msisdn: str | None = None
    found: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def put(self, text: str) -> str:
        """The text with what differs each time replaced."""
        if self.msisdn is not None:
            text = _number(self.msisdn).sub("{number}", text)
        return _VOLATILE.sub(self._named, text)

    def fill(self, text: str) -> str:
        """What a customer types, with what the placeholders stand for so far. Raises BadTranscript."""
        return re.sub(r"\{(number|" + "|".join(PLACEHOLDERS) + r")(?: ([0-9]))?\}", self._value, text)

    def _named(self, match: re.Match[str]) -> str:
        name, value = str(match.lastgroup), match[0]
        if name in _OPEN:
            return f"{{{name}}}"
        known = self.found.setdefault(name, [])
        if value not in known:
            known.append(value)
        place = known.index(value) + 1
        return f"{{{name}}}" if place == 1 else f"{{{name} {place}}}"

    def _value(self, match: re.Match[str]) -> str:
        name, place = match[1], int(match[2] or 1)
        if name == "number" and self.msisdn is not None:
            return self.msisdn
        known = self.found.get(name, [])
        if place > len(known):
            raise BadTranscript(f"{match[0]} is typed before the shop has told it")
        return known[place - 1]


_VOLATILE = re.compile(
    r"(?<![\w])(?:" + "|".join(f"(?P<{name}>{form})" for name, form in PLACEHOLDERS.items()) + r")(?!\w)"
)


def read(text: str) -> Transcript:
    """A transcript from its YAML. Raises BadTranscript."""
    try:
        loaded: object = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadTranscript(f"this is no YAML: {error}") from error
    if not isinstance(loaded, dict):
        raise BadTranscript("expected shop, language, who and chat at the top")
    told = cast(dict[str, object], loaded)
    for name in _HEADER:
        if not isinstance(told.get(name), str):
            raise BadTranscript(f"{name}: expected a text at the top")
    chat = told.get("chat")
    if not isinstance(chat, list) or set(told) != {*_HEADER, "chat"}:
        raise BadTranscript("expected shop, language, who and a list called chat at the top, and nothing else")
    entries = [_entry(place, one) for place, one in enumerate(cast(list[object], chat), 1)]
    return Transcript(str(told["shop"]), str(told["language"]), str(told["who"]), entries)


def told_by(chat: Transcript, placeholders: Placeholders | None = None) -> Transcript:
    """The same with placeholders for what differs each time."""
    known = placeholders or Placeholders(msisdn_of(chat))
    return replace(chat, chat=[_put(known, entry) for entry in chat.chat])


def msisdn_of(chat: Transcript) -> str | None:
    """None where the number is hidden."""
    number = chat.who.rpartition(", ")[2]
    return number if number.isdigit() else None


def differences(expected: Transcript, actual: Transcript) -> Sequence[str]:
    """Line by line, marked as by `diff -u`; nothing where they are alike. Both with placeholders. Who it was does not
    matter."""
    wanted = write(expected).splitlines()
    got = write(replace(actual, who=expected.who, language=expected.language)).splitlines()
    return list(difflib.unified_diff(wanted, got, "expected", "said", lineterm="", n=3))


def _entry(place: int, one: object) -> dict[str, object]:
    entry = cast(dict[str, object], one) if isinstance(one, dict) else {}
    kinds = ["shop"] if "shop" in entry else [kind for kind in _KINDS if kind in entry]
    if len(kinds) != 1:
        raise BadTranscript(f"entry {place} of the chat: expected one of {', '.join(_KINDS)}, got {one!r}")
    if not isinstance(entry[kinds[0]], str):
        raise BadTranscript(f"entry {place} of the chat: {kinds[0]}: expected a text, put it in quotes")
    if kinds[0] == "shop":
        entry["shop"] = str(entry["shop"]).removesuffix("\n")
    return entry


def _put(known: Placeholders, entry: Entry) -> dict[str, object]:
    """Titles of what can be tapped are read after the text, as a person reads them."""
    told: dict[str, object] = {}
    for name, value in entry.items():
        if isinstance(value, str):
            told[name] = known.put(value)
        elif isinstance(value, list):
            told[name] = [known.put(str(title)) for title in cast(list[object], value)]
        else:
            told[name] = value
    return told


def _number(msisdn: str) -> re.Pattern[str]:
    """However it is written: 0708 374 149, +254 708 374 149, 254708374149."""
    national = " ?".join(msisdn[3:])
    return re.compile(rf"(?<![\w+])(?:\+?{msisdn[:3]} ?|0)?{national}(?!\w)")
