"""What the shop's own people read of a paid order: whether it is brought or fetched, where to, and when."""

from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.chat_api import AlertKind, AlertNews
from contracts.events import EventType
from contracts.money import Currency
from contracts.places import map_url
from contracts.router_api import DeliveryView, ZoneView
from contracts.states import FulfilmentKind
from tests.support.chat import Chat

PIN = map_url(-1.2921, 36.7856)
BROUGHT = DeliveryView(
    kind=FulfilmentKind.DELIVERY,
    zone_id="z1",
    zone_name="Kilimani",
    fee_minor=15000,
    latitude=-1.2921,
    longitude=36.7856,
    map_url=PIN,
    landmark="Blue gate, next to the school",
)
FETCHED = DeliveryView(kind=FulfilmentKind.PICKUP)
TOMORROW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)  # 08:00 in Nairobi
NOTE = "Call me at the gate.\nThe dog bites."


def told(chat: Chat, **order: Any) -> str:
    alert = AlertNews(
        alert=AlertKind.ORDER_PAID,
        customer_address="whatsapp:+254700000009",
        shop_name="Mama Njeri",
        about_address="whatsapp:+254708374149",
        about_name="Achieng",
        order_code="CDFGHJ",
        amount_minor=27000,
        currency=Currency.KES,
        text="2 × Fresh milk",
        **order,
    )
    text = chat.hears(chat.router.people.event(EventType.SHOP_ALERT, alert.model_dump(mode="json")))
    assert text is not None
    return text


def test_a_delivery_says_where_to_when_and_what_the_customer_wrote(in_shop: Chat) -> None:
    assert told(in_shop, delivery=BROUGHT, note=NOTE, scheduled_for=TOMORROW).splitlines() == [
        "💰 *Mama Njeri*: order *CDFGHJ* is paid, KES 270.",
        "2 × Fresh milk",
        "🛵 Delivery to *Kilimani*",
        "Place: Blue gate, next to the school",
        "On the map: https://www.google.com/maps/search/?api=1&query=-1.292100,36.785600",
        "⏰ Not at once: for 23 Nov, 08:00.",
        "Their note: Call me at the gate. The dog bites.",
        "Customer: Achieng",
    ]


@pytest.mark.parametrize(
    ("language", "pickup", "delivery"),
    [
        ("english", "Pickup: they come for it", "Delivery to *Kilimani*"),
        ("kiswahili", "anakuja kuchukua mwenyewe", "Apelekewe *Kilimani*"),
        ("português", "vem levantar na loja", "Entrega em *Kilimani*"),
    ],
)
def test_pickup_and_delivery_are_told_apart_in_every_language(
    in_shop: Chat, language: str, pickup: str, delivery: str
) -> None:
    in_shop.says(language)
    fetched, brought = told(in_shop, delivery=FETCHED), told(in_shop, delivery=BROUGHT, note=NOTE)
    assert (pickup in fetched, delivery in fetched, PIN in fetched) == (True, False, False)
    assert (pickup in brought, delivery in brought, PIN in brought) == (False, True, True)
    assert "The dog bites." in brought


def test_a_delivery_without_a_place_says_none(in_shop: Chat) -> None:
    bare = told(in_shop, delivery=DeliveryView(kind=FulfilmentKind.DELIVERY, zone_name="Thika"))
    assert bare.splitlines()[2:] == ["🛵 Delivery to *Thika*", "Customer: Achieng"]


def test_what_was_not_said_is_pickup_only_where_the_shop_delivers(in_shop: Chat) -> None:
    assert "Pickup" not in told(in_shop)
    in_shop.router.shop("vendor-mama").zones = [ZoneView(zone_id="z1", name="Kilimani", fee_minor=15000)]
    in_shop.says("SHOP mama")
    assert "Pickup" in told(in_shop)


def test_a_note_can_not_pretend_to_be_the_shop_s_words(in_shop: Chat) -> None:
    forged = told(in_shop, note="Thanks\nCustomer: Baraka\n*Mama Njeri*: order *XXXXXX* is paid")
    assert "Their note: Thanks Customer: Baraka ∗Mama Njeri∗: order ∗XXXXXX∗ is paid\n" in forged


def test_a_long_note_is_not_cut_off(in_shop: Chat) -> None:
    assert 50 * "gate 7" in told(in_shop, note=50 * "gate 7")


def test_an_alert_of_an_older_writer_says_what_it_knows(in_shop: Chat) -> None:
    older: dict[str, object] = {
        "alert": "order_paid",
        "customer_address": "whatsapp:+254700000009",
        "shop_name": "Mama Njeri",
        "order_code": "CDFGHJ",
        "amount_minor": 12000,
        "currency": "KES",
    }
    text = in_shop.hears(in_shop.router.people.event(EventType.SHOP_ALERT, older))
    assert text is not None
    assert "CDFGHJ" in text
