"""What Daraja's STK result codes mean, in our words, and how long the next try should wait.

Only 0, 1, 1032 and 1037 are proven by others' production traffic; the rest is Safaricom's documentation (M-Pesa
Express, Ratiba, Reversal and B2C pages) and what integrators report. Where these differ on a wait, the longer one
stands here. An unlisted code fails with its text kept."""

from typing import NamedTuple

from contracts.states import FailureReason, PaymentEventStatus
from payment_adapter.providers.base import Failure

PAID = "0"
PENDING = "4999"
"""Only from the query: still under processing (seen on the wire, August 2026)."""
EXPIRED = "1019"

MAX_DETAIL = 200


class _Meaning(NamedTuple):
    reason: FailureReason
    may_retry: bool
    ends_prompt: bool = False
    retry_after_s: int | None = None


_R = FailureReason
_RESULTS: dict[str, _Meaning] = {
    "1": _Meaning(_R.INSUFFICIENT_FUNDS, may_retry=True, ends_prompt=True),  # and no overdraft
    "2": _Meaning(_R.AMOUNT_REFUSED, may_retry=False),  # below the minimum
    "3": _Meaning(_R.AMOUNT_REFUSED, may_retry=False),  # above the maximum
    "4": _Meaning(_R.LIMIT_REACHED, may_retry=True),  # the customer's daily limit: later
    "8": _Meaning(_R.SHOP_SETUP, may_retry=False),  # the receiver's balance would be too high
    "11": _Meaning(_R.ACCOUNT_PROBLEM, may_retry=False),
    # Sources differ: the same amount from the same customer too soon (2 min), or an internal failure (30 to 45 s).
    "17": _Meaning(_R.BUSY, may_retry=True, retry_after_s=120),
    "21": _Meaning(_R.SHOP_SETUP, may_retry=False),  # the initiator lacks the role
    "25": _Meaning(_R.PROVIDER_ERROR, may_retry=False),  # a parameter is missing
    "26": _Meaning(_R.BUSY, may_retry=True, retry_after_s=30),
    "1001": _Meaning(_R.BUSY, may_retry=True, retry_after_s=180),  # another session of the subscriber: 1 to 3 min
    EXPIRED: _Meaning(_R.PROMPT_EXPIRED, may_retry=True, ends_prompt=True),
    "1025": _Meaning(_R.NOT_SENT, may_retry=True),  # the push could not be sent: too long a text, or for the moment
    "1032": _Meaning(_R.CANCELLED_BY_CUSTOMER, may_retry=True, ends_prompt=True),
    "1036": _Meaning(_R.UNREACHABLE, may_retry=True),
    "1037": _Meaning(_R.UNREACHABLE, may_retry=True, ends_prompt=True),
    "1050": _Meaning(_R.PROVIDER_ERROR, may_retry=False),
    "1051": _Meaning(_R.PROVIDER_ERROR, may_retry=False),
    "2001": _Meaning(_R.WRONG_PIN, may_retry=True, ends_prompt=True),
    "2006": _Meaning(_R.ACCOUNT_PROBLEM, may_retry=False),
    "2028": _Meaning(_R.SHOP_SETUP, may_retry=False),  # transaction type or PartyB does not match the product
    "2040": _Meaning(_R.ACCOUNT_PROBLEM, may_retry=False),
    "8006": _Meaning(_R.ACCOUNT_PROBLEM, may_retry=False),
    "9999": _Meaning(_R.PROVIDER_ERROR, may_retry=True),
    "R000001": _Meaning(_R.PROVIDER_ERROR, may_retry=False),
    "R000002": _Meaning(_R.PROVIDER_ERROR, may_retry=False),
    "SFC_IC0003": _Meaning(_R.SHOP_SETUP, may_retry=False),  # no such till or paybill
    "E3008": _Meaning(_R.PROVIDER_ERROR, may_retry=False),  # the sandbox's answer for any real phone
}
# No money moved under a code we don't know either, so the customer, who has three tries a day, may use one.
_UNLISTED = _Meaning(_R.PROVIDER_ERROR, may_retry=True)


def failure_of(code: str, detail: str) -> Failure:
    """The failure that a result code (neither paid nor pending) stands for."""
    meaning = _RESULTS.get(code, _UNLISTED)
    return Failure(
        meaning.reason, meaning.may_retry, code, detail[:MAX_DETAIL], meaning.ends_prompt, meaning.retry_after_s
    )


def failed_status(code: str) -> PaymentEventStatus:
    return PaymentEventStatus.EXPIRED if code == EXPIRED else PaymentEventStatus.FAILED
