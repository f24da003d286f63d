"""Commands on the wire: each reaches the route that the contract names, with its vendor and its key."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from bot.conversation.model import (
    AddItem,
    AskForPerson,
    Cancel,
    ChooseDay,
    ChooseFulfilment,
    Command,
    Confirm,
    FindItems,
    FindOther,
    FindShop,
    JoinAlerts,
    LeaveAlerts,
    LeaveNote,
    ListCategories,
    ListItems,
    ListOrders,
    ListShops,
    ListZones,
    NameReceipt,
    OrderAgain,
    Pay,
    RemoveItem,
    ReturnToBot,
    ShowCart,
    ShowItem,
    StartCharge,
    UseVoucher,
)
from bot.ports.commands import Commands
from bot.ports.payment_adapter import PaymentAdapter
from bot.ports.router import Router
from contracts.chat_api import AlertsJoined, AlertsLeft, ChatMode, HandoverView
from contracts.claims import ReceiptStanding, ReceiptView
from contracts.errors import ErrorCode, ProblemBody
from contracts.money import Currency
from contracts.router_api import (
    CancelResult,
    CartView,
    CategoryList,
    CustomerRef,
    ItemCard,
    ItemPage,
    ItemsFound,
    OrderList,
    OtherOrder,
    PayResult,
    ReorderResult,
    ShopList,
    ShopView,
    ZoneList,
)
from contracts.states import FulfilmentKind, OrderStatus
from kit.clock import FixedClock
from kit.peers import Peer, Unreachable
from kit.signing import KeyRing
from tests.support.bot import HIDDEN, an_order
from tests.support.processes import free_ports

CUSTOMER = CustomerRef(address=HIDDEN, name="Achieng")
KEY = "SM1:1"
WHO = {"customer": {"address": HIDDEN, "name": "Achieng"}}
QUERY_WHO = "customer=whatsapp%3AKE.a1B2c3D4e5F6"

SHOP_VIEW = ShopView(
    vendor_id="v1",
    word="mama",
    name="Mama Njeri",
    currency="KES",  # pyright: ignore[reportArgumentType]
    locale="en",
    timezone="Africa/Nairobi",
    rails=[],
    capabilities=[],
)
CART = CartView(cart=None)
CARD = ItemCard(item_id="i1", sku="S1", name="Milk", price_minor=6000, currency=Currency.KES, available=None)
BOTS = HandoverView(mode=ChatMode.BOT)
PAID = PayResult(order=an_order(), intent_id="i1", payer_msisdn="254708374149", grant="g1")


def commands_at(url: str, clock: FixedClock) -> Commands:
    ring = KeyRing.parse("k" * 32)
    return Commands(Router(Peer(url, ring, clock, timeout_s=1)), PaymentAdapter(Peer(url, ring, clock, timeout_s=1)))


@pytest.mark.parametrize(
    ("command", "method", "target", "body", "answer"),
    [
        (FindShop("mama"), "GET", "/v1/shops?word=mama", None, SHOP_VIEW),
        (ListShops(), "GET", "/v1/shops", None, ShopList(shops=[SHOP_VIEW])),
        (ListItems("v1"), "GET", "/v1/catalog/items?limit=9", None, ItemPage(items=[], total=0)),
        (
            FindItems("v1", ("maziwa", "pão & milk"), 5),
            "GET",
            "/v1/catalog/lookup?queries=maziwa%0Ap%C3%A3o+%26+milk&limit=5",
            None,
            ItemsFound(found=[[], []]),
        ),
        (
            ListItems("v1", "sukari & chai", "c3", 5),
            "GET",
            "/v1/catalog/items?query=sukari+%26+chai&after=c3&limit=5",
            None,
            ItemPage(items=[], total=0),
        ),
        (ShowCart("v1"), "GET", f"/v1/cart?{QUERY_WHO}", None, CART),
        (AddItem("v1", "i1", 3), "POST", "/v1/cart/lines", {**WHO, "item_id": "i1", "quantity": 3}, CART),
        (RemoveItem("v1", 2), "POST", "/v1/cart/lines/remove", {**WHO, "line_no": 2}, CART),
        (Confirm("v1"), "POST", "/v1/cart/confirm", WHO, an_order()),
        (
            Cancel("v1", "CDFGHJ"),
            "POST",
            "/v1/orders/cancel",
            {**WHO, "code": "CDFGHJ"},
            CancelResult(order=an_order(), prompt_is_live=True),
        ),
        (
            Pay("v1", None, "254708374149"),
            "POST",
            "/v1/orders/pay",
            {**WHO, "code": None, "payer_msisdn": "254708374149", "rail": None, "is_for_other": False},
            PAID,
        ),
        (
            FindOther("v1", "CDFGHJ"),
            "GET",
            f"/v1/orders/other?{QUERY_WHO}&code=CDFGHJ",
            None,
            OtherOrder(
                code="CDFGHJ",
                customer_name="Amina",
                total_minor=12000,
                currency=Currency.KES,
                status=OrderStatus.CONFIRMED,
                payer_msisdn=None,
            ),
        ),
        (
            NameReceipt("v1", "QGH7XYZ123"),
            "POST",
            "/v1/payments/receipts",
            {**WHO, "receipt": "QGH7XYZ123"},
            ReceiptView(standing=ReceiptStanding.WAITING),
        ),
        (ListOrders("v1"), "GET", f"/v1/orders?{QUERY_WHO}&limit=10", None, OrderList(orders=[])),
        (
            ListOrders("v1", 9, "c+1"),
            "GET",
            f"/v1/orders?{QUERY_WHO}&limit=9&cursor=c%2B1",
            None,
            OrderList(orders=[]),
        ),
        (
            ListItems("v1", category="c1"),
            "GET",
            "/v1/catalog/items?category=c1&limit=9",
            None,
            ItemPage(items=[], total=0),
        ),
        (ShowItem("v1", "i1"), "GET", "/v1/catalog/items/i1", None, CARD),
        (ListCategories("v1"), "GET", "/v1/catalog/categories", None, CategoryList(categories=[])),
        (ListZones("v1"), "GET", "/v1/delivery/zones", None, ZoneList(zones=[], currency=Currency.KES)),
        (
            ChooseFulfilment("v1", FulfilmentKind.DELIVERY, None, -1.25, 36.8, "Sarit Centre"),
            "POST",
            "/v1/cart/fulfilment",
            {
                **WHO,
                "kind": "delivery",
                "zone_id": None,
                "latitude": -1.25,
                "longitude": 36.8,
                "landmark": "Sarit Centre",
            },
            CART,
        ),
        (LeaveNote("v1", "no onions"), "POST", "/v1/cart/note", {**WHO, "note": "no onions"}, CART),
        (UseVoucher("v1", None), "POST", "/v1/cart/voucher", {**WHO, "code": None}, CART),
        (ChooseDay("v1", date(2026, 11, 21)), "POST", "/v1/cart/schedule", {**WHO, "day": "2026-11-21"}, CART),
        (
            OrderAgain("v1", "CDFGHJ"),
            "POST",
            "/v1/cart/reorder",
            {**WHO, "code": "CDFGHJ"},
            ReorderResult(cart=None, from_code="CDFGHJ"),
        ),
        (AskForPerson("v1", "Is it fresh?"), "POST", "/v1/chat/handover", {**WHO, "about": "Is it fresh?"}, BOTS),
        (ReturnToBot("v1"), "POST", "/v1/chat/return", WHO, BOTS),
        (JoinAlerts("v1", "CDFGHJ"), "POST", "/v1/chat/alerts", {**WHO, "code": "CDFGHJ"}, AlertsJoined(shop_name="M")),
        (LeaveAlerts("v1"), "POST", "/v1/chat/alerts/leave", WHO, AlertsLeft(was_told=True)),
    ],
)
def test_a_command_reaches_its_route(
    httpserver: HTTPServer, clock: FixedClock, command: Command, method: str, target: str, body: Any, answer: Any
) -> None:
    seen: list[Request] = []

    def reply(request: Request) -> Response:
        request.get_data()
        seen.append(request)
        return Response(answer.model_dump_json(), content_type="application/json")

    httpserver.expect_request(target.partition("?")[0]).respond_with_handler(reply)
    assert commands_at(httpserver.url_for(""), clock).perform(command, CUSTOMER, KEY) == answer
    (request,) = seen
    query = request.query_string.decode()
    assert (request.method, request.path + (f"?{query}" if query else "")) == (method, target)
    assert request.headers.get("x-vendor-id") == (None if isinstance(command, FindShop | ListShops) else "v1")
    assert request.headers.get("idempotency-key") == (KEY if method == "POST" else None)
    assert (request.get_json() if body is not None else None) == body


def test_a_grant_goes_to_the_adapter_unchanged_under_the_intents_key(httpserver: HTTPServer, clock: FixedClock) -> None:
    httpserver.expect_request(
        "/v1/charges", method="POST", json={"grant": "g1"}, headers={"idempotency-key": "i1"}
    ).respond_with_json({"charge_id": "c1", "intent_id": "i1", "status": "accepted"}, 202)
    result = commands_at(httpserver.url_for(""), clock).perform(StartCharge("g1", "i1"), CUSTOMER, KEY)
    assert getattr(result, "charge_id", None) == "c1"


def problem(status: int, code: ErrorCode) -> Callable[[Request], Response]:
    body = ProblemBody(title="No", status=status, code=code).model_dump_json()
    return lambda _: Response(body, status, content_type="application/problem+json")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (404, ErrorCode.SHOP_UNKNOWN),
        (409, ErrorCode.ITEM_SOLD_OUT),
        (429, ErrorCode.TOO_MANY_REQUESTS),
        (422, ErrorCode.IDEMPOTENCY_KEY_REUSED),
    ],
)
def test_a_refusal_is_an_answer(httpserver: HTTPServer, clock: FixedClock, status: int, code: ErrorCode) -> None:
    httpserver.expect_request("/v1/cart/confirm").respond_with_handler(problem(status, code))
    result = commands_at(httpserver.url_for(""), clock).perform(Confirm("v1"), CUSTOMER, KEY)
    assert isinstance(result, ProblemBody)
    assert result.code == code


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (409, ErrorCode.IDEMPOTENCY_IN_PROGRESS),
        (401, ErrorCode.UNAUTHENTICATED),
        (503, ErrorCode.UNAVAILABLE),
        (500, ErrorCode.INTERNAL),
    ],
)
def test_what_says_nothing_about_the_command_is_asked_again_later(
    httpserver: HTTPServer, clock: FixedClock, status: int, code: ErrorCode
) -> None:
    httpserver.expect_request("/v1/cart/confirm").respond_with_handler(problem(status, code))
    with pytest.raises(Unreachable):
        commands_at(httpserver.url_for(""), clock).perform(Confirm("v1"), CUSTOMER, KEY)


def test_nobody_at_home_is_unreachable(clock: FixedClock) -> None:
    (closed,) = free_ports(1)
    with pytest.raises(Unreachable):
        commands_at(f"http://127.0.0.1:{closed}", clock).perform(ListShops(), CUSTOMER, KEY)
