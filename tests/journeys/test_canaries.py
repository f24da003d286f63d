"""A whole purchase with secrets and a number of its own, on a bad day: none of them is seen in any log, metric, answer
to an error or database where it does not belong."""

import base64
import json
import re
from collections.abc import Mapping
from urllib.parse import urlencode

import pytest
import urllib3

from dukani.processes import Process
from payment_adapter.settings_page.desk import settings_desk
from tests.journeys.books import Books
from tests.journeys.test_purchase import confirmed
from tests.support.canaries import OURS, callback_secrets_in, check_logs, forms, numbers_in, own_keys, seen
from tests.support.phone import Phone
from tests.support.processes import Shop

NUMBER = "254700000042"
WHO = "Canary"
OTHERS_NUMBER = "254700000043"
OTHER = "Sparrow"
GIVEN = {
    "consumer_key": "canaryConsumerKey4Qk2Vd9zTq",
    "consumer_secret": "canaryConsumerSecret8sLw3Yp6",
    "passkey": "canaryPasskey5rNb7Xc1Jm0Ht2Ze",
    "initiator_password": "canaryInitiatorPassword3Fg6Ua",
}
OPERATOR = {"x-internal-key": "dev-internal-secret"}

Problems = list[str]


class Browser:
    """Keeps one cookie, as much as the settings page needs."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._cookie = ""

    def send(self, method: str, path: str, fields: Mapping[str, str] | None = None) -> urllib3.BaseHTTPResponse:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        if self._cookie:
            headers["cookie"] = self._cookie
        body = urlencode(fields or {})
        answer = urllib3.request(method, self._base_url + path, body=body, headers=headers, redirect=False)
        if "set-cookie" in answer.headers:
            self._cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer


def vendor_id(shop: Shop, word: str = "mama") -> str:
    vendors = shop.get(Process.ROUTER, "/vendors", OPERATOR)["vendors"]
    return next(one["id"] for one in vendors if one["word"] == word)


def enter_settings(shop: Shop, problems: Problems) -> str:
    """The shop enters what it was given, in a browser; returns the ticket that it came with."""
    mama = vendor_id(shop)
    link = shop.post(Process.ROUTER, "/api/v1/credentials-links", {}, {**OPERATOR, "x-vendor-id": mama})["url"]
    address = link.removeprefix(shop.url(Process.PAYMENT_ADAPTER))
    browser = Browser(shop.url(Process.PAYMENT_ADAPTER))
    assert browser.send("POST", address).status == 303
    found = re.search(r'name="token" value="([0-9a-f]{64})"', browser.send("GET", "/settings").data.decode())
    assert found is not None
    form = {"token": found[1], "provider": "mpesa", "action": "save", **GIVEN}
    for wrong in ({"transaction_type": GIVEN["passkey"]}, {"consumer_key": GIVEN["consumer_key"] + "\x00"}):
        refused = browser.send("POST", "/settings", {**form, **wrong})
        assert refused.status == 422
        problems.append(refused.data.decode().replace(found[1], "<token>"))
    saved = browser.send("POST", "/settings", {**form, "action": "try"})
    assert (saved.status, "Saved." in saved.data.decode()) == (200, True), saved.data.decode()
    problems.append(saved.data.decode().replace(found[1], "<token>"))
    problems.append(browser.send("POST", address).data.decode())
    return address.rpartition("/")[2]


def knock_everywhere(shop: Shop, secrets: Mapping[str, str]) -> Problems:
    """Sends secrets and the number where they do not belong; returns the answers."""
    loot = json.dumps({**secrets, "payer_msisdn": NUMBER, "customer": {"address": f"whatsapp:+{NUMBER}"}})
    answers: Problems = []
    places = (
        (Process.ROUTER, ("/v1/orders/pay", "/v1/payment-events", "/v1/rails-events", "/orders", "/api/v1/orders")),
        (Process.PAYMENT_ADAPTER, ("/v1/charges", "/v1/refunds", f"/callbacks/{'5e' * 32}", "/settings")),
        (Process.BOT, ("/webhooks/twilio/whatsapp", "/v1/events")),
    )
    headers = (
        {"content-type": "application/json"},
        {"content-type": "application/json", "authorization": f"Bearer {secrets['consumer_key']}"},
        {"content-type": "application/json", "x-vendor-id": secrets["passkey"], **OPERATOR},
        {"content-type": "application/x-www-form-urlencoded", "cookie": f"dukani_settings={secrets['passkey']}"},
    )
    for process, paths in places:
        for path in paths:
            for each in headers:
                for body in (loot, loot[:-1]):
                    answer = urllib3.request("POST", shop.url(process) + path, body=body, headers=each)
                    assert answer.status >= 400
                    answers.append(answer.data.decode(errors="replace"))
    return answers


def pay_on_a_bad_day(phone: Phone) -> None:
    """Prompts that fail in several ways, one that is paid and told of twice, and one whose outcome nobody knows."""
    confirmed(phone, WHO)
    phone.faults(push_busy=1)
    said = phone.says(WHO, "PAY")
    phone.wait_for_reply(WHO, after=said)
    phone.wait_for_reply(WHO, containing="PAY", after=said)
    phone.faults(callback_text_values=True)
    said = phone.says(WHO, "PAY")
    phone.enter_pin(WHO, "9999")
    phone.wait_for_reply(WHO, containing="PIN", after=said + 1)
    phone.faults(callback_twice=True)
    phone.says(WHO, "PAY")
    prompt = phone.enter_pin(WHO)
    assert prompt.receipt
    phone.wait_for_reply(WHO, containing=prompt.receipt, timeout_s=30)
    confirmed(phone, OTHER, item="1")
    phone.faults(push_error_html=1, query_pending_500=1)
    said = phone.says(OTHER, "PAY")
    phone.wait_for_reply(OTHER, after=said)
    phone.advance(40)


def metrics(shop: Shop) -> str:
    answers = [urllib3.request("GET", f"{shop.url(process)}/metrics") for process in OURS]
    assert [answer.status for answer in answers] == [200] * len(OURS)
    return "\n".join(answer.data.decode() for answer in answers)


def databases(shop: Shop) -> dict[str, bytes]:
    """What lies on the disk of our own processes, by file."""
    names = ("platform", "ops", "conversations", "payments")
    files = [path for name in names for path in shop.settings.data_dir.glob(f"{name}.sqlite*")]
    return {path.name: path.read_bytes() for path in files}


def test_a_purchase_on_a_bad_day_shows_no_secret_and_no_number(shop: Shop, phone: Phone, books: Books) -> None:
    problems: Problems = []
    ticket = enter_settings(shop, problems)
    phone.add_customer(WHO, NUMBER)
    phone.add_customer(OTHER, OTHERS_NUMBER)
    assert GIVEN.items() <= stored(shop).items()
    pay_on_a_bad_day(phone)
    books.eventually_statuses("PAID", "CONFIRMED")
    problems += knock_everywhere(shop, GIVEN)
    figures = metrics(shop)

    secrets = {**GIVEN, **own_keys(shop.settings), "ticket": ticket}
    check_logs({process: shop.log(process) for process in OURS}, secrets)
    told = "\n".join(problems)
    assert seen(told, secrets) == []
    assert (numbers_in(told), callback_secrets_in(told)) == ([], [])
    assert seen(figures, secrets) == []
    assert (numbers_in(figures), callback_secrets_in(figures)) == ([], [])
    shown = "\n".join(shop.log(process) for process in OURS) + told + figures
    assert [number for number in (NUMBER, OTHERS_NUMBER) if number[3:] in shown] == []
    kept = databases(shop)
    assert {"payments.sqlite", "ops.sqlite"} <= set(kept)
    for name, secret in {**GIVEN, **own_keys(shop.settings)}.items():
        assert [file for file, raw in kept.items() if any(form.encode() in raw for form in forms(secret))] == [], name


def stored(shop: Shop) -> dict[str, str]:
    """What the payment adapter uses for Mama's charges."""
    with settings_desk(shop.settings, shop.clock) as desk, desk.db.read() as tx:
        found = desk.vault.load(tx, vendor_id(shop), "mpesa")
    assert found is not None
    return {name: value.reveal() for name, value in found.fields.items()}


@pytest.mark.parametrize("form", ["{}", "key={}&", '"{}"', "Basic {}", "xx {} yy"])
def test_what_slips_through_would_be_seen_in_any_form(form: str) -> None:
    secret = GIVEN["passkey"]
    raw = secret.encode()
    for text in (secret, raw.hex(), *(base64.b64encode(b"17437"[:n] + raw + b"2026").decode() for n in range(4))):
        assert seen(form.format(text), GIVEN) == ["passkey"]
    assert seen(form.format(secret[:-1]), GIVEN) == []
    for text in (NUMBER, f"+{NUMBER}", f"whatsapp:+{NUMBER}", "244923000000"):
        assert len(numbers_in(form.format(text))) == 1
    assert numbers_in(form.format("254*****42")) == []
    assert len(callback_secrets_in(form.format("0a" * 32))) == 1
