"""Twilio's Content API, through Twilio's own SDK and by hand."""

from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client
from twilio.rest.content.v1.content import ContentList

from simulators.twilio import content_types
from tests.simulators.running import Simulators
from tests.simulators.twilio_client import BUTTONS, LIST, TOKEN, JsonObject, Twilio
from tests.support.phone import Phone, Refused

TEXT = {"twilio/text": {"body": "Hello"}}
TEMPLATE = {"name": "order_waits_en", "category": "UTILITY"}


@pytest.fixture
def twilio(simulators: Simulators) -> Twilio:
    return Twilio(simulators.base_url)


def button(**changes: Any) -> JsonObject:
    action = {"type": "QUICK_REPLY", "title": "Yes", "id": "yes", **changes}
    return {"twilio/quick-reply": {"body": "Well?", "actions": [action]}}


def items(count: int, **changes: Any) -> JsonObject:
    listed = [{"item": f"Item {n}", "id": f"{n}", "description": "", **changes} for n in range(count)]
    return {"twilio/list-picker": {"body": "Choose", "button": "Open", "items": listed}}


def test_the_sdk_makes_fetches_lists_and_deletes_a_content(simulators: Simulators) -> None:
    client = Client(simulators.settings.twilio_account_sid, TOKEN)
    client.content.base_url = f"{simulators.base_url}/twilio/content"
    wanted = ContentList.ContentCreateRequest(
        {"friendly_name": "cart", "language": "sw", "variables": {"1": "KES 65", "2": "More"}, "types": BUTTONS}
    )
    made = client.content.v1.contents.create(wanted)
    assert made.sid is not None
    assert made.sid.startswith("HX")
    fetched = client.content.v1.contents(made.sid).fetch()
    assert (fetched.friendly_name, fetched.language) == ("cart", "sw")
    assert fetched.variables == {"1": "KES 65", "2": "More"}
    assert fetched.types == BUTTONS
    assert [one.sid for one in client.content.v1.contents.list()] == [made.sid]
    assert client.content.v1.contents(made.sid).delete()
    with pytest.raises(TwilioRestException) as refused:
        client.content.v1.contents(made.sid).fetch()
    assert (refused.value.status, refused.value.code) == (404, 20404)


def test_the_sdk_walks_all_pages_newest_first(simulators: Simulators, twilio: Twilio) -> None:
    made = [twilio.made(TEXT) for _ in range(5)]
    client = Client(simulators.settings.twilio_account_sid, TOKEN)
    client.content.base_url = f"{simulators.base_url}/twilio/content"
    assert [one.sid for one in client.content.v1.contents.stream(page_size=2)] == made[::-1]
    third = twilio.content("GET", "/Content?PageSize=2&Page=2&PageToken=2").json()
    assert [one["sid"] for one in third["contents"]] == made[:1]
    before = third["meta"]["previous_page_url"].split("/v1")[1]
    assert [one["sid"] for one in twilio.content("GET", before).json()["contents"]] == made[2:0:-1]


@pytest.mark.parametrize(
    "types",
    [
        {},
        {"twilio/unheard-of": {"body": "x"}},
        {"twilio/text": {}},
        {"twilio/text": {"body": "x" * 1601}},
        {"twilio/text": {"body": "Hi {{1}"}},
        {"twilio/text": {"body": "Hi {{}}"}},
        {"twilio/text": {"body": "Hi {{id name}}"}},
        {"twilio/quick-reply": {"body": "x" * 1025, "actions": [{"type": "QUICK_REPLY", "title": "a", "id": "a"}]}},
        {"twilio/quick-reply": {"body": "x", "actions": []}},
        button(title="x" * 21),
        button(title=""),
        button(id="x" * 201),
        button(type="URL", url="https://shop.example.com"),
        items(0),
        items(11),
        items(1, item="x" * 25),
        items(1, id="x" * 201),
        items(1, description="x" * 73),
        {"twilio/list-picker": {**items(1)["twilio/list-picker"], "button": "x" * 21}},
        {"twilio/call-to-action": {"body": "x", "actions": [{"type": "URL", "title": "Open"}]}},
        {"twilio/card": {"title": "Milk"}},
        {"twilio/media": {"body": "x", "media": []}},
        {"whatsapp/card": {"body": "x", "header_text": "y", "media": ["https://shop.example.com/a.png"]}},
        {"twilio/location": {"latitude": 91, "longitude": 0}},
    ],
)
def test_what_breaks_a_limit_is_no_content(types: JsonObject) -> None:
    with pytest.raises(content_types.BadContent):
        content_types.check(types)


@pytest.mark.parametrize(
    "types",
    [
        BUTTONS,
        LIST,
        items(10, item="x" * 24, description="y" * 72),
        button(title="{{a_variable_name}}"),
        {
            "twilio/call-to-action": {
                "body": "x",
                "actions": [{"type": "URL", "title": "Open", "url": "https://a.b/{{1}}"}],
            }
        },
        {"twilio/card": {"title": "Milk", "subtitle": "Fresh", "media": ["https://shop.example.com/{{1}}"]}},
        {"whatsapp/card": {"body": "x", "header_text": "y", "footer": "z"}},
        {"twilio/location": {"latitude": -1.29, "longitude": 36.8, "label": "Here"}},
        {"twilio/media": {"media": ["https://shop.example.com/a.pdf"]}},
        {**TEXT, **BUTTONS},
    ],
)
def test_what_keeps_the_limits_is_one(types: JsonObject) -> None:
    assert content_types.check(types) == types


def test_a_content_that_makes_no_sense_is_refused_and_not_made(twilio: Twilio) -> None:
    for body in (
        {"types": items(11), "language": "en"},
        {"types": TEXT},
        {"types": TEXT, "language": "English"},
        {"types": TEXT, "language": "en", "variables": {"a b": "x"}},
        {"types": TEXT, "language": "en", "variables": {"1": 5}},
        ["no object"],
    ):
        answer = twilio.content("POST", "/Content", body)
        assert (answer.status_code, answer.json()["code"]) == (400, 20001), body
    assert twilio.content("GET", "/Content").json()["contents"] == []


def test_a_stranger_is_refused(simulators: Simulators) -> None:
    answer = Twilio(simulators.base_url, "another").make(TEXT)
    assert (answer.status_code, answer.json()["code"]) == (401, 20003)


def test_approval_goes_from_unsubmitted_to_approved_as_time_passes(twilio: Twilio, phone: Phone) -> None:
    sid = twilio.made(BUTTONS, variables={"1": "x", "2": "y"})

    def status() -> str:
        return twilio.content("GET", f"/Content/{sid}/ApprovalRequests").json()["whatsapp"]["status"]

    assert status() == "unsubmitted"
    submitted = twilio.content("POST", f"/Content/{sid}/ApprovalRequests/whatsapp", TEMPLATE)
    assert submitted.status_code == 201
    assert submitted.json() == {
        "name": "order_waits_en",
        "category": "UTILITY",
        "content_type": "twilio/quick-reply",
        "status": "received",
        "rejection_reason": "",
        "allow_category_change": True,
    }
    phone.advance(5)
    assert status() == "pending"
    phone.advance(55)
    assert status() == "approved"
    listed = twilio.content("GET", "/ContentAndApprovals").json()["contents"]
    assert [(one["sid"], one["approval_requests"]["status"]) for one in listed] == [(sid, "approved")]
    again = twilio.content("POST", f"/Content/{sid}/ApprovalRequests/whatsapp", TEMPLATE)
    assert again.status_code == 400


def test_somebody_at_the_page_decides_what_whatsapp_thinks(twilio: Twilio, phone: Phone) -> None:
    sid = twilio.made(BUTTONS, variables={"1": "x", "2": "y"})
    with pytest.raises(Refused):
        phone.decides(sid, "approved")  # it was never submitted
    twilio.content("POST", f"/Content/{sid}/ApprovalRequests/whatsapp", TEMPLATE)
    for status in ("approved", "paused", "disabled", "rejected"):
        phone.decides(sid, status, "Too vague.")
        whatsapp = twilio.content("GET", f"/Content/{sid}/ApprovalRequests").json()["whatsapp"]
        assert whatsapp["status"] == status
        assert whatsapp["rejection_reason"] == ("Too vague." if status == "rejected" else "")
    assert [one["status"] for one in phone.contents()] == ["rejected"]
    with pytest.raises(Refused):
        phone.decides(sid, "delighted")


def test_a_list_can_not_be_approved_and_a_bare_variable_is_rejected(twilio: Twilio) -> None:
    refused = twilio.content("POST", f"/Content/{twilio.made(LIST)}/ApprovalRequests/whatsapp", TEMPLATE)
    assert refused.status_code == 400
    bare = twilio.made({"twilio/text": {"body": "{{1}} waits for you"}})
    submitted = twilio.content("POST", f"/Content/{bare}/ApprovalRequests/whatsapp", TEMPLATE)
    assert submitted.json()["status"] == "rejected"
    wrong = twilio.content("POST", f"/Content/{bare}/ApprovalRequests/whatsapp", {**TEMPLATE, "name": "Order Waits"})
    assert wrong.status_code == 400


def test_contents_outlive_a_reset_and_a_restart(simulators: Simulators, twilio: Twilio, phone: Phone) -> None:
    sid = twilio.made(TEXT)
    phone.reset()
    simulators.restart()
    assert twilio.content("GET", f"/Content/{sid}").json()["sid"] == sid


def test_the_content_api_can_fail(twilio: Twilio, phone: Phone) -> None:
    phone.faults(content_500=1)
    assert twilio.make(TEXT).status_code == 500
    assert twilio.make(TEXT).status_code == 201
