"""Money that somebody pays to a paybill or till by hand, as the payment adapter tells of it."""

from datetime import datetime

from contracts.money import Currency
from contracts.payment_api import PaymentEvent
from contracts.states import PaymentEventStatus


def hand_payment(
    vendor_id: str,
    receipt: str,
    amount_minor: int,
    at: datetime,
    *,
    reference: str | None = None,
    payer: tuple[str, str] | None = None,
) -> PaymentEvent:
    """`amount_minor` in cents of a shilling; `reference` is what was typed as the account; `payer` a masked number and
    a first name."""
    msisdn, name = payer or (None, None)
    return PaymentEvent(
        event_id=f"mpesa-c2b:{receipt}",
        provider="mpesa",
        rail=None,
        vendor_id=vendor_id,
        intent_id=None,
        status=PaymentEventStatus.PAID,
        amount_minor=amount_minor,
        currency=Currency.KES,
        provider_transaction_id=receipt,
        receipt=receipt,
        payer_msisdn=msisdn,
        payer_name=name,
        account_reference=reference,
        occurred_at=at,
    )
