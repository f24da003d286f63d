"""Twilio's REST API, used through Twilio's own SDK."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from tests.simulators.running import Simulators
from tests.simulators.shop import Shop, wait_until
from tests.support.phone import Phone
from tests.support.processes import eventually

ACHIENG = "whatsapp:+254708374149"
BARAKA = "whatsapp:+254700000001"


def client_of(simulators: Simulators, token: str = "test-token") -> Client:
    client = Client(simulators.settings.twilio_account_sid, token)
    client.api.base_url = simulators.settings.twilio_api_base_url
    return client


@pytest.fixture
def twilio(simulators: Simulators) -> Client:
    return client_of(simulators)


@pytest.fixture
def send(simulators: Simulators, twilio: Client) -> Callable[..., str]:
    def send(body: str, to: str = ACHIENG, **more: str) -> str:
        sid = twilio.messages.create(to=to, from_=simulators.settings.twilio_whatsapp_from, body=body, **more).sid
        assert sid is not None
        return sid

    return send


def test_the_sdk_sends_a_message_that_appears_on_the_phone(
    simulators: Simulators, twilio: Client, phone: Phone
) -> None:
    place = phone.says("Achieng", "Hi")
    shop_number = simulators.settings.twilio_whatsapp_from
    sent = twilio.messages.create(to=ACHIENG, from_=shop_number, body="Karibu 🛒")
    assert (sent.status, sent.to, sent.from_, sent.body) == ("queued", ACHIENG, shop_number, "Karibu 🛒")
    assert sent.sid is not None
    assert len(sent.sid) == 34
    assert sent.direction == "outbound-api"
    assert sent.date_created is not None
    assert phone.wait_for_reply("Achieng", "karibu", after=place).id == sent.sid


def test_the_sdk_fetches_a_message_whose_status_rises_to_read(
    twilio: Client, phone: Phone, send: Callable[..., str]
) -> None:
    phone.says("Achieng", "Hi")
    sid = send("Karibu")
    wait_until(lambda: str(twilio.messages(sid).fetch().status) == "read")
    fetched = twilio.messages(sid).fetch()
    assert fetched.body == "Karibu"
    assert fetched.date_sent is not None
    assert fetched.error_code is None


def test_a_message_nobody_sent_is_not_found(twilio: Client) -> None:
    with pytest.raises(TwilioRestException) as refused:
        twilio.messages("SM" + "0" * 32).fetch()
    assert (refused.value.status, refused.value.code) == (404, 20404)


@pytest.mark.parametrize("token", ["another", ""])
def test_a_wrong_token_is_refused(simulators: Simulators, phone: Phone, token: str) -> None:
    path = f"/2010-04-01/Accounts/{simulators.settings.twilio_account_sid}/Messages.json"
    answer = requests.post(
        simulators.settings.twilio_api_base_url + path,
        auth=(simulators.settings.twilio_account_sid, token),
        data={"To": ACHIENG, "From": simulators.settings.twilio_whatsapp_from, "Body": "Hi"},
        timeout=5,
    )
    assert answer.status_code == 401
    assert answer.json() == {
        "code": 20003,
        "message": "Authenticate",
        "more_info": "https://www.twilio.com/docs/errors/20003",
        "status": 401,
    }
    assert phone.messages("Achieng") == []


def test_another_account_in_the_path_is_refused(simulators: Simulators) -> None:
    client = Client(simulators.settings.twilio_account_sid, "test-token", "AC" + "9" * 32)
    client.api.base_url = simulators.settings.twilio_api_base_url
    with pytest.raises(TwilioRestException) as refused:
        client.messages("SM" + "0" * 32).fetch()
    assert refused.value.status == 401


@pytest.mark.parametrize(
    ("to", "sender", "body", "code"),
    [
        ("whatsapp:+1", None, "Hi", 21211),
        ("whatsapp:hello", None, "Hi", 21211),
        ("+254708374149", None, "Hi", 21910),
        (ACHIENG, "whatsapp:+15550001111", "Hi", 63007),
        (ACHIENG, None, "", 21619),
        (ACHIENG, None, "x" * 1601, 21617),
        (ACHIENG, None, "🛒" * 801, 21617),
    ],
)
def test_what_twilio_would_refuse_is_refused_with_its_code(
    simulators: Simulators, twilio: Client, phone: Phone, to: str, sender: str | None, body: str, code: int
) -> None:
    with pytest.raises(TwilioRestException) as refused:
        twilio.messages.create(to=to, from_=sender or simulators.settings.twilio_whatsapp_from, body=body)
    assert (refused.value.status, refused.value.code) == (400, code)
    assert phone.messages("Achieng") == []


def test_a_body_of_1600_characters_is_taken(phone: Phone, send: Callable[..., str]) -> None:
    phone.says("Achieng", "Hi")
    assert send("x" * 1600).startswith("SM")


def test_a_business_scoped_id_can_be_written_to(phone: Phone, send: Callable[..., str]) -> None:
    address = phone.add_customer("Zawadi")
    place = phone.says("Zawadi", "Hi")
    send("Karibu", to=address)
    assert phone.wait_for_reply("Zawadi", after=place).body == "Karibu"


def test_the_list_filters_by_recipient_and_time_newest_first(
    simulators: Simulators, twilio: Client, phone: Phone, send: Callable[..., str]
) -> None:
    phone.says("Achieng", "Hi")
    phone.says("Baraka", "Hi")
    old = send("old")
    eventually(lambda: twilio.messages(old).fetch().date_sent is not None, "the old one was sent")
    phone.advance(3600)
    between = simulators.clock.now() - timedelta(minutes=30)
    new, other = send("new"), send("other", to=BARAKA)
    assert [m.sid for m in twilio.messages.list(to=ACHIENG, limit=20)] == [new, old]
    assert [m.sid for m in twilio.messages.list(to=ACHIENG, date_sent_after=between, limit=20)] == [new]
    assert [m.sid for m in twilio.messages.list(to=ACHIENG, date_sent_before=between, limit=20)] == [old]
    assert [m.sid for m in twilio.messages.list(to=BARAKA, limit=20)] == [other]
    inbound = twilio.messages.list(from_=ACHIENG, limit=20)
    assert [(m.direction, m.status, m.body) for m in inbound] == [("inbound", "received", "Hi")]


def test_the_sdk_walks_all_pages_and_back(twilio: Client, phone: Phone, send: Callable[..., str]) -> None:
    phone.says("Achieng", "Hi")
    sids = [send(f"{number}") for number in range(7)]
    walked = [m.sid for m in twilio.messages.stream(to=ACHIENG, page_size=3)]
    assert walked == sids[::-1]
    first = twilio.messages.page(to=ACHIENG, page_size=3)
    assert [m.sid for m in first] == sids[:3:-1]
    assert first.previous_page_url is None
    second = first.next_page()
    assert second is not None
    assert [m.sid for m in second] == sids[3:0:-1]
    back = second.previous_page()
    assert back is not None
    assert [m.sid for m in back] == sids[:3:-1]


def test_pages_stay_put_while_new_messages_arrive(twilio: Client, phone: Phone, send: Callable[..., str]) -> None:
    phone.says("Achieng", "Hi")
    sids = [send(f"{number}") for number in range(4)]
    first = twilio.messages.page(to=ACHIENG, page_size=2)
    send("later")
    second = first.next_page()
    assert second is not None
    assert [m.sid for m in second] == [sids[1], sids[0]]


@pytest.mark.parametrize("query", ["PageSize=0", "PageSize=x", "DateSent=yesterday", "PageToken=PX", "DateSent>=2026"])
def test_a_list_that_makes_no_sense_is_refused(simulators: Simulators, query: str) -> None:
    account = simulators.settings.twilio_account_sid
    answer = requests.get(
        f"{simulators.settings.twilio_api_base_url}/2010-04-01/Accounts/{account}/Messages.json?{query}",
        auth=(account, "test-token"),
        timeout=5,
    )
    assert (answer.status_code, answer.json()["code"]) == (400, 20001)


def test_status_callbacks_are_signed_and_rise_in_order(phone: Phone, shop: Shop, send: Callable[..., str]) -> None:
    phone.says("Achieng", "Hi")
    sid = send("Karibu", status_callback=shop.status_url)
    wait_until(lambda: len(shop.statuses()) == 3)
    assert [heard.form["MessageStatus"] for heard in shop.statuses()] == ["sent", "delivered", "read"]
    assert all(shop.is_signed(heard) and heard.form["MessageSid"] == sid for heard in shop.statuses())


def test_status_callbacks_can_come_in_the_wrong_order(
    twilio: Client, phone: Phone, shop: Shop, send: Callable[..., str]
) -> None:
    phone.says("Achieng", "Hi")
    phone.faults(status_out_of_order=True)
    sid = send("Karibu", status_callback=shop.status_url)
    wait_until(lambda: len(shop.statuses()) == 3)
    assert [heard.form["MessageStatus"] for heard in shop.statuses()] == ["read", "delivered", "sent"]
    assert twilio.messages(sid).fetch().status == "read"


def test_a_message_to_a_stranger_is_taken_and_then_undelivered(
    twilio: Client, shop: Shop, send: Callable[..., str]
) -> None:
    sid = send("Hello?", to="whatsapp:+254700000077", status_callback=shop.status_url)
    wait_until(lambda: len(shop.statuses()) == 1)
    (heard,) = shop.statuses()
    assert (heard.form["MessageStatus"], heard.form["ErrorCode"]) == ("undelivered", "63016")
    assert twilio.messages(sid).fetch().error_code == 63016


def test_the_window_closes_24_hours_after_the_customers_last_message(
    phone: Phone, shop: Shop, send: Callable[..., str]
) -> None:
    phone.says("Achieng", "Hi")
    phone.advance(24 * 3600 - 60)
    send("in time", status_callback=shop.status_url)
    wait_until(lambda: len(shop.statuses()) == 3)
    phone.advance(60)
    send("too late", status_callback=shop.status_url)
    wait_until(lambda: len(shop.statuses()) == 4)
    assert shop.statuses()[-1].form["ErrorCode"] == "63016"
    assert [reply.body for reply in phone.replies("Achieng")] == ["in time"]
    phone.says("Achieng", "Still there?")
    send("again", status_callback=shop.status_url)
    phone.wait_for_reply("Achieng", "again")


def test_429_takes_nothing_and_passes(phone: Phone, send: Callable[..., str]) -> None:
    phone.says("Achieng", "Hi")
    phone.faults(twilio_429=1)
    with pytest.raises(TwilioRestException) as refused:
        send("Karibu")
    assert (refused.value.status, refused.value.code) == (429, 20429)
    assert phone.replies("Achieng") == []
    send("Karibu")
    assert [reply.body for reply in phone.replies("Achieng")] == ["Karibu"]


def test_500_takes_nothing(phone: Phone, send: Callable[..., str]) -> None:
    phone.says("Achieng", "Hi")
    phone.faults(twilio_500=1)
    with pytest.raises(TwilioRestException) as refused:
        send("Karibu")
    assert refused.value.status == 500
    assert phone.replies("Achieng") == []


def test_a_cut_off_answer_leaves_one_message_that_a_look_up_finds(
    simulators: Simulators, twilio: Client, phone: Phone, send: Callable[..., str]
) -> None:
    phone.says("Achieng", "Hi")
    phone.faults(twilio_timeout=1)
    before = simulators.clock.now()
    with pytest.raises(requests.exceptions.RequestException):
        send("Your receipt")
    found = twilio.messages.list(to=ACHIENG, date_sent_after=before - timedelta(seconds=1), limit=5)
    assert [message.body for message in found] == ["Your receipt"]
    assert [reply.body for reply in phone.replies("Achieng")] == ["Your receipt"]
    send("Next")


def test_a_refused_message_uses_up_no_cut(phone: Phone, send: Callable[..., str]) -> None:
    phone.says("Achieng", "Hi")
    phone.faults(twilio_timeout=1)
    with pytest.raises(TwilioRestException):
        send("x" * 1601)
    with pytest.raises(requests.exceptions.RequestException):
        send("Karibu")


def test_twilios_own_errors_answer_unknown_paths(simulators: Simulators) -> None:
    answer = requests.get(f"{simulators.settings.twilio_api_base_url}/2010-04-01/Nothing.json", timeout=5)
    assert (answer.status_code, answer.json()["code"]) == (404, 20404)


def test_dates_are_the_clocks_and_not_the_systems(twilio: Client, phone: Phone, send: Callable[..., str]) -> None:
    phone.advance(30 * 86400)
    phone.says("Achieng", "Hi")
    created = twilio.messages(send("Karibu")).fetch().date_created
    assert created is not None
    assert created - datetime.now(UTC) > timedelta(days=29)
