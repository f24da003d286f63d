"""Customers who write to a bot, and a Twilio that answers at once.

A turn is timed from the webhook's sending to the moment the reply's request has arrived here."""

import asyncio
import json
import secrets
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode

from twilio.request_validator import RequestValidator

from benchmarks.wire import Client, listen

PATH = "/webhooks/twilio/whatsapp"
SHOP_NUMBER = "whatsapp:+14155238886"
_REPLY_WITHIN_S = 20.0


@dataclass(slots=True)
class Outcome:
    """What a run came to. Waits are seconds from webhook to reply."""

    turns: int
    elapsed_s: float
    waits_s: list[float] = field(default_factory=list[float])
    lost: int = 0

    def add(self, waited_s: float | None) -> None:
        """One turn; None: its reply never came."""
        self.turns += 1
        if waited_s is None:
            self.lost += 1
        else:
            self.waits_s.append(waited_s)

    @property
    def per_s(self) -> float:
        return self.turns / self.elapsed_s


class Twilio:
    """Accepts every message and remembers when it came, and for whom."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[asyncio.Future[float]]] = defaultdict(list)
        self.bodies: dict[str, str] = {}

    async def start(self, port: int) -> asyncio.Server:
        return await listen(port, self.handle)

    def next_reply(self, address: str) -> asyncio.Future[float]:
        future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting[address].append(future)
        return future

    async def handle(self, _method: str, _target: str, _headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        arrived = time.monotonic()
        form = parse_qs(body.decode())
        address = form.get("To", [""])[0]
        self.bodies[address] = form.get("Body", [""])[0]
        for future in self._waiting.pop(address, []):
            if not future.done():
                future.set_result(arrived)
        return 201, json.dumps({"sid": "SM" + secrets.token_hex(16), "status": "queued", "body": ""}).encode()


@dataclass(frozen=True, slots=True)
class Bot:
    """Where a bot listens, and what Twilio and it both know."""

    port: int
    public_url: str
    account_sid: str
    auth_token: str


@dataclass(frozen=True, slots=True)
class Message:
    address: str
    headers: dict[str, str]
    body: bytes


def signed_messages(bot: Bot, addresses: Sequence[str], text: str) -> list[Message]:
    """One message from each address, signed as Twilio signs. Made before the clock starts."""
    validator = RequestValidator(bot.auth_token)
    messages: list[Message] = []
    for address in addresses:
        sid = "SM" + secrets.token_hex(16)
        form = {
            "MessageSid": sid,
            "SmsMessageSid": sid,
            "AccountSid": bot.account_sid,
            "From": address,
            "To": SHOP_NUMBER,
            "Body": text,
            "NumMedia": "0",
            "ProfileName": "Load",
            "WaId": address.removeprefix("whatsapp:+"),
        }
        signature = validator.compute_signature(bot.public_url + PATH, form)
        headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature}
        messages.append(Message(address, headers, urlencode(form).encode()))
    return messages


async def turn(client: Client, twilio: Twilio, message: Message) -> float | None:
    """Seconds from the webhook to its reply, None if none came."""
    reply = twilio.next_reply(message.address)
    started = time.monotonic()
    status, _ = await client.request("POST", PATH, message.headers, message.body)
    if status != 200:
        raise RuntimeError(f"the bot answered {status}")
    try:
        return await asyncio.wait_for(reply, _REPLY_WITHIN_S) - started
    except TimeoutError:
        return None


async def one_after_another(bot: Bot, twilio: Twilio, rounds: Sequence[Sequence[Message]]) -> Outcome:
    """Each customer sends the next message when the reply has come: how many turns a second can be held."""
    customers = len(rounds[0])
    client = Client(bot.port, customers)
    outcome = Outcome(0, 0.0)

    async def customer(n: int) -> None:
        for messages in rounds:
            waited = await turn(client, twilio, messages[n])
            outcome.add(waited)

    started = time.monotonic()
    await asyncio.gather(*(customer(n) for n in range(customers)))
    outcome.elapsed_s = time.monotonic() - started
    client.close()
    return outcome


async def at_a_rate(bot: Bot, twilio: Twilio, messages: Sequence[Message], per_s: float) -> Outcome:
    """Messages leave on schedule whether or not replies come: how long a customer waits at that load."""
    client = Client(bot.port, 64)
    outcome = Outcome(0, 0.0)

    async def customer(message: Message) -> None:
        waited = await turn(client, twilio, message)
        outcome.add(waited)

    started = time.monotonic()
    running: list[asyncio.Task[None]] = []
    for n, message in enumerate(messages):
        await asyncio.sleep(max(0.0, started + n / per_s - time.monotonic()))
        running.append(asyncio.create_task(customer(message)))
    await asyncio.gather(*running)
    outcome.elapsed_s = time.monotonic() - started
    client.close()
    return outcome
