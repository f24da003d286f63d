"""Somebody pays for somebody else: each in their own chat, and only the payer's phone rings."""

import re

from tests.journeys.books import Books
from tests.support.phone import Phone


def test_a_second_person_pays_for_the_first_one_s_order_and_both_get_the_receipt(phone: Phone, books: Books) -> None:
    phone.asks("Achieng", "SHOP mama")
    phone.asks("Achieng", "MENU", containing="\n2")
    phone.asks("Achieng", "ADD 2", containing="total")
    confirmed = phone.asks("Achieng", "CONFIRM", containing="PAY")
    told = phone.asks("Achieng", "PAY 0700000001", containing="0700 000001")
    written = re.search(r"\*(PAY (\w{6}) MAMA)\*", told)
    assert written is not None, told
    assert written[2] in confirmed
    assert phone.pushes() == []
    shown = phone.asks("Baraka", written[1], containing="YES")
    for part in ("Achieng", "Mama Njeri", "KES 120", "0700 000001"):
        assert part in shown
    assert phone.pushes() == []
    phone.asks("Baraka", "YES", containing="0700 000001")
    prompt = phone.enter_pin("Baraka")
    assert prompt.amount_whole == 120
    for who in ("Achieng", "Baraka"):
        phone.wait_for_reply(who, containing=prompt.receipt or "?")
    books.eventually_statuses("PAID")
    books.one_paid_once(12_000)
    assert len(phone.pushes()) == 1
