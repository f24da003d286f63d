"""What AppyPay's response codes and the three lists of status words and numbers mean, in our words.

Codes are from AppyPay's page on errors; what is said of Unitel Money is left out. The three lists of numbers look alike
and are not: a ticket's 3 is cancelled, a callback's 3 cancelled or expired, a ticket's 2 expired."""

from typing import NamedTuple

from contracts.states import FailureReason, PaymentEventStatus, Rail
from payment_adapter.providers.base import Failure

PAID = "100"
PENDING = frozenset({"101", "102", "319"})
"""319: Multicaixa did not say how it ended, and is asked again by the gateway."""
DUPLICATE = "726"
"""Our merchantTransactionId is known already: an earlier request of this charge did arrive."""

MAX_DETAIL = 200


class _Meaning(NamedTuple):
    reason: FailureReason
    may_retry: bool
    ends_prompt: bool = False


_R = FailureReason
_OTHER_CARD = _Meaning(_R.ACCOUNT_PROBLEM, may_retry=True, ends_prompt=True)
_LIMIT = _Meaning(_R.LIMIT_REACHED, may_retry=True, ends_prompt=True)
_NO_FUNDS = _Meaning(_R.INSUFFICIENT_FUNDS, may_retry=True, ends_prompt=True)
_NOT_IN_TIME = _Meaning(_R.PROMPT_EXPIRED, may_retry=True, ends_prompt=True)
_NOT_REACHED = _Meaning(_R.BUSY, may_retry=True)
_SETUP = _Meaning(_R.SHOP_SETUP, may_retry=False)
_BAD_REQUEST = _Meaning(_R.NOT_SENT, may_retry=False)
_BAD_AMOUNT = _Meaning(_R.AMOUNT_REFUSED, may_retry=False)
# No money moved under a code we don't know either, so the customer, who has three tries a day, may use one.
_THEIR_ERROR = _Meaning(_R.PROVIDER_ERROR, may_retry=True)

_CODES: dict[str, _Meaning] = {
    "200": _THEIR_ERROR,  # refused by Multicaixa Express
    "201": _OTHER_CARD,
    "206": _NOT_REACHED,
    "208": _SETUP,
    "209": _NO_FUNDS,
    "210": _NOT_IN_TIME,  # 90 s
    "211": _NOT_IN_TIME,
    "212": _OTHER_CARD,
    "213": _LIMIT,
    "214": _OTHER_CARD,
    "215": _LIMIT,
    "216": _LIMIT,  # the card's day
    "217": _SETUP,  # the shop's terminal
    "220": _OTHER_CARD,
    "221": _OTHER_CARD,  # refused by the issuer
    "222": _OTHER_CARD,
    "223": _OTHER_CARD,
    "224": _LIMIT,
    "225": _NO_FUNDS,
    "227": _THEIR_ERROR,  # aborted by Multicaixa Express
    "228": _OTHER_CARD,
    "229": _OTHER_CARD,
    "230": _SETUP,
    "231": _Meaning(_R.CANCELLED_BY_CUSTOMER, may_retry=True, ends_prompt=True),
    "245": _Meaning(_R.REFERENCE_EXPIRED, may_retry=True, ends_prompt=True),
    **dict.fromkeys(("301", "302", "303", "304", "305", "307", "308"), _THEIR_ERROR),
    "306": _NOT_REACHED,
    **dict.fromkeys(("402", "403", "406", "407", "408", "409", "410"), _THEIR_ERROR),
    "404": _SETUP,  # the point of sale is unknown
    "405": _Meaning(_R.PROVIDER_ERROR, may_retry=False),  # "pending reversals": money may be on its way back
    "411": _NOT_REACHED,
    "412": _SETUP,  # the establishment is inactive
    "440": _SETUP,
    **dict.fromkeys(("500", "501", "502", "503", "504", "505", "507", "508"), _THEIR_ERROR),
    "717": _BAD_REQUEST,  # no phone number
    "718": _BAD_AMOUNT,
    "719": _BAD_REQUEST,  # a field is missing
    "720": _BAD_REQUEST,
    "759": _BAD_AMOUNT,
    "762": _BAD_REQUEST,  # due date
    "763": _Meaning(_R.NOT_SENT, may_retry=True),  # the reference number is taken
    "800": _BAD_REQUEST,
    "801": _SETUP,
    "802": _SETUP,
    "803": _SETUP,  # the options, which hold account and API key
    **dict.fromkeys(("900", "901", "-1"), _THEIR_ERROR),
}

_EXPIRED = frozenset({"210", "211", "245"})


def failure_of(code: str, detail: str) -> Failure:
    """The failure that a code (neither paid nor pending) stands for. An unlisted one fails with its text kept."""
    meaning = _CODES.get(code, _THEIR_ERROR)
    return Failure(meaning.reason, meaning.may_retry, code, detail[:MAX_DETAIL], meaning.ends_prompt)


def is_listed(code: str) -> bool:
    return code in _CODES


def status_of(code: str) -> PaymentEventStatus:
    """Of a code that is neither paid nor pending."""
    return PaymentEventStatus.EXPIRED if code in _EXPIRED else PaymentEventStatus.FAILED


_S = PaymentEventStatus
_TICKET = {"0": _S.PENDING, "1": _S.PAID, "2": _S.EXPIRED, "3": _S.FAILED}
"""GET /Ticket: pending, processed, expired, cancelled."""
_OPERATION = {"0": _S.PENDING, "1": _S.PAID, "3": _S.EXPIRED, "4": _S.FAILED, "5": _S.FAILED}
"""operationStatus: success, cancelled or expired, failed or refused, error. 0, which e-Kwanza does not list, is taken
for what has not ended."""
_WORDS = {
    **dict.fromkeys(("success", "sucesso", "processed", "processado", "paid", "pago", "completed"), _S.PAID),
    **dict.fromkeys(("pending", "pendente", "requested", "processing"), _S.PENDING),
    **dict.fromkeys(("expired", "expirado"), _S.EXPIRED),
    **dict.fromkeys(("cancelled", "canceled", "cancelado", "failed", "falhado", "refused", "recusado"), _S.FAILED),
    **dict.fromkeys(("error", "erro"), _S.FAILED),
}
"""No list of a ticket callback's words is published; these are what integrators accept, and their likes."""


_CANCELLED_TICKET = frozenset({"3", "cancelled", "canceled", "cancelado"})


def ticket_status(text: str) -> PaymentEventStatus:
    """UNKNOWN for a status that nobody has written down. What a ticket's own list lacks is read as an operation's."""
    return _TICKET.get(text) or operation_status(text)


def operation_status(text: str) -> PaymentEventStatus:
    return _OPERATION.get(text) or _WORDS.get(text.lower(), _S.UNKNOWN)


def word_status(text: str) -> PaymentEventStatus:
    """Of the gateway's `status`: Requested, Pending, Success, Failed, Cancelled, Expired."""
    return _WORDS.get(text.lower(), _S.UNKNOWN)


def failure_by_status(status: PaymentEventStatus, raw: str, rail: Rail | None) -> Failure | None:
    """Where a status comes without a code that says more: `raw` is kept. None for paid and pending."""
    if rail is Rail.TICKET and raw.lower() in _CANCELLED_TICKET:
        return Failure(FailureReason.CANCELLED_BY_CUSTOMER, True, raw, "cancelled", ends_prompt=True)
    match status:
        case PaymentEventStatus.PAID | PaymentEventStatus.PENDING:
            return None
        case PaymentEventStatus.EXPIRED:
            reason = FailureReason.PROMPT_EXPIRED if rail is Rail.GPO else FailureReason.REFERENCE_EXPIRED
            return Failure(reason, True, raw, "expired or cancelled", ends_prompt=True)
        case PaymentEventStatus.FAILED | PaymentEventStatus.UNKNOWN:
            return Failure(FailureReason.PROVIDER_ERROR, True, raw, "")
