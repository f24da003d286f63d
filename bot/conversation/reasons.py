"""Why a payment came to nothing, and how to pay from where the customer is now."""

from bot.conversation.model import Reply, State
from contracts.states import FailureReason

_KEYS = {
    FailureReason.CANCELLED_BY_CUSTOMER: "reason_cancelled_by_customer",
    FailureReason.INSUFFICIENT_FUNDS: "reason_insufficient_funds",
    FailureReason.WRONG_PIN: "reason_wrong_pin",
    FailureReason.UNREACHABLE: "reason_unreachable",
    FailureReason.PROMPT_EXPIRED: "reason_prompt_expired",
    FailureReason.REFERENCE_EXPIRED: "reason_reference_expired",
    FailureReason.LIMIT_REACHED: "reason_limit_reached",
    FailureReason.BUSY: "reason_busy",
    FailureReason.AMOUNT_REFUSED: "reason_amount_refused",
    FailureReason.ACCOUNT_PROBLEM: "reason_account_problem",
    FailureReason.SHOP_SETUP: "reason_shop_setup",
    FailureReason.NOT_SENT: "reason_not_sent",
    FailureReason.PROVIDER_ERROR: "reason_provider_error",
}
_ANOTHER_TRY_IS_USELESS = frozenset((FailureReason.AMOUNT_REFUSED, FailureReason.SHOP_SETUP))


def reason_words(reason: FailureReason | None) -> tuple[Reply, ...]:
    return (Reply(_KEYS[reason] if reason else "reason_unknown"),)


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
