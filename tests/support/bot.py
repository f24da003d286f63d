"""A bot without its conversation: real inbox, turns and sender over a database of its own, with fakes around it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from flask import Flask
from sqlalchemy import text
from twilio.request_validator import RequestValidator

from bot.channels.twilio_codes import remedy_for
from bot.conversation.model import AddItem, Command, Event, Heard, Outcome, Pay, Result, Said, StartCharge, State, Step
from bot.inbound import delivery_status, events, twilio
from bot.inbound.doors import doors_of
from bot.inbound.forms import SignedForms, said
from bot.lapsing import Truth
from bot.pages import media
from bot.ports.fakes import FakeMessenger, FakePerformer
from bot.replies.reply import Reply
from bot.sending import Sender
from bot.turns import Performer, Script, Turns
from contracts.errors import ProblemBody
from contracts.money import Currency
from contracts.payment_api import ChargeView
from contracts.router_api import CartView, OrderView, PayResult
from contracts.states import ChargeStatus, OrderStatus
from kit.background import Loop
from kit.clock import FixedClock
from kit.db import Database
from kit.settings import Settings, load_settings
from kit.web import make_app
from kit.webhooks import EventSigner

ACHIENG = "whatsapp:+254708374149"
BARAKA = "whatsapp:+254700000001"
HIDDEN = "whatsapp:KE.a1B2c3D4e5F6"
SHOP = "whatsapp:+14155238886"
ACCOUNT = "AC" + "d" * 32
TOKEN = "a-token-that-twilio-would-give"
EVENT_SECRET = "the-secret-that-router-and-bot-share"
PUBLIC_URL = "https://shop.example.com"


def settings_of(**environ: str) -> Settings:
    return load_settings(
        {
            "DUKANI_BOT_PUBLIC_URL": PUBLIC_URL,
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "DUKANI_KEY_EVENTS_ROUTER_BOT": EVENT_SECRET,
            **environ,
        },
        dotenv=None,
    )


def sid(number: int) -> str:
    return f"SM{number:032x}"


def parrot(state: State, event: Event, now: datetime) -> Step:
    """A step that does what it is told: `add 3`, `pay`, `quiet`, `boom`, `for ever`, `stop`; else it echoes."""
    del now
    match event:
        case Said(text="boom"):
            raise RuntimeError("a mistake of ours")
        case Said(text="quiet"):
            return Step(state)
        case Said(text="for ever") | Outcome(command=AddItem(vendor_id="for ever")):
            return Step(state, command=AddItem("for ever", "item", 1))
        case Said(text="pay"):
            return Step(state, command=Pay("vendor"))
        case Said(text=said) if said.startswith("add "):
            return Step(state, command=AddItem("vendor", "item", int(said.removeprefix("add "))))
        case Said(text=said):
            opted_out = {"stop": True, "start": False}.get(said.lower(), state.opted_out)
            return Step(State(opted_out=opted_out, is_greeted=True), reply=Reply(f"you said {said}"))
        case Outcome(result=PayResult(grant=grant, intent_id=intent_id)):
            return Step(state, command=StartCharge(grant, intent_id))
        case Outcome(result=ProblemBody(code=code)):
            return Step(state, reply=Reply(f"refused: {code}"))
        case Outcome(command=command):
            return Step(state, reply=Reply(f"done: {type(command).__name__}"))
        case Heard(news):
            return Step(state, reply=Reply(f"news: {news.event_id}"), answers_customer=False)


def obliging(command: Command) -> Result:
    """Answers every command that the parrot asks for with success."""
    if isinstance(command, Pay):
        return PayResult(order=an_order(), intent_id="intent-1", payer_msisdn="254708374149", grant="a-signed-grant")
    if isinstance(command, StartCharge):
        return ChargeView(charge_id="charge-1", intent_id=command.intent_id, status=ChargeStatus.ACCEPTED)
    return CartView(cart=None)


def an_order(status: OrderStatus = OrderStatus.CONFIRMED) -> OrderView:
    return OrderView(
        order_id="order-1",
        code="CDFGHJ",
        status=status,
        currency=Currency.KES,
        total_minor=25000,
        lines=[],
        created_at=datetime.fromisoformat("2026-11-20T08:00:00+00:00"),
    )


def an_event(event_id: str, address: str | None = ACHIENG, kind: str = "order.paid") -> dict[str, Any]:
    return {
        "event_id": event_id,
        "type": kind,
        "vendor_id": "vendor",
        "aggregate": "order:order-1",
        "occurred_at": "2026-11-20T09:00:00Z",
        "data": {
            "order": an_order(OrderStatus.PAID).model_dump(mode="json"),
            "customer_address": address,
            "shop_name": "Mama Njeri",
        },
    }


def key_alone(reply: Reply, language: str) -> str:
    del language
    return reply.key


def one_by_one(state: State, waiting: Sequence[Said]) -> int:
    return 1


class BotUnderTest:
    """`owner` names it in leases: two of them on one database are two processes."""

    def __init__(
        self,
        db: Database,
        clock: FixedClock,
        *,
        owner: str = "bot-1",
        messenger: FakeMessenger | None = None,
        performer: Performer | None = None,
        threads: int = 4,
        step: Callable[[State, Event, datetime], Step] = parrot,
        together: Callable[[State, Sequence[Said]], int] = one_by_one,
        render: Callable[[Reply, str], str] = key_alone,
    ) -> None:
        self.db = db
        self.clock = clock
        self.messenger = messenger or FakeMessenger(clock)
        self.performer = performer or FakePerformer(obliging)
        media_address = partial(media.address_of, PUBLIC_URL)
        truth = Truth(self.performer, clock)
        self.sender = Sender(
            db, clock, owner, self.messenger, threads=threads, media_address=media_address, why_not=truth.why_not
        )
        script = Script(step, render, together)
        self.turns = Turns(db, clock, owner, script, self.performer, self.sender, threads=threads, read=said)
        self.settings = settings_of()
        self.app = self._web()
        self.client = self.app.test_client()
        self._validator = RequestValidator(TOKEN)
        self._said = 0

    def loops(self) -> list[Loop]:
        """Not started. For tests that need real threads; the others call `work`."""
        turning = Loop("turns", self.turns.turn, idle_s=0.05, threads=4)
        sending = Loop("sending", self.sender.turn, idle_s=0.05, threads=4)
        self.turns.slots.wake, self.sender.slots.wake = turning.wake, sending.wake
        return [turning, sending]

    def work(self, rounds: int = 200) -> None:
        """Everything that is due now, in this thread."""
        for _ in range(rounds):
            if not (self.turns.turn() or self.sender.turn()):
                return
        raise AssertionError(f"still busy after {rounds} turns")

    def form(self, body: str, who: str = ACHIENG, number: int | None = None, **more: str) -> dict[str, str]:
        if number is None:
            self._said += 1
            number = self._said
        return {
            "AccountSid": ACCOUNT,
            "Body": body,
            "From": who,
            "MessageSid": sid(number),
            "NumMedia": "0",
            "ProfileName": "Achieng",
            "To": SHOP,
            **more,
        }

    def post(
        self, path: str, form: Mapping[str, str], *, signed_as: Mapping[str, str] | None = None, url: str | None = None
    ) -> int:
        """The status that the form is answered with. Signed over `signed_as` and `url`, by default as it is sent."""
        signed = dict(form if signed_as is None else signed_as)
        signature = self._validator.compute_signature(url or PUBLIC_URL + path, signed)
        return self.post_raw(path, urlencode(form).encode(), signature)

    def post_raw(
        self, path: str, body: bytes, signature: str | None, content_type: str = "application/x-www-form-urlencoded"
    ) -> int:
        headers = {} if signature is None else {"X-Twilio-Signature": signature}
        return self.client.post(path, data=body, headers=headers, content_type=content_type).status_code

    def hears(self, body: str, who: str = ACHIENG, number: int | None = None, **more: str) -> None:
        """A customer's message arrives."""
        assert self.post(twilio.PATH, self.form(body, who, number, **more)) == 200

    def is_told(self, event: Mapping[str, Any], *, secret: str = EVENT_SECRET, signed_id: str | None = None) -> int:
        """News arrives. Returns the status it is answered with."""
        raw = self.app.json.dumps(event).encode()
        headers = EventSigner(secret).headers(signed_id or str(event["event_id"]), self.clock.now(), raw)
        return self.client.post(events.PATH, data=raw, headers=headers).status_code

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with self.db.read() as tx:
            return [dict(row) for row in tx.execute(text(sql)).mappings()]

    def outgoing(self) -> list[tuple[str, str]]:
        """(body, status) of all messages, oldest first."""
        return [(row["body"], row["status"]) for row in self.rows("SELECT body, status FROM messages ORDER BY seq")]

    def inbox(self) -> list[str]:
        return [row["status"] for row in self.rows("SELECT status FROM inbox ORDER BY seq")]

    def _web(self) -> Flask:
        app = make_app("bot")
        forms = SignedForms(self.settings)
        doors = doors_of("twilio", self.db, self.clock, self.turns, self.sender, remedy_for)
        twilio.add_route(app, forms, doors.message)
        delivery_status.add_route(app, forms, doors.status)
        media.add_route(app, self.db, self.clock)
        events.add_route(app, EventSigner(EVENT_SECRET), self.clock, self.turns)
        return app
