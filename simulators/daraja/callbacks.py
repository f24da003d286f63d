"""What M-Pesa reports to the shop once a prompt is decided: unsigned JSON to the push's own address, tried once.

Nothing published says that Daraja repeats a callback that was not taken, so this one does not."""

import json
from collections.abc import Mapping

from simulators.courier import Courier
from simulators.daraja import identifiers, pushes
from simulators.daraja.pushes import Push
from simulators.jobs import Job, Jobs
from simulators.problems import JsonObject
from simulators.store import Store

_CONNECT_S = 5.0
_READ_S = 10.0


class Callbacks:
    def __init__(self, store: Store, jobs: Jobs, courier: Courier) -> None:
        self._store = store
        self._jobs = jobs
        self._courier = courier

    def deliver(self, job: Job) -> None:
        with self._store.transaction() as tx:
            push = pushes.get(tx, job.payload["push"])
            ids_of = job.payload.get("ids_of", push.id)
            named = pushes.get(tx, ids_of) if ids_of else None
        told = callback_body(push, named, job.payload)
        outcome = self._courier.post_json(
            push.callback_url, json.dumps(told).encode(), connect_s=_CONNECT_S, read_s=_READ_S
        )
        with self._store.transaction() as tx:
            tx.run(
                "INSERT INTO callbacks (push, at_us, http_status, outcome) VALUES (?, ?, ?, ?)",
                push.id,
                tx.now_us,
                outcome.http_status,
                outcome.describe(),
            )
            tx.count("callbacks")
            tx.next_seq()
            self._jobs.finish(tx, job)

    def expire(self, job: Job) -> None:
        with self._store.transaction() as tx:
            pushes.expire(tx, self._jobs, pushes.get(tx, job.payload["push"]))
            self._jobs.finish(tx, job)


def callback_body(push: Push, named: Push | None, told: Mapping[str, str]) -> JsonObject:
    """ResultCode is a number here (and a string in a query). A failure has no CallbackMetadata; a success has a
    Balance without a Value, as production traffic of June 2026 had it.

    `named` is the push whose ids are told: the same one, unless a fault told those of another shop, or, where there is
    none, ids that nobody knows."""
    assert push.result_code is not None
    has_text_values = "has_text_values" in told
    now_us = push.result_us or push.at_us
    result: JsonObject = {
        "MerchantRequestID": named.merchant_request_id if named else identifiers.request_id(),
        "CheckoutRequestID": named.id if named else identifiers.checkout_request_id(now_us, push.msisdn),
        "ResultCode": str(push.result_code) if has_text_values else push.result_code,
        "ResultDesc": pushes.RESULT_TEXT[push.result_code],
    }
    if push.result_code == pushes.PAID and "has_no_metadata" not in told:
        items: list[JsonObject] = [
            {"Name": "Amount", "Value": push.paid_whole},
            {"Name": "MpesaReceiptNumber", "Value": push.receipt},
            {"Name": "Balance"},
            {"Name": "TransactionDate", "Value": identifiers.transaction_date(now_us)},
            {"Name": "PhoneNumber", "Value": int(push.msisdn)},
        ]
        if has_text_values:
            items = [{name: str(value) for name, value in item.items()} for item in items]
        result["CallbackMetadata"] = {"Item": items}
    return {"Body": {"stkCallback": result}}
