"""Finds what a refund gives back from: a charge that was paid, or money that was paid by hand and announced."""

from dataclasses import dataclass

from sqlalchemy import or_, select

from contracts.money import Currency, Money
from contracts.payment_api import NewRefund, PaymentEvent
from contracts.states import ChargeStatus, PaymentEventStatus, Rail
from kit.db import Tx
from payment_adapter.charges.models import charges, outbox
from payment_adapter.charges.record import Charge
from payment_adapter.providers.base import ChargeRef, Provider


@dataclass(frozen=True, slots=True)
class Payment:
    """`id` names it for the sum of its refunds; `ref.amount` is what was paid, which may be more or less than asked."""

    id: str
    ref: ChargeRef


def find_payment(tx: Tx, wish: NewRefund, provider: Provider) -> Payment | None:
    """The payment of this vendor that the wish names, if it was paid. A receipt and a transaction id that are of two
    payments name none."""
    names = [name for name in (wish.provider_transaction_id, wish.receipt) if name is not None]
    mine = select(charges).where(
        charges.c.vendor_id == wish.vendor_id,
        charges.c.provider == wish.provider,
        # A payment by hand has its receipt for a transaction id, and the same money may have been a charge of ours.
        or_(charges.c.provider_transaction_id.in_(names), charges.c.receipt.in_(names)),
    )
    found = [Charge.of(row) for row in tx.execute(mine.limit(2))]
    if len(found) == 1:
        return _of_charge(found[0], wish)
    return _by_hand(tx, wish, names, provider) if not found else None


def _of_charge(charge: Charge, wish: NewRefund) -> Payment | None:
    if charge.status is not ChargeStatus.PAID or charge.paid_amount_minor is None:
        return None
    is_another = wish.receipt is not None and charge.receipt is not None and wish.receipt != charge.receipt
    if is_another:
        return None
    paid = Money(charge.paid_amount_minor, charge.amount.currency)
    return Payment(
        charge.charge_id,
        ChargeRef(charge.rail, paid, charge.our_reference, charge.provider_transaction_id, charge.receipt),
    )


def _by_hand(tx: Tx, wish: NewRefund, names: list[str], provider: Provider) -> Payment | None:
    """What was announced of it holds all that is needed."""
    ids = [f"{wish.provider}-c2b:{name}" for name in names]
    announced = select(outbox.c.body).where(outbox.c.vendor_id == wish.vendor_id, outbox.c.event_id.in_(ids))
    bodies = [str(body) for body in tx.execute(announced.limit(2)).scalars()]
    if len(bodies) != 1:
        return None
    event = PaymentEvent.model_validate_json(bodies[0])
    is_paid = event.status is PaymentEventStatus.PAID and event.provider == wish.provider
    if not is_paid or event.amount_minor is None or event.receipt is None or wish.receipt not in (None, event.receipt):
        return None
    paid = Money(event.amount_minor, event.currency or Currency.KES)
    return Payment(event.receipt, ChargeRef(_rail(provider), paid, "", event.provider_transaction_id, event.receipt))


def _rail(provider: Provider) -> Rail:
    """Money paid by hand came on no rail of ours; a provider that takes such money has one way to give it back."""
    return min(provider.rails)
