"""What each fault does, for the page, in the order in which it shows them."""

from collections.abc import Mapping

from simulators.daraja.fault_texts import MPESA_FAULTS
from simulators.ekwanza.fault_texts import EKWANZA_FAULTS
from simulators.fault_names import MOST_REAL_S, Fault, FaultInfo, FaultKind, Provider, Topic

FAULTS: Mapping[Fault, FaultInfo] = {
    **MPESA_FAULTS,
    **EKWANZA_FAULTS,
    Fault.TWILIO_429: FaultInfo(
        FaultKind.COUNT,
        Provider.WHATSAPP,
        Topic.USUAL,
        "Twilio: too many requests",
        "Twilio refuses the shop's next messages with 429.",
    ),
    Fault.TWILIO_TIMEOUT: FaultInfo(
        FaultKind.COUNT,
        Provider.WHATSAPP,
        Topic.USUAL,
        "Twilio: answer cut off",
        "Twilio takes the shop's message and delivers it, but the shop never gets the answer.",
    ),
    Fault.TWILIO_500: FaultInfo(
        FaultKind.COUNT,
        Provider.WHATSAPP,
        Topic.REPORTS,
        "Twilio: error 500",
        "Twilio fails and does not take the shop's next messages.",
    ),
    Fault.WEBHOOK_TWICE: FaultInfo(
        FaultKind.SWITCH,
        Provider.WHATSAPP,
        Topic.USUAL,
        "Message delivered twice",
        "The shop hears each message of a customer two times.",
    ),
    Fault.WEBHOOK_SWAP: FaultInfo(
        FaultKind.COUNT,
        Provider.WHATSAPP,
        Topic.REPORTS,
        "Messages swapped",
        "The shop hears a customer's next two messages in the wrong order. One alone waits two seconds for the other.",
    ),
    Fault.STATUS_OUT_OF_ORDER: FaultInfo(
        FaultKind.SWITCH,
        Provider.WHATSAPP,
        Topic.REPORTS,
        "Ticks out of order",
        "Twilio reports “read” before “delivered” before “sent”.",
    ),
    Fault.ANSWER_DELAY_S: FaultInfo(
        FaultKind.SECONDS,
        Provider.LINES,
        Topic.USUAL,
        "Slow answers",
        "Twilio, M-Pesa and e-Kwanza take so many seconds for every answer.",
        MOST_REAL_S,
    ),
    Fault.DARAJA_DELAY_S: FaultInfo(
        FaultKind.SECONDS,
        Provider.LINES,
        Topic.USUAL,
        "M-Pesa alone is slow",
        "Only M-Pesa takes so many seconds for every answer.",
        MOST_REAL_S,
    ),
    Fault.EKWANZA_DELAY_S: FaultInfo(
        FaultKind.SECONDS,
        Provider.LINES,
        Topic.USUAL,
        "e-Kwanza alone is slow",
        "Only e-Kwanza takes so many seconds for every answer.",
        MOST_REAL_S,
    ),
    Fault.CUT_AFTER_S: FaultInfo(
        FaultKind.SECONDS,
        Provider.LINES,
        Topic.USUAL,
        "Cut off after",
        "How long an answer that never comes keeps the shop waiting before the line is cut.",
        MOST_REAL_S,
    ),
}
