"""What each fault does, for the page, in the order in which it shows them."""

from collections.abc import Mapping

from simulators.daraja.fault_texts import MPESA_FAULTS
from simulators.ekwanza.fault_texts import EKWANZA_FAULTS
from simulators.fault_names import MOST_REAL_S, Fault, FaultInfo, FaultKind, Provider, Topic
from simulators.twilio.fault_texts import WHATSAPP_FAULTS

FAULTS: Mapping[Fault, FaultInfo] = {
    **MPESA_FAULTS,
    **EKWANZA_FAULTS,
    **WHATSAPP_FAULTS,
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
