"""Rails: what the payment adapter tells of them counts, newest first, and a shop sees what it lacks and where to give
it."""

import json
import logging
import time
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text

from contracts.credentials import TICKET_LIFETIME
from contracts.payment_api import RailsNews
from contracts.states import Rail
from kit.signing import KeyRing
from kit.tickets import TicketInvalid, open_ticket, sign_ticket
from kit.webhooks import EventSigner
from router.databases import platform_idempotency
from router.operations import KeyScope
from router.vendors.models import vendor_changes, vendor_rails
from router.vendors.service import CACHE_S
from tests.support.counter import MAMA, Answer, Counter
from tests.support.vendor_api import vendor_api

TICKETS = KeyRing.parse("r" * 32)
BARE = "vendor-bare"


@pytest.fixture
def bare(counter: Counter) -> Counter:
    """With a second shop that has the capability and no settings."""
    counter.open_shop(BARE, "Bare Shop", is_ready=False)
    counter.put("bread", vendor=BARE, on_hand=None)
    return counter


def news(counter: Counter, *, vendor: str = BARE, version: int = 1, missing: list[str] | None = None) -> RailsNews:
    is_ready = not missing
    return RailsNews(
        event_id=f"rails:{version}:{len(missing or [])}",
        vendor_id=vendor,
        provider="mpesa",
        version=version,
        ready=[Rail.MPESA_STK] if is_ready else [],
        missing={} if is_ready else {Rail.MPESA_STK: missing or []},
        occurred_at=counter.clock.now(),
    )


def send(counter: Counter, told: RailsNews, *, secret: str = "a" * 32, signed_as: str | None = None) -> Answer:
    body = told.model_dump_json().encode()
    headers = EventSigner(KeyRing.parse(secret)).headers(signed_as or told.event_id, counter.clock.now(), body)
    return counter.send_unsigned("POST", "/v1/rails-events", body, headers=headers)


def rails(counter: Counter, vendor: str = BARE) -> list[str]:
    return counter.get(f"/v1/shops/{vendor}", vendor=None).body["rails"]


def pay(counter: Counter, vendor: str = BARE, **more: Any) -> Answer:
    who = {"customer": {"address": "whatsapp:+254708374149"}}
    cart = {**who, "item_id": "bread", "quantity": 1}
    if counter.get("/v1/cart", vendor=vendor, customer=who["customer"]["address"]).body["unpaid"] == []:
        assert counter.post("/v1/cart/lines", cart, vendor=vendor).status == 200
        assert counter.post("/v1/cart/confirm", who, vendor=vendor).status == 200
    return counter.post("/v1/orders/pay", {**who, **more}, vendor=vendor)


def test_a_rail_is_offered_once_its_settings_are_complete_and_no_longer_when_they_are_not(bare: Counter) -> None:
    assert rails(bare) == []
    assert send(bare, news(bare, missing=["passkey"])).body == {"status": "applied"}
    assert rails(bare) == []
    assert send(bare, news(bare, version=2)).body == {"status": "applied"}
    assert rails(bare) == ["mpesa_stk"]
    assert pay(bare).status == 200
    assert send(bare, news(bare, version=3, missing=["consumer_key"])).body == {"status": "applied"}
    assert rails(bare) == []


def test_news_that_comes_twice_or_late_changes_nothing(bare: Counter) -> None:
    complete = news(bare, version=2)
    assert send(bare, complete).body == {"status": "applied"}
    for late in (complete, news(bare, version=1, missing=["passkey"])):
        assert send(bare, late).body == {"status": "outdated"}
    assert rails(bare) == ["mpesa_stk"]
    bare.clock.advance(timedelta(seconds=1))  # the same set, judged anew by a newer adapter
    assert send(bare, news(bare, version=2, missing=["party_b"])).body == {"status": "applied"}
    assert send(bare, complete).body == {"status": "outdated"}
    assert rails(bare) == []


def test_news_that_the_adapter_did_not_sign_is_refused(bare: Counter) -> None:
    told = news(bare)
    assert send(bare, told, secret="x" * 32).status == 401
    assert bare.send_unsigned("POST", "/v1/rails-events", told.model_dump_json().encode(), headers={}).status == 401
    assert send(bare, told, signed_as="another").status == 422
    broken = b'{"event_id": "e"}'
    headers = EventSigner(KeyRing.parse("a" * 32)).headers("e", bare.clock.now(), broken)
    assert bare.send_unsigned("POST", "/v1/rails-events", broken, headers=headers).status == 422
    assert rails(bare) == []
    assert bare.rows(vendor_rails, bare.platform) == [
        row for row in bare.rows(vendor_rails, bare.platform) if row["vendor_id"] == MAMA
    ]


def test_news_of_a_shop_that_is_opened_later_waits_for_it(counter: Counter) -> None:
    assert send(counter, news(counter)).body == {"status": "applied"}
    counter.open_shop(BARE, "Bare Shop", is_ready=False)
    assert rails(counter) == ["mpesa_stk"]


def test_paying_says_which_settings_are_missing_and_where_to_give_them(bare: Counter) -> None:
    refused = pay(bare)
    assert (refused.status, refused.code, refused.body["rails"]) == (409, "rail_unavailable", [])
    assert "mpesa_stk lacks all its settings" in refused.body["detail"]
    send(bare, news(bare, missing=["consumer_key", "passkey"]))
    refused = pay(bare)
    assert "mpesa_stk lacks consumer_key, passkey" in refused.body["detail"]
    assert "POST /api/v1/credentials-links" in refused.body["detail"]
    assert f"dukani secrets link {BARE}" in refused.body["detail"]
    assert "sells in KES" in pay(bare, rail="gpo").body["detail"]


def test_a_rail_that_another_process_heard_of_counts_at_the_next_pay_and_one_it_lost_within_five_seconds(
    bare: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pay(bare).code == "rail_unavailable"
    with bare.platform.write() as tx:  # as another router would
        tx.execute(insert(vendor_rails).values(vendor_id=BARE, rail="mpesa_stk"))
    assert pay(bare).status == 200
    with bare.platform.write() as tx:
        tx.execute(vendor_rails.update().where(vendor_rails.c.vendor_id == BARE).values(is_ready=False))
    assert rails(bare) == ["mpesa_stk"]
    now = time.monotonic()
    monkeypatch.setattr("router.vendors.service.monotonic", lambda: now + CACHE_S + 1)
    assert rails(bare) == []


def test_a_rail_written_by_hand_in_sql_is_ready(bare: Counter) -> None:
    with bare.platform.write() as tx:
        tx.execute(text("INSERT INTO vendor_rails (vendor_id, rail) VALUES ('vendor-bare', 'mpesa_stk')"))
    assert rails(bare) == ["mpesa_stk"]


def test_a_shop_sees_its_rails_and_what_they_lack(counter: Counter) -> None:
    luanda = counter.open_shop(
        "vendor-luanda",
        "Loja",
        currency="AOA",
        timezone="Africa/Luanda",
        is_ready=False,
        capabilities=("commerce.orders", "payments.ekwanza_gpo"),
    )
    told = RailsNews(
        event_id="rails:1",
        vendor_id=luanda,
        provider="ekwanza",
        version=1,
        ready=[Rail.GPO, Rail.TICKET],
        missing={Rail.EMIS_REF: ["payment_method_ref"]},
        occurred_at=counter.clock.now(),
    )
    assert send(counter, told).status == 200
    listed = vendor_api(counter, KeyScope.SHOP_READ, vendor=luanda).get("/api/v1/rails").body["rails"]
    shown = [[each[name] for name in ("rail", "is_enabled", "is_ready", "is_offered", "missing")] for each in listed]
    assert shown == [
        ["gpo", True, True, True, []],
        ["emis_ref", False, False, False, ["payment_method_ref"]],
        ["ticket", False, True, False, []],
    ]
    assert rails(counter, luanda) == ["gpo"]
    (mama,) = vendor_api(counter, KeyScope.SHOP_READ).get("/api/v1/rails").body["rails"]
    assert (mama["rail"], mama["is_offered"], mama["capability"]) == ("mpesa_stk", True, "payments.mpesa_stk")


# --- links -----------------------------------------------------------------------------------------------------------


def test_a_link_is_signed_short_lived_and_shown_once(counter: Counter, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    api = vendor_api(counter, KeyScope.CREDENTIALS_WRITE)
    made = api.post("/api/v1/credentials-links", {}, key="one")
    assert made.status == 201
    head, _, token = made.body["url"].partition("/settings/")
    assert head == "http://127.0.0.1:3040"
    ticket = open_ticket(TICKETS, token)
    assert (ticket.vendor_id, ticket.vendor_name, ticket.rails) == (MAMA, "Mama Njeri", ["mpesa_stk"])
    assert ticket.asked_by.startswith("key:")
    assert ticket.expires_at - ticket.issued_at == TICKET_LIFETIME

    again = api.post("/api/v1/credentials-links", {}, key="one")
    assert (again.body["url"], again.body["expires_at"]) == (None, made.body["expires_at"])
    other = api.post("/api/v1/credentials-links", {}, key="two")
    assert open_ticket(TICKETS, other.body["url"].rpartition("/")[2]).ticket_id != ticket.ticket_id
    kept = json.dumps(counter.rows(platform_idempotency, counter.platform), default=str)
    assert token not in kept
    assert token not in caplog.text
    changes = [row for row in counter.rows(vendor_changes, counter.platform) if row["subject"] == "credentials link"]
    assert [row["changed_by"] for row in changes] == [ticket.asked_by] * 2


def test_a_key_without_the_scope_gets_no_link_and_an_operator_does(quick_counter: Counter) -> None:
    every_other = frozenset(KeyScope) - {KeyScope.CREDENTIALS_WRITE, KeyScope.PLATFORM}
    refused = vendor_api(quick_counter, *every_other).post("/api/v1/credentials-links", {})
    assert (refused.status, refused.code) == (403, "scope_missing")
    by_operator = quick_counter.operator("POST", "/api/v1/credentials-links", x_vendor_id=MAMA)
    assert by_operator.status == 201
    assert open_ticket(TICKETS, by_operator.body["url"].rpartition("/")[2]).asked_by == "operator"


@pytest.mark.parametrize("damage", ["", ".", "..", "a.1.b", "é.1.b", "cut", "other"])
def test_a_ticket_that_was_tampered_with_opens_nothing(quick_counter: Counter, damage: str) -> None:
    made = quick_counter.operator("POST", "/api/v1/credentials-links", x_vendor_id=MAMA)
    token: str = made.body["url"].rpartition("/")[2]
    ticket = open_ticket(TICKETS, token)
    if damage == "cut":
        damage = token[:-1]
    elif damage == "other":
        claims = sign_ticket(KeyRing.parse("x" * 32), ticket.model_copy(update={"vendor_id": "vendor-baraka"}))
        damage = claims.partition(".")[0] + "." + token.partition(".")[2]
    with pytest.raises(TicketInvalid):
        open_ticket(TICKETS, damage)
    # What the same key signs for another purpose is no ticket either.
    claims = token.partition(".")[0]
    with pytest.raises(TicketInvalid):
        open_ticket(TICKETS, f"{claims}.{'.'.join(TICKETS.sign(claims.encode()))}")
