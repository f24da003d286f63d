"""Every fault of the real world that the simulators can act out, by name; what each does is told in `fault_texts`."""

from dataclasses import dataclass
from enum import StrEnum

MOST_TIMES = 1000
MOST_REAL_S = 60
MOST_CLOCK_S = 7 * 86400


class FaultKind(StrEnum):
    SWITCH = "switch"
    """On until it is switched off. A number n means: the next n times."""
    COUNT = "count"
    """The next n times. `true` means: until it is switched off."""
    SECONDS = "seconds"


class Provider(StrEnum):
    """Whose fault it is, as the page calls them."""

    MPESA = "M-Pesa"
    EKWANZA = "e-Kwanza"
    WHATSAPP = "WhatsApp"
    LINES = "Slow lines"


class Topic(StrEnum):
    """Within a provider; those of USUAL are shown first, the others on demand."""

    USUAL = ""
    REQUESTS = "Asking for money"
    REPORTS = "Being told"
    LOOK_UPS = "Looking up"
    ACCESS = "Tokens and keys"
    BY_HAND = "Paid by hand"
    BACK = "Money back and status"
    SHAPES = "Shapes of answers"
    UNDELIVERED = "Not delivered"


@dataclass(frozen=True, slots=True)
class FaultInfo:
    kind: FaultKind
    provider: Provider
    topic: Topic
    title: str
    description: str
    most: int = MOST_TIMES


class Fault(StrEnum):
    CALLBACK_TWICE = "callback_twice"
    CALLBACK_DELAY_S = "callback_delay_s"
    CALLBACK_LOST = "callback_lost"
    CALLBACK_BEFORE_REPLY = "callback_before_reply"
    CALLBACK_OTHER_SHOP = "callback_other_shop"
    CALLBACK_TEXT_VALUES = "callback_text_values"
    CALLBACK_NO_METADATA = "callback_no_metadata"
    WRONG_AMOUNT = "wrong_amount"
    PUSH_TIMEOUT = "push_timeout"
    PUSH_EMPTY = "push_empty"
    PUSH_BUSY = "push_busy"
    PUSH_ERROR_HTML = "push_error_html"
    PUSH_ERROR_EMPTY = "push_error_empty"
    PUSH_DROPPED = "push_dropped"
    STRICT_LENGTHS = "strict_lengths"
    SPIKE_ARREST = "spike_arrest"
    QUOTA = "quota"
    TOKEN_DEAD = "token_dead"  # noqa: S105 (a name, no secret)
    TOKEN_ERROR_HTML = "token_error_html"  # noqa: S105
    CREDENTIALS_EMPTY_400 = "credentials_empty_400"
    CREDENTIALS_400_008_01 = "credentials_400_008_01"
    QUERY_PENDING_500 = "query_pending_500"
    QUERY_4999 = "query_4999"
    QUERY_NO_RESULT_CODE = "query_no_result_code"
    QUERY_SAYS_FAILED = "query_says_failed"
    QUERY_EMPTY = "query_empty"
    QUERY_ERROR_HTML = "query_error_html"
    C2B_VALIDATION = "c2b_validation"
    C2B_STK = "c2b_stk"
    C2B_REGISTER_ONCE = "c2b_register_once"
    C2B_LOST = "c2b_lost"
    C2B_TWICE = "c2b_twice"
    C2B_DELAY_S = "c2b_delay_s"
    RESULT_LOST = "result_lost"
    RESULT_TWICE = "result_twice"
    RESULT_DELAY_S = "result_delay_s"
    RESULT_TIMEOUT = "result_timeout"
    REVERSAL_REFUSED = "reversal_refused"
    REVERSAL_TIMEOUT = "reversal_timeout"
    DARAJA_DELAY_S = "daraja_delay_s"
    EKWANZA_WEBHOOK_TWICE = "ekwanza_webhook_twice"
    EKWANZA_WEBHOOK_DELAY_S = "ekwanza_webhook_delay_s"
    EKWANZA_WEBHOOK_LOST = "ekwanza_webhook_lost"
    EKWANZA_WEBHOOK_BEFORE_REPLY = "ekwanza_webhook_before_reply"
    EKWANZA_WEBHOOK_OTHER_SHOP = "ekwanza_webhook_other_shop"
    EKWANZA_WRONG_AMOUNT = "ekwanza_wrong_amount"
    EKWANZA_SIGNATURE_MISSING = "ekwanza_signature_missing"
    EKWANZA_SIGNATURE_WRONG = "ekwanza_signature_wrong"
    EKWANZA_SIGNATURE_UPPER = "ekwanza_signature_upper"
    EKWANZA_SIGNATURE_BASE64 = "ekwanza_signature_base64"
    EKWANZA_TIMEOUT = "ekwanza_timeout"
    EKWANZA_EMPTY = "ekwanza_empty"
    EKWANZA_BUSY = "ekwanza_busy"
    EKWANZA_ERROR_HTML = "ekwanza_error_html"
    EKWANZA_ERROR_EMPTY = "ekwanza_error_empty"
    EKWANZA_REFUSED = "ekwanza_refused"
    EKWANZA_DROPPED = "ekwanza_dropped"
    EKWANZA_PENDING_319 = "ekwanza_pending_319"
    EKWANZA_LOOKUP_PENDING = "ekwanza_lookup_pending"
    EKWANZA_LOOKUP_SAYS_FAILED = "ekwanza_lookup_says_failed"
    EKWANZA_LOOKUP_MISSING = "ekwanza_lookup_missing"
    EKWANZA_LOOKUP_HTML = "ekwanza_lookup_html"
    EKWANZA_REFUND_REFUSED = "ekwanza_refund_refused"
    EKWANZA_REFUND_TIMEOUT = "ekwanza_refund_timeout"
    EKWANZA_TOKEN_DEAD = "ekwanza_token_dead"  # noqa: S105
    EKWANZA_TOKEN_ERROR_HTML = "ekwanza_token_error_html"  # noqa: S105
    EKWANZA_CREDENTIALS_REFUSED = "ekwanza_credentials_refused"
    EKWANZA_RESOURCE_REFUSED = "ekwanza_resource_refused"
    EKWANZA_NO_STATUS = "ekwanza_no_status"
    EKWANZA_REFERENCE_INSIDE = "ekwanza_reference_inside"
    EKWANZA_ISO_DATES = "ekwanza_iso_dates"
    EKWANZA_DELAY_S = "ekwanza_delay_s"
    TWILIO_429 = "twilio_429"
    TWILIO_TIMEOUT = "twilio_timeout"
    TWILIO_500 = "twilio_500"
    WEBHOOK_TWICE = "webhook_twice"
    WEBHOOK_SWAP = "webhook_swap"
    STATUS_OUT_OF_ORDER = "status_out_of_order"
    STATUS_TWICE = "status_twice"
    STATUS_LOST = "status_lost"
    MEDIA_LOST = "media_lost"
    CONTENT_500 = "content_500"
    ERROR_63016 = "error_63016"
    ERROR_63018 = "error_63018"
    ERROR_63017 = "error_63017"
    ERROR_63014 = "error_63014"
    ERROR_63024 = "error_63024"
    ERROR_63003 = "error_63003"
    ERROR_63032 = "error_63032"
    ERROR_63005 = "error_63005"
    ERROR_21610 = "error_21610"
    ANSWER_DELAY_S = "answer_delay_s"
    CUT_AFTER_S = "cut_after_s"
