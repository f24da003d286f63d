"""The page in which a shop enters its settings: who gets in, what it takes, and that it never shows a value."""

import re
import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from contracts.credentials import TICKET_LIFETIME
from contracts.states import Rail
from kit.clock import FixedClock
from kit.signing import KeyRing
from payment_adapter.charges.models import outbox
from payment_adapter.providers.base import Finding
from payment_adapter.settings_page.models import settings_sessions
from payment_adapter.settings_page.routes import COOKIE, MAX_FORM_BYTES
from payment_adapter.settings_page.sessions import MAX_TRIALS, SESSION_LIFETIME
from tests.support.databases import NewDatabase
from tests.support.settings import CERTIFICATE, SettingsDesk

CANARY = "canary-8f2c-secret"


@pytest.fixture
def desk(new_database: NewDatabase, clock: FixedClock) -> SettingsDesk:
    return SettingsDesk(new_database("payments"), clock)


@pytest.fixture
def quick_desk(sqlite_database: NewDatabase, clock: FixedClock) -> SettingsDesk:
    return SettingsDesk(sqlite_database("payments"), clock)


# --- getting in ------------------------------------------------------------------------------------------------------


def test_a_ticket_opens_the_page_once_in_one_browser(desk: SettingsDesk) -> None:
    address = f"/settings/{desk.ticket()}"
    first, second = desk.app.test_client(), desk.app.test_client()
    for _ in range(3):  # looking at it, as a preview does, uses nothing up
        seen = second.get(address)
        assert seen.status_code == 200
        assert "Mama Njeri" in seen.text
    opened = first.post(address)
    assert (opened.status_code, opened.headers["location"], opened.text) == (303, "/settings", "")
    assert "Mama Njeri" in first.get("/settings").text
    for asked in (first.post(address), second.post(address), second.get(address)):
        assert asked.status_code == 410
        assert "used already" in asked.text
    assert second.get("/settings").status_code == 403


def test_many_who_open_one_ticket_at_once_are_one(desk: SettingsDesk) -> None:
    address = f"/settings/{desk.ticket()}"
    barrier = threading.Barrier(6)
    codes: list[int] = []

    def one() -> None:
        client = desk.app.test_client()
        barrier.wait()
        codes.append(client.post(address).status_code)

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [303, 410, 410, 410, 410, 410]


def test_a_ticket_is_good_for_ten_minutes_and_a_session_for_half_an_hour(quick_desk: SettingsDesk) -> None:
    late = f"/settings/{quick_desk.ticket()}"
    visitor = quick_desk.visitor()
    quick_desk.pass_time(TICKET_LIFETIME)
    client = quick_desk.app.test_client()
    for asked in (client.get(late), client.post(late)):
        assert asked.status_code == 410
        assert "too old" in asked.text
    assert visitor.send(key="k").status_code == 200
    token = visitor.token
    quick_desk.pass_time(SESSION_LIFETIME - TICKET_LIFETIME)
    assert visitor.client.get("/settings").status_code == 403
    closed = visitor.raw({"token": token, "provider": "mpesa", "action": "save", "key": "later"})
    assert closed.status_code == 403
    assert quick_desk.fields() == {"key": "k"}


@pytest.mark.parametrize("damage", ["a", "a.b", "a.1.b", "%00", "é.1.x", "." * 300])
def test_an_address_that_the_router_did_not_sign_opens_nothing(quick_desk: SettingsDesk, damage: str) -> None:
    client = quick_desk.app.test_client()
    for address in (f"/settings/{damage}", f"/settings/{quick_desk.ticket(KeyRing.parse('x' * 32))}"):
        for asked in (client.get(address), client.post(address)):
            assert (asked.status_code, asked.content_type.partition(";")[0]) == (404, "text/html")
            assert "opens nothing" in asked.text
    with quick_desk.db.read() as tx:
        assert tx.execute(select(settings_sessions)).all() == []


def test_of_the_browser_s_secret_only_a_hash_is_kept_and_old_sessions_are_forgotten(quick_desk: SettingsDesk) -> None:
    visitor = quick_desk.visitor()
    cookie = visitor.client.get_cookie(COOKIE, path="/settings")
    assert cookie is not None
    with quick_desk.db.read() as tx:
        assert cookie.value not in repr(tx.execute(select(settings_sessions)).all())
    quick_desk.pass_time(timedelta(days=2))
    quick_desk.visitor()
    with quick_desk.db.read() as tx:
        assert len(tx.execute(select(settings_sessions)).all()) == 1


@pytest.mark.parametrize(
    ("public_url", "path", "is_secure"),
    [("http://127.0.0.1:3040", "/settings", False), ("https://pay.example.com/dukani", "/dukani/settings", True)],
)
def test_the_cookie_is_for_this_page_alone(
    sqlite_database: NewDatabase, clock: FixedClock, public_url: str, path: str, is_secure: bool
) -> None:
    desk = SettingsDesk(sqlite_database("payments"), clock, public_url)
    opened = desk.app.test_client().post(f"/settings/{desk.ticket()}")
    assert opened.headers["location"] == path
    attributes = opened.headers["set-cookie"].split("; ")[1:]
    assert {"HttpOnly", "SameSite=Strict", f"Path={path}"} <= set(attributes)
    assert ("Secure" in attributes) is is_secure


# --- what it takes ---------------------------------------------------------------------------------------------------


def test_settings_are_stored_and_never_shown(desk: SettingsDesk) -> None:
    visitor = desk.visitor()
    assert "Nothing is stored yet" in visitor.look()
    saved = visitor.send(key=f" {CANARY} ", kind="till", passkey="", certificate=CERTIFICATE)
    assert saved.status_code == 200
    assert "Saved. It counts within a few seconds." in saved.text
    assert "missing or not usable: Passkey" in saved.text
    assert desk.fields() == {"key": CANARY, "kind": "till", "certificate": CERTIFICATE}
    assert "✓ Ready" in visitor.send(passkey=CANARY[::-1]).text
    assert desk.fields()["key"] == CANARY
    shown = saved.text + visitor.look()
    assert not [value for value in (CANARY, CANARY[::-1], "BEGIN CERT") if value in shown]
    assert not re.search(r'<(input|textarea)[^>]*(value="(?!mpesa|operator|kind|certificate|[0-9a-f]{64}))', shown)
    assert '<option value="till">till</option>' in shown  # nothing is chosen beforehand either
    with desk.db.read() as tx:
        news = tx.execute(select(outbox)).all()
    assert [row.type for row in news] == ["rails.changed"] * 2
    assert CANARY not in repr(news)


def test_secrets_are_password_inputs_and_every_input_has_a_label(quick_desk: SettingsDesk) -> None:
    page = quick_desk.visitor().look()
    ids = re.findall(r'<(?:input|select|textarea) id="([^"]+)"', page)
    assert ids == [f"mpesa-{name}" for name in ("key", "passkey", "kind", "operator", "certificate")]
    for each in ids:
        assert f'<label for="{each}">' in page
        assert f'id="{each}-hint"' in page
    assert re.search(r'id="mpesa-passkey"[^>]*type="password"', page)
    assert re.search(r'id="mpesa-operator"[^>]*type="text"', page)
    assert "<textarea" in page


def test_only_settings_of_rails_that_the_shop_could_use_are_asked_for(quick_desk: SettingsDesk) -> None:
    visitor = quick_desk.visitor()
    assert 'value="ekwanza"' not in visitor.look()
    assert visitor.send(provider="ekwanza", key="k").status_code == 403
    assert visitor.send(provider="cash", key="k").status_code == 403
    assert quick_desk.fields(provider="ekwanza") == {}
    other = quick_desk.visitor(vendor_id="vendor-luanda", rails=[Rail.GPO, Rail.TICKET])
    assert "Multicaixa Express" in other.look()
    assert other.send(provider="ekwanza", key="k").status_code == 200
    assert quick_desk.fields("vendor-luanda", "ekwanza") == {"key": "k"}
    assert quick_desk.fields(provider="ekwanza") == {}


def test_what_can_not_be_meant_is_said_beside_its_field(quick_desk: SettingsDesk) -> None:
    visitor = quick_desk.visitor()
    refused = visitor.send(key=f"{CANARY}\x00", kind="kiosk", passkey="p")
    assert refused.status_code == 422
    assert "Nothing was saved" in refused.text
    assert 'id="mpesa-key-problem">holds characters that can&#39;t be seen' in refused.text
    assert "choose one of paybill, till" in refused.text
    assert CANARY not in refused.text
    assert quick_desk.fields() == {}
    assert visitor.send().status_code == 422


def test_what_is_optional_can_be_forgotten_and_everything_removed(quick_desk: SettingsDesk) -> None:
    visitor = quick_desk.visitor()
    visitor.send(key="k", passkey="p", operator="o")
    visitor.send(without=["operator"])
    assert quick_desk.fields() == {"key": "k", "passkey": "p"}
    assert "Removed." in visitor.send("remove").text
    assert quick_desk.fields() == {}
    assert "Nothing is stored yet" in visitor.look()
    assert "There was nothing to remove." in visitor.send("remove").text


# --- trying ----------------------------------------------------------------------------------------------------------


def test_settings_are_tried_before_they_are_stored(quick_desk: SettingsDesk) -> None:
    visitor = quick_desk.visitor()
    visitor.send(key="old", passkey="p")
    quick_desk.mpesa.findings = [Finding("key", False, "Daraja refuses it: <b>copy</b> it again")]
    refused = visitor.send("try", key=CANARY)
    assert refused.status_code == 422
    assert "Consumer key: Daraja refuses it: &lt;b&gt;copy&lt;/b&gt; it again" in refused.text
    assert quick_desk.fields()["key"] == "old"
    (tried,) = quick_desk.mpesa.tried
    assert {name: value.reveal() for name, value in tried.fields.items()} == {"key": CANARY, "passkey": "p"}
    assert tried.version < 0

    quick_desk.mpesa.findings = [Finding("key", True, "a token was given")]
    accepted = visitor.send("try", key=CANARY)
    assert accepted.status_code == 200
    assert "a token was given" in accepted.text
    assert quick_desk.fields()["key"] == CANARY
    assert CANARY not in refused.text + accepted.text


def test_what_is_stored_can_be_tried(quick_desk: SettingsDesk) -> None:
    visitor = quick_desk.visitor()
    assert "nothing stored to test" in visitor.send("test").text
    visitor.send(key="k", passkey="p")
    assert "found nothing wrong" in visitor.send("test").text
    quick_desk.mpesa.findings = RuntimeError(CANARY)
    broken = visitor.send("test")
    assert "broke off" in broken.text
    assert CANARY not in broken.text
    assert quick_desk.versions() == [1]


def test_one_session_may_ask_the_provider_so_often(quick_desk: SettingsDesk) -> None:
    visitor = quick_desk.visitor()
    visitor.send(key="k", passkey="p")
    codes = [visitor.send("test").status_code for _ in range(MAX_TRIALS + 1)]
    assert codes == [200] * MAX_TRIALS + [429]
    assert visitor.send("try", key="other").status_code == 429
    assert len(quick_desk.mpesa.tried) == MAX_TRIALS
    assert quick_desk.fields()["key"] == "k"


# --- what it refuses -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "none"},
        {"origin": "https://evil.example.com"},
        {"origin": "http://127.0.0.1:3041"},
        {"origin": "http://127.0.0.1:3040.evil.example.com"},
    ],
)
def test_what_another_page_sends_is_refused(quick_desk: SettingsDesk, headers: dict[str, str]) -> None:
    visitor = quick_desk.visitor()
    form = {"token": visitor.token, "provider": "mpesa", "action": "save", "key": "k"}
    refused = visitor.raw(form, **headers)
    assert (refused.status_code, quick_desk.fields()) == (403, {})
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    address = f"/settings/{quick_desk.ticket()}"
    assert quick_desk.app.test_client().post(address, headers=sent).status_code == 403
    assert quick_desk.app.test_client().post(address).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:3040"},
        {"origin": "null", "sec_fetch_site": "same-origin"},
    ],
)
def test_what_this_page_sends_is_taken_from_old_and_new_browsers(
    quick_desk: SettingsDesk, headers: dict[str, str]
) -> None:
    visitor = quick_desk.visitor()
    form = {"token": visitor.token, "provider": "mpesa", "action": "save", "key": "k"}
    assert visitor.raw(form, **headers).status_code == 200


def test_a_form_without_this_browser_s_token_is_refused(quick_desk: SettingsDesk) -> None:
    visitor, other = quick_desk.visitor(), quick_desk.visitor()
    form: dict[str, Any] = {"provider": "mpesa", "action": "save", "key": "k"}
    for token in (None, "", "0" * 64, other.token, "é"):
        sent = form if token is None else {**form, "token": token}
        assert visitor.raw(sent).status_code == 403
    assert visitor.raw({**form, "token": visitor.token, "action": "dance"}).status_code == 403
    assert quick_desk.fields() == {}


def test_a_form_that_is_too_large_is_refused_with_a_page(quick_desk: SettingsDesk) -> None:
    visitor = quick_desk.visitor()
    refused = visitor.send(certificate="x" * (MAX_FORM_BYTES + 1))
    assert (refused.status_code, refused.mimetype) == (413, "text/html")
    assert "too much text" in refused.text
    assert quick_desk.fields() == {}


def test_no_answer_may_be_kept_framed_or_run_anything(quick_desk: SettingsDesk) -> None:
    visitor = quick_desk.visitor()
    client = visitor.client
    pages = [
        client.get(f"/settings/{quick_desk.ticket()}"),
        client.get("/settings/nothing"),
        client.get("/settings"),
        visitor.send(key="k"),
        visitor.send(kind="kiosk"),
    ]
    for page in pages:
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'; style-src 'sha256-" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert "<script" not in page.text
        assert " style=" not in page.text
        assert "src=" not in page.text
        assert set(re.findall(r'href="([^"]*)"', page.text)) == {"?lang=en", "?lang=sw", "?lang=pt"}


def test_a_name_that_is_markup_is_shown_as_text(quick_desk: SettingsDesk) -> None:
    name = "<script>alert(1)</script>"
    shown = quick_desk.app.test_client().get(f"/settings/{quick_desk.ticket(vendor_name=name)}").text
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown
    assert "<script" not in quick_desk.visitor(vendor_name=name).look()


def test_what_another_key_sealed_is_told_from_what_is_missing(quick_desk: SettingsDesk) -> None:
    quick_desk.visitor().send(key="k", passkey="p")
    with_another_key = SettingsDesk(quick_desk.db, quick_desk.clock, master="77" * 32)
    visitor = with_another_key.visitor()
    assert "can’t be opened here" in visitor.look()
    for action in ("test", "save", "try"):
        assert visitor.send(action, key="new").status_code == 503
    assert quick_desk.fields() == {"key": "k", "passkey": "p"}
    assert visitor.send("remove").status_code == 200
    assert visitor.send(key="new").status_code == 200
    assert with_another_key.fields() == {"key": "new"}
