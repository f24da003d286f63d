"""A small shop behind the real simulators, for the phone page's tests: it answers webhooks and asks for money over the
providers' own wire, and remembers what it was told."""

import base64
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import cast

import urllib3
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response
from werkzeug.serving import BaseWSGIServer, make_server

from kit.clock import SharedClock
from kit.settings import load_settings
from simulators.app import create_service
from tests.simulators.daraja_client import Daraja
from tests.simulators.ekwanza_client import API_KEY, MERCHANT, NOTIFICATION_TOKEN, Ekwanza
from tests.simulators.twilio_client import TOKEN, Twilio

ACHIENG = "whatsapp:+254708374149"
BARAKA = "whatsapp:+254700000001"

GREETINGS = (("SHOP mama", "Mama Njeri’s Groceries"), ("SHOP kahawa", "Kahawa Corner"))
SHORTCODE = "174379"

MENU = """*Mama Njeri’s Groceries*
Karibu! What would you like?

1. Sukuma wiki, bunch · KES 30
2. Tomatoes, 1 kg · KES 120
3. Unga 2 kg · KES 185
4. Milk 500 ml · KES 65

Reply with a number, or CART to see what you have."""
CART = """*Your cart*
1. Unga 2 kg × 2 · KES 370
2. Milk 500 ml · KES 65

Total *KES 435*. Reply CONFIRM to order."""
CONFIRMED = (
    "Order *K7M2XP* is confirmed: *KES 435*. We keep it for you for 30 minutes.\n\nReply PAY to pay with M-PESA."
)
PUSHED = "Look at your phone: M-PESA asks for your PIN. _I tell you when the money is here._"
HELP = "Say MENU, CART, CONFIRM, PAY or STATUS."

_CALLBACK_PATH = "/callbacks/" + "5c" * 32
_WEBHOOK_PATH = "/callbacks/" + "6d" * 32


@dataclass
class PhoneShop:
    """`page` is the address of the phone page. `heard` are the texts of all customers, `results` the result codes of
    all callbacks of M-Pesa's prompts."""

    page: str
    server: HTTPServer
    heard: list[str] = field(default_factory=list[str])
    forms: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    media: list[str] = field(default_factory=list[str])
    results: list[int] = field(default_factory=list[int])
    told: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    """By e-Kwanza, and by M-Pesa of money paid by hand."""
    refuses: bool = False
    """Answer webhooks with 500, as a broken shop would."""
    stop_simulators: Callable[[], None] = lambda: None
    start_simulators: Callable[[], None] = lambda: None

    def reply(self, request: Request) -> Response:
        text = request.form["Body"]
        self.forms.append(dict(request.form.items()))
        self.heard.append(text)
        self.media.append(request.form.get("MediaContentType0", "location" if request.form.get("Latitude") else ""))
        if self.refuses:
            return Response("out of order", 500)
        if text.strip().upper() == "PAY":
            threading.Thread(target=self.push, args=(request.form["From"], 435), daemon=True).start()
        answer = self._answer(text)
        twiml = f"<Response><Message>{escape(answer)}</Message></Response>" if answer else "<Response/>"
        return Response(twiml, content_type="text/xml")

    def callback(self, request: Request) -> Response:
        body = cast(dict[str, dict[str, dict[str, int]]], json.loads(request.get_data()))
        self.results.append(body["Body"]["stkCallback"]["ResultCode"])
        return Response("{}", content_type="application/json")

    def webhook(self, request: Request) -> Response:
        self.told.append(cast(dict[str, object], json.loads(request.get_data())))
        return Response('{"status": "0"}', content_type="application/json")

    def ekwanza(self) -> Ekwanza:
        """Signed in, with a merchant account of this shop."""
        self.control(
            "POST",
            "/sim/ekwanza/merchants",
            {
                "merchant": MERCHANT,
                "name": "Mercearia Kianda",
                "webhook_url": self.server.url_for(_WEBHOOK_PATH),
                "api_key": API_KEY,
                "notification_token": NOTIFICATION_TOKEN,
            },
        )
        client = Ekwanza(self.page)
        client.sign_in()
        return client

    @property
    def twilio(self) -> Twilio:
        return Twilio(self.page)

    def hear_of_hand_payments(self) -> None:
        """Register this shop's addresses for its short code."""
        url = self.server.url_for(_WEBHOOK_PATH)
        daraja = Daraja(f"{self.page}/daraja", url)
        daraja.sign_in()
        body: dict[str, object] = {
            "ShortCode": SHORTCODE,
            "ResponseType": "Completed",
            "ConfirmationURL": url,
            "ValidationURL": url,
        }
        assert daraja.post("/mpesa/c2b/v2/registerurl", body).status_code == 200

    def push(self, customer: str, amount_whole: int) -> None:
        """Ask for the PIN on that customer's phone."""
        msisdn = customer.removeprefix("whatsapp:+")
        daraja = f"{self.page}/daraja"
        basic = urllib3.make_headers(basic_auth="demo-key:demo-secret")
        token = self._json("GET", f"{daraja}/oauth/v1/generate?grant_type=client_credentials", basic)["access_token"]
        body = {
            "BusinessShortCode": SHORTCODE,
            "Password": base64.b64encode(f"{SHORTCODE}demo-passkey20261120120000".encode()).decode(),
            "Timestamp": "20261120120000",
            "TransactionType": "CustomerPayBillOnline",
            "Amount": amount_whole,
            "PartyA": msisdn,
            "PartyB": SHORTCODE,
            "PhoneNumber": msisdn,
            "CallBackURL": self.server.url_for(_CALLBACK_PATH),
            "AccountReference": "K7M2XP",
            "TransactionDesc": "Order K7M2XP",
        }
        self._json(
            "POST", f"{daraja}/mpesa/stkpush/v1/processrequest", {"Authorization": f"Bearer {token}"}, json.dumps(body)
        )

    def say(self, customer: str, text: str) -> None:
        """What a customer writes, without the page."""
        self.control("POST", "/sim/messages", {"customer": customer, "body": text})

    def control(self, method: str, path: str, body: dict[str, object] | None = None) -> dict[str, object]:
        return self._json(method, self.page + path, {}, None if body is None else json.dumps(body))

    def waits_for(self, happened: Callable[[], bool], what: str, within_s: float = 10.0) -> None:
        deadline = time.monotonic() + within_s
        while not happened():
            assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what}"
            time.sleep(0.02)

    def _json(self, method: str, url: str, headers: dict[str, str], body: str | None = None) -> dict[str, object]:
        with urllib3.PoolManager(retries=False) as pool:
            response = pool.request(
                method, url, body=body, headers={"Content-Type": "application/json", **headers}, timeout=10
            )
            assert response.status < 300, f"{method} {url}: {response.status} {response.data[:300]!r}"
            return cast(dict[str, object], response.json())

    def _answer(self, text: str) -> str:
        said = text.strip().upper()
        fixed = {"CART": CART, "CONFIRM": CONFIRMED, "PAY": PUSHED, "HELP": HELP, "MENU": MENU, "QUIET": ""}
        if said.startswith("SHOP"):
            return MENU
        if said.startswith("ECHO "):
            return text.strip()[5:]
        if said.isdigit():
            return "Added *Unga 2 kg × 2*. Reply CART to see your cart, or another number."
        return fixed.get(said, HELP)


class _Running:
    """The simulators in this process, stopped and started again on the same port."""

    def __init__(self, folder: Path, bot_url: str, port: int) -> None:
        self._environ = {
            "DUKANI_DATA_DIR": str(folder),
            "DUKANI_BOT_PUBLIC_URL": bot_url,
            "DUKANI_SIMULATORS_PORT": str(port),
            "TWILIO_AUTH_TOKEN": TOKEN,
        }
        self._port = port
        self._stop: Callable[[], None] | None = None

    def start(self) -> None:
        settings = load_settings(self._environ, dotenv=None)
        service = create_service(
            settings, SharedClock(settings.data_dir / "clock"), GREETINGS, {SHORTCODE: "Mama Njeri’s Groceries"}
        )
        server: BaseWSGIServer = make_server("127.0.0.1", self._port, service.app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        service.start()
        thread.start()

        def stop() -> None:
            server.shutdown()
            thread.join(10)
            server.server_close()
            service.stop()

        self._stop = stop

    def stop(self) -> None:
        if self._stop is not None:
            self._stop()
        self._stop = None


def open_shop(folder: Path, server: HTTPServer, port: int) -> PhoneShop:
    """Start the simulators on that port, with a shop behind them that answers through `server`."""
    running = _Running(folder, server.url_for("").rstrip("/"), port)
    running.start()
    shop = PhoneShop(f"http://127.0.0.1:{port}", server)
    shop.stop_simulators = running.stop
    shop.start_simulators = running.start
    server.expect_request("/webhooks/twilio/whatsapp").respond_with_handler(shop.reply)
    server.expect_request(_CALLBACK_PATH).respond_with_handler(shop.callback)
    server.expect_request(_WEBHOOK_PATH).respond_with_handler(shop.webhook)
    return shop
