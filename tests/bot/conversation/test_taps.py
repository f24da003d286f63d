"""A tap counts as what it stands for, as long as that is still so; else it shows how things are now."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from bot.conversation.model import AddItem, Command, Confirm, ListOrders, Pay, StartCharge
from bot.conversation.taps import Action, Tap, read
from bot.replies.tappable import tappable_of
from bot.replies.texts import LANGUAGES
from contracts.states import Rail
from tests.support.chat import Answer, Chat

MAMA = "vendor-mama"


def tokens(chat: Chat) -> list[str]:
    """What can be tapped below the last answer."""
    return [option.payload for option in chat.replies[-1].options]


def token_of(chat: Chat, action: Action, place: int = 0) -> str:
    return [token for token in tokens(chat) if token.startswith(f"{action}:")][place]


def kinds_of(answer: Answer) -> list[type[Command]]:
    return [type(command) for command in answer.commands]


def test_a_tap_survives_its_token() -> None:
    for tap in (
        Tap(Action.MENU, vendor_id=MAMA),
        Tap(Action.PAY, "CDFGHJ", "0a1b2c3d4e5f", MAMA, Rail.MPESA_STK),
        Tap(Action.SHOP, "mama's: best"),
    ):
        assert read(tap.token()) == tap


@pytest.mark.parametrize(
    "payload", [None, "", "pay", "pay:CDFGHJ", "steal:a:b:c", "pay:CDFGHJ:-:v:cash", "a:b:c:d:e:f", "language:-:sw"]
)
def test_what_is_none_of_our_tokens_is_no_tap(payload: str | None) -> None:
    assert read(payload) is None


def test_a_whole_purchase_is_made_of_taps() -> None:
    chat = Chat()
    chat.own_msisdn = "254708374149"
    chat.says("hello")
    assert chat.taps(token_of(chat, Action.SHOP), "Mama Njeri").key == "shop_entered"
    added = chat.taps(token_of(chat, Action.ADD), "what stood in the list")
    assert added.key == "added"
    assert chat.taps(token_of(chat, Action.CART)).key == "cart"
    confirmed = chat.taps(token_of(chat, Action.CONFIRM))
    assert confirmed.key == "confirmed"
    paid = chat.taps(token_of(chat, Action.PAY), "Pay")
    assert (paid.key, kinds_of(paid)) == ("charge_sent", [ListOrders, Pay, StartCharge])
    assert len(chat.router.pushes) == 1


def test_an_item_is_added_under_the_name_it_was_listed_by(in_shop: Chat) -> None:
    in_shop.says("MENU")
    token = token_of(in_shop, Action.ADD)
    item = read(token)
    assert item is not None
    listed = in_shop.state.items
    assert listed is not None
    answer = in_shop.taps(token, "Fresh mi…")
    assert answer.commands == (AddItem(MAMA, item.what, 1),)
    assert listed.entries[0].label in answer.text


def test_the_quantity_that_was_asked_for_stays_with_the_list(in_shop: Chat) -> None:
    in_shop.says("add br x 3")
    adds = [tap for tap in map(read, tokens(in_shop)) if tap is not None and tap.action is Action.ADD]
    assert {tap.version for tap in adds} <= {"3"}


class TestConfirming:
    def test_the_cart_that_was_shown_is_ordered(self, with_cart: Chat) -> None:
        with_cart.says("CART")
        answer = with_cart.taps(token_of(with_cart, Action.CONFIRM), "Confirm order")
        assert (answer.key, kinds_of(answer)[-1]) == ("confirmed", Confirm)

    def test_a_cart_that_has_changed_since_is_shown_and_not_ordered(self, with_cart: Chat) -> None:
        with_cart.says("CART")
        old = token_of(with_cart, Action.CONFIRM)
        with_cart.says("add bread")
        answer = with_cart.taps(old)
        assert answer.key == "cart"
        assert Confirm not in kinds_of(answer)
        assert with_cart.taps(token_of(with_cart, Action.CONFIRM)).key == "confirmed"

    def test_tapping_twice_orders_once_and_shows_the_order(self, with_cart: Chat) -> None:
        with_cart.says("CART")
        token = token_of(with_cart, Action.CONFIRM)
        with_cart.taps(token)
        again = with_cart.taps(token)
        assert again.key == "order"
        assert Confirm not in kinds_of(again)
        assert token_of(with_cart, Action.PAY)


class TestPaying:
    def test_the_button_is_pay_on_that_order(self, with_cart: Chat) -> None:
        older, _ = with_cart.confirms_two()
        answer = with_cart.taps(Tap(Action.PAY, older, "", MAMA).token(), "Pay")
        assert answer.key == "charge_sent"
        assert older in answer.text

    def test_tapping_twice_rings_once(self, confirmed: Chat) -> None:
        token = token_of(confirmed, Action.PAY)
        confirmed.taps(token)
        again = confirmed.taps(token)
        assert again.key == "order"
        assert Pay not in kinds_of(again)
        assert len(confirmed.router.pushes) == 1

    def test_after_a_failure_the_old_button_shows_it_and_the_new_one_tries_again(self, confirmed: Chat) -> None:
        token, code = token_of(confirmed, Action.PAY), confirmed.router.latest().code
        confirmed.taps(token)
        told = confirmed.hears(confirmed.router.has_failed(code, None))
        assert told is not None
        fresh = token_of(confirmed, Action.PAY)
        assert confirmed.taps(token).key == "order"
        assert len(confirmed.router.pushes) == 1
        assert confirmed.taps(fresh).key == "charge_sent"
        assert len(confirmed.router.pushes) == 2

    def test_the_button_of_a_paid_order_says_that_it_is_paid(self, confirmed: Chat) -> None:
        token, code = token_of(confirmed, Action.PAY), confirmed.router.latest().code
        confirmed.hears(confirmed.router.is_paid(code))
        answer = confirmed.taps(token)
        assert answer.key == "order"
        assert "Paid" in answer.text
        assert confirmed.router.pushes == []

    def test_the_button_of_a_cancelled_order_says_that_it_is_cancelled(self, confirmed: Chat) -> None:
        token = token_of(confirmed, Action.PAY)
        confirmed.says("CANCEL ORDER")
        answer = confirmed.taps(token)
        assert "Cancelled" in answer.text
        assert confirmed.router.pushes == []

    def test_a_tap_that_reached_us_late_is_asked_for_once_more(self, confirmed: Chat) -> None:
        answer = confirmed.taps(token_of(confirmed, Action.PAY), waited=timedelta(hours=2))
        assert (answer.key, answer.commands) == ("pay_again", ())

    def test_a_button_of_another_shop_leads_back_to_it(self, confirmed: Chat) -> None:
        token = token_of(confirmed, Action.PAY)
        confirmed.says("SHOP kamau")
        answer = confirmed.taps(token)
        assert answer.key == "charge_sent"
        assert confirmed.state.shop is not None
        assert confirmed.state.shop.vendor_id == MAMA

    @pytest.mark.parametrize(
        "payload",
        [
            "pay:CDFGHJ:-:vendor-nobody",
            "pay:../../x:-:vendor-mama",
            "add:x:-1:vendor-mama",
            "add:x:99999:vendor-mama",
            "add:-:1:vendor-mama",
        ],
    )
    def test_what_somebody_made_up_rings_no_phone(self, confirmed: Chat, payload: str) -> None:
        answer = confirmed.taps(payload, "hm")
        assert Pay not in kinds_of(answer)
        assert confirmed.router.pushes == []

    def test_an_order_that_is_not_there_is_not_known(self, confirmed: Chat) -> None:
        answer = confirmed.taps("pay:ZZZZ99:-:vendor-mama")
        assert answer.key == "order_unknown"


def test_stop_on_a_button_stops_all_the_same(confirmed: Chat) -> None:
    assert confirmed.says("STOP").key == "stopped"
    assert confirmed.state.opted_out


class TestReceipts:
    def test_a_receipt_offers_itself_on_paper(self, confirmed: Chat) -> None:
        code = confirmed.router.latest().code
        confirmed.hears(confirmed.router.is_paid(code))
        receipt = confirmed.taps(token_of(confirmed, Action.RECEIPT))
        assert receipt.key == "receipt"
        document = confirmed.replies[-1].document
        assert document is not None
        assert document.key == "paper_receipt"
        assert code in receipt.text, "the text says it all, in case the paper does not arrive"

    def test_an_order_that_is_not_paid_has_none(self, confirmed: Chat) -> None:
        code = confirmed.router.latest().code
        answer = confirmed.taps(Tap(Action.RECEIPT, code, vendor_id=MAMA).token())
        assert answer.key == "order"
        assert confirmed.replies[-1].document is None


class TestWhatCanBeTapped:
    @pytest.fixture
    def said(self) -> Iterator[Chat]:
        """A conversation, of which every answer with options is checked at the end: they fit in every language."""
        chat = Chat()
        chat.own_msisdn = "254708374149"
        yield chat
        offering = [reply for reply in chat.replies if reply.options]
        assert offering
        for reply in offering:
            for language in LANGUAGES:
                tappable = tappable_of(reply, language)
                assert tappable is not None, (reply.key, language)
                assert all(read(choice.payload) is not None for choice in tappable.choices)

    def test_in_a_purchase(self, said: Chat) -> None:
        said.says_each("hello", "SHOP mama", "MENU", "add milk", "CART", "CONFIRM", "PAY", "STATUS")
        said.hears(said.router.is_paid(said.router.latest().code))
        said.says("STATUS")

    def test_where_one_of_several_is_meant(self, said: Chat) -> None:
        said.says("SHOP mama")
        said.confirms_two()
        for text in ("PAY", "CANCEL ORDER", "STATUS", "find milk", "shop mam"):
            said.says(text)

    def test_among_ways_to_pay(self, said: Chat) -> None:
        shop = said.router.shop(MAMA)
        shop.rails = [Rail.MPESA_STK, Rail.GPO, Rail.EMIS_REF, Rail.TICKET]
        said.says_each("SHOP mama", "add milk", "CONFIRM")
        asked = said.says("PAY")
        assert asked.key == "pay_how"
        answer = said.taps(token_of(said, Action.PAY))
        assert answer.key == "charge_sent"
        said.says("PAY OTHER")
