"""What a merchant's registered address hears of its charges, in the three shapes that e-Kwanza and AppyPay have."""

import json
import secrets
import uuid
from collections.abc import Mapping

from simulators import faults
from simulators.courier import Courier
from simulators.ekwanza import amounts, bodies, book, codes, merchants, signature
from simulators.ekwanza.book import Charge, Kind
from simulators.ekwanza.merchants import Merchant, WebhookShape
from simulators.ekwanza.signature import Encoding
from simulators.fault_names import Fault
from simulators.jobs import Job, JobKind, Jobs
from simulators.moments import SECOND_US
from simulators.problems import JsonObject
from simulators.store import Store, Transaction

_CONNECT_S = 5.0
_READ_S = 10.0

_OPERATION_STATUS = {
    codes.SUCCESS: 1,
    codes.DECLINED: 3,
    codes.NOT_IN_TIME: 3,
    codes.REFERENCE_EXPIRED: 3,
    codes.NO_FUNDS: 4,
    codes.REFUSED_BY_ISSUER: 4,
    codes.NOT_REACHED: 5,
}
"""1 success, 3 cancelled or expired, 4 failed or refused, 5 error."""


def plan(tx: Transaction, jobs: Jobs, charge: Charge) -> None:
    """Tell the merchant how that charge ended, as it is now, whatever becomes of it before the news is delivered."""
    if faults.takes(tx, Fault.EKWANZA_WEBHOOK_LOST):
        return
    merchant = None if charge.merchant is None else merchants.by_identifier(tx, charge.merchant)
    shape = WebhookShape.EKWANZA if merchant is None else merchant.shape
    is_ticket = charge.kind is Kind.TICKET
    shapes = [WebhookShape.EKWANZA, WebhookShape.APPYPAY] if shape is WebhookShape.BOTH else [shape]
    if is_ticket:
        shapes = [WebhookShape.EKWANZA]
    due_us = tx.now_us + faults.seconds(tx, Fault.EKWANZA_WEBHOOK_DELAY_S) * SECOND_US
    times = 2 if faults.takes(tx, Fault.EKWANZA_WEBHOOK_TWICE) else 1
    told = {
        "charge": charge.id,
        "code": str(charge.code),
        "amount_minor": str(charge.paid_minor or charge.amount_minor),
        "ids_of": charge.id,
        "signature": _signature_fault(tx) if is_ticket else "",
    }
    if faults.takes(tx, Fault.EKWANZA_WEBHOOK_OTHER_SHOP):
        other = book.of_another_account(tx, charge)
        told["ids_of"] = "" if other is None else other.id
    for one in shapes:
        for _ in range(times):
            payload = {**told, "shape": one.value}
            jobs.add(tx, JobKind.EKWANZA_WEBHOOK, charge.webhook_lane, payload, due_us=due_us)


class Webhooks:
    def __init__(self, store: Store, jobs: Jobs, courier: Courier) -> None:
        self._store = store
        self._jobs = jobs
        self._courier = courier

    def deliver(self, job: Job) -> None:
        with self._store.transaction() as tx:
            charge = book.get(tx, job.payload["charge"])
            ids_of = job.payload["ids_of"]
            named = book.get(tx, ids_of) if ids_of else None
            merchant = None if charge.merchant is None else merchants.by_identifier(tx, charge.merchant)
        if merchant is None or merchant.webhook_url is None:
            self._done(job, charge.id, None, "no address is registered")
            return
        body = _body(job.payload, charge, named, merchant)
        headers = _headers(job.payload, charge, body, merchant)
        outcome = self._courier.post_json(
            merchant.webhook_url, amounts.dumps(body).encode(), headers, connect_s=_CONNECT_S, read_s=_READ_S
        )
        self._done(job, charge.id, outcome.http_status, outcome.describe())

    def _done(self, job: Job, charge_id: str, http_status: int | None, outcome: str) -> None:
        with self._store.transaction() as tx:
            tx.run(
                "INSERT INTO callbacks (push, at_us, http_status, outcome) VALUES (?, ?, ?, ?)",
                charge_id,
                tx.now_us,
                http_status,
                outcome,
            )
            tx.count("callbacks")
            tx.next_seq()
            self._jobs.finish(tx, job)


def _signature_fault(tx: Transaction) -> str:
    for fault in (
        Fault.EKWANZA_SIGNATURE_MISSING,
        Fault.EKWANZA_SIGNATURE_WRONG,
        Fault.EKWANZA_SIGNATURE_UPPER,
        Fault.EKWANZA_SIGNATURE_BASE64,
    ):
        if faults.takes(tx, fault):
            return fault.value
    return ""


def _body(told: Mapping[str, str], charge: Charge, named: Charge | None, merchant: Merchant) -> JsonObject:
    """`named` is the charge whose ids are told: the same one, unless a fault told those of another shop, or, where
    there is none, ids that nobody knows."""
    code, amount_minor = int(told["code"]), int(told["amount_minor"])
    their_id = named.our_reference if named else secrets.token_hex(7)
    if charge.kind is Kind.TICKET:
        return {
            "code": named.id if named else f"{secrets.randbelow(900_000_000) + 100_000_000}",
            "operationCode": their_id,
            "status": "processed",
            "amount": amounts.decimal_number(amount_minor),
        }
    if told["shape"] == WebhookShape.EKWANZA:
        return {
            "merchantTransactionId": their_id,
            "ekwanzaTransactionId": named.ekwanza_id
            if named
            else secrets.randbelow(900_000),  # far below every real one
            "operationStatus": _OPERATION_STATUS[code],
            "operationData": {
                "amount": amounts.decimal_number(amount_minor),
                "merchantIdentifier": merchant.merchant,
                "referenceType": bodies.source_of(charge),
            },
        }
    return {
        "id": named.id if named else str(uuid.uuid4()),
        "merchantTransactionId": their_id,
        "amount": amounts.number(amount_minor),
        "options": json.loads(charge.options),
        "reference": bodies.reference(charge),
        "responseStatus": bodies.response_status(code, bodies.source_of(charge), "pt-BR"),
    }


def _headers(told: Mapping[str, str], charge: Charge, body: JsonObject, merchant: Merchant) -> dict[str, str]:
    fault = told["signature"]
    if charge.kind is not Kind.TICKET or fault == Fault.EKWANZA_SIGNATURE_MISSING:
        return {}
    key = "somebody else's key" if fault == Fault.EKWANZA_SIGNATURE_WRONG else merchant.api_key or ""
    encoding = {
        Fault.EKWANZA_SIGNATURE_UPPER.value: Encoding.UPPER_HEX,
        Fault.EKWANZA_SIGNATURE_BASE64.value: Encoding.BASE64,
    }.get(fault, Encoding.HEX)
    digest = signature.sign(
        key,
        str(body["code"]),
        str(body["operationCode"]),
        merchant.registration_number or "",
        merchant.notification_token or "",
    )
    return {"x-signature": signature.written(digest, encoding)}
