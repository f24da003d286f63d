"""What a simulated customer writes, and how it reaches the shop."""

from collections.abc import Generator
from dataclasses import replace

import pytest
from werkzeug import Response

from kit.settings import Settings
from tests.simulators.running import Simulators
from tests.simulators.shop import ClosingShop, Heard, Shop, wait_until
from tests.support.phone import Phone, Refused

ACHIENG = "whatsapp:+254708374149"


@pytest.fixture
def closing_shop() -> Generator[ClosingShop]:
    shop = ClosingShop()
    try:
        yield shop
    finally:
        shop.close()


def status_of(phone: Phone, customer: str, nth: int = 0) -> str:
    return phone.messages(customer)[nth].status


def test_a_message_reaches_the_shop_as_a_signed_form_with_twilios_fields(
    simulators: Simulators, phone: Phone, shop: Shop
) -> None:
    phone.says("Achieng", "Habari & 1+1 = ünïcode 🛒")
    wait_until(lambda: len(shop.webhooks()) == 1)
    (heard,) = shop.webhooks()
    assert shop.is_signed(heard)
    assert not shop.is_signed(heard, "another-token")
    assert heard.form["Body"] == "Habari & 1+1 = ünïcode 🛒"
    assert heard.form["From"] == ACHIENG
    assert heard.form["To"] == simulators.settings.twilio_whatsapp_from
    assert heard.form["AccountSid"] == simulators.settings.twilio_account_sid
    assert heard.form["WaId"] == "254708374149"
    assert heard.form["ExternalUserId"].startswith("whatsapp:KE.")
    assert heard.form["ProfileName"] == "Achieng"
    assert heard.form["NumMedia"] == "0"
    assert heard.form["MessageType"] == "text"
    assert heard.form["MessageSid"] == heard.form["SmsMessageSid"] == phone.messages("Achieng")[0].id
    assert len(heard.form["MessageSid"]) == 34
    assert heard.headers["I-Twilio-Idempotency-Token"]
    wait_until(lambda: status_of(phone, "Achieng") == "delivered")


@pytest.mark.parametrize(
    ("media", "count", "content_type"),
    [("image", "1", "image/jpeg"), ("audio", "1", "audio/ogg"), ("location", "0", None)],
)
def test_a_media_message_says_what_it_carries(
    phone: Phone, shop: Shop, media: str, count: str, content_type: str | None
) -> None:
    phone.says("Achieng", media=media)
    wait_until(lambda: len(shop.webhooks()) == 1)
    form = shop.webhooks()[0].form
    assert shop.is_signed(shop.webhooks()[0])
    assert form["Body"] == ""
    assert form["MessageType"] == media
    assert form["NumMedia"] == count
    assert form.get("MediaContentType0") == content_type
    assert ("MediaUrl0" in form) == (content_type is not None)
    assert ("Latitude" in form) == (media == "location")


def test_a_hidden_number_shows_an_id_in_its_place(phone: Phone, shop: Shop) -> None:
    address = phone.add_customer("Zawadi")
    phone.says("Zawadi", "Hi")
    wait_until(lambda: len(shop.webhooks()) == 1)
    form = shop.webhooks()[0].form
    assert address.startswith("whatsapp:KE.")
    assert form["From"] == address
    assert form["ExternalUserId"] == address
    assert "WaId" not in form


def test_one_customers_messages_arrive_in_the_order_they_were_written(phone: Phone, shop: Shop) -> None:
    for number in range(15):
        phone.says("Baraka", f"{number}")
    wait_until(lambda: len(shop.webhooks()) == 15)
    assert [heard.form["Body"] for heard in shop.webhooks()] == [f"{number}" for number in range(15)]


def test_an_error_of_the_shop_is_final_and_shown_on_the_phone(phone: Phone, shop: Shop) -> None:
    shop.answer = lambda heard: Response("", 500)
    phone.says("Achieng", "Hi")
    wait_until(lambda: status_of(phone, "Achieng") == "failed")
    assert phone.messages("Achieng")[0].error == "not delivered: HTTP 500"
    assert len(shop.webhooks()) == 1


def test_a_broken_connection_is_tried_once_more_as_the_same_message(
    settings: Settings, closing_shop: ClosingShop
) -> None:
    simulators = Simulators(replace(settings, bot_public_url=closing_shop.url))
    try:
        simulators.phone.says("Achieng", "Hi")
        wait_until(lambda: closing_shop.connections == 1)
        simulators.phone.advance(1)
        wait_until(lambda: status_of(simulators.phone, "Achieng") == "failed")
        assert simulators.phone.messages("Achieng")[0].error == "not delivered: no connection"
        assert closing_shop.connections == 2
        assert closing_shop.tokens[0] == closing_shop.tokens[1] != ""
    finally:
        simulators.stop()


def test_a_later_message_waits_for_the_one_before_it(phone: Phone, shop: Shop) -> None:
    def slow_first(heard: Heard) -> Response:
        if heard.form["Body"] == "first":
            wait_until(lambda: len(phone.messages("Baraka")) == 2)
        return Response("", 200)

    shop.answer = slow_first
    phone.says("Baraka", "first")
    phone.says("Baraka", "second")
    wait_until(lambda: len(shop.webhooks()) == 2)
    assert [heard.form["Body"] for heard in shop.webhooks()] == ["first", "second"]


def test_sending_again_is_a_new_message(phone: Phone, shop: Shop) -> None:
    shop.answer = lambda heard: Response("", 500 if len(shop.webhooks()) == 1 else 200)
    phone.insists("Achieng", "Hi")
    first, second = shop.webhooks()
    assert first.form["Body"] == second.form["Body"] == "Hi"
    assert first.form["MessageSid"] != second.form["MessageSid"]
    assert [message.status for message in phone.messages("Achieng")] == ["failed", "delivered"]


def test_webhook_twice_delivers_the_same_message_two_times(phone: Phone, shop: Shop) -> None:
    phone.faults(webhook_twice=True)
    phone.says("Achieng", "Hi")
    wait_until(lambda: len(shop.webhooks()) == 2)
    first, second = shop.webhooks()
    assert first.form == second.form
    assert first.headers["I-Twilio-Idempotency-Token"] == second.headers["I-Twilio-Idempotency-Token"]


def test_webhook_swap_delivers_two_neighbours_in_the_wrong_order(phone: Phone, shop: Shop) -> None:
    phone.faults(webhook_swap=1)
    for text in ("first", "second", "third"):
        phone.says("Achieng", text)
    wait_until(lambda: len(shop.webhooks()) == 3)
    assert [heard.form["Body"] for heard in shop.webhooks()] == ["second", "first", "third"]


def test_a_message_that_waits_for_a_neighbour_in_vain_goes_alone(phone: Phone, shop: Shop) -> None:
    phone.faults(webhook_swap=1)
    phone.says("Achieng", "alone")
    assert shop.webhooks() == []
    phone.advance(3)
    wait_until(lambda: len(shop.webhooks()) == 1)


def test_a_shop_may_answer_with_twiml(phone: Phone, shop: Shop) -> None:
    twiml = "<Response><Message><Body>Karibu &amp; welcome</Body></Message><Message>Two</Message></Response>"
    shop.answer = lambda heard: Response(twiml, 200, content_type="text/xml")
    place = phone.says("Achieng", "Hi")
    phone.wait_for_reply("Achieng", "two", after=place)
    assert [reply.body for reply in phone.replies("Achieng")] == ["Karibu & welcome", "Two"]


@pytest.mark.parametrize(
    "body",
    [
        {"customer": ACHIENG, "body": ""},
        {"customer": ACHIENG, "body": "   "},
        {"customer": ACHIENG, "body": 7},
        {"customer": ACHIENG, "body": "x" * 4097},
        {"customer": ACHIENG, "body": "hi", "media": "video"},
        {"customer": ACHIENG, "body": "\ud800"},
        {"body": "hi"},
        {"customer": "whatsapp:+254700000099", "body": "hi"},
        {"customer": ["x"], "body": "hi"},
    ],
)
def test_a_message_that_nobody_could_write_is_refused(phone: Phone, shop: Shop, body: dict[str, object]) -> None:
    with pytest.raises(Refused) as refused:
        phone.call("POST", "/sim/messages", body)
    assert refused.value.status in (400, 404)
    assert phone.state()["messages"] == []
