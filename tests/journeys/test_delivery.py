"""A purchase that is brought: from the shelf to a receipt whose total has the fee and the voucher in it."""

from tests.journeys.books import Books
from tests.support.phone import Phone

WHO = "Achieng"
WESTLANDS = (-1.2676, 36.8108)


def test_a_purchase_that_is_brought_with_a_voucher_is_paid_and_receipted_at_its_total(
    phone: Phone, books: Books
) -> None:
    phone.asks(WHO, "SHOP mama", containing="1. Vegetables (4)")
    phone.asks(WHO, "1", containing="2. ")
    phone.asks(WHO, "ADD 2 x 5", containing="KES 600")
    pinned = phone.sends_location(WHO, *WESTLANDS, label="Sarit Centre")
    brought = phone.wait_for_reply(WHO, containing="Westlands", after=pinned).body
    assert "KES 750" in brought
    assert "KES 690" in phone.asks(WHO, "VOUCHER karibu10", containing="KARIBU10")
    confirmed = phone.asks(WHO, "CONFIRM", containing="PAY")
    assert "KES 690" in confirmed
    paying = phone.says(WHO, "PAY")
    prompt = phone.enter_pin(WHO)
    assert prompt.amount_whole == 690
    receipt = phone.wait_for_reply(WHO, containing=prompt.receipt or "?", after=paying).body
    for line in ("Goods: KES 600", "Delivery, Westlands: KES 150", "KARIBU10: −KES 60", "*Total: KES 690*"):
        assert line in receipt
    books.eventually_statuses("PAID")
    books.one_paid_once(69_000)
