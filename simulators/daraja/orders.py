"""What is only taken at first and told afterwards: reversals, and questions about a transaction's status."""

import json
import secrets
from dataclasses import dataclass
from enum import StrEnum

from simulators import customers, faults
from simulators.courier import Courier
from simulators.daraja import identifiers
from simulators.fault_names import Fault
from simulators.jobs import Job, JobKind, Jobs
from simulators.moments import SECOND_US
from simulators.problems import JsonObject
from simulators.store import Store, Transaction

_CONNECT_S = 5.0
_READ_S = 10.0

DONE = "0"
NO_ROLE = "21"
NOT_WELL_FORMED = "25"
SYSTEM_BUSY = "26"
WRONG_INITIATOR = "2001"
NOT_PERMITTED = "2028"
REVERSED_ALREADY = "R000001"
UNKNOWN_RECEIPT = "R000002"

_TEXT = {
    DONE: "The service request is processed successfully.",
    NO_ROLE: "The initiator is not allowed to initiate this request.",
    NOT_WELL_FORMED: "The transaction is not known.",
    SYSTEM_BUSY: "The system is busy.",
    WRONG_INITIATOR: "The initiator information is invalid.",
    NOT_PERMITTED: "The request is not permitted according to product assignment.",
    REVERSED_ALREADY: "The transaction has already been reversed.",
    UNKNOWN_RECEIPT: "The OriginalTransactionID is invalid.",
}


class OrderKind(StrEnum):
    REVERSAL = "reversal"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Order:
    conversation_id: str
    originator_id: str


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment of either way in, by its receipt."""

    receipt: str
    shortcode: str
    msisdn: str
    amount_whole: int
    at_us: int


def reverse(
    tx: Transaction, jobs: Jobs, initiator: str, shortcode: str, receipt: str, amount_whole: int, urls: tuple[str, str]
) -> Order:
    """Carried out at once, told later: `urls` are the addresses for the result and for a timeout."""
    order = _order(tx)
    if faults.takes(tx, Fault.RESULT_TIMEOUT):
        _tell(tx, jobs, order, OrderKind.REVERSAL, urls, _result(order, SYSTEM_BUSY, None, []), is_timeout=True)
        return order
    paid = _paid(tx, receipt)
    code = _why_not(tx, initiator, shortcode, amount_whole, paid)
    if code != DONE or paid is None:
        _tell(tx, jobs, order, OrderKind.REVERSAL, urls, _result(order, code, None, []))
        return order
    own_receipt = identifiers.receipt()
    tx.run("INSERT INTO reversals VALUES (?, ?, ?, ?)", receipt, own_receipt, amount_whole, tx.now_us)
    customers.credit(tx, paid.msisdn, amount_whole)
    completed = identifiers.transaction_date(tx.now_us)
    parameters: list[JsonObject] = [
        {"Key": "DebitAccountBalance", "Value": "Utility Account|KES|51661.00|51661.00|0.00|0.00"},
        {"Key": "Amount", "Value": amount_whole},
        {"Key": "TransCompletedTime", "Value": completed},
        {"Key": "OriginalTransactionID", "Value": receipt},
        {"Key": "Charge", "Value": 0},
        {"Key": "CreditPartyPublicName", "Value": _party(tx, paid.msisdn)},
        {"Key": "DebitPartyPublicName", "Value": f"{shortcode} - Shop"},
    ]
    _tell(tx, jobs, order, OrderKind.REVERSAL, urls, _result(order, DONE, own_receipt, parameters))
    return order


def ask(
    tx: Transaction, jobs: Jobs, initiator: str, receipt: str | None, originator_id: str | None, urls: tuple[str, str]
) -> Order:
    """About a transaction, by its receipt or by the conversation that made it."""
    order = _order(tx)
    if faults.takes(tx, Fault.RESULT_TIMEOUT):
        _tell(tx, jobs, order, OrderKind.STATUS, urls, _result(order, SYSTEM_BUSY, None, []), is_timeout=True)
        return order
    if receipt is None and originator_id is not None:
        receipt = _made_by(tx, originator_id)
    paid = None if receipt is None else _paid(tx, receipt)
    code = WRONG_INITIATOR if "wrong" in initiator else DONE if paid is not None else NOT_WELL_FORMED
    parameters: list[JsonObject] = []
    if paid is not None and code == DONE:
        at = identifiers.transaction_date(paid.at_us)
        # As seen: a key twice, and keys without a value.
        parameters = [
            {"Key": "DebitPartyName", "Value": _party(tx, paid.msisdn)},
            {"Key": "CreditPartyName", "Value": f"{paid.shortcode} - Shop"},
            {"Key": "OriginatorConversationID", "Value": originator_id or order.originator_id},
            {"Key": "InitiatedTime", "Value": at},
            {"Key": "CreditPartyCharges"},
            {"Key": "DebitAccountType", "Value": "MMF Account For Customer"},
            {"Key": "TransactionReason"},
            {"Key": "ReasonType", "Value": "Pay Bill Online"},
            {"Key": "TransactionStatus", "Value": "Completed"},
            {"Key": "FinalisedTime", "Value": at},
            {"Key": "Amount", "Value": paid.amount_whole},
            {"Key": "ConversationID", "Value": order.conversation_id},
            {"Key": "ReceiptNo", "Value": paid.receipt},
            {"Key": "DebitPartyName", "Value": _party(tx, paid.msisdn)},
        ]
    _tell(tx, jobs, order, OrderKind.STATUS, urls, _result(order, code, identifiers.receipt(), parameters))
    return order


class Results:
    """Carries results to the address that the request named, tried once."""

    def __init__(self, store: Store, jobs: Jobs, courier: Courier) -> None:
        self._store = store
        self._jobs = jobs
        self._courier = courier

    def deliver(self, job: Job) -> None:
        outcome = self._courier.post_json(
            job.payload["url"], job.payload["body"].encode(), connect_s=_CONNECT_S, read_s=_READ_S
        )
        with self._store.transaction() as tx:
            tx.run(
                "INSERT INTO callbacks (push, at_us, http_status, outcome) VALUES (?, ?, ?, ?)",
                job.payload["order"],
                tx.now_us,
                outcome.http_status,
                outcome.describe(),
            )
            tx.count("callbacks")
            tx.next_seq()
            self._jobs.finish(tx, job)


def all_of_them(tx: Transaction) -> list[JsonObject]:
    return [
        {
            "conversation_id": str(row["conversation_id"]),
            "originator_id": str(row["originator_id"]),
            "kind": str(row["kind"]),
            "result": json.loads(row["result"]),
        }
        for row in tx.rows("SELECT * FROM daraja_orders ORDER BY at_us, conversation_id")
    ]


def _why_not(tx: Transaction, initiator: str, shortcode: str, amount_whole: int, paid: Paid | None) -> str:
    if "wrong" in initiator:
        return WRONG_INITIATOR
    if faults.takes(tx, Fault.REVERSAL_REFUSED):
        return NO_ROLE
    if paid is None or paid.shortcode != shortcode:
        return UNKNOWN_RECEIPT
    if tx.row("SELECT 1 FROM reversals WHERE transaction_id = ?", paid.receipt) is not None:
        return REVERSED_ALREADY
    return DONE if amount_whole <= paid.amount_whole else NOT_PERMITTED


def _paid(tx: Transaction, receipt: str) -> Paid | None:
    row = tx.row(
        "SELECT receipt, shortcode, msisdn, paid_whole AS whole, result_us AS at_us FROM pushes WHERE receipt = ?"
        " UNION ALL SELECT id, shortcode, msisdn, amount_whole, at_us FROM c2b_payments WHERE id = ? AND state = 'done'"
        " UNION ALL SELECT receipt, '', '', amount_whole, at_us FROM reversals WHERE receipt = ?",
        receipt,
        receipt,
        receipt,
    )
    if row is None:
        return None
    return Paid(str(row["receipt"]), str(row["shortcode"]), str(row["msisdn"]), int(row["whole"]), int(row["at_us"]))


def _made_by(tx: Transaction, originator_id: str) -> str | None:
    """The receipt of the reversal that was asked for in that conversation."""
    row = tx.row("SELECT result FROM daraja_orders WHERE originator_id = ? AND kind = 'reversal'", originator_id)
    if row is None:
        return None
    receipt: object = json.loads(row["result"])["Result"].get("TransactionID")
    return receipt if isinstance(receipt, str) else None


def _party(tx: Transaction, msisdn: str) -> str:
    address = customers.address_of(tx, msisdn)
    owner = None if address is None else customers.by_address(tx, address)
    return f"{msisdn} - {'Customer' if owner is None else owner.name}"


def _order(tx: Transaction) -> Order:
    return Order(f"AG_{identifiers.transaction_date(tx.now_us)}_{secrets.token_hex(10)}", identifiers.request_id())


def _result(order: Order, code: str, receipt: str | None, parameters: list[JsonObject]) -> JsonObject:
    """A code of digits is a number, as in a callback; a result that failed has no parameters."""
    result: JsonObject = {
        "ResultType": 0,
        "ResultCode": int(code) if code.isdigit() else code,
        "ResultDesc": _TEXT[code],
        "OriginatorConversationID": order.originator_id,
        "ConversationID": order.conversation_id,
        "TransactionID": receipt or identifiers.receipt(),
    }
    if parameters:
        result["ResultParameters"] = {"ResultParameter": parameters}
    result["ReferenceData"] = {"ReferenceItem": {"Key": "Occasion"}}
    return {"Result": result}


def _tell(
    tx: Transaction,
    jobs: Jobs,
    order: Order,
    kind: OrderKind,
    urls: tuple[str, str],
    result: JsonObject,
    *,
    is_timeout: bool = False,
) -> None:
    text = json.dumps(result)
    tx.run(
        "INSERT INTO daraja_orders VALUES (?, ?, ?, ?, ?, ?, ?)",
        order.conversation_id,
        order.originator_id,
        kind.value,
        tx.now_us,
        *urls,
        text,
    )
    if faults.takes(tx, Fault.RESULT_LOST):
        return
    due_us = tx.now_us + faults.seconds(tx, Fault.RESULT_DELAY_S) * SECOND_US
    payload = {"order": order.conversation_id, "url": urls[1] if is_timeout else urls[0], "body": text}
    for _ in range(2 if faults.takes(tx, Fault.RESULT_TWICE) else 1):
        jobs.add(tx, JobKind.RESULT, f"result:{order.conversation_id}", payload, due_us=due_us)
