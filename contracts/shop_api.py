"""What the bot asks of the router about shops and what they sell. To be had from `contracts.router_api`, too."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from contracts.money import Currency
from contracts.states import FulfilmentKind, Rail

MAX_DAYS_AHEAD = 14
"""How far ahead an order can be asked for."""


class Wire(BaseModel):
    """A message between processes: unknown fields are ignored, so that an older reader meets a newer writer."""

    model_config = ConfigDict(frozen=True)


# --- shops ---------------------------------------------------------------------------------------------------------


class OpeningView(Wire):
    """Whether a shop is open, at the moment it was asked about. Moments, not texts: the chat says them in its words."""

    is_open: bool
    opens_at: datetime | None = None
    """When it opens next, while it is closed; None where it does not within `MAX_DAYS_AHEAD` days."""
    closes_at: datetime | None = None
    """When it closes, while it is open; None where it does not within a week."""


class ShopView(Wire):
    """GET /v1/shops?word=mama (404 shop_unknown) · GET /v1/shops/<vendor_id>"""

    vendor_id: str
    word: str
    name: str
    currency: Currency
    locale: str
    timezone: str
    rails: list[Rail]
    capabilities: list[str]
    opening: OpeningView | None = None
    """None for a shop that keeps no hours: it is always open."""
    fulfilment: list[FulfilmentKind] = Field(default_factory=list[FulfilmentKind])
    """How goods get to the customer, if the shop says so: `pickup` and `delivery` once it has zones, else nothing, and
    nothing need be asked."""
    paybill: str | None = None
    """The M-Pesa business number to pay to by hand, with the order's code as the account, if the shop takes that."""
    till: str | None = None
    """The same for a till, where no account can be typed."""


class ShopList(Wire):
    """GET /v1/shops: the shops that take orders, for a customer who named none. At most 10."""

    shops: list[ShopView]


# --- catalogue -----------------------------------------------------------------------------------------------------


class ItemView(Wire):
    item_id: str
    sku: str
    name: str
    description: str = ""
    unit: str = ""
    price_minor: int
    currency: Currency
    available: int | None
    """How many can be had now; None where the shop doesn't count."""
    category_id: str | None = None
    category: str | None = None
    """The category's name, as the shop wrote it."""
    has_picture: bool = False


class ItemPage(Wire):
    """GET /v1/catalog/items?query=&category=&after=&limit= (limit 1..50, default 9; `category` is a category_id, one
    that the shop does not have is an empty page).

    Without a query in the vendor's order; with one, best match first. `query` also matches the SKU exactly, and words
    of the name and of the item's keywords, their beginnings, and words that were nearly written: without regard to
    case and accents. `after` is `next_after` of the page before, as it is."""

    items: list[ItemView]
    next_after: str | None = None
    total: int
    """How many there are; of a search how many are known of: those up to here, and one more where a page follows. At
    most 200 are found: more says that the words were too few."""


MAX_LOOKED_UP = 40
"""Names in one look."""


class ItemsFound(Wire):
    """GET /v1/catalog/lookup?queries=&limit= : what several names find, in their order, as a search for each would.

    `queries` are at most MAX_LOOKED_UP lines (a line feed between them), `limit` 1..20 for each, default 9."""

    found: list[list[ItemView]]


class PictureView(Wire):
    media_type: str
    """image/png or image/jpeg."""
    width: int
    height: int
    content_base64: str
    """At most 500 kB of bytes."""


class ItemCard(ItemView):
    """GET /v1/catalog/items/<item_id> (404 item_unknown): one item with its picture, to show by itself."""

    picture: PictureView | None = None


class CategoryView(Wire):
    category_id: str
    name: str
    count: int
    """How many items of it are on sale."""


class CategoryList(Wire):
    """GET /v1/catalog/categories: those with something on sale, in the shop's order."""

    categories: list[CategoryView]
    others: int = 0
    """How many items on sale are in no category: they are found by search and in the whole list."""
