"""The channels under `tests/conformance/test_channels.py`, each with customers who write to it and a world that fails:
Twilio against its simulator over real sockets, and the reference channel in memory."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from flask import Flask
from werkzeug.serving import make_server

from bot.channels.channel import Channel, Doors, StatusReport
from bot.channels.memory import MESSAGES, STATUSES, WORD_HEADER, MemoryChannel
from bot.channels.twilio import TwilioChannel
from bot.channels.twilio_contents import filled_template
from bot.content_sync import in_step
from bot.inbound import twilio
from bot.pages import media
from bot.ports.messenger import Kind, NotTaken, Outbound, Refused, Unsure
from bot.ports.twilio import content_account, pictures_at
from bot.ports.twilio_content import ContentApi
from bot.replies.template import Template
from bot.store import media as store
from bot.store.contents import APPROVED, KnownContents
from bot.store.inbox import Incoming
from bot.store.media import Media, MediaKind
from kit.clock import Clock
from kit.db import Database
from kit.settings import load_settings
from kit.web import make_app
from tests.simulators.running import Simulators
from tests.support.phone import Phone
from tests.support.processes import free_ports

SHOP = "whatsapp:+14155238886"
ACHIENG = "whatsapp:+254708374149"
WORD = "a word that only the channel knows"
JPEG = b"\xff\xd8\xff\xe0 what a camera keeps \xff\xd9"


@dataclass
class Heard:
    """What came through the doors."""

    messages: list[Incoming] = field(default_factory=list[Incoming])
    statuses: list[StatusReport] = field(default_factory=list[StatusReport])

    def doors(self) -> Doors:
        return Doors(self.messages.append, self.statuses.append)


@dataclass(frozen=True)
class Seen:
    """What the customer sees of a message."""

    kind: str
    body: str
    options: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    """Content types of what stands above it."""


class ChannelCase(Protocol):
    """One channel, and the hand that moves its world."""

    channel: Channel
    heard: Heard

    def writes(self, text: str) -> None: ...
    def writes_without_number(self, text: str) -> None: ...
    def pins(self, latitude: float, longitude: float) -> None: ...
    def taps(self, title: str) -> None:
        """The option of the message that was sent last."""
        ...

    def forges(self) -> int:
        """Somebody else calls the webhook: the status of the answer."""
        ...

    def seen(self) -> Seen:
        """The newest message of the shop on Achieng's phone."""
        ...

    def next_is_busy(self) -> None: ...
    def next_is_cut_off(self) -> None:
        """The channel takes the message, and its answer is lost."""
        ...

    def makes_contents(self) -> None:
        """Whatever the channel needs before it can show more than text."""
        ...

    def photograph(self) -> str:
        """Where the channel can fetch a JPEG."""
        ...

    def approves(self, template: Template) -> None: ...
    def is_read(self, sid: str) -> None:
        """Achieng reads it; the channel reports that."""
        ...

    def refused(self) -> Outbound:
        """A message that the channel refuses, whatever it holds."""
        ...


class MemoryCase:
    def __init__(self, clock: Clock) -> None:
        self._channel = MemoryChannel(clock, WORD)
        self.channel: Channel = self._channel
        self.heard = Heard()
        app = make_app("bot")
        self._channel.add_doors(app, self.heard.doors())
        self._client = app.test_client()
        self._count = 0

    def writes(self, text: str) -> None:
        self._post({"text": text})

    def writes_without_number(self, text: str) -> None:
        self._post({"text": text, "from": "whatsapp:KE.a1B2c3"})

    def pins(self, latitude: float, longitude: float) -> None:
        self._post({"location": {"latitude": latitude, "longitude": longitude}})

    def taps(self, title: str) -> None:
        tappable = self._channel.taken[-1].message.tappable
        assert tappable is not None
        (payload,) = (choice.payload for choice in tappable.choices if choice.title == title)
        self._post({"text": title, "payload": payload})

    def forges(self) -> int:
        return self._client.post(MESSAGES, json={"id": "1"}, headers={WORD_HEADER: "guessed"}).status_code

    def photograph(self) -> str:
        return "https://shop.example.com/media/photograph.jpg"

    def seen(self) -> Seen:
        message = self._channel.taken[-1].message
        files = ("image/jpeg",) if message.media_url is not None else ()
        if message.template is not None:
            return Seen("text", " ".join(message.template.values))
        if message.tappable is None or message.kind is Kind.PICTURE:
            return Seen("image" if files else "text", message.text, files=files)
        options = tuple(choice.title for choice in message.tappable.choices)
        return Seen(message.kind.value, message.tappable.body, options, files)

    def next_is_busy(self) -> None:
        self._channel.next.append((NotTaken("busy"), False))

    def next_is_cut_off(self) -> None:
        self._channel.next.append((Unsure("cut off"), True))

    def makes_contents(self) -> None:
        """Nothing is needed."""

    def approves(self, template: Template) -> None:
        self._channel.approved.add(template.key)

    def is_read(self, sid: str) -> None:
        for status in ("delivered", "read"):
            self._post({"id": sid, "status": status}, STATUSES)

    def refused(self) -> Outbound:
        self._channel.next.append((Refused("too long", 21617), False))
        return Outbound(SHOP, ACHIENG, "x" * 1601)

    def _post(self, document: dict[str, object], path: str = MESSAGES) -> None:
        self._count += 1
        whole = {"id": f"m{self._count}", "from": ACHIENG, "to": SHOP, **document}
        answer = self._client.post(path, json=whole, headers={WORD_HEADER: WORD})
        assert answer.status_code == 204


class TwilioCase:
    def __init__(
        self,
        simulators: Simulators,
        channel: TwilioChannel,
        app: Flask,
        heard: Heard,
        synchronise: Callable[[], None],
        photograph: Callable[[], str],
    ) -> None:
        self._synchronise = synchronise
        self._photograph = photograph
        self.channel: Channel = channel
        self.heard = heard
        self.phone: Phone = simulators.phone
        self._app = app

    def writes(self, text: str) -> None:
        self.phone.says("Achieng", text)

    def writes_without_number(self, text: str) -> None:
        self.phone.add_customer("Fatuma", hidden=True)
        self.phone.says("Fatuma", text)

    def pins(self, latitude: float, longitude: float) -> None:
        self.phone.sends_location("Achieng", latitude, longitude)

    def taps(self, title: str) -> None:
        self.phone.taps("Achieng", title)

    def forges(self) -> int:
        form = {"AccountSid": "AC1", "From": ACHIENG, "To": SHOP, "MessageSid": "SM" + "0" * 32, "Body": "PAY"}
        return self._app.test_client().post(twilio.PATH, data=form, headers={"X-Twilio-Signature": "x"}).status_code

    def seen(self) -> Seen:
        shown = self.phone.last_message("Achieng")
        return Seen(shown.kind, shown.body, shown.options, shown.media)

    def next_is_busy(self) -> None:
        self.phone.faults(twilio_429=1)

    def next_is_cut_off(self) -> None:
        self.phone.faults(twilio_timeout=1)

    def approves(self, template: Template) -> None:
        name, _ = filled_template(template)
        (sid,) = (str(one["sid"]) for one in self.phone.contents() if one["name"] == name)
        self.phone.decides(sid, APPROVED)
        self.makes_contents()

    def is_read(self, sid: str) -> None:
        """The simulated phone reads by itself."""

    def refused(self) -> Outbound:
        return Outbound(SHOP, ACHIENG, "x" * 1601)

    def makes_contents(self) -> None:
        self._synchronise()

    def photograph(self) -> str:
        return self._photograph()


@contextmanager
def twilio_case(folder: Path, db: Database, clock: Clock) -> Generator[TwilioCase]:
    """The channel, the simulator that it talks to, and its webhooks on a port of their own."""
    bot_port, simulators_port = free_ports(2)
    settings = load_settings(
        {
            "DUKANI_DATA_DIR": str(folder),
            "DUKANI_SIMULATORS_PORT": str(simulators_port),
            "DUKANI_BOT_PUBLIC_URL": f"http://127.0.0.1:{bot_port}",
            "TWILIO_AUTH_TOKEN": "test-token",
        },
        dotenv=None,
    )
    now_s = [0.0]
    known = KnownContents(db, content_account(settings), lambda: now_s[0])
    channel = TwilioChannel(settings, pool_size=2, read_s=2.0, contents=known)
    app, heard, api = make_app("bot"), Heard(), ContentApi(settings)
    channel.add_doors(app, heard.doors())
    media.add_route(app, db, clock)
    server = make_server("127.0.0.1", bot_port, app, threaded=True)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    simulators = Simulators(settings)

    def synchronise() -> None:
        in_step(api, db, clock, content_account(settings), pictures_at=pictures_at(settings), submits=True)
        now_s[0] += 60

    def photograph() -> str:
        with db.write() as tx:
            now = clock.now()
            kept = store.keep(tx, Media(MediaKind.JPEG, JPEG), expires_at=now + timedelta(hours=1), now=now)
        return media.address_of(settings.bot_public_url, kept)

    try:
        yield TwilioCase(simulators, channel, app, heard, synchronise, photograph)
    finally:
        simulators.stop()
        server.shutdown()
        serving.join()
        server.server_close()
        channel.close()
        api.close()
