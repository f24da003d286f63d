"""Plays a kept conversation to a running local shop, as its customer would: says what the customer says, once the shop
has said what comes before it. What the shop says is judged by whoever compares."""

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

import urllib3

from dukani.transcript_people import People, PersonRefused, PersonTooSoon, read_done
from dukani.transcripts import BadTranscript, Placeholders, msisdn_of, read, told_by
from simulators.transcript import Transcript

JsonObject = dict[str, Any]
T = TypeVar("T")

_POLL_S = 0.03
_SECONDS = {"min": 60, "h": 3600, "d": 86400}
_PROMPT = re.compile(r"(?:M-PESA|Multicaixa Express) asks for .*: (?P<ending>[^:]+)")
_BY_HAND = re.compile(r"M-PESA pays KES (?P<amount>[0-9,]+) to (?P<number>[0-9]+)(?:, account (?P<account>.+))?")
_AT_BANK = re.compile(r"The bank pays AOA [0-9,.]+ for (?:reference|code) (?P<reference>.+)")
_ACTIONS: Mapping[str, JsonObject] = {
    "PIN entered": {"action": "pin", "pin": "1234"},
    "wrong PIN entered": {"action": "pin", "pin": "9999"},
    "cancelled": {"action": "cancel"},
    "not answered": {"action": "ignore"},
    "PIN entered, too little money": {"action": "no_money"},
}
_UNANSWERED_S = 90
"""Until a prompt that nobody answers has ended."""


_BEGINS_HOUR = 9
_KENYA, _ANGOLA, _FIRST_NEWCOMER = "2547000000", "2449230000", 10
_QUIET_S = 1.0
_SILENT_S = 4.0
_SILENT_AFTER_EVENT_S = 12.0
"""Of real time: what is due, or was not heard of, is looked for every five seconds."""
_NO_NEWS = "/sim/state?since=999999999999"


class NotSaid(Exception):
    """The shop has not said what comes next within the time; the chat as far as it came is worth a look."""


class NotThere(Exception):
    """The phones can't be reached, or refuse what was asked of them."""


def passes_time(chat: Transcript) -> bool:
    return any("wait" in entry for entry in chat.chat)


class Phones:
    """The simulators' control API."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._adding = Lock()
        self._http = urllib3.PoolManager(maxsize=8, retries=False, timeout=urllib3.Timeout(connect=2, read=15))

    def call(self, method: str, path: str, body: JsonObject | None = None) -> JsonObject:
        """Raises NotThere."""
        return cast(JsonObject, json.loads(self._raw(method, path, body)))

    def transcript(self, address: str, language: str) -> Transcript:
        """That customer's chat so far, as it is. Raises NotThere."""
        query = urlencode({"customer": address, "language": language})
        return read(self._raw("GET", f"/sim/transcript?{query}").decode())

    def address(self, customer: str) -> str:
        """By name, number or address. Raises NotThere."""
        people = cast(list[JsonObject], self.call("GET", _NO_NEWS)["customers"])
        for one in people:
            if customer in (one["name"], one["msisdn"], one["address"]):
                return str(one["address"])
        names = ", ".join(str(one["name"]) for one in people)
        raise NotThere(f"no phone belongs to {customer!r}: there are {names}")

    def newcomer(self, who: str) -> str:
        """Somebody of that name and in that country (`Wanjiru, 254700000002`, or `…, number hidden`) who has not talked
        to any shop; returns the address. Raises NotThere."""
        name, _, number = who.rpartition(", ")
        stem = _ANGOLA if number.startswith("244") else _KENYA
        with self._adding:
            people = cast(list[JsonObject], self.call("GET", _NO_NEWS)["customers"])
            taken = {str(one["msisdn"]) for one in people}
            for place in range(_FIRST_NEWCOMER, 100):
                msisdn = f"{stem}{place:02}"
                if msisdn not in taken:
                    body = {"name": name, "msisdn": msisdn, "hidden": not number.isdigit()}
                    return str(self.call("POST", "/sim/customers", body)["address"])
        raise NotThere("all numbers for newcomers are taken: `Start afresh` on the phone page frees them")

    def close(self) -> None:
        self._http.clear()

    def _raw(self, method: str, path: str, body: JsonObject | None = None) -> bytes:
        raw = None if body is None else json.dumps(body).encode()
        headers = {} if raw is None else {"Content-Type": "application/json"}
        try:
            answer = self._http.request(method, self._base_url + path, body=raw, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise NotThere(f"no phones at {self._base_url}: is `./dev up` running?") from error
        if answer.status >= 400:
            raise NotThere(f"the phones refused {method} {path.partition('?')[0]}: {answer.data.decode()[:300]}")
        return answer.data


@dataclass
class Player:
    """One chat with one customer who has not talked to any shop before."""

    phones: Phones
    address: str
    chat: Transcript
    within_s: float = 20.0
    """How long the shop may take for one message."""
    late_s: int = 0
    """How late a provider tells what happened: so far the clock is moved after each payment."""
    is_patient: bool = False
    """Go by what the shop says, not by what is written: until it has said nothing more for a while."""
    people: People | None = None
    """The shop's own, where some of them write in the chat."""
    placeholders: Placeholders = field(default_factory=Placeholders)
    _by_people: list[tuple[int, dict[str, object]]] = field(default_factory=list[tuple[int, dict[str, object]]])
    """What they did, and behind how many entries of the phones' own telling."""
    _version: int = 0
    _shown: dict[str, JsonObject] = field(default_factory=dict[str, JsonObject])
    _prompts: dict[str, JsonObject] = field(default_factory=dict[str, JsonObject])
    _due: int = 0

    def play(self) -> None:
        """The whole chat, up to the shop's last word. Where time passes in it, it begins by day: at night the shop
        would be silent. Raises NotSaid, NotThere, BadTranscript."""
        if passes_time(self.chat):
            self.begin_by_day()
        for entry in self.chat.chat:
            if self.is_patient and "shop" in entry:
                continue
            self.one(entry)
            if self.is_patient:
                is_event = not {"wait", "phone", "person"}.isdisjoint(entry)
                self.settle(_SILENT_AFTER_EVENT_S if is_event else _SILENT_S)

    def settle(self, silent_s: float = _QUIET_S) -> None:
        """Until the shop has said nothing more for a while; until it has not said anything for so long, where it is
        silent."""
        self._look()
        told, since, patience_s = len(self._shown), time.monotonic(), silent_s
        while time.monotonic() - since < patience_s:
            time.sleep(_POLL_S)
            self._look()
            if len(self._shown) != told:
                told, since, patience_s = len(self._shown), time.monotonic(), _QUIET_S

    def begin_by_day(self) -> None:
        """Move the clock on to nine in the morning, UTC: it is day in Luanda and in Nairobi, for hours to come."""
        now = datetime.fromisoformat(str(self.phones.call("GET", _NO_NEWS)["now"]))
        begins = now.replace(hour=_BEGINS_HOUR, minute=0, second=0, microsecond=0)
        if not begins <= now < begins + timedelta(hours=1):
            ahead = begins - now if now < begins else begins + timedelta(days=1) - now
            self._advance(int(ahead.total_seconds()) + 1)

    def one(self, entry: Mapping[str, object]) -> None:
        """Raises NotSaid, NotThere, BadTranscript."""
        doing: Mapping[str, Callable[[str], None]] = {
            "customer": self.say,
            "tap": self._tap,
            "picture": lambda words: self.say(words, media="image"),
            "voice": lambda _length: self.say("", media="audio"),
            "location": self._location,
            "phone": self._phone,
            "person": self._person,
            "wait": self._wait,
            "shop": lambda _words: self.expect(),
        }
        for kind, do in doing.items():
            if kind in entry:
                do(str(entry[kind]))

    def say(self, text: str, **more: object) -> None:
        self._post("/sim/messages", {"body": self._filled(text), **more})

    def expect(self) -> None:
        """One message more of the shop. Raises NotSaid."""
        self._due += 1
        self._until(lambda: len(self._sent()) >= self._due or None, "one more message of the shop")

    def arrived(self) -> None:
        """Until the shop has everything that was sent to it."""

        def find() -> bool | None:
            sent = [one for one in self._shown.values() if one["direction"] == "in"]
            return all(one["status"] == "delivered" for one in sent) or None

        self._until(find, "the shop takes what it is sent")

    def caught_up(self) -> None:
        """What the shop has said so far is not waited for any more. Until nothing of it waits at Twilio."""

        def find() -> bool | None:
            said = [one for one in self._shown.values() if one["direction"] == "out"]
            return all(one["status"] != "queued" for one in said) or None

        self._until(find, "Twilio sends what it was given")
        self._due = len(self._sent())

    def recorded(self) -> Transcript:
        """What the phones have of it, and what the shop's people did, with placeholders."""
        told = self.phones.transcript(self.address, self.chat.language)
        entries = list(told.chat)
        for place, entry in reversed(self._by_people):
            entries.insert(place, entry)
        return told_by(replace(told, chat=entries))

    def _tap(self, title: str) -> None:
        wanted = self._filled(title)

        def find() -> tuple[str, int] | None:
            for one in reversed(self._sent()):
                content = cast(JsonObject | None, one["content"])
                titles = [str(option["title"]) for option in content["options"]] if content else []
                if wanted in titles:
                    return str(one["id"]), titles.index(wanted)
            return None

        message, option = self._until(find, f"{wanted!r} to tap")
        self._post("/sim/taps", {"message": message, "option": option})

    def _location(self, pin: str) -> None:
        match = re.fullmatch(r"(.*)\(([-0-9.]+), ([-0-9.]+)\)", pin)
        if match is None:
            raise BadTranscript(f"location: expected a label (latitude, longitude), got {pin!r}")
        place = {"latitude": float(match[2]), "longitude": float(match[3]), "label": match[1].strip()}
        self.say("", location=place)

    def _wait(self, length: str) -> None:
        parts = re.findall(r"([0-9]+) (min|h|d)", length)
        if not parts:
            raise BadTranscript(f"wait: expected such as 10 min, 2 h or 1 d 3 h, got {length!r}")
        self._advance(sum(int(count) * _SECONDS[unit] for count, unit in parts))

    def _phone(self, what: str) -> None:
        prompt, by_hand, at_bank = _PROMPT.fullmatch(what), _BY_HAND.fullmatch(what), _AT_BANK.fullmatch(what)
        if prompt is not None:
            self._answer(prompt["ending"])
        elif by_hand is not None:
            self._pay_till(by_hand)
        elif at_bank is not None:
            self._pay_reference(self._filled(at_bank["reference"]))
        else:
            raise BadTranscript(f"phone: this can't be done on a phone: {what!r}")
        if self.late_s:
            self._advance(self.late_s + 1)

    def _answer(self, ending: str) -> None:
        if ending == "waiting":
            self._until(self._waiting, "a prompt on the phone")
            return
        if ending not in _ACTIONS:
            raise BadTranscript(f"phone: no prompt ends with {ending!r}: expected one of {', '.join(_ACTIONS)}")
        prompt = self._until(self._waiting, "a prompt on the phone")
        self.phones.call("POST", f"/sim/prompts/{prompt}", _ACTIONS[ending])
        if ending == "not answered":
            self._advance(_UNANSWERED_S)

    def _person(self, what: str) -> None:
        done = read_done(what)
        if self.people is None:
            raise BadTranscript("person: the router's people can't be reached from here")
        told = self.phones.transcript(self.address, self.chat.language)
        self._by_people.append((len(told.chat), {"person": what}))
        name, _, number = told.who.rpartition(", ")
        said = [str(one["body"]) for one in sorted(self._shown.values(), key=lambda one: int(one["place"]))
                if one["direction"] == "in" and one["body"]]  # fmt: skip
        try:
            self.people.do(done, self.chat.shop, number if number.isdigit() else name, said)
        except PersonTooSoon as late:
            raise NotSaid(str(late)) from late
        except PersonRefused as refused:
            raise NotThere(str(refused)) from refused

    def _pay_till(self, wanted: re.Match[str]) -> None:
        body: JsonObject = {
            "shortcode": wanted["number"],
            "account_reference": self._filled(wanted["account"] or ""),
            "amount_whole": int(wanted["amount"].replace(",", "")),
            "payer": self.placeholders.msisdn,
        }
        self.phones.call("POST", "/sim/till", body)

    def _pay_reference(self, reference: str) -> None:
        digits = reference.replace(" ", "")

        def find() -> str | None:
            for one in cast(list[JsonObject], self._look()["references"]):
                if str(one["reference"]) == digits:
                    return str(one["id"])
            return None

        self.phones.call("POST", f"/sim/references/{self._until(find, f'the reference {digits}')}", {"action": "pay"})

    def _advance(self, seconds: int) -> None:
        self.phones.call("POST", "/sim/clock", {"advance_s": seconds})

    def _post(self, path: str, body: JsonObject) -> None:
        self.phones.call("POST", path, {"customer": self.address, **body})

    def _filled(self, text: str) -> str:
        if "{" not in text:
            return text
        chat = self.phones.transcript(self.address, self.chat.language)
        self.placeholders.msisdn = msisdn_of(chat)
        self.placeholders.found.clear()
        told_by(chat, self.placeholders)
        return self.placeholders.fill(text)

    def _look(self) -> JsonObject:
        news = self.phones.call("GET", f"/sim/state?since={self._version}")
        self._version = int(news["version"])
        for one in cast(list[JsonObject], news["messages"]):
            if one["customer"] == self.address:
                self._shown[str(one["id"])] = one
        for one in cast(list[JsonObject], news["prompts"]):
            if one["customer"] == self.address:
                self._prompts[str(one["id"])] = one
        return news

    def _sent(self) -> list[JsonObject]:
        """The shop's messages that have left Twilio, in their order, also what failed."""
        sent = [one for one in self._shown.values() if one["direction"] == "out" and one["status"] != "queued"]
        return sorted(sent, key=lambda one: int(one["place"]))

    def _waiting(self) -> str | None:
        waiting = [str(one["id"]) for one in self._prompts.values() if one["state"] == "waiting"]
        return waiting[-1] if waiting else None

    def _until(self, find: Callable[[], T | None], wanted: str) -> T:
        deadline = time.monotonic() + self.within_s
        while True:
            self._look()
            found = find()
            if found is not None:
                return found
            if time.monotonic() > deadline:
                raise NotSaid(f"not within {self.within_s:g} s: {wanted}")
            time.sleep(_POLL_S)
