"""Two customers buy side by side, one in Swahili and one in Portuguese, from the first word to the receipt: whatever is
typed here is what the shop itself offered in that language."""

from tests.journeys.books import Books
from tests.support.phone import Phone
from tests.support.processes import eventually

KENYAN, LUANDAN = "Achieng", "Nzinga"
WITHIN_S = 20.0


def test_purchases_in_swahili_and_in_portuguese_end_in_receipts_in_these(phone: Phone, books: Books) -> None:
    greeted = phone.asks(KENYAN, "Niaje! 👋", containing="Andika namba")
    assert "English:" not in greeted
    phone.asks(KENYAN, "DUKA mama", containing="Karibu *Mama")
    phone.asks(KENYAN, "BIDHAA", containing="2.")
    assert "Ksh 120" in phone.asks(KENYAN, "ONGEZA 2", containing="kikapu")
    phone.asks(KENYAN, "THIBITISHA", containing="kulipa kwa M-Pesa")
    kenyan_pays = phone.says(KENYAN, "LIPA")
    phone.wait_for_reply(KENYAN, containing="Weka PIN yako", after=kenyan_pays)

    entered = phone.asks(LUANDAN, "ilha", containing="Boas-vindas à loja")
    assert "English: reply" in entered  # nothing showed the language: it is the shop's, and the others are offered
    phone.asks(LUANDAN, "ADICIONAR 1", containing="1 450,50 Kz")
    phone.asks(LUANDAN, "CONFIRMAR", containing="escolha como quer pagar")
    phone.asks(LUANDAN, "PAGAR", containing="Como quer pagar")
    luandan_pays = phone.says(LUANDAN, "2")
    told = phone.wait_for_reply(LUANDAN, containing="Referência:", after=luandan_pays, timeout_s=WITHIN_S).body
    assert "Montante: *1 450,50 Kz*" in told

    prompt = phone.enter_pin(KENYAN)
    receipt = phone.wait_for_reply(KENYAN, containing="Imelipwa. Asante", after=kenyan_pays, timeout_s=WITHIN_S).body
    assert "Jumla: Ksh 120" in receipt
    assert f"Code ya M-Pesa: *{prompt.receipt}*" in receipt

    eventually(lambda: len(phone.references()) == 1, "a reference was made")
    phone.pay_reference(phone.references()[0]["reference"])
    receipt = phone.wait_for_reply(LUANDAN, containing="Pago. Obrigado", after=luandan_pays, timeout_s=WITHIN_S).body
    assert "Total: 1 450,50 Kz" in receipt

    books.eventually_statuses("PAID", "PAID")
    assert sorted(books.ledger("paid")) == [12_000, 145_050]
    phone.asks(KENYAN, "english", containing="English it is")
    assert "Paid" in phone.asks(KENYAN, "STATUS")
