"""What a cart may bring along, and the same as last time: notes, vouchers, another day, opening hours, history."""

from datetime import UTC, date, datetime

import pytest

from bot.conversation.model import ChooseDay, LeaveNote, OrderAgain, ShowCart, UseVoucher
from contracts.errors import ErrorCode, ProblemBody
from contracts.events import EventType
from contracts.router_api import OpeningView
from tests.support.chat import Chat
from tests.support.fake_orders import problem
from tests.support.fake_shops import njeri_with_shelves

OPENS_AT = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)  # 08:00 in Nairobi


@pytest.mark.parametrize("said", ["NOTE", "ujumbe", "Nota:"])
def test_a_note_is_kept_as_it_was_written_whatever_it_hints_at(with_cart: Chat, said: str) -> None:
    answer = with_cart.says(f"{said} call me at the gate")
    assert answer.key == "note_kept"
    assert answer.commands == (LeaveNote("vendor-mama", "call me at the gate"),)
    assert "Note for the shop: call me at the gate" in with_cart.says("CART").text


def test_a_note_can_be_taken_away_and_has_an_end(with_cart: Chat) -> None:
    with_cart.says("NOTE no onions please, deliver before six")
    assert with_cart.says("NOTE REMOVE").key == "note_removed"
    assert with_cart.says("NOTE").key == "note_how"
    assert with_cart.says("NOTE " + "x" * 301).key == "note_too_long"


def test_a_voucher_is_seen_in_the_sums(with_cart: Chat) -> None:
    answer = with_cart.says("VOUCHER karibu10")
    for line in ("Goods: KES 120", "Voucher KARIBU10: −KES 12", "*Total: KES 108*"):
        assert line in answer.text
    assert "−KES 12" in with_cart.says("CONFIRM").text


def test_a_voucher_of_which_too_little_is_left_in_the_cart_waits(with_cart: Chat) -> None:
    with_cart.says_each("VOUCHER karibu10", "REMOVE milk", "add bananas")
    assert "Voucher KARIBU10 works for orders from KES 100." in with_cart.says("CART").text


def test_a_voucher_can_be_taken_out(with_cart: Chat) -> None:
    with_cart.says("vocha karibu10")
    answer = with_cart.says("VOUCHER REMOVE")
    assert answer.key == "voucher_removed"
    assert answer.commands == (UseVoucher("vendor-mama", None),)
    assert with_cart.says("VOUCHER").key == "voucher_how"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("VOUCHER NOPE", "NOPE"),
        ("vocha bado", "bado"),
        ("VOUCHER none", None),
        ("VOUCHER no", None),
        ("vocha ondoa", None),
        ("cupão não", None),
        ("cupão tirar", None),
        ("VOUCHER no thanks", None),
    ],
)
def test_only_the_words_for_it_take_a_voucher_out(with_cart: Chat, said: str, code: str | None) -> None:
    assert with_cart.says(said).commands == (UseVoucher("vendor-mama", code),)


@pytest.mark.parametrize(
    ("refusal", "key", "part"),
    [
        (problem(ErrorCode.VOUCHER_UNKNOWN, 404), "voucher_unknown", "ABC"),
        (problem(ErrorCode.VOUCHER_EXPIRED), "voucher_expired", "no longer valid"),
        (problem(ErrorCode.VOUCHER_EXPIRED, starts_at=OPENS_AT.isoformat()), "voucher_early", "21 Nov, 08:00"),
        (problem(ErrorCode.VOUCHER_EXPIRED, starts_at="soon"), "voucher_expired", "no longer valid"),
        (problem(ErrorCode.VOUCHER_USED_UP, by_customer=True), "voucher_yours_used", "already"),
        (problem(ErrorCode.VOUCHER_USED_UP), "voucher_used_up", "used up"),
        (
            problem(ErrorCode.VOUCHER_MINIMUM, minimum_minor=50000, subtotal_minor=12000),
            "voucher_minimum",
            "from KES 500, and your cart has KES 120",
        ),
        (problem(ErrorCode.VOUCHER_MINIMUM), "our_mistake", "went wrong"),
        (problem(ErrorCode.CART_EMPTY), "terms_need_cart", "empty"),
    ],
)
def test_a_voucher_that_is_refused_is_told_why(with_cart: Chat, refusal: ProblemBody, key: str, part: str) -> None:
    with_cart.router.refuse_next = refusal
    answer = with_cart.says("VOUCHER abc")
    assert answer.key == key
    assert part in answer.text


def test_a_voucher_that_is_lost_at_the_end_says_what_to_do(with_cart: Chat) -> None:
    with_cart.router.refuse_next = problem(ErrorCode.VOUCHER_USED_UP)
    assert with_cart.says("CONFIRM").key == "voucher_lost"
    with_cart.says("CONFIRM")
    order = with_cart.router.latest()
    with_cart.router.refuse_next = problem(ErrorCode.VOUCHER_EXPIRED, order=order.model_dump(mode="json"))
    assert f"CANCEL ORDER {order.code}" in with_cart.says("PAY").text


@pytest.mark.parametrize("said", ["TOMORROW", "order for tomorrow", "kesho", "para amanhã"])
def test_an_order_can_be_for_tomorrow(said: str) -> None:
    chat = closed_shop()
    chat.says("add milk")
    answer = chat.says(said)
    assert answer.key == "day_kept"
    assert answer.commands == (ChooseDay("vendor-mama", date(2026, 11, 21)),)
    assert "For 21 Nov, 08:00, when the shop is open." in chat.says("CONFIRM").text


def test_a_day_on_which_the_shop_does_not_open_says_when_it_does(with_cart: Chat) -> None:
    opening = OpeningView(is_open=False, opens_at=OPENS_AT).model_dump(mode="json")
    with_cart.router.refuse_next = problem(ErrorCode.SHOP_CLOSED, opening=opening)
    assert "21 Nov, 08:00" in with_cart.says("TOMORROW").text
    with_cart.router.refuse_next = problem(ErrorCode.SHOP_CLOSED)
    assert with_cart.says("TOMORROW").key == "day_closed_long"


def closed_shop() -> Chat:
    shops = njeri_with_shelves()
    shops[0].opening = OpeningView(is_open=False, opens_at=OPENS_AT)
    chat = Chat(shops)
    chat.says("SHOP mama")
    return chat


@pytest.mark.parametrize(
    ("opening", "key", "part"),
    [
        (None, "hours_asked", "at any time"),
        (OpeningView(is_open=True), "hours_open_always", "is open"),
        (OpeningView(is_open=True, closes_at=OPENS_AT), "hours_open", "until 21 Nov, 08:00"),
        (OpeningView(is_open=False, opens_at=OPENS_AT), "hours_closed", "opens on 21 Nov, 08:00"),
        (OpeningView(is_open=False), "hours_closed_long", "for the time being"),
    ],
)
def test_are_you_open_is_answered(in_shop: Chat, opening: OpeningView | None, key: str, part: str) -> None:
    in_shop.router.shops[0].opening = opening
    answer = in_shop.says("are you open?")
    assert answer.key == key
    assert part in answer.text


@pytest.mark.parametrize("said", ["REORDER", "same as last time", "rudia oda", "o mesmo de sempre"])
def test_the_same_as_last_time_fills_the_cart_and_says_what_could_not_be_had(with_cart: Chat, said: str) -> None:
    with_cart.says_each("add tomatoes x 3", "CONFIRM", "PAY")
    code = with_cart.router.latest().code
    with_cart.hears(with_cart.router.is_paid(code))
    with_cart.router.sell_out("mama-12")
    answer = with_cart.says(said)
    assert answer.key == "reordered"
    assert with_cart.cart() == [("Fresh milk 500 ml", 2)]
    if said == "REORDER":
        assert f"as in order {code}" in answer.text
        assert "• Tomatoes: sold out" in answer.text


def test_an_order_is_repeated_by_its_code(with_cart: Chat) -> None:
    with_cart.says("CONFIRM")
    code = with_cart.router.latest().code
    answer = with_cart.says(f"REORDER {code.lower()}")
    assert answer.commands == (ShowCart("vendor-mama"), OrderAgain("vendor-mama", code))
    assert answer.key == "reordered"
    assert with_cart.says("REORDER nonsense").key == "order_unknown"


def test_nothing_to_repeat_is_said(with_cart: Chat) -> None:
    assert with_cart.says("REORDER").key == "reorder_none"
    with_cart.says_each("CONFIRM", "PAY")
    with_cart.hears(with_cart.router.is_paid(with_cart.router.latest().code))
    with_cart.router.sell_out("mama-1")
    assert "• Fresh milk 500 ml: sold out" in with_cart.says("REORDER").text


def test_history_has_pages(in_shop: Chat) -> None:
    for _ in range(11):
        in_shop.says_each("add bananas", "CONFIRM")
    assert "HISTORY" in in_shop.says("STATUS").text
    first = in_shop.says("HISTORY")
    assert "\n9. " in first.text
    assert "\n10. " not in first.text
    second = in_shop.says("MORE")
    assert "10. " in second.text
    assert "11. " in second.text
    assert in_shop.says("11").key == "order"


def test_a_cart_that_was_left_behind_is_spoken_of_once_with_a_button(with_cart: Chat) -> None:
    news = with_cart.router.order_news(with_cart.router.latest().code, EventType.CART_LEFT_BEHIND)
    told = with_cart.hears(news)
    assert told is not None
    assert "• 2 × Fresh milk 500 ml: KES 120" in told
    assert "*CART* to see it" in told
    token = with_cart.replies[-1].options[0].payload
    assert with_cart.taps(token, "My cart").key == "cart"


def test_an_order_that_was_not_paid_is_spoken_of_with_a_button(confirmed: Chat) -> None:
    code = confirmed.router.latest().code
    told = confirmed.hears(confirmed.router.order_news(code, EventType.ORDER_UNPAID))
    assert told is not None
    assert f"PAY {code}" in told
    assert confirmed.taps(confirmed.replies[-1].options[0].payload, "Pay").key == "charge_sent"


def test_no_reminder_of_what_is_so_no_more_nor_after_stop(confirmed: Chat) -> None:
    code = confirmed.router.latest().code
    cart = confirmed.router.order_news(code, EventType.CART_LEFT_BEHIND)
    assert confirmed.hears(cart) is None
    unpaid = confirmed.router.order_news(code, EventType.ORDER_UNPAID)
    confirmed.says("STOP")
    assert confirmed.hears(unpaid) is None
    confirmed.says("START")
    confirmed.router.is_paid(code)
    assert confirmed.hears(confirmed.router.order_news(code, EventType.ORDER_UNPAID)) is None


def test_a_reminder_from_another_shop_says_how_to_get_there(with_cart: Chat) -> None:
    news = with_cart.router.order_news(with_cart.router.latest().code, EventType.CART_LEFT_BEHIND)
    with_cart.says("SHOP kamau")
    told = with_cart.hears(news)
    assert told is not None
    assert "*SHOP MAMA*" in told


@pytest.mark.parametrize("said", ["today", "not tomorrow", "leo", "si kesho", "hoje", "para hoje"])
def test_another_day_can_be_taken_back(with_cart: Chat, said: str) -> None:
    with_cart.router.shops[0].opening = OpeningView(is_open=True, opens_at=OPENS_AT)
    assert with_cart.says("TOMORROW").key == "day_kept"
    answer = with_cart.says(said)
    assert answer.key == "day_soon"
    assert answer.commands == (ChooseDay("vendor-mama", None),)
    assert "when the shop is open" not in with_cart.says("CART").text


def test_the_same_again_onto_a_full_cart_says_that_more_is_in_it(confirmed: Chat) -> None:
    confirmed.says("PAY")
    confirmed.hears(confirmed.router.is_paid(confirmed.router.latest().code))
    assert "In your cart, as in order" in confirmed.says("REORDER").text
    assert "what was there before and order" in confirmed.says("REORDER").text
