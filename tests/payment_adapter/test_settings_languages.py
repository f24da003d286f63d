"""The settings page in English, Swahili and Portuguese: which one is shown, and that nothing of it was forgotten."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.clock import FixedClock
from payment_adapter.providers.base import Finding
from payment_adapter.providers.daraja import vendor_settings
from payment_adapter.providers.ekwanza import credentials as ekwanza_credentials
from payment_adapter.settings_page import book, page, routes, trying
from payment_adapter.settings_page.texts.words import CATALOGUES, NAMES, Words
from tests.support.databases import NewDatabase
from tests.support.settings import SettingsDesk

TEMPLATES = Path(page.__file__).parent / page.TEMPLATES
TRANSLATED = ("sw", "pt")
_SAID = re.compile(r'"([^"]{4,})"')
_PLACES = re.compile(r"\{([a-z]+)\}")
_SENTENCE = re.compile(r"[A-Z✓✗].*[a-z].*|[a-z]+ .*")


@pytest.fixture
def desk(sqlite_database: NewDatabase, clock: FixedClock) -> SettingsDesk:
    return SettingsDesk(sqlite_database("payments"), clock)


# --- nothing was forgotten --------------------------------------------------------------------------------------------


def of_templates() -> Iterator[str]:
    for template in TEMPLATES.glob("*.html"):
        for call in re.findall(r"say\((.*?)\) ?\}\}", template.read_text()):
            yield from (text for text in _SAID.findall(call) if _SENTENCE.fullmatch(text))


def of_settings() -> Iterator[str]:
    for setting in (*vendor_settings.SETTINGS, *ekwanza_credentials.SETTINGS):
        yield from (setting.label, setting.hint)


def of_code() -> Iterator[str]:
    """What the page's own modules say to people: the arguments of what becomes a page, and refusals."""
    for module in (routes, page, trying):
        assert module.__file__ is not None
        tree = ast.parse(Path(module.__file__).read_text())
        for node in ast.walk(tree):
            said = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Notice"
            named = isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Tuple | ast.Dict)
            if said or named:
                constants = (each.value for each in ast.walk(node) if isinstance(each, ast.Constant))
                yield from (each for each in constants if isinstance(each, str) and " " in each)


@pytest.mark.parametrize("language", TRANSLATED)
def test_everything_that_the_page_says_is_translated(language: str) -> None:
    said = {*of_templates(), *of_settings(), *of_code()}
    assert len(said) > 90
    unknown = said - set(CATALOGUES[language])
    # Parts of sentences that are put together, which the catalogue holds whole.
    whole = {text for text in CATALOGUES[language] if "{" in text}
    assert {text for text in unknown if not any(text.strip() in each for each in whole)} == set()


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_fills_in_the_same_places(language: str) -> None:
    for text, own in CATALOGUES[language].items():
        is_shorter = {"name"} if text.startswith("{name}") else set[str]()
        assert set(_PLACES.findall(text)) - is_shorter == set(_PLACES.findall(own)), text


def test_both_translations_hold_the_same_texts() -> None:
    assert CATALOGUES["sw"].keys() == CATALOGUES["pt"].keys()
    assert CATALOGUES["en"].keys() <= CATALOGUES["sw"].keys()
    assert NAMES.keys() == CATALOGUES.keys()


@pytest.mark.parametrize(
    ("said", "swahili"),
    [
        ("passkey is missing: fill it in", "haipo: ijaze"),
        (
            "Daraja gave no answer (HTTP 503), so it is not proven: try again later",
            "Daraja haikujibu (HTTP 503), kwa hivyo haijathibitishwa: jaribu tena baadaye",
        ),
        ("is missing. The merchant's profile.", "haipo. Kwenye wasifu wa mfanyabiashara."),
        ("Nothing was saved: longer than 8000 characters.", "Hakuna kilichohifadhiwa: ni ndefu kuliko herufi 8000."),
        ("something that nobody has translated", "something that nobody has translated"),
    ],
)
def test_a_sentence_that_was_put_together_is_recognised(said: str, swahili: str) -> None:
    assert Words("sw")(said) == swahili


def test_what_a_shop_is_called_is_never_taken_for_a_place_to_fill_in() -> None:
    say = Words("pt")
    assert say("Payment settings of {shop}", shop="{0} {shop}") == "Definições de pagamento: {0} {shop}"
    assert say("{0.__class__}") == "{0.__class__}"


# --- which one is shown -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asks", "language"),
    [
        ("sw-KE,sw;q=0.9,en;q=0.8", "sw"),
        ("pt-AO", "pt"),
        ("pt-BR;q=0.4,fr", "pt"),
        ("fr,en;q=0.1", "en"),
        ("fr", "en"),
        ("*", "en"),
        ("", "en"),
        ("\u2603;q=x,,;", "en"),
    ],
)
def test_the_browser_s_language_is_taken_where_there_is_one(desk: SettingsDesk, asks: str, language: str) -> None:
    headers = {"accept-language": asks.encode().decode("latin-1")} if asks else {}
    answer = desk.app.test_client().get(f"/settings/{desk.ticket()}", headers=headers)
    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.text


def test_the_language_that_was_chosen_stays_from_the_door_to_what_was_saved(desk: SettingsDesk) -> None:
    client = desk.app.test_client()
    address = f"/settings/{desk.ticket()}"
    client.get(address)
    door = client.get(f"{address}?lang=sw", headers={"accept-language": "pt"})
    assert "Fungua mipangilio" in door.text
    opened = client.post(f"{address}?lang=sw")
    assert (opened.status_code, opened.headers["location"]) == (303, "/settings?lang=sw")
    shown = client.get("/settings?lang=sw")
    assert "Bado hakuna kilichohifadhiwa." in shown.text
    token = shown.text.partition('name="token" value="')[2].partition('"')[0]
    form = {"token": token, "provider": "mpesa", "action": "save", "key": "k"}
    saved = client.post("/settings?lang=sw", data=form)
    assert "Imehifadhiwa. Itaanza kutumika" in saved.text
    assert 'action=""' in saved.text  # so that what is sent next keeps the language, too
    assert "Anwani hii imeshatumika" in client.get(f"{address}?lang=sw").text


def test_a_language_that_there_is_not_is_not_chosen(desk: SettingsDesk) -> None:
    client = desk.app.test_client()
    address = f"/settings/{desk.ticket()}"
    for strange in ("xx", "sw%0d%0aset-cookie:a=b", "../", "SW"):
        shown = client.get(f"{address}?lang={strange}", headers={"accept-language": "pt"})
        assert '<html lang="pt">' in shown.text
    opened = client.post(f"{address}?lang=xx")
    assert opened.headers["location"] == "/settings"


def test_what_a_test_found_and_what_is_wrong_are_said_in_the_shop_s_language(desk: SettingsDesk) -> None:
    visitor = desk.visitor()
    desk.change(key="k")
    desk.mpesa.findings = [Finding("passkey", False, "passkey is missing: fill it in")]
    form = {"token": visitor.token, "provider": "mpesa", "action": "test"}
    tested = visitor.client.post("/settings?lang=pt", data=form)
    assert "O teste encontrou um erro." in tested.text
    assert "Passkey: em falta: preencha" in tested.text
    assert "Última alteração: 20.11.2026 12:00." in tested.text
    wrong = visitor.client.post("/settings?lang=pt", data={**form, "action": "save", "kind": "sofa"})
    assert (wrong.status_code, "escolha entre: paybill, till" in wrong.text) == (422, True)
    long = visitor.client.post("/settings?lang=sw", data={**form, "action": "save", "key": "k" * 9000})
    assert f"ni ndefu kuliko herufi {book.MAX_VALUE_LENGTH}" in long.text


def test_what_must_be_filled_in_comes_before_what_can_be_left_empty(desk: SettingsDesk) -> None:
    shown = desk.visitor().look()
    names = re.findall(r'<(?:input|select|textarea) id="mpesa-([a-z]+)"', shown)
    assert names == ["key", "passkey", "kind", "operator", "certificate"]
    assert shown.count("You can leave these empty") == 1
    assert shown.index("mpesa-passkey") < shown.index("You can leave these empty") < shown.index("mpesa-kind")
    assert re.findall(r'<textarea id="mpesa-([a-z]+)"', shown) == ["certificate"]
