"""Why a message does not reach the customer: Twilio's codes (twilio.com/docs/api/errors/<code>), and which of them can
be switched on as a fault."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from simulators import faults
from simulators.fault_names import Fault
from simulators.store import Transaction


@dataclass(frozen=True, slots=True)
class Failure:
    """A code, its sentence, and more for the person at the page."""

    code: int
    text: str
    why: str = ""

    def because(self, why: str) -> "Failure":
        return replace(self, why=why)


OUTSIDE_WINDOW = Failure(63016, "Failed to send freeform message because you are outside the allowed window")
LOST_MEDIA = Failure(63019, "Media failed to download")
BAD_CONTENT = Failure(63021, "Channel invalid content error")
NOT_IN_SESSION = Failure(63005, "Channel did not accept given content. Please see Channel specific error message")
UNSUBSCRIBED = Failure(21610, "Attempt to send to unsubscribed recipient")

_SWITCHED: Mapping[Fault, Failure] = {
    Fault.ERROR_63016: OUTSIDE_WINDOW,
    Fault.ERROR_63018: Failure(63018, "Rate limit exceeded for Channel"),
    Fault.ERROR_63017: Failure(63017, "Too many messages a second for this account"),
    Fault.ERROR_63014: Failure(63014, "Failed to send message because it was blocked by user action"),
    Fault.ERROR_63024: Failure(63024, "Invalid message recipient"),
    Fault.ERROR_63003: Failure(63003, "Channel could not find To address"),
    Fault.ERROR_63032: Failure(63032, "User limitation: WhatsApp does not deliver this message to this user"),
    Fault.ERROR_63005: NOT_IN_SESSION,
}
_TEXTS = {
    one.code: one.text
    for one in (OUTSIDE_WINDOW, LOST_MEDIA, BAD_CONTENT, NOT_IN_SESSION, UNSUBSCRIBED, *_SWITCHED.values())
}


def switched_on(tx: Transaction) -> Failure | None:
    """The one that was asked for by a fault; it is used up."""
    return next((failure for fault, failure in _SWITCHED.items() if faults.takes(tx, fault)), None)


def text_of(code: int) -> str | None:
    return _TEXTS.get(code)
