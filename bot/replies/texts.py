"""The catalogue of texts: by language, then by key. A text that a language lacks is said in English."""

from bot.replies.english import ENGLISH, Counted

Text = str | Counted

CATALOGUES: dict[str, dict[str, Text]] = {"en": ENGLISH}
"""Languages by their CLDR code: what Babel needs to write money, numbers, times and plurals."""


def text_of(key: str, language: str) -> tuple[Text, str]:
    """The text, and the language that it is in. Raises KeyError for a key that no catalogue has."""
    own = CATALOGUES.get(language, {})
    if key in own:
        return own[key], language
    return ENGLISH[key], "en"
