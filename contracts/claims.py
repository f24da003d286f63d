"""What the bot asks of the router when a customer says that they paid, and names the receipt of it.

Knowing a receipt's code proves nothing: it can be read over a shoulder. So the answer holds no amount and nobody's
name or number, and of money that was meant for somebody else it says nothing at all."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from contracts.router_api import CustomerRef
from contracts.shop_api import Wire

RECEIPTS_PATH = "/v1/payments/receipts"


class ReceiptStanding(StrEnum):
    PAID = "paid"
    """It paid an order of theirs, or one that they paid for somebody else: `order_code`."""
    WAITING = "waiting"
    """It reached the shop and paid nothing by itself: a person of the shop decides, and has been told who asks."""
    SETTLED = "settled"
    """It had reached the shop and paid nothing; the shop has dealt with it, or gives it back."""
    UNKNOWN = "unknown"
    """There is none, or none that they may hear of."""


class NameReceipt(Wire):
    """POST /v1/payments/receipts → ReceiptView. The shop's people are told once of each customer who names money that
    waits for them."""

    customer: CustomerRef
    receipt: Annotated[
        str, StringConstraints(strip_whitespace=True, to_upper=True, max_length=20, pattern="^[A-Za-z0-9]{6,}$")
    ] = Field(description="The code of M-Pesa's message, as it was typed.")


class ReceiptView(Wire):
    standing: ReceiptStanding
    order_code: str | None = None
    """Where it paid."""
    is_for_other: bool = False
    """The order that it paid is somebody else's."""
