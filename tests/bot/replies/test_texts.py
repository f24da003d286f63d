"""The catalogue and the code that speaks from it fit together: no text unused, no key missing, no gap unfilled."""

import ast
import re
import subprocess
import sys
from gettext import c2py
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from bot.replies.locales import is_plural
from bot.replies.rendering import MAX_LENGTH, placeholders
from bot.replies.texts import LANGUAGES, Counted, catalogue, text_of

ROOT = Path(__file__).resolve().parents[3]
SOURCES = sorted((ROOT / "bot").rglob("*.py"))
ENGLISH = catalogue("en")
TRANSLATED = [language for language in LANGUAGES if language != "en"]
MAX_BODY = 1024
"""Above buttons or a list."""

SAME_EVERYWHERE = frozenset(("rail_mpesa_stk", "rail_gpo", "rail_emis_ref", "rail_ticket"))
"""Names. A text that is nothing but gaps, numbers and signs may be the same, too."""
SAME_IN = {"pt": frozenset(("button_menu",))}
NOT_HERE = {
    "pt": "você|vocês|celular|aplicativo|tela|cardápio|vosso|digite|digitar",
    "sw": "agizo|maagizo|tovuti|programu|barua pepe|tarakilishi|kodi|kwa hiyo",
}
"""What is said in Brazil or Lisbon, what only a dictionary says, and what means something else here: kodi is a tax."""
LONGEST = (
    dict.fromkeys(("lines", "items", "shelves", "zones", "shops", "orders", "ways", "languages", "unpaid"), 100)
    | dict.fromkeys(("hint", "next", "reason", "stopped", "how", "standing", "other", "steps", "description"), 240)
    | dict.fromkeys(("sums", "terms", "left"), 130)
    | {"place": 120, "fee": 20, "minimum": 20, "subtotal": 20}
    | {"instructions": 600, "number": 4, "phone": 20, "code": 12, "amount": 20, "total": 20, "time": 20}
)
"""In UTF-16 units, of what fills a text; 60 is the longest that a name can be."""


def forms(text: str | Counted) -> list[str]:
    return [text.one, text.other] if isinstance(text, Counted) else [text]


def every_form(language: str) -> list[tuple[str, str]]:
    return [(key, form) for key, text in catalogue(language).items() for form in forms(text)]


def has_words(text: str | Counted) -> bool:
    return any(char.isalpha() for form in forms(text) for char in re.sub(r"{\w+}", "", form))


def wanted_by(key: str) -> frozenset[str]:
    return frozenset[str]().union(*(placeholders(form) for form in forms(ENGLISH[key])))


def is_call_of(call: ast.Call, name: str) -> bool:
    function = call.func
    return (isinstance(function, ast.Name) and function.id == name) or (
        isinstance(function, ast.Attribute) and function.attr == name
    )


def spoken() -> list[tuple[str, str, frozenset[str] | None]]:
    """Every `Reply("key", {...})` and `….say("key", name=…)` of the bot: where, the key, and the names that it fills
    (None where they can't be seen from the call)."""
    found: list[tuple[str, str, frozenset[str] | None]] = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            key = node.args[0]
            if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                continue
            where = f"{path.relative_to(ROOT)}:{node.lineno}"
            if is_call_of(node, "say"):
                found.append((where, key.value, frozenset(word.arg for word in node.keywords if word.arg)))
            elif is_call_of(node, "Reply"):
                found.append((where, key.value, filled_by(node.args[1:])))
    return found


def filled_by(params: list[ast.expr]) -> frozenset[str] | None:
    if not params:
        return frozenset()
    if not isinstance(params[0], ast.Dict) or None in params[0].keys:
        return None
    return frozenset(str(key.value) for key in params[0].keys if isinstance(key, ast.Constant))


SPOKEN = spoken()


def test_the_search_for_texts_finds_them() -> None:
    assert len(SPOKEN) > 100


def test_every_key_that_is_spoken_exists() -> None:
    assert {key: where for where, key, _ in SPOKEN if key not in ENGLISH} == {}


def test_every_text_is_spoken_somewhere() -> None:
    words = {
        node.value
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert sorted(key for key in ENGLISH if key.removesuffix(".options") not in words) == []


def test_what_stands_above_buttons_needs_nothing_that_the_whole_text_is_not_given() -> None:
    above = [key for key in ENGLISH if key.endswith(".options")]
    assert {
        key: sorted(wanted_by(key) - wanted_by(key.removesuffix(".options")))
        for key in above
        if not wanted_by(key) <= wanted_by(key.removesuffix(".options"))
    } == {}


def test_every_placeholder_is_filled_and_nothing_else_is_brought() -> None:
    wrong = {
        where: (key, sorted(filled), sorted(wanted_by(key)))
        for where, key, filled in SPOKEN
        if filled is not None and filled != wanted_by(key)
    }
    assert wrong == {}


def is_counted(key: str) -> bool:
    return isinstance(ENGLISH[key], Counted)


def test_every_counted_text_is_given_its_count() -> None:
    assert [
        where for where, key, filled in SPOKEN if is_counted(key) and filled is not None and "count" not in filled
    ] == []


@pytest.mark.parametrize("key", ["unreachable_shop", "unreachable_payments", "our_mistake"])
def test_what_is_said_when_no_step_can_decide_needs_no_values(key: str) -> None:
    assert wanted_by(key) == frozenset()


# --- the languages agree with each other ------------------------------------------------------------------------------


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_language_has_every_text_and_no_other(language: str) -> None:
    assert sorted(set(ENGLISH) - set(catalogue(language))) == [], "say these in that language, too"
    assert sorted(set(catalogue(language)) - set(ENGLISH)) == [], "nobody says these any more"


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_language_fills_the_same_gaps_as_english(language: str) -> None:
    wrong: dict[str, list[str]] = {}
    for key, text in catalogue(language).items():
        assert isinstance(text, Counted) is is_counted(key), f"{key} is counted in one language only"
        missing_or_new = {form: placeholders(form) ^ wanted_by(key) for form in forms(text)}
        if isinstance(text, Counted):  # "a number adds it" needs no count, "adds 3" does
            missing_or_new[text.one] -= {"count"}
        if any(missing_or_new.values()):
            wrong[key] = sorted(frozenset[str]().union(*missing_or_new.values()))
    assert wrong == {}


@pytest.mark.parametrize("language", TRANSLATED)
def test_nothing_is_left_in_english(language: str) -> None:
    same = {key for key, text in catalogue(language).items() if text == ENGLISH.get(key) and has_words(text)}
    assert sorted(same - SAME_EVERYWHERE - SAME_IN.get(language, frozenset())) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogue_and_cldr_count_alike(language: str) -> None:
    with (ROOT / "bot/replies/locale" / language / "LC_MESSAGES/bot.po").open("rb") as file:
        written = read_po(file)
    assert written.num_plurals == 2
    form_of = c2py(written.plural_expr)
    assert [form_of(count) == 1 for count in range(200)] == [is_plural(count, language) for count in range(200)]


def test_a_language_that_nobody_wrote_is_english() -> None:
    assert text_of("thanks", "fr") == (ENGLISH["thanks"], "en")


def test_starting_the_bot_reads_no_catalogue() -> None:
    """Each is read by whoever needs it first: Babel's reader alone takes 40 ms to import."""
    seen = "import sys, bot.app; print('babel.messages.pofile' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", seen], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout == "False\n"


# --- every text of every language -------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_clean(language: str) -> None:
    for key, form in every_form(language):
        assert form == form.strip(), key
        assert "  " not in form, key
        assert "\n\n\n" not in form, key
        assert form.count("*") % 2 == 0, f"{key}: emphasis that is opened is closed"
        assert not set(form) & {"\u00a0", "\u202f", "\t", "\r"}, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_fits_into_its_kind_of_message_whatever_fills_it(language: str) -> None:
    """Lists are shortened when a text is rendered, so a line of each must fit; all else must fit as it is."""
    for key, form in every_form(language):
        filled = form.format_map({name: "W" * LONGEST.get(name, 60) for name in placeholders(form)})
        limit = MAX_BODY if key.endswith(".options") else MAX_LENGTH
        assert len(filled.encode("utf-16-le")) // 2 <= limit, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_offers_a_word_that_phone_companies_take_for_stop(language: str) -> None:
    for key, form in every_form(language):
        assert not re.search(r"\b(?:CANCEL(?! ORDER)|CANCELAR(?! PEDIDO)|END|QUIT|FIM)\b", form), key


@pytest.mark.parametrize(("language", "words"), NOT_HERE.items())
def test_no_text_speaks_as_nobody_here_does(language: str, words: str) -> None:
    for key, form in every_form(language):
        assert not re.search(rf"\b(?:{words})\b", form, re.IGNORECASE), key
