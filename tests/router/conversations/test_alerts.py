"""The shop's own people are told in their chat: only who was invited, of everything once, and until they leave."""

from datetime import timedelta
from typing import Any

import pytest

from contracts.chat_api import AlertNews
from router.conversations.alerts import ALERTING, alert
from router.events.models import outbox
from router.events.service import tell_rooms
from tests.router.conversations.test_people import ask, data_of_last, say
from tests.router.conversations.test_reports import status
from tests.support.counter import AMINA, BARAKA, Answer, Counter
from tests.support.vendor_api import vendor_api

OWNER = "whatsapp:+254700000007"
PARTNER = "whatsapp:+254700000008"


def invited(counter: Counter) -> str:
    answer = vendor_api(counter).post("/api/v1/alerts/invitations", {})
    assert answer.body["text"] == f"ALERTS {answer.body['code']}"
    return answer.body["code"]


def join(counter: Counter, code: str, who: str = OWNER) -> Answer:
    return counter.post("/v1/chat/alerts", {"customer": {"address": who, "name": "Njeri"}, "code": code})


def alerts(counter: Counter) -> int:
    return sum(row["type"] == "shop.alert" for row in counter.rows(outbox))


def test_who_wrote_the_word_is_told_of_a_paid_order(counter: Counter) -> None:
    assert join(counter, invited(counter).lower()).body == {"shop_name": "Mama Njeri"}
    counter.put("milk")
    tell_rooms(counter.db.engine, dict.fromkeys(ALERTING, alert))  # for payments that are heard past the service
    order = counter.confirmed("milk", quantity=2)
    counter.hear(counter.started(), receipt="TKL4H7XQ2P")
    news = data_of_last(counter)
    assert news == {
        "alert": "order_paid",
        "customer_address": OWNER,
        "shop_name": "Mama Njeri",
        "about_address": AMINA,
        "about_name": "",
        "order_code": order.code,
        "amount_minor": 20_000,
        "currency": "KES",
        "text": "2 × Milk",
        "delivery": None,
        "note": "",
        "scheduled_for": None,
    }


def test_a_paid_order_says_how_it_gets_to_the_customer_and_what_they_wrote(counter: Counter) -> None:
    join(counter, invited(counter))
    counter.put("milk")
    tell_rooms(counter.db.engine, dict.fromkeys(ALERTING, alert))
    zone = {"name": "Kilimani", "fee_minor": 15_000, "latitude": -1.2921, "longitude": 36.7856, "radius_m": 3000}
    vendor_api(counter).post("/api/v1/delivery-zones", zone)
    customer = {"customer": {"address": AMINA, "name": "Amina"}}
    counter.add("milk")
    where = {"kind": "delivery", "latitude": -1.2921, "longitude": 36.7856, "landmark": "Blue gate"}
    tomorrow = (counter.clock.now() + timedelta(days=1)).date().isoformat()
    for what, said in (("fulfilment", where), ("note", {"note": "Call me"}), ("schedule", {"day": tomorrow})):
        assert counter.post(f"/v1/cart/{what}", {**customer, **said}).status == 200
    assert counter.confirm().status == 200
    counter.hear(counter.started())
    news = AlertNews.model_validate(data_of_last(counter))
    assert news.delivery is not None
    assert (news.delivery.zone_name, news.delivery.landmark) == ("Kilimani", "Blue gate")
    assert news.delivery.map_url == "https://www.google.com/maps/search/?api=1&query=-1.292100,36.785600"
    assert (news.note, news.about_name) == ("Call me", "Amina")
    assert news.scheduled_for is not None
    assert news.scheduled_for > counter.clock.now()


def test_everybody_who_was_invited_is_told_once(counter: Counter) -> None:
    for who in (OWNER, PARTNER, OWNER):
        assert join(counter, invited(counter), who).status == 200
    ask(counter)
    ask(counter)
    assert alerts(counter) == 2
    assert data_of_last(counter)["text"] == "Is the milk fresh?"


def test_a_word_is_good_once_and_for_a_day(counter: Counter) -> None:
    code = invited(counter)
    assert join(counter, code).status == 200
    assert join(counter, code, PARTNER).code == "invitation_unknown"
    late = invited(counter)
    counter.clock.advance(timedelta(days=1))
    assert join(counter, late, PARTNER).code == "invitation_unknown"
    assert join(counter, "NOSUCH", PARTNER).code == "invitation_unknown"


def test_another_shop_s_word_is_none(counter: Counter) -> None:
    code = invited(counter)
    other = counter.open_shop("vendor-baraka", "Baraka Kitchen")
    answer = counter.post("/v1/chat/alerts", {"customer": {"address": OWNER}, "code": code}, vendor=other)
    assert answer.code == "invitation_unknown"
    assert join(counter, code).status == 200


def test_who_is_told_can_leave_and_can_be_removed(counter: Counter) -> None:
    for who in (OWNER, PARTNER):
        join(counter, invited(counter), who)
    api = vendor_api(counter)
    left = counter.post("/v1/chat/alerts/leave", {"customer": {"address": OWNER}})
    assert left.body == {"was_told": True}
    assert counter.post("/v1/chat/alerts/leave", {"customer": {"address": OWNER}}).body == {"was_told": False}
    (one,) = api.get("/api/v1/alerts").body["recipients"]
    assert (one["name"], one["phone"]) == ("Njeri", "254700000008")
    assert api.post(f"/api/v1/alerts/{one['recipient_id']}/remove", {}).body == {"recipients": []}
    assert api.post(f"/api/v1/alerts/{one['recipient_id']}/remove", {}).code == "recipient_unknown"
    ask(counter)
    assert alerts(counter) == 0


def test_no_more_than_five_are_told_and_ten_invited(counter: Counter) -> None:
    codes = [invited(counter) for _ in range(10)]
    api = vendor_api(counter)
    assert api.post("/api/v1/alerts/invitations", {}).code == "too_many_alerts"
    for n, code in enumerate(codes[:5]):
        join(counter, code, f"whatsapp:+25470000001{n}")
    assert api.post("/api/v1/alerts/invitations", {}).code == "too_many_alerts"
    assert len(api.get("/api/v1/alerts").body["recipients"]) == 5


@pytest.mark.parametrize(("more", "told"), [({"reason": "outside_24h"}, 1), ({"reason": "opted_out"}, 0)])
def test_a_message_that_did_not_arrive_is_told_unless_the_customer_wanted_none(
    counter: Counter, more: dict[str, Any], told: int
) -> None:
    join(counter, invited(counter))
    say(counter, "out:1", "Your receipt", who=BARAKA, author="bot", status="queued")
    status(counter, "out:1", "held", **more)
    assert alerts(counter) == told
