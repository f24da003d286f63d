"""The page's words in one language. What is said stands in English in the code, and is looked up by that: what nobody
has translated is shown in English, rather than not at all.

A catalogue's entry may hold `{places}`: those that the page fills in, and those of a sentence that a provider has put
together (`Daraja gave no answer ({why}), …`), which is recognised by what stands around them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from payment_adapter.settings_page.texts.english import ENGLISH
from payment_adapter.settings_page.texts.portuguese import PORTUGUESE
from payment_adapter.settings_page.texts.swahili import SWAHILI

CATALOGUES: Mapping[str, Mapping[str, str]] = {"en": ENGLISH, "sw": SWAHILI, "pt": PORTUGUESE}
NAMES: Mapping[str, str] = {"en": "English", "sw": "Kiswahili", "pt": "Português"}
"""Each as its speakers write it, in the order of the switch."""
DEFAULT = "en"

_PLACE = re.compile(r"\\\{([a-z]+)\\\}")


@dataclass(frozen=True, slots=True)
class Words:
    language: str = DEFAULT

    def __call__(self, text: str, **values: object) -> str:
        """The text in this language, its places filled in."""
        own = CATALOGUES[self.language].get(text)
        if own is not None:
            return own.format(**values) if values else own
        if values:
            return text.format(**values)
        for pattern, form in _patterns(self.language):
            found = pattern.fullmatch(text)
            if found is not None:
                return form.format(**{name: self(value) for name, value in found.groupdict().items()})
        return text

    def all(self, texts: Iterable[str]) -> str:
        """Each in this language, one behind the other."""
        return ", ".join(self(text) for text in texts)


@cache
def _patterns(language: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """The longest first: what says more is recognised before what says less."""
    keys = sorted((key for key in CATALOGUES[language] if "{" in key), key=len, reverse=True)
    return tuple(
        (re.compile(_PLACE.sub(r"(?P<\1>.+)", re.escape(key)), re.DOTALL), CATALOGUES[language][key]) for key in keys
    )
