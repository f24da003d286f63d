"""What travels over the API about webhook endpoints, their deliveries and the events themselves."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from kit.outside import MAX_URL_CHARACTERS
from kit.paging import NewestFirst, Time
from router.events.endpoints import MAX_ENDPOINTS, Endpoint
from router.events.payloads import TYPES, is_for_vendors
from router.events.rules import Cause, DeliveryStatus, EndpointStatus

_KNOWN_TYPES = ", ".join(each.value for each in TYPES)


class _Sent(BaseModel):
    """A field that nobody knows is a typing mistake: better refused than ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class _Answered(BaseModel):
    model_config = ConfigDict(frozen=True)


def _known(types: list[str]) -> list[str]:
    unknown = sorted({each for each in types if not is_for_vendors(each)})
    if unknown:
        raise ValueError(f"no such event: {', '.join(unknown)}; there are {_KNOWN_TYPES}")
    return list(dict.fromkeys(types))


def _plain(text: str) -> str:
    text = " ".join(text.split())
    if not all(char.isprintable() for char in text):
        raise ValueError("write it in visible characters")
    return text


EventTypes = Annotated[
    list[Annotated[str, StringConstraints(max_length=100)]],
    Field(max_length=100, examples=[["order.paid", "payment.exception"]]),
    AfterValidator(_known),
]
Url = Annotated[
    str, StringConstraints(min_length=1, max_length=MAX_URL_CHARACTERS), Field(examples=["https://shop.example.com/in"])
]
Description = Annotated[str, StringConstraints(max_length=200), AfterValidator(_plain)]
EventId = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class NewEndpoint(_Sent):
    """A shop has at most ten."""

    url: Url
    event_types: EventTypes = Field([], description="Which events it wants. Empty: all, also those that come later.")
    description: Description = ""


class EndpointChange(_Sent):
    """Only what is named changes."""

    url: Url | None = None
    event_types: EventTypes | None = None
    description: Description | None = None
    status: EndpointStatus | None = Field(None, description="Enabling it goes on with what waits for it.")

    @model_validator(mode="after")
    def _says_something(self) -> "EndpointChange":
        nulls = sorted(name for name in self.model_fields_set if getattr(self, name) is None)
        if nulls or not self.model_fields_set:
            raise ValueError("name at least one of url, event_types, description and status, with a value")
        return self


class EndpointView(_Answered):
    id: str
    url: str
    description: str
    event_types: list[str]
    status: EndpointStatus
    disabled_reason: str | None
    failing_since: datetime | None = Field(
        description="Nothing was accepted since then. After five days it is disabled."
    )
    secret_version: int
    old_secret_signs_until: datetime | None = Field(description="After a rotation: until then both secrets sign.")
    created_at: datetime


class EndpointWithSecret(EndpointView):
    secret: str | None = Field(
        None,
        description="`whsec_…`, to check `webhook-signature` with. Shown by this answer alone: keep it. A repeat of "
        "the request under its Idempotency-Key shows it for as long as it signs.",
    )


class EndpointList(_Answered):
    endpoints: list[EndpointView] = Field(max_length=MAX_ENDPOINTS)


class EventTypeView(_Answered):
    type: str
    description: str
    data_schema: dict[str, Any] = Field(description="JSON Schema of the event's `data`.")


class EventTypeList(_Answered):
    event_types: list[EventTypeView]


class DeliveriesQuery(NewestFirst):
    status: DeliveryStatus | None = None
    type: str | None = Field(None, max_length=100)
    event_id: EventId | None = None
    since: Time | None = None
    until: Time | None = None


class DeliveryView(_Answered):
    id: str
    endpoint_id: str
    event_id: str
    """Also the `webhook-id` of every attempt, and the same for a replay: what was handled once need not be again."""
    type: str
    aggregate: str
    cause: Cause
    status: DeliveryStatus
    attempts: int
    next_attempt_at: datetime | None = Field(description="Not before then. null: no further attempt will be made.")
    held_back_by: str | None = Field(
        description="The delivery that has to be accepted or discarded first: the events of one aggregate, such as an "
        "order, arrive in order."
    )
    last_error: str | None
    created_at: datetime
    finished_at: datetime | None


class AttemptView(_Answered):
    number: int
    started_at: datetime
    status_code: int | None
    duration_ms: int | None = Field(description="null: under way, or the process ended before it knew.")
    error: str | None = Field(description="refused, dns, connect, tls, timeout, broken, address_refused, and the like.")
    answer: str | None = Field(description="The first 500 characters, without control characters.")


class DeliveryDetail(DeliveryView):
    tries: list[AttemptView] = Field(description="Newest first, at most 100.")


class DeliveryPage(_Answered):
    deliveries: list[DeliveryView]
    next_cursor: str | None = Field(None, description="`cursor` of the next page. null: this was the last.")


class EventsQuery(NewestFirst):
    type: str | None = Field(None, max_length=100)
    aggregate: str | None = Field(None, max_length=200, examples=["order:<id>"])
    since: Time | None = None
    until: Time | None = None


class EventView(_Answered):
    event_id: str
    type: str
    aggregate: str
    occurred_at: datetime
    data: dict[str, Any]


class EventPage(_Answered):
    events: list[EventView]
    next_cursor: str | None = Field(None, description="`cursor` of the next page. null: this was the last.")


class ReplayOne(_Sent):
    """Without an endpoint: to every enabled one that wants events of its type."""

    endpoint_id: EventId | None = None


class ReplayRange(_Sent):
    """What happened from `since` on and before `until` (left out: until now)."""

    since: Time
    until: Time | None = None
    types: EventTypes = Field([], description="Only these. Empty: all that the endpoint wants.")
    go_on_after: EventId | None = Field(
        None, description="`go_on_after` of the last answer, to queue the next part of a long range."
    )


class Replayed(_Answered):
    queued: int
    """Deliveries that were made. Each carries the `webhook-id` that its event had the first time."""
    go_on_after: str | None = Field(None, description="null: that was all. Else ask again with it.")


def endpoint_view(endpoint: Endpoint, now: datetime) -> EndpointView:
    return EndpointView(**_shown(endpoint, now))


def endpoint_to_complete(endpoint: Endpoint, now: datetime) -> EndpointWithSecret:
    """As it is kept for a repeat of the request: without the secret, which is put in as it leaves."""
    return EndpointWithSecret(**_shown(endpoint, now))


def _shown(endpoint: Endpoint, now: datetime) -> dict[str, Any]:
    both_sign = endpoint.previous_until is not None and now < endpoint.previous_until
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "description": endpoint.description,
        "event_types": list(endpoint.event_types),
        "status": endpoint.status,
        "disabled_reason": endpoint.disabled_reason,
        "failing_since": endpoint.failing_since,
        "secret_version": endpoint.secret_version,
        "old_secret_signs_until": endpoint.previous_until if both_sign else None,
        "created_at": endpoint.created_at,
    }
