"""Messages with lists, buttons and files: what Twilio refuses, what WhatsApp does, and what a tap tells the shop."""

import json
from typing import Any

import pytest
import requests
from pytest_httpserver import HTTPServer

from tests.simulators.running import Simulators
from tests.simulators.shop import Shop, wait_until
from tests.simulators.twilio_client import BUTTONS, LIST, PDF, TOKEN, JsonObject, Twilio, png, serve
from tests.support.phone import Phone

ACHIENG = "whatsapp:+254708374149"
CARD = {"whatsapp/card": {"body": "Milk, {{1}}", "footer": "Mama Njeri"}}


@pytest.fixture
def twilio(simulators: Simulators) -> Twilio:
    return Twilio(simulators.base_url)


@pytest.fixture
def chat(phone: Phone) -> Phone:
    """Achieng wrote just now."""
    phone.says("Achieng", "Hi")
    return phone


def test_a_content_is_sent_with_its_variables_filled_in(twilio: Twilio, chat: Phone) -> None:
    sid = twilio.says(ACHIENG, BUTTONS, v1="KES 65", v2="Add something")
    shown = chat.last_message("Achieng")
    assert (shown.id, shown.kind, shown.body) == (sid, "buttons", "Your cart: KES 65. Shall we go on?")
    assert shown.options == ("Confirm", "Add something")
    assert twilio.fetch(sid)["body"] == "Your cart: KES 65. Shall we go on?"


def test_samples_fill_in_what_a_message_leaves_out_and_body_is_ignored(twilio: Twilio, chat: Phone) -> None:
    content = twilio.made(BUTTONS, variables={"1": "empty", "2": "More"})
    variables = json.dumps({"1": "KES 9"})
    twilio.sent(ACHIENG, ContentSid=content, ContentVariables=variables, Body="ignored", MediaUrl="http://nowhere/")
    shown = chat.last_message("Achieng")
    assert (shown.body, shown.options) == ("Your cart: KES 9. Shall we go on?", ("Confirm", "More"))


def test_variables_that_twilio_would_refuse_are_refused(twilio: Twilio, chat: Phone) -> None:
    content = twilio.made(BUTTONS)
    for variables, code in (
        ("{", 21656),
        ("[1]", 21656),
        ('{"1": null, "2": "x"}', 21656),
        ('{"1": "", "2": "x"}', 21656),
        ('{"1": 5, "2": "x"}', 21656),
        ('{"1": "x"}', 21656),
        (json.dumps({"1": "two\nlines", "2": "x"}), 21656),
        (json.dumps({"1": "a\ttab", "2": "x"}), 21656),
        (json.dumps({"1": "much     room", "2": "x"}), 21656),
        (json.dumps({"1": "x" * 1601, "2": "x"}), 21658),
    ):
        answer = twilio.send(ACHIENG, ContentSid=content, ContentVariables=variables)
        assert (answer.status_code, answer.json()["code"]) == (400, code), variables
    assert chat.shown("Achieng") == []


def test_a_content_that_nobody_made_is_refused(twilio: Twilio, chat: Phone) -> None:
    for sid in ("HX" + "0" * 32, "HX12", "SM" + "0" * 32):
        assert twilio.send(ACHIENG, ContentSid=sid).json()["code"] == 21655


def test_lines_of_the_content_itself_and_of_an_item_are_no_matter(twilio: Twilio, chat: Phone) -> None:
    twilio.says(ACHIENG, {"twilio/text": {"body": "{{1}}\n{{2}}"}}, v1="one", v2="two")
    assert chat.last_message("Achieng").body == "one\ntwo"


def test_the_richest_type_of_a_content_is_sent(twilio: Twilio, chat: Phone) -> None:
    twilio.says(ACHIENG, {"twilio/text": {"body": "1. Confirm"}, **BUTTONS}, v1="KES 5", v2="More")
    assert chat.last_message("Achieng").kind == "buttons"


def failed_with(twilio: Twilio, sid: str) -> int:
    """The code with which that message was undelivered, as the look-up tells it."""
    wait_until(lambda: twilio.fetch(sid)["status"] == "undelivered")
    return int(twilio.fetch(sid)["error_code"])


def test_outside_the_window_only_an_approved_template_is_delivered(twilio: Twilio, shop: Shop, phone: Phone) -> None:
    content = twilio.made(BUTTONS, variables={"1": "x", "2": "y"})
    assert failed_with(twilio, twilio.sent(ACHIENG, ContentSid=content)) == 63016
    template = {"name": "cart_en", "category": "UTILITY"}
    twilio.content("POST", f"/Content/{content}/ApprovalRequests/whatsapp", template)
    assert failed_with(twilio, twilio.sent(ACHIENG, ContentSid=content)) == 63016
    phone.decides(content, "approved")
    sid = twilio.sent(ACHIENG, ContentSid=content)
    wait_until(lambda: twilio.fetch(sid)["status"] == "read")
    phone.decides(content, "paused")
    assert failed_with(twilio, twilio.sent(ACHIENG, ContentSid=content)) == 63016
    assert failed_with(twilio, twilio.says(ACHIENG, LIST, v1="a", v2="b", v3="c")) == 63016


def test_what_whatsapp_does_not_take_is_undelivered(twilio: Twilio, shop: Shop, chat: Phone) -> None:
    four = [{"type": "QUICK_REPLY", "title": f"{n}", "id": f"{n}"} for n in range(4)]
    many = twilio.says(ACHIENG, {"twilio/quick-reply": {"body": "x", "actions": four}})
    assert failed_with(twilio, many) == 63005
    assert failed_with(twilio, twilio.says(ACHIENG, CARD, v1="x")) == 63005
    assert failed_with(twilio, twilio.says(ACHIENG, BUTTONS, v1="x", v2="y" * 21)) == 63021
    assert failed_with(twilio, twilio.says(ACHIENG, LIST, v1="x", v2="y", v3="z" * 73)) == 63021
    assert failed_with(twilio, twilio.says(ACHIENG, BUTTONS, v1="x" * 1010, v2="y")) == 63021
    assert failed_with(twilio, twilio.says(ACHIENG, BUTTONS, v1="x", v2="Confirm")) == 63021


def test_a_tapped_button_comes_as_twilio_sends_it(twilio: Twilio, shop: Shop, chat: Phone) -> None:
    sid = twilio.says(ACHIENG, BUTTONS, v1="KES 65", v2="More")
    twilio.says(ACHIENG, LIST, v1="x", v2="y", v3="z")  # a newer message leaves the old buttons tappable
    chat.taps("Achieng", "Confirm")
    wait_until(lambda: len(shop.webhooks()) == 2)
    heard = shop.webhooks()[-1]
    assert shop.is_signed(heard)
    told = {name: heard.form.get(name) for name in ("Body", "ButtonText", "ButtonPayload", "MessageType", "ListId")}
    assert told == {
        "Body": "Confirm",
        "ButtonText": "Confirm",
        "ButtonPayload": "confirm:K7M2XP:1",
        "MessageType": "interactive",
        "ListId": None,
    }
    assert heard.form["OriginalRepliedMessageSid"] == sid
    assert heard.form["OriginalRepliedMessageSender"] == heard.form["To"]
    assert chat.messages("Achieng")[-1].body == "Confirm"


def test_a_tapped_item_comes_with_its_id_as_the_body(twilio: Twilio, shop: Shop, chat: Phone) -> None:
    twilio.says(ACHIENG, LIST, v1="Choose", v2="Milk", v3="KES 65")
    chat.taps("Achieng", "Milk")
    wait_until(lambda: len(shop.webhooks()) == 2)
    form = shop.webhooks()[-1].form
    assert (form["Body"], form["ListId"], form["ListTitle"]) == ("pick:-:2", "pick:-:2", "Milk")
    assert form["MessageType"] == "interactive"
    assert "ButtonPayload" not in form
    assert chat.messages("Achieng")[-1].body == "Milk"


def test_a_templates_button_is_of_another_message_type(twilio: Twilio, shop: Shop, chat: Phone) -> None:
    content = twilio.made(BUTTONS, variables={"1": "x", "2": "y"})
    template = {"name": "cart_en", "category": "UTILITY"}
    twilio.content("POST", f"/Content/{content}/ApprovalRequests/whatsapp", template)
    chat.decides(content, "approved")
    twilio.sent(ACHIENG, ContentSid=content)
    chat.taps("Achieng", "Confirm")
    wait_until(lambda: len(shop.webhooks()) == 2)
    assert shop.webhooks()[-1].form["MessageType"] == "button"


def test_a_hidden_number_taps_under_its_id(twilio: Twilio, shop: Shop, phone: Phone) -> None:
    phone.says("Neema", "Hi")
    address = phone.address("Neema")
    twilio.says(address, BUTTONS, v1="x", v2="y")
    phone.taps("Neema", "Confirm")
    wait_until(lambda: len(shop.webhooks()) == 2)
    form = shop.webhooks()[-1].form
    assert form["From"] == form["ExternalUserId"] == address
    assert "WaId" not in form
    phone.reset()
    assert phone.address("Neema") == address, "a number keeps its id"


def test_what_is_not_on_the_phone_can_not_be_tapped(simulators: Simulators, twilio: Twilio, chat: Phone) -> None:
    sid = twilio.says(ACHIENG, BUTTONS, v1="x", v2="y")
    taps: list[tuple[JsonObject, int]] = [
        ({"option": 2}, 404),
        ({"option": -1}, 404),
        ({"option": "0"}, 400),
        ({"option": 0, "customer": "whatsapp:+254700000001"}, 404),
        ({"option": 0, "message": "SM" + "0" * 32}, 404),
    ]
    for tap, status in taps:
        body = {"customer": ACHIENG, "message": sid, **tap}
        assert requests.post(f"{simulators.base_url}/sim/taps", json=body, timeout=5).status_code == status, tap


def test_a_pin_comes_with_its_place_and_name(shop: Shop, phone: Phone) -> None:
    phone.sends_location("Achieng", -1.2921, 36.7856, "Kilimani", "Argwings Kodhek Road")
    wait_until(lambda: len(shop.webhooks()) == 1)
    form = shop.webhooks()[0].form
    told = (form["Latitude"], form["Longitude"], form["Label"], form["Address"], form["MessageType"])
    assert told == ("-1.2921", "36.7856", "Kilimani", "Argwings Kodhek Road", "location")


def test_a_pin_may_have_no_name(shop: Shop, phone: Phone) -> None:
    phone.sends_location("Achieng", -8.8, 13.2)
    wait_until(lambda: len(shop.webhooks()) == 1)
    assert not {"Label", "Address"} & set(shop.webhooks()[0].form)


def test_a_pin_that_is_nowhere_is_refused(simulators: Simulators, phone: Phone) -> None:
    pins: list[Any] = [{}, "here", {"latitude": 91, "longitude": 0}, {"latitude": True, "longitude": 0}]
    for pin in pins:
        body = {"customer": ACHIENG, "location": pin}
        assert requests.post(f"{simulators.base_url}/sim/messages", json=body, timeout=5).status_code == 400, pin


def test_files_are_fetched_kept_and_served(
    simulators: Simulators, twilio: Twilio, chat: Phone, httpserver: HTTPServer
) -> None:
    picture = serve(httpserver, "/qr.png", png(), "image/png")
    document = serve(httpserver, "/receipt.pdf", PDF, "application/pdf")
    sid = twilio.sent(ACHIENG, Body="Scan this", MediaUrl=picture)
    wait_until(lambda: chat.last_message("Achieng").media == ("image/png",))
    httpserver.clear()
    shown = requests.get(f"{simulators.base_url}/sim/media/{sid}/0", timeout=5)
    assert (shown.content, shown.headers["Content-Type"]) == (png(), "image/png")
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    listed = requests.get(twilio.messages_url.replace(".json", f"/{sid}/Media.json"), auth=twilio.auth, timeout=5)
    (media,) = listed.json()["media_list"]
    own = requests.get(
        simulators.base_url + "/twilio" + media["uri"].removesuffix(".json"), auth=twilio.auth, timeout=5
    )
    assert own.content == png()
    serve(httpserver, "/receipt.pdf", PDF, "application/pdf")
    pdf_sid = twilio.sent(ACHIENG, MediaUrl=document)
    wait_until(lambda: chat.last_message("Achieng").kind == "document")
    saved = requests.get(f"{simulators.base_url}/sim/media/{pdf_sid}/0", timeout=5)
    assert saved.content == PDF
    assert saved.headers["Content-Disposition"].startswith("attachment")


def test_a_file_that_is_not_right_is_undelivered_and_shown_as_broken(
    twilio: Twilio, shop: Shop, chat: Phone, httpserver: HTTPServer
) -> None:
    files = (
        (b"", "image/png", 200, 63019),
        (png(), "image/png", 404, 63019),
        (PDF, "image/png", 200, 63021),
        (b"<svg/>", "image/svg+xml", 200, 63021),
        (b"\xff\xd8\xff" + b"x" * (5 * 1024 * 1024), "image/jpeg", 200, 63021),
    )
    for count, (content, content_type, status, code) in enumerate(files, start=1):
        url = serve(httpserver, f"/file{count}", content, content_type, status)
        sid = twilio.sent(ACHIENG, MediaUrl=url, StatusCallback=shop.status_url)
        assert failed_with(twilio, sid) == code
        wait_until(lambda count=count: len(shop.statuses()) == count)
        told = shop.statuses()[-1].form
        assert (told["MessageStatus"], told["ErrorCode"]) == ("undelivered", str(code))
        (message,) = [one for one in chat.state()["messages"] if one["id"] == sid]
        assert [file["state"] for file in message["files"]] == ["broken"]


def test_a_file_can_be_lost_on_purpose(twilio: Twilio, shop: Shop, chat: Phone, httpserver: HTTPServer) -> None:
    url = serve(httpserver, "/qr.png", png(), "image/png")
    chat.faults(media_lost=1)
    assert failed_with(twilio, twilio.sent(ACHIENG, MediaUrl=url)) == 63019
    assert twilio.fetch(twilio.sent(ACHIENG, MediaUrl=url))["error_code"] is None


def test_a_customers_picture_can_be_fetched_where_the_webhook_says(
    simulators: Simulators, twilio: Twilio, shop: Shop, phone: Phone
) -> None:
    for media, begins in (("image", b"\xff\xd8\xff"), ("audio", b"OggS")):
        phone.says("Achieng", media=media)
        wait_until(lambda media=media: len(shop.webhooks()) == ("image", "audio").index(media) + 1)
        form = shop.webhooks()[-1].form
        got = requests.get(form["MediaUrl0"], auth=twilio.auth, timeout=5)
        assert got.content.startswith(begins)
        assert got.headers["Content-Type"] == form["MediaContentType0"]
    assert requests.get(shop.webhooks()[0].form["MediaUrl0"], timeout=5).status_code == 401


def test_every_code_can_be_switched_on(twilio: Twilio, shop: Shop, chat: Phone) -> None:
    codes = (63016, 63018, 63017, 63014, 63024, 63003, 63032, 63005)
    for count, code in enumerate(codes, start=1):
        chat.faults(**{f"error_{code}": 1})
        sid = twilio.sent(ACHIENG, Body="Hello", StatusCallback=shop.status_url)
        wait_until(lambda count=count: len(shop.statuses()) == count)
        told = shop.statuses()[-1].form
        assert (told["MessageStatus"], told["ErrorCode"]) == ("undelivered", str(code))
        assert told["ErrorMessage"]
        assert failed_with(twilio, sid) == code
    assert twilio.fetch(twilio.sent(ACHIENG, Body="Hello"))["error_code"] is None


def test_somebody_unsubscribed_is_refused_at_once(twilio: Twilio, chat: Phone) -> None:
    chat.faults(error_21610=1)
    answer = twilio.send(ACHIENG, Body="Hello")
    assert (answer.status_code, answer.json()["code"]) == (400, 21610)
    assert chat.shown("Achieng") == []


def test_ticks_can_be_doubled_or_lost(twilio: Twilio, shop: Shop, chat: Phone) -> None:
    chat.faults(status_twice=True)
    twilio.sent(ACHIENG, Body="Hello", StatusCallback=shop.status_url)
    wait_until(lambda: len(shop.statuses()) == 6)
    said = [heard.form["MessageStatus"] for heard in shop.statuses()]
    assert said == ["sent", "sent", "delivered", "delivered", "read", "read"]
    chat.faults(status_twice=False, status_lost=True)
    sid = twilio.sent(ACHIENG, Body="Hello", StatusCallback=shop.status_url)
    wait_until(lambda: twilio.fetch(sid)["status"] == "read")
    assert len(shop.statuses()) == 6


def test_while_somebody_looks_at_the_phones_only_what_is_seen_is_read(twilio: Twilio, shop: Shop, chat: Phone) -> None:
    chat.call("GET", "/sim/state?since=0&page=1")
    sid = twilio.sent(ACHIENG, Body="Hello", StatusCallback=shop.status_url)
    wait_until(lambda: twilio.fetch(sid)["status"] == "delivered")
    place = chat.last_message("Achieng").place
    assert chat.call("POST", "/sim/read", {"customer": ACHIENG, "place": place - 1}) == {"read": 0}
    assert chat.call("POST", "/sim/read", {"customer": ACHIENG, "place": place}) == {"read": 1}
    wait_until(lambda: len(shop.statuses()) == 3)
    assert [heard.form["MessageStatus"] for heard in shop.statuses()] == ["sent", "delivered", "read"]


def test_a_wrong_token_reaches_no_file(simulators: Simulators, twilio: Twilio, chat: Phone) -> None:
    url = twilio.messages_url.replace(".json", f"/SM{'0' * 32}/Media.json")
    assert requests.get(url, auth=(twilio.auth[0], "another"), timeout=5).status_code == 401
    assert requests.get(url, auth=(twilio.auth[0], TOKEN), timeout=5).status_code == 404
