"""A chat told in writing."""

import pytest
import yaml
from pytest_httpserver import HTTPServer

from simulators.transcript import Transcript, span, write
from tests.simulators.daraja_client import Daraja
from tests.simulators.running import Simulators
from tests.simulators.shop import Shop, wait_until
from tests.simulators.twilio_client import BUTTONS, LIST, JsonObject, Twilio, png, serve
from tests.support.phone import Phone, Refused

ACHIENG = "whatsapp:+254708374149"


def test_a_chat_is_told_in_the_order_of_time(
    simulators: Simulators, phone: Phone, daraja: Daraja, shop: Shop, httpserver: HTTPServer
) -> None:
    twilio = Twilio(simulators.base_url)
    phone.says("Achieng", "SHOP mama")
    twilio.says(ACHIENG, LIST, v1="What would you like?", v2="Milk 500 ml", v3="KES 65")
    phone.taps("Achieng", "Milk 500 ml")
    twilio.says(ACHIENG, BUTTONS, v1="KES 65", v2="More: yes")
    phone.sends_location("Achieng", -1.2921, 36.7856, "Kilimani")
    phone.advance(2 * 3600)
    phone.says("Achieng", "PAY")
    daraja.sign_in()  # a token lasts an hour
    daraja.pushed(Amount=65)
    phone.enter_pin("Achieng")
    phone.advance(1)
    twilio.sent(ACHIENG, Body="*Paid.*\n\nAsante!", MediaUrl=serve(httpserver, "/r.png", png(), "image/png"))
    wait_until(lambda: phone.last_message("Achieng").status == "read")
    told = yaml.safe_load(phone.transcript("Achieng"))
    assert (told["shop"], told["language"], told["who"]) == ("Mama Njeri", "en", "Achieng, 254708374149")
    assert told["chat"] == [
        {"customer": "SHOP mama"},
        {"shop": "What would you like?\n", "list": ["Sukuma wiki, bunch", "Milk 500 ml"], "opens": "See the shelf"},
        {"tap": "Milk 500 ml"},
        {"shop": "Your cart: KES 65. Shall we go on?\n", "buttons": ["Confirm", "More: yes"]},
        {"location": "Kilimani (-1.2921, 36.7856)"},
        {"wait": "2 h"},
        {"customer": "PAY"},
        {"phone": "M-PESA asks for KES 65 to 174379, account C3D4F6: PIN entered"},
        {"shop": "*Paid.*\n\nAsante!\n", "picture": True},
    ]


def test_a_number_that_is_hidden_stays_hidden_and_the_language_is_what_was_asked(phone: Phone) -> None:
    phone.says("Neema", "Habari")
    told = yaml.safe_load(phone.transcript("Neema", "sw"))
    assert told == {
        "shop": "Dukani",
        "language": "sw",
        "who": "Neema, number hidden",
        "chat": [{"customer": "Habari"}],
    }


def test_what_never_arrived_says_so(simulators: Simulators, phone: Phone) -> None:
    twilio = Twilio(simulators.base_url)
    sid = twilio.sent(ACHIENG, Body="Hello?")
    wait_until(lambda: twilio.fetch(sid)["status"] == "undelivered")
    assert yaml.safe_load(phone.transcript("Achieng"))["chat"] == [{"shop": "Hello?\n", "undelivered": 63016}]


@pytest.mark.parametrize(
    ("query", "status"), [("customer=nobody", 404), ("customer=whatsapp:%2B254708374149&language=english", 400)]
)
def test_a_chat_that_can_not_be_told_is_refused(phone: Phone, query: str, status: int) -> None:
    with pytest.raises(Refused) as refused:
        phone.call("GET", f"/sim/transcript?{query}")
    assert refused.value.status == status


def test_whatever_was_said_is_read_back_as_it_was() -> None:
    hard = [
        "yes",
        "- no: list",
        "#1",
        "1234",
        "a: b",
        " leading",
        "trailing ",
        'quo"te',
        "back\\slash",
        "🛒 *bold*",
        "a\nb",
        "\n",
        "tab\tand\u2028separator\x07",
        "",
        "~",
        "{{1}}",
        "é à ç",
    ]
    chat: list[JsonObject] = [{"customer": text} for text in hard]
    chat += [{"shop": text, "buttons": hard[:5]} for text in hard]
    told = yaml.safe_load(write(Transcript("Mama: Njeri", "en", "Achieng, 254708374149", chat)))
    assert told["shop"] == "Mama: Njeri"
    read = [
        {**one, **({"shop": one["shop"].removesuffix("\n")} if one.get("shop", "\n") != "\n" else {})}
        for one in told["chat"]
    ]
    assert read == chat


def test_waits_are_told_to_the_minute() -> None:
    minute = 60_000_000
    assert [span(n * minute) for n in (5, 60, 90, 24 * 60, 27 * 60)] == ["5 min", "1 h", "1 h 30 min", "1 d", "1 d 3 h"]
