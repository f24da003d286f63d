"""Why a payment came to nothing, and how to pay from where the customer is now."""

from bot.conversation.model import Reply, State
from bot.conversation.rails import other_ways, rail_name, rings
from contracts.states import FailureReason, Rail

_KEYS = {
    FailureReason.CANCELLED_BY_CUSTOMER: "reason_cancelled_by_customer",
    FailureReason.INSUFFICIENT_FUNDS: "reason_insufficient_funds",
    FailureReason.WRONG_PIN: "reason_wrong_pin",
    FailureReason.UNREACHABLE: "reason_unreachable",
    FailureReason.PROMPT_EXPIRED: "reason_prompt_expired",
    FailureReason.LIMIT_REACHED: "reason_limit_reached",
    FailureReason.BUSY: "reason_busy",
    FailureReason.AMOUNT_REFUSED: "reason_amount_refused",
    FailureReason.ACCOUNT_PROBLEM: "reason_account_problem",
    FailureReason.SHOP_SETUP: "reason_shop_setup",
    FailureReason.NOT_SENT: "reason_not_sent",
    FailureReason.PROVIDER_ERROR: "reason_provider_error",
}
_OTHERWISE = {
    (FailureReason.ACCOUNT_PROBLEM, Rail.GPO): "reason_card_problem",
    (FailureReason.CANCELLED_BY_CUSTOMER, Rail.EMIS_REF): "reason_reference_cancelled",
    (FailureReason.CANCELLED_BY_CUSTOMER, Rail.TICKET): "reason_reference_cancelled",
    (FailureReason.NOT_SENT, Rail.EMIS_REF): "reason_no_reference",
    (FailureReason.NOT_SENT, Rail.TICKET): "reason_no_reference",
    (FailureReason.PROMPT_EXPIRED, Rail.EMIS_REF): "reason_reference_expired",
    (FailureReason.PROMPT_EXPIRED, Rail.TICKET): "reason_reference_expired",
}
"""Where a rail has other words for it than the others."""

_ANOTHER_TRY_IS_USELESS = frozenset((FailureReason.AMOUNT_REFUSED, FailureReason.SHOP_SETUP))


def reason_words(reason: FailureReason | None, rail: Rail) -> tuple[Reply, ...]:
    if reason is FailureReason.REFERENCE_EXPIRED:
        return (Reply("reason_reference_expired"),)
    other = _OTHERWISE.get((reason, rail)) if reason else None
    if other is not None:
        return (Reply(other),)
    return (Reply(_KEYS[reason] if reason else "reason_unknown", {"rail": rail_name(rail)}),)


def is_worth_another_try(reason: FailureReason | None) -> bool:
    """Where nobody upstream has said."""
    return reason not in _ANOTHER_TRY_IS_USELESS


def how_to_pay(state: State, vendor_id: str, code: str) -> tuple[Reply, ...]:
    """PAY means the shop that the customer is in, so for another shop's order the way there comes first."""
    if state.shop is not None and state.shop.vendor_id == vendor_id:
        return (Reply("pay_here_code", {"code": code}),)
    shop = state.known_shop(vendor_id)
    if shop is not None:
        return (Reply("pay_elsewhere", {"word": shop.word.upper(), "code": code}),)
    return (Reply("pay_somewhere", {"code": code}),)


def another_try(state: State, vendor_id: str, code: str) -> tuple[Reply, ...]:
    """As `how_to_pay`, and the other ways to pay where the shop has some."""
    return (*how_to_pay(state, vendor_id, code), *other_ways(state.shop, vendor_id))


def has_run_out(reason: FailureReason | None, rail: Rail) -> bool:
    """Whether it was a reference that nobody paid in time."""
    return reason is FailureReason.REFERENCE_EXPIRED or (reason is FailureReason.PROMPT_EXPIRED and not rings(rail))
