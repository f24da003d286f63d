"""Carries what is asked and told of money paid by hand: a validation that waits 8 seconds for its answer, and a
confirmation, tried once."""

import json

from simulators.courier import Courier, Outcome
from simulators.daraja import hand_payments
from simulators.daraja.hand_payments import Addresses, HandPayment, Stage
from simulators.jobs import Job, Jobs
from simulators.problems import NotAnObject, parse_object
from simulators.store import Store, Transaction

_CONNECT_S = 5.0
_CHECK_READ_S = 8.0
_READ_S = 10.0

_UNANSWERED = "the shop did not answer the validation"


class Confirmations:
    def __init__(self, store: Store, jobs: Jobs, courier: Courier) -> None:
        self._store = store
        self._jobs = jobs
        self._courier = courier

    def deliver(self, job: Job) -> None:
        if job.payload["stage"] == Stage.CHECK:
            self._check(job)
            return
        outcome = self._post(job.payload["url"], job.payload["body"], _READ_S)
        with self._store.transaction() as tx:
            _note(tx, job.payload["payment"], outcome)
            self._jobs.finish(tx, job)

    def _check(self, job: Job) -> None:
        with self._store.transaction() as tx:
            payment = hand_payments.get(tx, job.payload["payment"])
            addresses = hand_payments.addresses_of(tx, payment.shortcode)
            assert addresses is not None
            asked = hand_payments.body(tx, addresses, payment, is_confirmation=False)
        outcome = self._post(addresses.validation_url, json.dumps(asked), _CHECK_READ_S)
        with self._store.transaction() as tx:
            _note(tx, payment.id, outcome)
            self._decide(tx, addresses, payment, outcome)
            self._jobs.finish(tx, job)

    def _decide(self, tx: Transaction, addresses: Addresses, payment: HandPayment, outcome: Outcome) -> None:
        try:
            said = parse_object(outcome.body) if outcome.is_accepted else {}
        except NotAnObject:
            said = {}
        code = str(said.get("ResultCode", ""))
        if code in ("0", "00000000"):
            hand_payments.complete(tx, self._jobs, payment, str(said.get("ThirdPartyTransID") or ""))
        elif code:
            hand_payments.refuse(tx, payment, f"the shop refused: {code}")
        elif addresses.response_type == "Completed":
            hand_payments.complete(tx, self._jobs, payment, "")
        else:
            hand_payments.refuse(tx, payment, _UNANSWERED)

    def _post(self, url: str, body: str, read_s: float) -> Outcome:
        return self._courier.post_json(url, body.encode(), connect_s=_CONNECT_S, read_s=read_s)


def _note(tx: Transaction, told_of: str, outcome: Outcome) -> None:
    tx.run(
        "INSERT INTO callbacks (push, at_us, http_status, outcome) VALUES (?, ?, ?, ?)",
        told_of,
        tx.now_us,
        outcome.http_status,
        outcome.describe(),
    )
    tx.count("callbacks")
    tx.next_seq()
