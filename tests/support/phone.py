"""A driver for the simulated phones: says things, waits for answers, types PINs, over the simulators' control API."""

import json
import time
from collections.abc import Callable
from typing import TypeVar, cast
from urllib.parse import urlencode

import urllib3

from tests.support.phone_views import (
    ChatMessage,
    JsonObject,
    Prompt,
    Shown,
    message_of,
    objects,
    prompt_of,
    shown_of,
)

T = TypeVar("T")

_POLL_S = 0.02
DEFAULT_TIMEOUT_S = 10.0


class Refused(AssertionError):
    """The control API answered with an error; `status` and `code` say which."""

    def __init__(self, status: int, body: JsonObject) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.code = str(body.get("code", ""))


class Phone:
    """All the simulated customers' phones. A customer is named by name (`Achieng`), number or address."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._http = urllib3.PoolManager(maxsize=4, retries=False, timeout=urllib3.Timeout(connect=2, read=10))
        self._last_said: dict[str, int] = {}
        self._addresses: dict[str, str] = {}

    def says(self, customer: str, text: str = "", media: str | None = None) -> int:
        """Send a message; returns its place, for `after`. Does not wait for anything."""
        address = self.address(customer)
        answer = self.call("POST", "/sim/messages", {"customer": address, "body": text, "media": media})
        return self._said(address, answer)

    def taps(self, customer: str, title: str, timeout_s: float = DEFAULT_TIMEOUT_S) -> int:
        """Tap the newest button, or item of a list, with that title; an old one stays tappable. Returns the tap's
        place, for `after`."""
        address = self.address(customer)

        def find() -> tuple[str, int] | None:
            for shown in reversed(self.shown(address)):
                if title in shown.options and shown.status in ("sent", "delivered", "read"):
                    return shown.id, shown.options.index(title)
            return None

        message, option = self._wait(find, timeout_s, lambda: f"{title!r} to tap; shown: {self.shown(address)}")
        answer = self.call("POST", "/sim/taps", {"customer": address, "message": message, "option": option})
        return self._said(address, answer)

    def sends_location(
        self, customer: str, latitude: float, longitude: float, label: str = "", address: str = ""
    ) -> int:
        """Send a pin; returns its place."""
        who = self.address(customer)
        pin = {"latitude": latitude, "longitude": longitude, "label": label, "address": address}
        return self._said(who, self.call("POST", "/sim/messages", {"customer": who, "location": pin}))

    def shown(self, customer: str, after: int = 0) -> list[Shown]:
        """Everything the shop sent to that customer after that place, oldest first, also what failed."""
        address = self.address(customer)
        return [
            shown_of(one)
            for one in objects(self.state(), "messages")
            if one["customer"] == address and one["direction"] == "out" and int(one["place"]) > after
        ]

    def last_message(self, customer: str, after: int | None = None, timeout_s: float = DEFAULT_TIMEOUT_S) -> Shown:
        """The shop's newest message after that place (after the last thing this customer said or tapped, if none is
        given), once there is one, it has left Twilio, and its files are there."""
        address = self.address(customer)
        start = self._last_said.get(address, 0) if after is None else after

        def find() -> Shown | None:
            newest = self.shown(address, start)[-1:]
            return newest[0] if newest and newest[0].status != "queued" else None

        return self._wait(find, timeout_s, lambda: f"a message of the shop; the chat: {self._chat(address)}")

    def transcript(self, customer: str, language: str = "en") -> str:
        """That customer's chat as YAML, in the form that `simulators.transcript` tells."""
        query = urlencode({"customer": self.address(customer), "language": language})
        answer = self._http.request("GET", f"{self._base_url}/sim/transcript?{query}")
        assert answer.status == 200, answer.data
        return answer.data.decode()

    def contents(self) -> list[JsonObject]:
        """What the shop made through the Content API, the newest first."""
        return objects(self.call("GET", "/sim/contents"), "contents")

    def decides(self, sid: str, status: str, reason: str = "") -> None:
        """What WhatsApp thinks of a submitted template: approved, rejected, paused …"""
        self.call("PUT", f"/sim/contents/{sid}", {"status": status, "rejection_reason": reason})

    def insists(self, customer: str, text: str, timeout_s: float = DEFAULT_TIMEOUT_S) -> int:
        """Say it, and tap "send again" (a new message with the same text) whenever the shop could not be reached.
        Returns the place of the one that was delivered."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            place = self.says(customer, text)

            def settled(place: int = place) -> str | None:
                (mine,) = [message for message in self.messages(customer) if message.place == place]
                return mine.status if mine.status in ("delivered", "failed") else None

            if self._wait(settled, timeout_s, lambda: f"a verdict on {text!r}") == "delivered":
                return place
        raise AssertionError(f"not delivered within {timeout_s:g} s: {text!r}")

    def asks(self, customer: str, text: str, containing: str = "", timeout_s: float = DEFAULT_TIMEOUT_S) -> str:
        """Say something and return the shop's first answer that contains that text."""
        place = self.says(customer, text)
        return self.wait_for_reply(customer, containing=containing, after=place, timeout_s=timeout_s).body

    def wait_for_reply(
        self,
        customer: str,
        containing: str = "",
        after: int | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> ChatMessage:
        """The shop's first message after that place (after the last thing this customer said, if none is given) that
        contains the text, whatever its case. Raises AssertionError with the chat so far."""
        address = self.address(customer)
        start = self._last_said.get(address, 0) if after is None else after

        def find() -> ChatMessage | None:
            for message in self.replies(address, start):
                if containing.lower() in message.body.lower():
                    return message
            return None

        return self._wait(
            find, timeout_s, lambda: f"a reply containing {containing!r}; the chat: {self._chat(address)}"
        )

    def replies(self, customer: str, after: int = 0) -> list[ChatMessage]:
        """Everything the shop wrote to that customer after that place and that reached the phone."""
        return [
            message
            for message in self.messages(customer)
            if message.is_from_shop and message.place > after and message.status != "failed"
        ]

    def messages(self, customer: str) -> list[ChatMessage]:
        """The whole chat, oldest first."""
        address = self.address(customer)
        return [message_of(one) for one in objects(self.state(), "messages") if one["customer"] == address]

    def wait_for_prompt(self, customer: str, after: str | None = None, timeout_s: float = DEFAULT_TIMEOUT_S) -> Prompt:
        """The prompt that waits on that customer's phone; one with another id than `after`, if given."""

        def find() -> Prompt | None:
            waiting = [prompt for prompt in self.prompts(customer) if prompt.state == "waiting" and prompt.id != after]
            return waiting[-1] if waiting else None

        return self._wait(find, timeout_s, lambda: f"a prompt on {customer}'s phone; all: {self.prompts(customer)}")

    def prompts(self, customer: str) -> list[Prompt]:
        """Every prompt that customer's phone has shown, by name, address or number, oldest first."""
        mine = {customer}
        for one in objects(self.state(), "customers"):
            if customer in (one["name"], one["address"], one["msisdn"]):
                mine |= {str(one["address"]), str(one["msisdn"])}
        prompts = [prompt_of(one) for one in objects(self.state(), "prompts")]
        return [prompt for prompt in prompts if prompt.customer in mine or prompt.msisdn in mine]

    def enter_pin(self, customer: str, pin: str = "1234", timeout_s: float = DEFAULT_TIMEOUT_S) -> Prompt:
        """Wait for the prompt and type a PIN; 1234 is the right one. Returns the prompt as it is afterwards."""
        return self._act(customer, {"action": "pin", "pin": pin}, timeout_s)

    def cancel(self, customer: str, timeout_s: float = DEFAULT_TIMEOUT_S) -> Prompt:
        return self._act(customer, {"action": "cancel"}, timeout_s)

    def ignore(self, customer: str, timeout_s: float = DEFAULT_TIMEOUT_S) -> Prompt:
        """Leave the prompt lying: it ends unanswered 60 seconds of the clock after it came."""
        return self._act(customer, {"action": "ignore"}, timeout_s)

    def has_no_money(self, customer: str, timeout_s: float = DEFAULT_TIMEOUT_S) -> Prompt:
        return self._act(customer, {"action": "no_money"}, timeout_s)

    def faults(self, **changes: bool | int) -> None:
        """Switch these faults: true, false, or how many times; seconds for those that end in `_s`."""
        self.call("PUT", "/sim/faults", dict(changes))

    def no_faults(self) -> None:
        self.call("PUT", "/sim/faults", {name: 0 if name.endswith("_s") else False for name in self.state()["faults"]})

    def advance(self, seconds: int) -> None:
        """Move the clock of all processes."""
        self.call("POST", "/sim/clock", {"advance_s": seconds})

    def add_customer(self, name: str, msisdn: str | None = None, **more: object) -> str:
        """Returns the address. Without a number, or with `hidden=True`, the shop sees an id in its place."""
        return str(self.call("POST", "/sim/customers", {"name": name, "msisdn": msisdn, **more})["address"])

    def reset(self) -> None:
        self.call("POST", "/sim/reset", {})
        self._last_said.clear()
        self._addresses.clear()

    def pushes(self) -> list[JsonObject]:
        """Every push that was accepted, with what became of it and the callbacks that were tried."""
        return objects(self.call("GET", "/sim/daraja/pushes"), "pushes")

    def daraja_requests(self) -> list[JsonObject]:
        """Every POST that reached Daraja, also those it refused."""
        return objects(self.call("GET", "/sim/daraja/pushes"), "requests")

    def twilio_requests(self) -> list[JsonObject]:
        """Every POST that reached Twilio, also those it refused."""
        return objects(self.call("GET", "/sim/twilio/messages"), "requests")

    def references(self) -> list[JsonObject]:
        """References and tickets that somebody could still pay, the newest first."""
        return objects(self.state(), "references")

    def pay_reference(self, reference: str, payer: str | None = None, amount_minor: int | None = None) -> JsonObject:
        """Pay an EMIS reference at a cash machine, or a ticket by its code; also after its time. Raises Refused."""
        (one,) = [one for one in self.references() if one["reference"] == reference]
        wanted: JsonObject = {"action": "pay", "payer": payer, "amount_minor": amount_minor}
        return self.call("POST", f"/sim/references/{one['id']}", wanted)

    def wait_for_state(self, charge_id: str, state: str, timeout_s: float = DEFAULT_TIMEOUT_S) -> JsonObject:
        """The e-Kwanza charge or ticket once it has come to that state (`paid`, `expired` …)."""

        def find() -> JsonObject | None:
            found = [one for one in self.ekwanza_charges() if one["id"] == charge_id and one["state"] == state]
            return found[0] if found else None

        return self._wait(find, timeout_s, lambda: f"{charge_id} {state}; all: {self.ekwanza_charges()}")

    def pay_till(self, customer: str, shortcode: str, amount_whole: int, account_reference: str = "") -> JsonObject:
        """That customer pays a paybill or a till by hand, unasked. Raises Refused."""
        (payer,) = [
            one["msisdn"] for one in objects(self.state(), "customers") if one["address"] == self.address(customer)
        ]
        wanted: JsonObject = {
            "shortcode": shortcode,
            "account_reference": account_reference,
            "amount_whole": amount_whole,
            "payer": payer,
        }
        return self.call("POST", "/sim/till", wanted)

    def by_hand(self) -> JsonObject:
        """`payments` made by hand, `addresses` registered for them, `orders`: reversals and status questions."""
        return self.call("GET", "/sim/daraja/by_hand")

    def register_merchant(self, merchant: str, **more: str) -> JsonObject:
        """Open that merchant's account at e-Kwanza, as its portal would: `webhook_url`, `api_key`, …"""
        return self.call("POST", "/sim/ekwanza/merchants", {"merchant": merchant, **more})

    def ekwanza_charges(self) -> list[JsonObject]:
        """Every charge and ticket, with what became of it and the webhooks that were tried."""
        return objects(self.call("GET", "/sim/ekwanza/charges"), "charges")

    def ekwanza_requests(self) -> list[JsonObject]:
        """Every POST that reached e-Kwanza, also those it refused."""
        return objects(self.call("GET", "/sim/ekwanza/charges"), "requests")

    def callbacks(self) -> int:
        """How many callbacks were tried so far."""
        return int(self.state()["callbacks"])

    def balance(self, customer: str) -> int:
        """Whole shillings in that customer's wallet."""
        address = self.address(customer)
        (one,) = [one for one in objects(self.state(), "customers") if one["address"] == address]
        return int(one["balance_whole"])

    def address(self, customer: str) -> str:
        """Raises AssertionError where nobody has that name or number."""
        if customer.startswith("whatsapp:"):
            return customer
        if customer not in self._addresses:
            for one in objects(self.state(), "customers"):
                if customer in (one["name"], one["msisdn"]):
                    self._addresses[customer] = str(one["address"])
        if customer not in self._addresses:
            raise AssertionError(f"there is no customer {customer!r}")
        return self._addresses[customer]

    def state(self, since: int = 0) -> JsonObject:
        return self.call("GET", f"/sim/state?since={since}")

    def call(self, method: str, path: str, body: JsonObject | None = None) -> JsonObject:
        """One call of the control API. Raises Refused."""
        raw = None if body is None else json.dumps(body).encode()
        headers = {} if raw is None else {"Content-Type": "application/json"}
        answer = self._http.request(method, self._base_url + path, body=raw, headers=headers)
        content = cast(JsonObject, json.loads(answer.data))
        if answer.status >= 400:
            raise Refused(answer.status, content)
        return content

    def close(self) -> None:
        self._http.clear()

    def _said(self, address: str, answer: JsonObject) -> int:
        place = int(answer["place"])
        self._last_said[address] = place
        return place

    def _act(self, customer: str, action: JsonObject, timeout_s: float) -> Prompt:
        prompt = self.wait_for_prompt(customer, timeout_s=timeout_s)
        return prompt_of(self.call("POST", f"/sim/prompts/{prompt.id}", action))

    def _wait(self, find: Callable[[], T | None], timeout_s: float, wanted: Callable[[], str]) -> T:
        deadline = time.monotonic() + timeout_s
        while (found := find()) is None:
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {timeout_s:g} s: {wanted()}")
            time.sleep(_POLL_S)
        return found

    def _chat(self, address: str) -> list[str]:
        return [
            f"{'shop' if one.is_from_shop else 'customer'} ({one.status}): {one.body}" for one in self.messages(address)
        ]
