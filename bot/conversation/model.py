"""The vocabulary of a conversation: events that happen to it, commands that it asks for, the reply that it gives.

`step(state, event, now)` in `bot.conversation.step` is pure: it returns the next state and either one more command,
whose outcome is fed back as an event, or the one reply of the turn (or silence)."""

from dataclasses import dataclass
from datetime import date, datetime

from bot.conversation.state import State
from bot.replies.reply import Reply
from contracts.chat_api import AlertsJoined, AlertsLeft, HandoverView
from contracts.claims import ReceiptView
from contracts.errors import ProblemBody
from contracts.events import DomainEvent
from contracts.payment_api import ChargeView
from contracts.router_api import (
    CancelResult,
    CartView,
    CategoryList,
    ItemCard,
    ItemPage,
    ItemsFound,
    OrderList,
    OrderView,
    OtherOrder,
    PayResult,
    ShopList,
    ShopView,
    ZoneList,
)
from contracts.states import FulfilmentKind, Rail

# --- events --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Location:
    """A pin: degrees north and east (WGS 84), and what the phone calls the place, if it has words for it."""

    latitude: float
    longitude: float
    address: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """The customer wrote something. `media` names kinds (`image`, `audio`, `location`…) when there is more than text.

    `sender_msisdn` is the number that the channel shows (digits with country code), None where it is hidden or not
    known. `received_at` lets a PAY that had to wait for hours be asked for again instead of ringing a phone unasked.
    `payload` is the token of the option that was tapped (`Option.payload`), None for what was typed. Anybody can make
    one up, so it says no more than the same words typed. `location` is the pin, where `media` names one. `written` is
    all that was typed, where several messages were read as one and `text` is only what they come to."""

    message_sid: str
    text: str
    media: tuple[str, ...] = ()
    sender_msisdn: str | None = None
    received_at: datetime | None = None
    payload: str | None = None
    location: Location | None = None
    written: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """News from the router."""

    news: DomainEvent


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the command just asked for came to: the answer's wire type, or the refusal."""

    command: "Command"
    result: "Result"


Result = (
    ShopView
    | ShopList
    | ItemPage
    | ItemsFound
    | ItemCard
    | CategoryList
    | ZoneList
    | CartView
    | OrderView
    | CancelResult
    | PayResult
    | OtherOrder
    | OrderList
    | ReceiptView
    | ChargeView
    | HandoverView
    | AlertsJoined
    | AlertsLeft
    | ProblemBody
)
Event = Said | Heard | Outcome

# --- commands: performed by the turn with no transaction open, with keys derived from the event that began the turn ---


@dataclass(frozen=True, slots=True)
class FindShop:
    """→ ShopView or shop_unknown."""

    word: str


@dataclass(frozen=True, slots=True)
class ListShops:
    """→ ShopList."""


@dataclass(frozen=True, slots=True)
class ListItems:
    """→ ItemPage."""

    vendor_id: str
    query: str = ""
    after: str | None = None
    limit: int = 9
    category: str = ""
    """The id of one; else of all."""


@dataclass(frozen=True, slots=True)
class FindItems:
    """What the shop has of each of these names, at most `limit` each, in one look → ItemsFound."""

    vendor_id: str
    queries: tuple[str, ...]
    limit: int = 9


@dataclass(frozen=True, slots=True)
class ShowItem:
    """→ ItemCard or item_unknown."""

    vendor_id: str
    item_id: str


@dataclass(frozen=True, slots=True)
class ListCategories:
    """→ CategoryList."""

    vendor_id: str


@dataclass(frozen=True, slots=True)
class ListZones:
    """→ ZoneList."""

    vendor_id: str


@dataclass(frozen=True, slots=True)
class ShowCart:
    """→ CartView."""

    vendor_id: str


@dataclass(frozen=True, slots=True)
class AddItem:
    """→ CartView or a refusal."""

    vendor_id: str
    item_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class RemoveItem:
    """→ CartView or a refusal."""

    vendor_id: str
    line_no: int


@dataclass(frozen=True, slots=True)
class ChooseFulfilment:
    """→ CartView or a refusal. Delivery to that zone, or to the one around the pin (degrees)."""

    vendor_id: str
    kind: FulfilmentKind
    zone_id: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    landmark: str = ""


@dataclass(frozen=True, slots=True)
class LeaveNote:
    """→ CartView or a refusal. An empty note takes the old one away."""

    vendor_id: str
    note: str


@dataclass(frozen=True, slots=True)
class UseVoucher:
    """→ CartView or a refusal. Without a code: none any more."""

    vendor_id: str
    code: str | None


@dataclass(frozen=True, slots=True)
class ChooseDay:
    """→ CartView or a refusal. Without a day: as soon as possible."""

    vendor_id: str
    day: date | None


@dataclass(frozen=True, slots=True)
class OrderAgain:
    """→ ReorderResult or a refusal. Without a code: the last order that was paid."""

    vendor_id: str
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Confirm:
    """→ OrderView or a refusal."""

    vendor_id: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """→ CancelResult or a refusal."""

    vendor_id: str
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Pay:
    """→ PayResult or a refusal. Followed by StartCharge with its grant. Without a rail: the one of the order's last
    try, or the only one; else the router asks which."""

    vendor_id: str
    code: str | None = None
    payer_msisdn: str | None = None
    rail: Rail | None = None
    is_for_other: bool = False
    """The order is somebody else's, and only the writer's own phone may ring."""


@dataclass(frozen=True, slots=True)
class FindOther:
    """An order that is somebody else's, to pay for them → OtherOrder or order_unknown."""

    vendor_id: str
    code: str


@dataclass(frozen=True, slots=True)
class StartCharge:
    """Hands the grant to the payment adapter → ChargeView or a refusal."""

    grant: str
    intent_id: str


@dataclass(frozen=True, slots=True)
class ListOrders:
    """→ OrderList."""

    vendor_id: str
    limit: int = 10
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class NameReceipt:
    """What became of the money with this receipt, as far as this customer may hear → ReceiptView."""

    vendor_id: str
    receipt: str


@dataclass(frozen=True, slots=True)
class AskForPerson:
    """→ HandoverView, or capability_missing: nobody answers there. `about` is what the customer wrote with it."""

    vendor_id: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class ReturnToBot:
    """→ HandoverView."""

    vendor_id: str


@dataclass(frozen=True, slots=True)
class JoinAlerts:
    """→ AlertsJoined or invitation_unknown."""

    vendor_id: str
    code: str


@dataclass(frozen=True, slots=True)
class LeaveAlerts:
    """→ AlertsLeft."""

    vendor_id: str


Command = (
    FindShop
    | ListShops
    | ListItems
    | FindItems
    | ShowItem
    | ListCategories
    | ListZones
    | ShowCart
    | AddItem
    | RemoveItem
    | ChooseFulfilment
    | LeaveNote
    | UseVoucher
    | ChooseDay
    | OrderAgain
    | Confirm
    | Cancel
    | Pay
    | FindOther
    | StartCharge
    | ListOrders
    | NameReceipt
    | AskForPerson
    | ReturnToBot
    | JoinAlerts
    | LeaveAlerts
)

# --- what a step comes to --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """`command`: perform it and come back with its Outcome; else the turn ends with `reply` (None: say nothing).

    `answers_customer` is false for news: such a message is not sent after STOP, while direct answers are. `known_as` is
    the id under which the router knows the reply already: somebody of the shop wrote it. `is_for_staff`: the reply is
    for one of the shop's own people, and no part of a conversation between the shop and a customer."""

    state: State
    command: Command | None = None
    reply: Reply | None = None
    answers_customer: bool = True
    known_as: str | None = None
    is_for_staff: bool = False
