"""The one path that everything else stands on: hello to receipt, and what a customer may do along the way."""

from dukani.processes import Process
from tests.journeys.books import Books
from tests.support.phone import Phone
from tests.support.processes import Shop, eventually

WHO = "Achieng"


def confirmed(phone: Phone, who: str = WHO, *, item: str = "2", shop: str = "mama") -> str:
    """Into a shop, one item, confirmed; returns the answer to CONFIRM."""
    phone.asks(who, f"SHOP {shop}")
    phone.asks(who, "MENU", containing="1")
    phone.asks(who, f"ADD {item}", containing="total")
    return phone.asks(who, "CONFIRM", containing="PAY")


def test_a_newcomer_buys_and_gets_one_receipt_with_the_m_pesa_code(shop: Shop, phone: Phone, books: Books) -> None:
    phone.asks(WHO, "hi")
    assert "Mama Njeri" in phone.asks(WHO, "SHOP mama")
    menu = phone.asks(WHO, "MENU")
    assert "\n1" in menu
    phone.asks(WHO, "2")
    phone.asks(WHO, "add sukuma wiki x 3", containing="Sukuma")
    cart = phone.asks(WHO, "cart")
    assert "210" in cart  # 120 + 3 × 30
    assert "KES 210" in phone.asks(WHO, "Confirm")
    paying = phone.says(WHO, "PAY")
    phone.wait_for_reply(WHO, after=paying)
    prompt = phone.enter_pin(WHO)
    assert prompt.amount_whole == 210
    receipt = phone.wait_for_reply(WHO, containing=prompt.receipt or "?", after=paying)
    assert "KES 210" in receipt.body
    books.eventually_statuses("PAID")
    books.one_paid_once(21_000)
    assert books.stock("MAMA-SUKUMA", shop.settings) == (37, 0)
    receipts = [one for one in phone.replies(WHO) if prompt.receipt and prompt.receipt in one.body]
    assert len(receipts) == 1
    assert len(phone.pushes()) == 1


def test_two_customers_shop_side_by_side_without_meeting(phone: Phone, books: Books) -> None:
    confirmed(phone, "Achieng")
    confirmed(phone, "Baraka", item="1", shop="baraka")
    phone.says("Achieng", "PAY")
    phone.says("Baraka", "PAY")
    first, second = phone.enter_pin("Achieng"), phone.enter_pin("Baraka")
    assert (first.amount_whole, second.amount_whole) == (120, 250)
    for who, prompt in (("Achieng", first), ("Baraka", second)):
        phone.wait_for_reply(who, containing=prompt.receipt or "?")
    books.eventually_statuses("PAID", "PAID")


def test_a_wrong_pin_is_explained_and_the_next_try_is_paid(phone: Phone, books: Books) -> None:
    confirmed(phone)
    paying = phone.says(WHO, "PAY")
    phone.enter_pin(WHO, "9999")
    phone.wait_for_reply(WHO, containing="PIN", after=paying + 1)
    phone.says(WHO, "PAY")
    prompt = phone.enter_pin(WHO)
    phone.wait_for_reply(WHO, containing=prompt.receipt or "?")
    books.eventually_statuses("PAID")
    books.one_paid_once(12_000)
    assert sorted(books.intents()) == ["failed", "succeeded"]


def test_a_cancelled_prompt_an_unanswered_one_and_an_empty_wallet_leave_something_to_retry(
    phone: Phone, books: Books
) -> None:
    confirmed(phone)
    phone.says(WHO, "PAY")
    phone.cancel(WHO)
    phone.wait_for_reply(WHO, containing="PAY")
    phone.says(WHO, "PAY")
    phone.has_no_money(WHO)
    phone.wait_for_reply(WHO, containing="enough")
    phone.says(WHO, "PAY")
    phone.ignore(WHO)
    phone.advance(70)
    phone.wait_for_reply(WHO, containing="PAY")
    assert books.order_statuses() == ["CONFIRMED"]
    assert books.intents() == ["failed", "failed", "failed"]
    # Three tries are what one day allows.
    phone.asks(WHO, "PAY", containing="tomorrow")
    assert len(phone.pushes()) == 3


def test_a_second_pay_while_the_prompt_is_up_sends_no_second_push(phone: Phone, books: Books) -> None:
    confirmed(phone)
    phone.says(WHO, "PAY")
    phone.wait_for_prompt(WHO)
    phone.asks(WHO, "PAY", containing="phone")
    prompt = phone.enter_pin(WHO)
    phone.wait_for_reply(WHO, containing=prompt.receipt or "?")
    assert len(phone.pushes()) == 1
    books.eventually_statuses("PAID")
    books.one_paid_once(12_000)


def test_cancelling_while_the_prompt_is_up_says_what_happens_and_the_late_money_is_not_lost(
    phone: Phone, books: Books
) -> None:
    confirmed(phone)
    phone.says(WHO, "PAY")
    phone.wait_for_prompt(WHO)
    phone.asks(WHO, "CANCEL ORDER", containing="PIN")
    said = phone.says(WHO, "STATUS")
    phone.wait_for_reply(WHO, after=said)
    prompt = phone.enter_pin(WHO)
    phone.wait_for_reply(WHO, containing=prompt.receipt or "?", after=said + 1)
    books.eventually_statuses("CANCELLED")
    assert books.exceptions() == ["late"]
    assert books.ledger("paid") == []


def test_a_held_item_goes_back_to_the_shelf_when_time_runs_out_and_can_still_be_paid_for(
    shop: Shop, phone: Phone, books: Books
) -> None:
    confirmed(phone)
    assert books.stock("MAMA-TOMATO", shop.settings) == (25, 1)
    phone.advance(31 * 60)
    eventually(lambda: books.stock("MAMA-TOMATO", shop.settings) == (25, 0), "the tomatoes are back on the shelf")
    phone.says(WHO, "PAY")
    prompt = phone.enter_pin(WHO)
    phone.wait_for_reply(WHO, containing=prompt.receipt or "?")
    books.eventually_statuses("PAID")
    assert books.stock("MAMA-TOMATO", shop.settings) == (24, 0)


def test_an_order_made_by_the_development_api_is_bought_in_the_chat(shop: Shop, phone: Phone, books: Books) -> None:
    key = {"x-internal-key": "dev-internal-secret"}
    vendors = shop.get(Process.ROUTER, "/vendors", key)["vendors"]
    vendor = next(one for one in vendors if one["word"] == "mama")
    made = shop.post(
        Process.ROUTER,
        "/orders",
        {"vendor_id": vendor["id"], "customer_phone": "254708374149", "amount": 30},
        {**key, "x-vendor-id": vendor["id"]},
    )
    assert made["status"] == "DRAFT"
    phone.asks(WHO, "SHOP mama")
    assert "30" in phone.asks(WHO, "CART", containing="KES")
    phone.asks(WHO, "CONFIRM", containing="KES 30")
    phone.says(WHO, "PAY")
    prompt = phone.enter_pin(WHO)
    phone.wait_for_reply(WHO, containing=prompt.receipt or "?")
    books.one_paid_once(3000)
    listed = shop.get(Process.ROUTER, "/orders", key)["orders"]
    assert [(one["id"], one["status"]) for one in listed] == [(made["id"], "PAID")]


def test_after_stop_the_receipt_waits_and_start_brings_the_shop_back(phone: Phone, books: Books) -> None:
    confirmed(phone)
    asked = phone.says(WHO, "PAY")
    phone.wait_for_prompt(WHO)
    phone.wait_for_reply(WHO, after=asked)  # or it would come after the goodbye
    stopped = phone.says(WHO, "stop")
    phone.wait_for_reply(WHO, containing="START", after=stopped)
    phone.enter_pin(WHO)
    books.eventually_statuses("PAID")
    started = phone.says(WHO, "START")
    phone.wait_for_reply(WHO, after=started)
    quiet = [one for one in phone.replies(WHO, stopped) if one.place < started]
    assert len(quiet) == 1  # the goodbye, and no receipt


def test_several_things_go_into_the_cart_at_once_and_what_is_not_to_be_had_is_said(phone: Phone) -> None:
    phone.asks(WHO, "SHOP mama")
    told = phone.asks(WHO, "Niaje, naomba maziwa mbili, viazi kilo tatu na mkate", containing="Fresh milk 500 ml")
    assert "2 × Fresh milk 500 ml" in told
    assert "3 × Potatoes" in told
    assert "Brown bread 400 g" in told  # sold out
    assert "370" in told
    cart = phone.asks(WHO, "KIKAPU", containing="Fresh milk 500 ml")
    assert "Brown bread" not in cart


def test_what_is_not_text_and_what_makes_no_sense_gets_an_answer(phone: Phone) -> None:
    phone.asks(WHO, "SHOP mama")
    for media in ("image", "audio", "location"):
        said = phone.says(WHO, "", media=media)
        phone.wait_for_reply(WHO, after=said)
    for text in (
        "SHOP nowhere",
        "ADD 0",
        "ADD 2 x -1",
        "ADD 2 x 1000000",
        "ADD unicorn",
        "ADD brown bread",
        "REMOVE 7",
    ):
        assert phone.asks(WHO, text)
    for text in ("PAY", "CONFIRM", "CANCEL ORDER", "STATUS", "CART", "asdfgh", "77"):
        assert phone.asks(WHO, text)
    assert "Red onions" in phone.asks(WHO, "ADD onions x two", containing="total")
