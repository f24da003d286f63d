"""What can be asked about webhooks and events, declared: the room's routes serve exactly this."""

from contracts.errors import ErrorCode
from router.events.wire import (
    DeliveriesQuery,
    DeliveryDetail,
    DeliveryPage,
    EndpointChange,
    EndpointList,
    EndpointView,
    EndpointWithSecret,
    EventPage,
    EventsQuery,
    EventTypeList,
    NewEndpoint,
    Replayed,
    ReplayOne,
    ReplayRange,
)
from router.operations import BY_VENDOR, KeyScope, Operation

_TAG = "webhooks"
_UNKNOWN = (404, ErrorCode.WEBHOOK_UNKNOWN)
_REFUSED = (422, ErrorCode.WEBHOOK_ADDRESS_REFUSED)
_DISABLED = (409, ErrorCode.WEBHOOK_DISABLED)
_ENDPOINT = {"endpoint_id": "The endpoint's id"}
_DELIVERY = {"delivery_id": "The delivery's id"}
_PATH = "/api/v1/webhooks"

CREATE = Operation(
    "webhooks.create",
    "POST",
    _PATH,
    "Register an endpoint, and learn its signing secret",
    BY_VENDOR,
    scope=KeyScope.WEBHOOKS_WRITE,
    body=NewEndpoint,
    answer=EndpointWithSecret,
    status=201,
    problems=((409, ErrorCode.WEBHOOK_LIMIT_REACHED), _REFUSED),
    description=(
        "Events are posted there as Standard Webhooks: `webhook-id` (the same each time one event is sent), "
        "`webhook-timestamp` and `webhook-signature`. Answer 2xx within 10 s; anything else is tried again, for up to "
        "three days. 410 disables the endpoint. Only https to public addresses is called; redirects are not followed."
    ),
    tag=_TAG,
)
LIST = Operation(
    "webhooks.list",
    "GET",
    _PATH,
    "The shop's endpoints",
    BY_VENDOR,
    scope=KeyScope.WEBHOOKS_READ,
    answer=EndpointList,
    tag=_TAG,
)
SHOW = Operation(
    "webhooks.show",
    "GET",
    f"{_PATH}/<endpoint_id>",
    "One endpoint",
    BY_VENDOR,
    scope=KeyScope.WEBHOOKS_READ,
    answer=EndpointView,
    problems=(_UNKNOWN,),
    tag=_TAG,
    parameters=_ENDPOINT,
)
CHANGE = Operation(
    "webhooks.change",
    "PATCH",
    f"{_PATH}/<endpoint_id>",
    "Change an endpoint, disable it, or enable it again",
    BY_VENDOR,
    scope=KeyScope.WEBHOOKS_WRITE,
    body=EndpointChange,
    answer=EndpointView,
    problems=(_UNKNOWN, _REFUSED),
    description="Events that happen while it is disabled are not kept for it: a replay brings them.",
    tag=_TAG,
    parameters=_ENDPOINT,
)
REMOVE = Operation(
    "webhooks.remove",
    "DELETE",
    f"{_PATH}/<endpoint_id>",
    "Delete an endpoint; what waits for it is discarded",
    BY_VENDOR,
    scope=KeyScope.WEBHOOKS_WRITE,
    answer=EndpointView,
    problems=(_UNKNOWN,),
    description="The answer shows it as it was.",
    tag=_TAG,
    parameters=_ENDPOINT,
)
ROTATE = Operation(
    "webhooks.rotate_secret",
    "POST",
    f"{_PATH}/<endpoint_id>/rotate-secret",
    "A new signing secret; the old one signs beside it for 24 hours",
    BY_VENDOR,
    scope=KeyScope.WEBHOOKS_WRITE,
    answer=EndpointWithSecret,
    problems=(_UNKNOWN,),
    description="`webhook-signature` holds both signatures meanwhile. Rotating twice ends the first secret at once.",
    tag=_TAG,
    parameters=_ENDPOINT,
)
PING = Operation(
    "webhooks.ping",
    "POST",
    f"{_PATH}/<endpoint_id>/ping",
    "Send a test event, once",
    BY_VENDOR,
    scope=KeyScope.WEBHOOKS_WRITE,
    answer=DeliveryDetail,
    status=202,
    problems=(_UNKNOWN, _DISABLED),
    description="It is sent in a moment; ask for the delivery to see what was answered.",
    tag=_TAG,
    parameters=_ENDPOINT,
)
REPLAY_RANGE = Operation(
    "webhooks.replay",
    "POST",
    f"{_PATH}/<endpoint_id>/replay",
    "Send this endpoint once more what happened in a time",
    BY_VENDOR,
    scope=KeyScope.WEBHOOKS_WRITE,
    body=ReplayRange,
    answer=Replayed,
    status=202,
    problems=(_UNKNOWN, _DISABLED, (404, ErrorCode.EVENT_UNKNOWN)),
    description="A request looks at up to 1,000 events; `go_on_after` says where the next one goes on.",
    tag=_TAG,
    parameters=_ENDPOINT,
)
DELIVERIES = Operation(
    "webhooks.deliveries",
    "GET",
    f"{_PATH}/<endpoint_id>/deliveries",
    "What was, is and will be sent to an endpoint, newest first",
    BY_VENDOR,
    scope=KeyScope.WEBHOOKS_READ,
    query=DeliveriesQuery,
    answer=DeliveryPage,
    problems=(_UNKNOWN,),
    tag=_TAG,
    parameters=_ENDPOINT,
)
DELIVERY = Operation(
    "webhooks.delivery",
    "GET",
    f"{_PATH}/deliveries/<delivery_id>",
    "One delivery with every attempt",
    BY_VENDOR,
    scope=KeyScope.WEBHOOKS_READ,
    answer=DeliveryDetail,
    problems=((404, ErrorCode.DELIVERY_UNKNOWN),),
    tag=_TAG,
    parameters=_DELIVERY,
)
RETRY = Operation(
    "webhooks.retry",
    "POST",
    f"{_PATH}/deliveries/<delivery_id>/retry",
    "Try a waiting or parked delivery now",
    BY_VENDOR,
    scope=KeyScope.WEBHOOKS_WRITE,
    answer=DeliveryDetail,
    status=202,
    problems=((404, ErrorCode.DELIVERY_UNKNOWN), (409, ErrorCode.DELIVERY_FINISHED)),
    tag=_TAG,
    parameters=_DELIVERY,
)
DISCARD = Operation(
    "webhooks.discard",
    "POST",
    f"{_PATH}/deliveries/<delivery_id>/discard",
    "Never send it: what it holds back may go",
    BY_VENDOR,
    scope=KeyScope.WEBHOOKS_WRITE,
    answer=DeliveryDetail,
    problems=((404, ErrorCode.DELIVERY_UNKNOWN), (409, ErrorCode.DELIVERY_FINISHED)),
    tag=_TAG,
    parameters=_DELIVERY,
)
EVENT_TYPES = Operation(
    "events.types",
    "GET",
    "/api/v1/events/types",
    "Which events there are, and what each holds",
    BY_VENDOR,
    scope=KeyScope.WEBHOOKS_READ,
    answer=EventTypeList,
    tag="events",
)
EVENTS = Operation(
    "events.list",
    "GET",
    "/api/v1/events",
    "What happened in the shop, newest first",
    BY_VENDOR,
    scope=KeyScope.WEBHOOKS_READ,
    query=EventsQuery,
    answer=EventPage,
    tag="events",
)
REPLAY_EVENT = Operation(
    "events.replay",
    "POST",
    "/api/v1/events/<event_id>/replay",
    "Send an event once more, under the same webhook-id",
    BY_VENDOR,
    scope=KeyScope.WEBHOOKS_WRITE,
    body=ReplayOne,
    answer=Replayed,
    status=202,
    problems=((404, ErrorCode.EVENT_UNKNOWN), _UNKNOWN, _DISABLED),
    tag="events",
    parameters={"event_id": "The event's id, which is its webhook-id"},
)
