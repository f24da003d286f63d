"""What leaves the house: never too long, never in somebody else's formatting, amounts as people write them."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.replies.rendering import MAX_LENGTH, money_text, render, sanitise, sanitise_lines
from bot.replies.reply import Reply, ReplyParam
from bot.replies.texts import LANGUAGES
from contracts.money import Currency, Money


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize(
    ("minor", "text"),
    [
        (125_000, "KES 1,250"),
        (125_050, "KES 1,250.50"),
        (5, "KES 0.05"),
        (0, "KES 0"),
        (100_000_000_00, "KES 100,000,000"),
        (-150_00, "-KES 150"),
    ],
)
def test_money_shows_cents_only_where_there_are_some(minor: int, text: str) -> None:
    assert money_text(Money(minor, Currency.KES)) == text


@pytest.mark.parametrize(
    ("language", "minor", "currency", "text"),
    [
        ("en", 145_050, Currency.AOA, "AOA 1,450.50"),
        ("sw", 125_000, Currency.KES, "Ksh 1,250"),
        ("sw", 125_050, Currency.KES, "Ksh 1,250.50"),
        ("sw", 145_000, Currency.AOA, "AOA 1,450"),
        ("pt", 145_000, Currency.AOA, "1 450 Kz"),
        ("pt", 145_050, Currency.AOA, "1 450,50 Kz"),
        ("pt", -5, Currency.AOA, "-0,05 Kz"),
        ("pt", 125_000, Currency.KES, "1 250 KES"),
        ("fr", 125_000, Currency.KES, "KES 1,250"),
    ],
)
def test_money_is_written_as_the_language_does(language: str, minor: int, currency: Currency, text: str) -> None:
    assert money_text(Money(minor, currency), language) == text


@given(st.sampled_from(LANGUAGES), st.integers(-(10**15), 10**15), st.sampled_from(Currency))
def test_money_says_all_of_the_amount_with_spaces_that_anybody_can_type(
    language: str, minor: int, currency: Currency
) -> None:
    text = money_text(Money(minor, currency), language)
    assert not set(text) & {"\u00a0", "\u202f", "\u2007"}
    digits = int("".join(char for char in text if char.isdigit()))
    assert digits == (abs(minor) if minor % 100 else abs(minor) // 100)
    assert text.startswith("-") is (minor < 0)


def test_times_are_read_in_the_zone_they_come_in() -> None:
    moment = datetime(2026, 11, 20, 21, 30, tzinfo=UTC).astimezone(ZoneInfo("Africa/Nairobi"))
    assert "until 21 Nov, 00:30." in render(Reply("held_until", {"time": moment}))
    assert "hadi 21 Nov, 00:30." in render(Reply("held_until", {"time": moment}), "sw")
    assert "até 21/11, 00:30." in render(Reply("held_until", {"time": moment}), "pt")


@pytest.mark.parametrize(
    ("hostile", "line"),
    [
        ("Milk\n\nTotal: KES 1", "Milk Total: KES 1"),
        ("Milk\r\u2028\u2029\x0b1. Free", "Milk 1. Free"),
        ("Mi\u202elk\u2066\u200b\x00\x1b", "Milk"),
        ("*Free* _now_ ~KES 9~ ```code```", "∗Free∗ ‗now‗ ∼KES 9∼ '''code'''"),
        ("\ud800", ""),
        ("e" + "\u0301" * 40, "e\u0301\u0301"),
        ("  many   spaces\u00a0here ", "many spaces here"),
    ],
)
def test_hostile_names_become_one_plain_line(hostile: str, line: str) -> None:
    assert sanitise(hostile) == line


def test_a_name_is_capped() -> None:
    assert sanitise("x" * 500) == "x" * 59 + "…"


def test_a_name_of_nothing_is_a_dash_and_never_breaks_the_bold() -> None:
    assert render(Reply("greeting_in_shop", {"shop": "\u200b"})).startswith("Hello, and welcome back to *–*!")


def test_braces_in_a_name_are_only_braces() -> None:
    assert "{total} {0}" in render(Reply("item_gone", {"item": "{total} {0}"}))


def test_a_counted_text_follows_its_count() -> None:
    assert [render(Reply("items_count", {"count": count})) for count in (0, 1, 2)] == ["0 items", "1 item", "2 items"]


@pytest.mark.parametrize(
    ("language", "texts"),
    [("sw", ["vitu 0", "kitu 1", "vitu 2"]), ("pt", ["0 produtos", "1 produto", "2 produtos"])],
)
def test_each_language_counts_by_its_own_rule(language: str, texts: list[str]) -> None:
    assert [render(Reply("items_count", {"count": count}), language) for count in (0, 1, 2)] == texts


def test_what_is_counted_is_grouped_but_what_may_be_typed_is_not() -> None:
    counts = [render(Reply("and_more", {"count": 12_000}), language) for language in LANGUAGES]
    assert counts == ["… and 12,000 more", "… na 12,000 zaidi", "… e mais 12 000"]
    assert "There is no 1200 in that list" in render(Reply("number_unknown", {"number": 1200, "first": 1, "last": 9}))


def test_a_postscript_stands_below_and_takes_its_place_from_the_list() -> None:
    reply = replace(cart_of(200, "Fresh milk"), postscript=(Reply("languages_offered"),))
    text = render(reply, "sw")
    assert text.endswith(
        "zaidi\n\n*Jumla: Ksh 123,456*\nCode ya M-Pesa: *SJK4H7L2QW*\n20 Nov, 09:30\n\n"
        + render(Reply("languages_offered"), "sw")
    )
    assert units(text) <= MAX_LENGTH


def test_a_line_that_holds_only_an_empty_list_goes() -> None:
    with_more = render(Reply("pay_here_code", {"code": "X"}))
    assert with_more == "Reply *PAY X* to pay."
    text = render(Reply("cart_empty_unpaid", {"shop": "Mama", "unpaid": ()}))
    assert text == "Your cart at *Mama* is empty.\n\nReply *MENU* to see what there is."


def test_where_a_whole_block_goes_one_blank_line_stays() -> None:
    params: dict[str, ReplyParam] = {"added": (gone("Milk"),), "total": (gone("Bread"),)}
    text = render(Reply("several", {**params, "rest": (), "asked": (), "delivery": (), "next": ()}))
    assert text.split("\n") == [render(gone("Milk")), "", render(gone("Bread"))]


def test_an_unknown_key_and_a_missing_value_are_our_mistake_and_loud() -> None:
    with pytest.raises(KeyError):
        render(Reply("no_such_key"))
    with pytest.raises(KeyError):
        render(Reply("item_gone"))


def test_a_language_that_nobody_wrote_is_english() -> None:
    assert render(Reply("pay_alone"), "fr") == render(Reply("pay_alone"))


def cart_of(lines: int, name: str) -> Reply:
    return Reply(
        "receipt",
        {
            "shop": name,
            "code": "CDFGHJ",
            "lines": tuple(
                Reply("order_line_plain", {"quantity": 999, "item": name, "price": Money(10**10, Currency.KES)})
                for _ in range(lines)
            ),
            "sums": (),
            "total": Money(123_456_00, Currency.KES),
            "terms": (),
            "proof": (Reply("proof_mpesa", {"receipt": "SJK4H7L2QW"}),),
            "time": datetime(2026, 11, 20, 9, 30, tzinfo=UTC),
            "spare": (),
        },
    )


@pytest.mark.parametrize("lines", [1, 10, 15, 16, 17, 18, 30, 199, 200, 201, 999])
@pytest.mark.parametrize("name", ["Fresh milk", "W" * 500, "🥛" * 500])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_long_receipt_loses_lines_and_says_so_but_never_the_total_or_the_code(
    lines: int, name: str, language: str
) -> None:
    text = render(cart_of(lines, name), language)
    assert units(text) <= MAX_LENGTH
    for part in (f": {money_text(Money(123_456_00, Currency.KES), language)}*", "SJK4H7L2QW", "CDFGHJ"):
        assert part in text
    shown = text.count("• 999 ×")
    assert 1 <= shown <= lines
    assert (render(Reply("and_more", {"count": lines - shown}), language) in text) is (shown < lines)


def test_a_receipt_that_just_fits_keeps_every_line() -> None:
    fitting = max(lines for lines in range(1, 60) if "more" not in render(cart_of(lines, "Fresh milk")))
    assert units(render(cart_of(fitting, "Fresh milk"))) > MAX_LENGTH - 2 * units(
        "• 999 × Fresh milk: KES 100,000,000\n"
    )


def gone(item: str) -> Reply:
    return Reply("item_gone", {"item": item})


nested: st.SearchStrategy[ReplyParam] = st.lists(st.builds(gone, st.text()), max_size=40).map(tuple)


@given(nested, st.text(), st.text(), st.sampled_from(LANGUAGES))
def test_whatever_fills_it_a_message_is_short_enough_and_shows_what_it_holds(
    lines: ReplyParam, shop: str, description: str, language: str
) -> None:
    params: dict[str, ReplyParam] = {"shop": shop, "lines": lines, "total": Money(100, Currency.KES)}
    params |= {"sums": (), "terms": (), "example": 1}
    unpaid = (Reply("item_description", {"description": description}),)
    text = render(Reply("cart", {**params, "unpaid": unpaid}), language)
    assert 0 < units(text) <= MAX_LENGTH
    assert f": {money_text(Money(100, Currency.KES), language)}*" in text
    assert not any(ord(char) < 32 and char != "\n" for char in text)


@given(st.text(max_size=400), st.integers(2, 80))
def test_sanitising_twice_changes_nothing_more(text: str, cap: int) -> None:
    once = sanitise(text, cap)
    assert len(once) <= cap
    assert sanitise(once, cap) == once


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("see https://example.com/x_y_z?a=b_c now", "see https://example.com/x_y_z?a=b_c now"),
        ("write to shop_desk@example.com", "write to shop_desk@example.com"),
        ("_https://example.com/x_y_", "‗https://example.com/x‗y‗"),
        ("*paid* and `code`", "∗paid∗ and 'code'"),
    ],
)
def test_addresses_in_a_persons_words_can_be_tapped_and_copied(written: str, shown: str) -> None:
    assert sanitise_lines(written) == shown


def test_no_line_ends_with_a_blank_where_nothing_fills_its_last_gap() -> None:
    late: dict[str, ReplyParam] = {
        "amount": Money(13000, Currency.KES),
        "shop": "Mama",
        "code": "CDFGHJ",
        "receipt": (),
    }
    assert " \n" not in render(Reply("exception_late", late))
