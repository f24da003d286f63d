"""What the control API says of messages and prompts, in words that a test can ask."""

from dataclasses import dataclass
from typing import Any, cast

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One bubble. `place` is its position among all messages and never changes; pass it as `after`."""

    id: str
    place: int
    customer: str
    direction: str
    """`in` from the customer to the shop, `out` from the shop."""
    body: str
    media: str | None
    status: str
    error: str | None

    @property
    def is_from_shop(self) -> bool:
        return self.direction == "out"


@dataclass(frozen=True, slots=True)
class Shown:
    """The last thing a customer's phone shows of the shop, with what can be tapped in it."""

    id: str
    place: int
    kind: str
    """text, image, audio, video, document, location, or what can be tapped: buttons, list, links, card."""
    body: str
    options: tuple[str, ...]
    """Titles of the buttons or of the items of the list, in their order."""
    button: str
    """What opens the list."""
    media: tuple[str, ...]
    """Content types of the files that arrived."""
    status: str
    error_code: int | None
    content: JsonObject | None
    """All of what stands around the text, as the control API tells it."""


@dataclass(frozen=True, slots=True)
class Prompt:
    id: str
    customer: str | None
    msisdn: str
    business: str
    account_reference: str
    amount_minor: int
    currency: str
    provider: str
    """`mpesa` or `multicaixa`."""
    state: str
    receipt: str | None

    @property
    def amount_whole(self) -> int:
        assert self.amount_minor % 100 == 0, f"{self.amount_minor} minor units are no whole {self.currency}"
        return self.amount_minor // 100


def objects(answer: JsonObject, name: str) -> list[JsonObject]:
    return cast(list[JsonObject], answer[name])


def message_of(one: JsonObject) -> ChatMessage:
    return ChatMessage(
        id=str(one["id"]),
        place=int(one["place"]),
        customer=str(one["customer"]),
        direction=str(one["direction"]),
        body=str(one["body"]),
        media=one["media"],
        status=str(one["status"]),
        error=one["error"],
    )


def shown_of(one: JsonObject) -> Shown:
    content = cast(JsonObject | None, one["content"])
    options = cast(list[JsonObject], content["options"]) if content else []
    return Shown(
        id=str(one["id"]),
        place=int(one["place"]),
        kind=str(one["kind"]),
        body=str(one["body"]),
        options=tuple(str(option["title"]) for option in options),
        button=str(content["button"]) if content else "",
        media=tuple(str(file["content_type"]) for file in objects(one, "files") if file["state"] == "ready"),
        status=str(one["status"]),
        error_code=one["error_code"],
        content=content,
    )


def prompt_of(one: JsonObject) -> Prompt:
    return Prompt(
        id=str(one["id"]),
        customer=one["customer"],
        msisdn=str(one["msisdn"]),
        business=str(one["business"]),
        account_reference=str(one["account_reference"]),
        amount_minor=int(one["amount_minor"]),
        currency=str(one["currency"]),
        provider=str(one["provider"]),
        state=str(one["state"]),
        receipt=one["receipt"],
    )
