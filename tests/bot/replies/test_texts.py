"""The catalogue and the code that speaks from it fit together: no text unused, no key missing, no gap unfilled."""

import ast
import re
from pathlib import Path

import pytest

from bot.replies.rendering import placeholders
from bot.replies.texts import LANGUAGES, Counted, catalogue

ROOT = Path(__file__).resolve().parents[3]
SOURCES = sorted((ROOT / "bot").rglob("*.py"))
ENGLISH = catalogue("en")


def forms(text: str | Counted) -> list[str]:
    return [text.one, text.other] if isinstance(text, Counted) else [text]


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
    assert sorted(set(ENGLISH) - words) == []


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


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_wants_no_other_values_than_english(language: str) -> None:
    for key, text in catalogue(language).items():
        wanted = frozenset[str]().union(*(placeholders(form) for form in forms(text)))
        assert wanted <= wanted_by(key) | {"count"}, key


@pytest.mark.parametrize("key", sorted(ENGLISH))
def test_a_text_is_clean(key: str) -> None:
    for form in forms(ENGLISH[key]):
        assert form == form.strip()
        assert "  " not in form
        assert "\n\n\n" not in form
        assert form.count("*") % 2 == 0, "emphasis that is opened is closed"
        assert len(form) < 700
        assert not set(form) & {"\u00a0", "\u202f", "\t"}


@pytest.mark.parametrize("key", sorted(ENGLISH))
def test_no_text_offers_cancel_alone(key: str) -> None:
    for form in forms(ENGLISH[key]):
        assert not re.search(r"\bCANCEL\b(?! ORDER)", form)


@pytest.mark.parametrize("key", sorted(ENGLISH))
def test_every_word_that_is_offered_is_understood(key: str) -> None:
    from bot.conversation.intents import Word, parse

    for form in forms(ENGLISH[key]):
        for offered in re.findall(r"\*([A-Z][A-Z ]+[A-Z])\*", form):
            assert parse(offered).word not in (Word.TEXT, Word.PAY_UNCLEAR, Word.CONFIRM_UNCLEAR) or offered in (
                "ADD",
                "FIND",
                "REMOVE",
            ), offered
