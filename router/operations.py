"""What can be asked of the router, each thing declared once: who may ask, for which shop, what comes and what goes.

The edge admits by these declarations and lets nobody in without one; the OpenAPI document is made from them; a test
walks them with every kind of caller."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from pydantic import BaseModel

from contracts.errors import ErrorCode
from contracts.states import Capability


class Audience(StrEnum):
    """Who asks."""

    BOT = "bot"
    """Our own process; signs every request."""
    PAYMENT_ADAPTER = "payment_adapter"
    """Our own process; signs its events, which the route itself checks."""
    VENDOR = "vendor"
    """Somebody with an API key of one shop."""
    OPERATOR = "operator"
    """Somebody with an API key of the platform or, in local mode on this machine, the development key."""
    ANYONE = "anyone"


class KeyScope(StrEnum):
    """What an API key may be used for."""

    SHOP_READ = "shop:read"
    SHOP_WRITE = "shop:write"
    KEYS_WRITE = "keys:write"
    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    PAYMENTS_READ = "payments:read"
    PAYMENTS_WRITE = "payments:write"
    """Decides about money that was set aside, and gives money back."""
    CUSTOMERS_READ = "customers:read"
    """Beside orders:read or payments:read: people's phone numbers are shown whole. Without it they are masked."""
    CHAT_READ = "chat:read"
    """What customers and the shop wrote to each other."""
    CHAT_WRITE = "chat:write"
    """Takes conversations from the bot, and writes to customers."""
    USAGE_READ = "usage:read"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    CREDENTIALS_WRITE = "credentials:write"
    """Gives out addresses where the shop's payment credentials are entered. No key ever reads them."""
    PLATFORM = "platform"
    """Of the platform's own keys alone: opens, suspends and looks into every shop."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One route. `name` is stable: idempotency keys are remembered by it, and it is the OpenAPI operation's id."""

    name: str
    method: str
    path: str
    """A Flask rule, such as `/api/v1/orders/<order_id>`."""
    summary: str
    callers: frozenset[Audience]
    of_shop: bool = True
    """It acts for one shop: the key's own; for the bot and an operator the one in x-vendor-id, or in the path."""
    needs: tuple[Capability, ...] = ()
    """What the shop must have switched on."""
    scope: KeyScope | None = None
    """What a vendor's API key must be good for. None where no vendor may call."""
    even_suspended: bool = False
    """It works for a shop that is suspended, too."""
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    other_answers: tuple[type[BaseModel], ...] = ()
    """Other shapes that the answer may have."""
    media_type: str = "application/json"
    """Of the answer."""
    max_body_bytes: int | None = None
    """What may be sent, where it is more than elsewhere."""
    status: int = 200
    problems: tuple[tuple[int, ErrorCode], ...] = ()
    """What it may refuse with, beyond what admission, limits and reading the request may."""
    description: str = ""
    tag: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    """What each parameter of the path is."""

    @property
    def is_command(self) -> bool:
        """A POST: it takes an Idempotency-Key, and signed callers must send one."""
        return self.method == "POST"

    def __post_init__(self) -> None:
        if Audience.VENDOR in self.callers and (self.scope is None or not self.of_shop):
            raise ValueError(f"{self.name}: an API key of a shop acts for that shop, with a scope")
        if self.needs and not self.of_shop:
            raise ValueError(f"{self.name}: capabilities are a shop's")


V = TypeVar("V", bound=Callable[..., object])


def declared(operation: Operation, view: V) -> V:
    """Mark a Flask view as serving this operation."""
    view.operation = operation  # pyright: ignore[reportFunctionMemberAccess]
    return view


def operation_of(view: object) -> Operation | None:
    """What a Flask view was declared to serve. None: it was not."""
    return getattr(view, "operation", None)


BY_BOT = frozenset({Audience.BOT})
BY_OPERATOR = frozenset({Audience.OPERATOR})
BY_VENDOR = frozenset({Audience.VENDOR, Audience.OPERATOR})
"""The vendor API: a shop's own key, or an operator on the shop's behalf."""
