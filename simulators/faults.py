"""What can go wrong on the way: every fault of the real world that the simulators can act out, each off by default."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from simulators.store import Transaction

FaultValue = bool | int

MOST_TIMES = 1000
MOST_REAL_S = 60
MOST_CLOCK_S = 7 * 86400


class FaultKind(StrEnum):
    SWITCH = "switch"
    """On until it is switched off. A number n means: the next n times."""
    COUNT = "count"
    """The next n times. `true` means: until it is switched off."""
    SECONDS = "seconds"


class Fault(StrEnum):
    CALLBACK_TWICE = "callback_twice"
    CALLBACK_DELAY_S = "callback_delay_s"
    CALLBACK_LOST = "callback_lost"
    CALLBACK_BEFORE_REPLY = "callback_before_reply"
    PUSH_TIMEOUT = "push_timeout"
    PUSH_BUSY = "push_busy"
    PUSH_ERROR_HTML = "push_error_html"
    TOKEN_DEAD = "token_dead"  # noqa: S105 (a name, no secret)
    QUERY_PENDING_500 = "query_pending_500"
    QUERY_4999 = "query_4999"
    QUERY_SAYS_FAILED = "query_says_failed"
    WRONG_AMOUNT = "wrong_amount"
    STRICT_LENGTHS = "strict_lengths"
    TWILIO_429 = "twilio_429"
    TWILIO_TIMEOUT = "twilio_timeout"
    TWILIO_500 = "twilio_500"
    WEBHOOK_TWICE = "webhook_twice"
    WEBHOOK_SWAP = "webhook_swap"
    STATUS_OUT_OF_ORDER = "status_out_of_order"
    ANSWER_DELAY_S = "answer_delay_s"
    CUT_AFTER_S = "cut_after_s"


@dataclass(frozen=True, slots=True)
class FaultInfo:
    kind: FaultKind
    title: str
    description: str
    most: int = MOST_TIMES


FAULTS: Mapping[Fault, FaultInfo] = {
    Fault.CALLBACK_TWICE: FaultInfo(
        FaultKind.SWITCH, "Callback twice", "M-Pesa reports the result two times, one right after the other."
    ),
    Fault.CALLBACK_DELAY_S: FaultInfo(
        FaultKind.SECONDS, "Callback late", "M-Pesa reports the result so many seconds after the PIN.", MOST_CLOCK_S
    ),
    Fault.CALLBACK_LOST: FaultInfo(
        FaultKind.SWITCH, "Callback lost", "The result is never reported. Only a query can tell what happened."
    ),
    Fault.CALLBACK_BEFORE_REPLY: FaultInfo(
        FaultKind.SWITCH,
        "Callback before the reply",
        "The customer pays at once and M-Pesa reports it before it has answered the shop's own request.",
    ),
    Fault.PUSH_TIMEOUT: FaultInfo(
        FaultKind.COUNT,
        "Push times out",
        "The request for money is accepted and rings on the phone, but the shop never gets the answer.",
    ),
    Fault.PUSH_BUSY: FaultInfo(
        FaultKind.COUNT, "M-Pesa is busy", "The request for money is refused: “System is busy.” No prompt appears."
    ),
    Fault.PUSH_ERROR_HTML: FaultInfo(
        FaultKind.COUNT,
        "M-Pesa answers with a web page",
        "A gateway in between answers with an error page in HTML. No prompt appears.",
    ),
    Fault.TOKEN_DEAD: FaultInfo(
        FaultKind.COUNT, "Access token dies early", "M-Pesa refuses the shop's token although it should still be good."
    ),
    Fault.QUERY_PENDING_500: FaultInfo(
        FaultKind.SWITCH,
        "Query: still pending (error 500)",
        "A query for a result answers with an error that means: wait.",
    ),
    Fault.QUERY_4999: FaultInfo(
        FaultKind.SWITCH, "Query: still pending (4999)", "A query for a result says 4999, “still under processing”."
    ),
    Fault.QUERY_SAYS_FAILED: FaultInfo(
        FaultKind.SWITCH, "Query says failed", "A query says that the payment failed, even where it was paid."
    ),
    Fault.WRONG_AMOUNT: FaultInfo(
        FaultKind.SWITCH, "Wrong amount", "M-Pesa takes and reports one shilling less than was asked for."
    ),
    Fault.STRICT_LENGTHS: FaultInfo(
        FaultKind.SWITCH,
        "Strict lengths",
        "M-Pesa refuses references over 12 and descriptions over 13 characters, as its documentation says it would.",
    ),
    Fault.TWILIO_429: FaultInfo(
        FaultKind.COUNT, "Twilio: too many requests", "Twilio refuses the shop's next messages with 429."
    ),
    Fault.TWILIO_TIMEOUT: FaultInfo(
        FaultKind.COUNT,
        "Twilio: answer cut off",
        "Twilio takes the shop's message and delivers it, but the shop never gets the answer.",
    ),
    Fault.TWILIO_500: FaultInfo(
        FaultKind.COUNT, "Twilio: error 500", "Twilio fails and does not take the shop's next messages."
    ),
    Fault.WEBHOOK_TWICE: FaultInfo(
        FaultKind.SWITCH, "Message delivered twice", "The shop hears each message of a customer two times."
    ),
    Fault.WEBHOOK_SWAP: FaultInfo(
        FaultKind.COUNT,
        "Messages swapped",
        "The shop hears a customer's next two messages in the wrong order. One alone waits two seconds for the other.",
    ),
    Fault.STATUS_OUT_OF_ORDER: FaultInfo(
        FaultKind.SWITCH, "Ticks out of order", "Twilio reports “read” before “delivered” before “sent”."
    ),
    Fault.ANSWER_DELAY_S: FaultInfo(
        FaultKind.SECONDS, "Slow answers", "Twilio and M-Pesa take so many seconds for every answer.", MOST_REAL_S
    ),
    Fault.CUT_AFTER_S: FaultInfo(
        FaultKind.SECONDS,
        "Cut off after",
        "How long an answer that never comes keeps the shop waiting before the line is cut.",
        MOST_REAL_S,
    ),
}


class BadFault(ValueError):
    """Nothing was changed. The text names the fault and says what would be accepted."""


def off(fault: Fault) -> FaultValue:
    return False if FAULTS[fault].kind is FaultKind.SWITCH else 0


def read_all(tx: Transaction) -> dict[str, FaultValue]:
    """Every fault by name, also those that are off."""
    put = {str(row["name"]): json.loads(row["value"]) for row in tx.rows("SELECT name, value FROM faults")}
    return {fault.value: put.get(fault.value, off(fault)) for fault in Fault}


def put(tx: Transaction, changes: Mapping[str, object]) -> None:
    """Switch the named faults and leave the others as they are. Raises BadFault before anything changes."""
    for fault, value in [(_fault(name), _checked(_fault(name), value)) for name, value in changes.items()]:
        _write(tx, fault, value)
    tx.next_seq()


def takes(tx: Transaction, fault: Fault) -> bool:
    """Does it happen now? Where only so many times are left, this was one of them."""
    value = _value(tx, fault)
    if value is True:
        return True
    if not value:
        return False
    left = int(value) - 1
    _write(tx, fault, left or off(fault))
    tx.next_seq()
    return True


def is_on(tx: Transaction, fault: Fault) -> bool:
    """As `takes`, but uses nothing up."""
    return bool(_value(tx, fault))


def seconds(tx: Transaction, fault: Fault) -> int:
    return int(_value(tx, fault))


def _value(tx: Transaction, fault: Fault) -> FaultValue:
    row = tx.row("SELECT value FROM faults WHERE name = ?", fault.value)
    return json.loads(row["value"]) if row else off(fault)


def _write(tx: Transaction, fault: Fault, value: FaultValue) -> None:
    if not value:
        tx.run("DELETE FROM faults WHERE name = ?", fault.value)
        return
    tx.run(
        "INSERT INTO faults (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        fault.value,
        json.dumps(value),
    )


def _fault(name: str) -> Fault:
    try:
        return Fault(name)
    except ValueError:
        raise BadFault(f"there is no fault {name[:60]!r}; GET /sim/faults lists them") from None


def _checked(fault: Fault, value: object) -> FaultValue:
    info = FAULTS[fault]
    if info.kind is FaultKind.SECONDS:
        if type(value) is int and 0 <= value <= info.most:
            return value
        raise BadFault(f"{fault.value}: expected whole seconds from 0 to {info.most}")
    if isinstance(value, bool):
        return value
    if type(value) is int and 0 <= value <= info.most:
        return value
    raise BadFault(f"{fault.value}: expected true, false, or how many times (0 to {info.most})")
