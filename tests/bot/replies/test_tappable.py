"""What can be tapped fits the channel when it is built, or the text alone is sent; nothing is cut inside a meaning."""

import pytest

from bot.replies.rendering import render
from bot.replies.reply import Option, Reply
from bot.replies.tappable import (
    MAX_BODY,
    MAX_BUTTON_TITLE,
    MAX_DESCRIPTION,
    MAX_LINE_TITLE,
    Choice,
    Tappable,
    tappable_of,
)
from bot.replies.texts import LANGUAGES

KES_120 = Reply("tap_total", {"total": "KES 120"})


def named(name: str) -> Reply:
    return Reply("tap_title", {"name": name})


def line(name: str, about: Reply | None = KES_120, payload: str = "add:1:1:shop") -> Option:
    return Option(payload, named(name), about)


def listing(*options: Option) -> Reply:
    return Reply("pay_how_other", {"ways": ()}, options=options)


def test_up_to_three_options_without_a_description_are_buttons() -> None:
    reply = Reply("thanks", {"hint": ()}, options=tuple(Option(f"a:{n}", named(f"Button {n}")) for n in range(3)))
    tappable = tappable_of(reply)
    assert tappable is not None
    assert not tappable.is_list
    assert tappable.body == render(reply)
    assert tappable.choices == tuple(Choice(f"a:{n}", f"Button {n}") for n in range(3))


def test_more_than_three_or_any_with_a_description_are_a_list_that_opens_with_a_word() -> None:
    tappable = tappable_of(listing(line("M-Pesa")))
    assert tappable is not None
    assert tappable == Tappable("How do you want to pay?", (Choice("add:1:1:shop", "M-Pesa", "KES 120"),), "Choose")
    assert tappable_of(listing(*(Option(f"a:{n}", named(f"{n}")) for n in range(4)))) is None, "a list needs them all"


def test_the_shorter_text_stands_above_options_and_the_whole_one_where_there_is_none() -> None:
    menu = Reply(
        "menu", {"shop": "Mama Njeri", "items": (), "more": (), "example": 2}, options=(line("Milk"), line("Bread"))
    )
    assert tappable_of(menu) is None, "both say the same: a tap would not tell them apart"
    menu = Reply(menu.key, menu.params, options=(line("Milk", payload="a"), line("Bread", payload="b")))
    tappable = tappable_of(menu)
    assert tappable is not None
    assert tappable.body == "*Mama Njeri*\n\nChoose below, reply with a number, or write what you want."
    assert render(menu) != tappable.body


def test_what_stands_below_a_text_stands_above_the_options() -> None:
    reply = Reply("pay_how_other", {"ways": ()}, options=(line("M-Pesa"),), postscript=(Reply("more_items"),))
    tappable = tappable_of(reply)
    assert tappable is not None
    assert tappable.body.endswith(render(Reply("more_items")))


@pytest.mark.parametrize(
    ("name", "title", "description"),
    [
        ("x" * MAX_LINE_TITLE, "x" * MAX_LINE_TITLE, "KES 120"),
        ("Brookside Whole Milk 500 ml", "Brookside Whole Milk…", "Brookside Whole Milk 500 ml · KES 120"),
        ("Royco Mchuzi Mix (beef), 75 g", "Royco Mchuzi Mix…", "Royco Mchuzi Mix (beef), 75 g · KES 120"),
        ("Sabão em pó para roupa branca", "Sabão em pó para roupa…", "Sabão em pó para roupa branca · KES 120"),
    ],
)
def test_a_name_that_is_too_long_is_cut_after_a_word_and_said_whole_below(
    name: str, title: str, description: str
) -> None:
    tappable = tappable_of(listing(line(name)))
    assert tappable is not None
    assert (tappable.choices[0].title, tappable.choices[0].description) == (title, description)


@pytest.mark.parametrize(
    "option",
    [
        line("Unbreakablenamethatnevercomestoanend"),
        line("A name that goes on for very long", Reply("tap_title", {"name": "y" * 45})),
        line("Milk", Reply("item_description", {"description": "z" * (MAX_DESCRIPTION + 1)})),
        line("Milk", payload="has spaces in it"),
        line("Milk", payload="é"),
        line("Milk", payload="x" * 201),
        line("Milk", payload=""),
        line("🛒" * (MAX_LINE_TITLE // 2 + 1)),
    ],
)
def test_a_line_that_does_not_fit_leaves_the_text_alone(option: Option) -> None:
    assert tappable_of(listing(line("Bread", payload="b"), option)) is None


def test_a_button_is_never_shortened() -> None:
    fits, too_long = "x" * MAX_BUTTON_TITLE, "x" * (MAX_BUTTON_TITLE + 1)
    assert tappable_of(Reply("thanks", {"hint": ()}, options=(Option("a", named(fits)),))) is not None
    assert tappable_of(Reply("thanks", {"hint": ()}, options=(Option("a", named(too_long)),))) is None


def test_two_buttons_of_the_same_words_can_not_be_told_apart() -> None:
    options = (Option("a", named("Pay")), Option("b", named("Pay")))
    assert tappable_of(Reply("thanks", {"hint": ()}, options=options)) is None


def test_a_body_that_is_too_long_for_options_leaves_the_text_alone() -> None:
    def of(length: int) -> Reply:
        lines = tuple(Reply("item_description", {"description": "x" * 199}) for _ in range(length // 200))
        rest = (Reply("item_description", {"description": "y" * (length % 200 - len("You're welcome! "))}),)
        return Reply("thanks", {"hint": (*lines, *rest)}, options=(Option("a", named("Pay")),))

    assert tappable_of(of(MAX_BODY)) is not None
    assert len(render(of(MAX_BODY))) == MAX_BODY
    assert tappable_of(of(MAX_BODY + 1)) is None


def test_eleven_options_are_too_many() -> None:
    lines = [line(f"Thing {n}", payload=f"{n}") for n in range(11)]
    assert tappable_of(listing(*lines[:10])) is not None
    assert tappable_of(listing(*lines)) is None


def test_a_text_without_options_has_nothing_to_tap() -> None:
    assert tappable_of(Reply("thanks", {"hint": ()})) is None


def test_it_survives_its_json_form() -> None:
    tappable = tappable_of(listing(line("Milk")))
    assert tappable is not None
    assert Tappable.from_json(tappable.to_json()) == tappable


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "key", ["button_confirm", "button_add_more", "button_cart", "button_menu", "button_pay", "button_receipt"]
)
def test_every_button_fits_in_every_language(key: str, language: str) -> None:
    assert tappable_of(Reply("thanks", {"hint": ()}, options=(Option("a", Reply(key)),)), language) is not None


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("title", "about"),
    [
        ("tap_more", "tap_more_about"),
        ("rail_mpesa_stk", "tap_prompt"),
        ("rail_gpo", "tap_prompt"),
        ("tap_reference", "tap_reference_about"),
        ("rail_ticket", "tap_ticket_about"),
        ("tap_more", "tap_sold_out"),
    ],
)
def test_every_fixed_line_of_a_list_fits_unshortened_in_every_language(title: str, about: str, language: str) -> None:
    tappable = tappable_of(listing(Option("a", Reply(title), Reply(about))), language)
    assert tappable is not None
    assert not tappable.choices[0].title.endswith("…")
