"""What the shop's own people do in a kept conversation: read from its entry, done over the router's API."""

import json

import pytest
from pytest_httpserver import HTTPServer

from dukani.transcript_people import Done, People, PersonRefused, PersonTooSoon, read_done
from dukani.transcripts import BadTranscript

PATH = "/api/v1/conversations/c-1"
SHOP = "Mama Njeri's Groceries"


@pytest.mark.parametrize(
    ("text", "done"),
    [
        ("Njeri takes over", Done("take", "Njeri")),
        ("Njeri gives back", Done("return", "Njeri")),
        ("Mama Njeri: Fresh: from Limuru.\nTwo?", Done("messages", "Mama Njeri", "Fresh: from Limuru.\nTwo?")),
    ],
)
def test_what_a_person_does_is_read_as_it_is_written(text: str, done: Done) -> None:
    assert read_done(text) == done


@pytest.mark.parametrize("text", ["", "Njeri", "Njeri leaves", ": hello"])
def test_what_a_person_can_not_do_is_refused_with_what_can_be_done(text: str) -> None:
    with pytest.raises(BadTranscript, match="Name takes over"):
        read_done(text)


@pytest.fixture
def router(httpserver: HTTPServer) -> HTTPServer:
    """A router with one shop and one conversation, in which one thing was said."""
    httpserver.expect_request("/vendors").respond_with_json({"vendors": [{"id": "v-1", "name": SHOP}]})
    of_shop = {"x-vendor-id": "v-1"}
    customer = {"phone": "254700000010", "name": "Wanjiru"}
    listed = {"conversations": [{"conversation_id": "c-1", "customer": customer}]}
    httpserver.expect_request("/api/v1/conversations", headers=of_shop).respond_with_json(listed)
    said = {"messages": [{"author": "customer", "text": "Are they fresh?"}]}
    httpserver.expect_request(f"{PATH}/messages", "GET", headers=of_shop).respond_with_json(said)
    return httpserver


def people(router: HTTPServer, within_s: float = 5.0) -> People:
    return People(router.url_for(""), within_s)


def test_a_person_writes_once_they_can_read_what_the_customer_said(router: HTTPServer) -> None:
    router.expect_request(f"{PATH}/messages", "POST", json={"by": "Njeri", "text": "Yes"}).respond_with_json({})
    people(router).do(Done("messages", "Njeri", "Yes"), SHOP, "254700000010", ["hello", "Are they fresh?"])
    router.check()
    request, _ = router.log[-1]
    assert json.loads(request.data) == {"by": "Njeri", "text": "Yes"}


def test_nobody_answers_what_has_not_arrived(router: HTTPServer) -> None:
    with pytest.raises(PersonTooSoon, match="Are they cheap"):
        people(router, 0.1).do(Done("take", "Njeri"), SHOP, "Wanjiru", ["Are they cheap?"])
    with pytest.raises(PersonTooSoon, match="the conversation"):
        people(router, 0.1).do(Done("take", "Njeri"), SHOP, "Baraka", [])


def test_what_the_router_refuses_is_told(router: HTTPServer) -> None:
    router.expect_request(f"{PATH}/return", "POST").respond_with_json({"code": "capability_missing"}, status=403)
    with pytest.raises(PersonRefused, match="capability_missing"):
        people(router).do(Done("return", "Njeri"), SHOP, "Wanjiru", [])
    with pytest.raises(PersonRefused, match="no shop is called"):
        people(router).do(Done("return", "Njeri"), "Elsewhere", "Wanjiru", [])
