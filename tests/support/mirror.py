"""A bot whose conversations are mirrored to a router in memory, where a shop's people would read them."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.conversation.model import Event, Heard, Said, State, Step
from bot.conversation.state import Handover, Shop
from bot.inbound import delivery_status
from bot.inbound.forms import said
from bot.mirroring import Mirroring
from bot.replies.reply import Reply
from contracts.chat_api import (
    ChatMessage,
    ChatMode,
    ChatReport,
    ChatStatusNews,
    ChatTaken,
    Undelivered,
    UndeliveredTaken,
)
from contracts.errors import ErrorCode, ProblemBody
from contracts.events import EventType
from contracts.money import Currency
from kit.clock import FixedClock
from kit.db import Database
from kit.peers import Refusal, Unreachable
from tests.support.bot import BotUnderTest, parrot


def people(state: State, event: Event, now: datetime) -> Step:
    """`go <shop>` enters a shop; `person` is answered by silence until `bot`; else the parrot."""
    match event:
        case Said(text=text) if text.startswith("go "):
            word = text.removeprefix("go ")
            shop = Shop(f"vendor-{word}", word, word.title(), "Africa/Nairobi", Currency.KES)
            return Step(replace(state, shop=shop), reply=Reply(f"welcome to {word}"))
        case Said(text="person") if state.shop is not None:
            turn = Handover(state.shop.vendor_id, state.shop.name, ChatMode.WAITING, now, now + timedelta(hours=2))
            return Step(state.handed(turn), reply=Reply("somebody comes"))
        case Said(text=text) if text != "boom":
            return Step(replace(state, opted_out=text == "stop"), reply=Reply(text) if text != "quiet" else None)
        case Heard(news) if news.type is EventType.CHAT_STAFF_MESSAGE:
            return Step(state, reply=Reply("from Wanjiru"), answers_customer=False, known_as="staff-1")
        case Heard(news) if news.type is EventType.SHOP_ALERT:
            return Step(state, reply=Reply("an order is paid"), answers_customer=False, is_for_staff=True)
        case _:
            return parrot(state, event, now)


@dataclass
class Desk:
    """The router, as far as conversations go: keeps each message once, and moves its status forward."""

    messages: dict[str, dict[str, ChatMessage]] = field(default_factory=dict[str, dict[str, ChatMessage]])
    statuses: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    lost: list[tuple[str, str | None, str]] = field(default_factory=list[tuple[str, str | None, str]])
    calls: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    sizes: list[int] = field(default_factory=list[int])
    fails: dict[str, Exception] = field(default_factory=dict[str, Exception])
    cannot_read: str = ""
    loses_answers: bool = False

    def report(self, vendor_id: str, told: ChatReport, key: str) -> ChatTaken:
        del key
        self.calls.append((vendor_id, len(told.messages)))
        self.sizes.append(len(told.model_dump_json().encode()))
        if vendor_id in self.fails:
            raise self.fails[vendor_id]
        if self.cannot_read and any(message.text == self.cannot_read for message in told.messages):
            raise refused(ErrorCode.INVALID_REQUEST)
        known = self.messages.setdefault(vendor_id, {})
        for message in told.messages:
            first = known.setdefault(message.message_id, message)
            known[message.message_id] = first.model_copy(update={"status": message.status})
        self.statuses += [(news.message_id, news.status) for news in told.statuses]
        for news in told.statuses:
            self._move(known, news)
        if self.loses_answers:
            raise Unreachable("the answer was lost")
        return ChatTaken(new=0, moved=0)

    def undelivered(self, vendor_id: str, told: Undelivered, key: str) -> UndeliveredTaken:
        del key
        self.lost += [(vendor_id, message.reason, message.text) for message in told.messages]
        return UndeliveredTaken(new=len(told.messages))

    def _move(self, known: dict[str, ChatMessage], news: ChatStatusNews) -> None:
        if news.message_id in known:
            known[news.message_id] = known[news.message_id].model_copy(update={"status": news.status})

    def said(self, vendor_id: str) -> list[tuple[str, str, str]]:
        """(who, what, status), oldest first."""
        told = sorted(self.messages.get(vendor_id, {}).values(), key=lambda message: message.at)
        return [(message.author, message.text, message.status) for message in told]


def refused(code: ErrorCode) -> Refusal:
    return Refusal(ProblemBody(title="", status=403, code=code))


@dataclass
class Mirrored:
    bot: BotUnderTest
    desk: Desk
    mirroring: Mirroring
    wakes: list[None] = field(default_factory=list[None])

    def says(self, *texts: str) -> None:
        for text in texts:
            self.bot.hears(text)
            self.bot.work()
            self.bot.clock.advance(timedelta(seconds=1))

    def tell(self) -> None:
        for _ in range(100):
            if not self.mirroring.sweep():
                return
        raise AssertionError("still telling")

    def untold(self) -> int:
        items = self.bot.rows("SELECT seq FROM inbox WHERE vendor_id IS NOT NULL AND told_at IS NULL")
        messages = self.bot.rows(
            "SELECT seq FROM messages WHERE vendor_id IS NOT NULL AND (told_status IS NULL OR told_status <> status)"
        )
        return len(items) + len(messages)

    def becomes(self, number: int, status: str, **more: str) -> None:
        """Twilio says what became of the message that it took at that place."""
        taken = self.bot.messenger.taken[number].sid
        form = {"AccountSid": self.bot.settings.twilio_account_sid, "MessageSid": taken, "MessageStatus": status}
        assert self.bot.post(delivery_status.PATH, {**form, **more}) == 200


def made(db: Database, clock: FixedClock) -> Mirrored:
    bot, desk = BotUnderTest(db, clock, step=people), Desk()
    mirrored = Mirrored(bot, desk, Mirroring(db, clock, desk, said))
    bot.turns.watch = mirrored.mirroring.watch
    bot.sender.moved = mirrored.mirroring.moved
    mirrored.mirroring.wake = lambda: mirrored.wakes.append(None)
    return mirrored
