"""How it stands with an order, in words, and what the customer can do about it."""

from bot.conversation.model import Reply
from bot.conversation.rails import answer_there, proof_of, rail_name, rail_of, rings, what_it_gives
from bot.conversation.reasons import has_run_out
from contracts.money import Money
from contracts.router_api import OrderView
from contracts.states import IntentStatus, OrderStatus


def has_open_reference(order: OrderView) -> bool:
    return (
        order.status is OrderStatus.CONFIRMED and order.payment is not None and order.payment.instructions is not None
    )


def was_paid_anyway(order: OrderView) -> bool:
    """It was called off, and its money came all the same: the shop settles it with the customer."""
    payment = order.payment
    is_there = payment is not None and payment.intent_status is IntentStatus.SUCCEEDED
    return order.status is OrderStatus.CANCELLED and is_there


def standing_of(order: OrderView) -> Reply:
    match order.status:
        case OrderStatus.DRAFT:
            return Reply("standing_draft")
        case OrderStatus.CANCELLED if order.sent_back_minor > 0:
            return Reply("standing_cancelled_sent_back", {"amount": Money(order.sent_back_minor, order.currency)})
        case OrderStatus.CANCELLED:
            return Reply("standing_cancelled_paid" if was_paid_anyway(order) else "standing_cancelled")
        case OrderStatus.PAID:
            if order.receipt:
                return Reply("standing_paid", {"receipt": proof_of(order.receipt, rail_of(order))})
            return Reply("standing_paid_unnumbered")
        case OrderStatus.CONFIRMED:
            return _of_payment(order)


def _of_payment(order: OrderView) -> Reply:
    payment, rail = order.payment, rail_of(order)
    match payment.intent_status if payment is not None else None:
        case IntentStatus.CREATED | IntentStatus.PROVIDER_PENDING if payment is not None and payment.is_by_other:
            return Reply("standing_by_other")
        case IntentStatus.CREATED | IntentStatus.PROVIDER_PENDING if rings(rail):
            return Reply("standing_prompt", {"rail": rail_name(rail), "answer": answer_there(rail)})
        case IntentStatus.UNKNOWN | IntentStatus.SUCCEEDED:
            return Reply("standing_checking")
        case _ if has_open_reference(order):
            return Reply("standing_reference")
        case IntentStatus.CREATED | IntentStatus.PROVIDER_PENDING:
            return Reply("standing_reference_coming", {"what": what_it_gives(rail)})
        case IntentStatus.FAILED | IntentStatus.EXPIRED if payment is not None and has_run_out(payment.reason, rail):
            return Reply("standing_reference_expired", {"what": what_it_gives(rail), "code": order.code})
        case IntentStatus.FAILED | IntentStatus.EXPIRED:
            return Reply("standing_failed", {"code": order.code})
        case None:
            return Reply("standing_unpaid", {"code": order.code})
