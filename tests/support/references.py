"""A provider of references and tickets for tests: it can be asked by our own reference, keeps its answer to some pushes
until the payer has answered, and sends signed notices to the shop's address."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from contracts.payment_api import PaymentInstructions
from contracts.states import FailureReason, PaymentEventStatus, Rail
from payment_adapter.providers.base import (
    Accepted,
    CallbackForged,
    CallbackUnreadable,
    ChargeOrder,
    ChargeRef,
    Failure,
    NoAnswer,
    Notice,
    Outcome,
    Report,
)
from payment_adapter.vault.service import Credentials

SIGNATURE = "signed by the provider"
NO_ANSWER = NoAnswer("nothing scripted")


class ScriptedReferences:
    """Answers from `outcomes` and `findings` (by our reference, or for all), else with a reference that expires at
    `expires_at` and with no answer."""

    name = "ekwanza"
    rails = frozenset({Rail.GPO, Rail.EMIS_REF, Rail.TICKET})

    def __init__(self) -> None:
        self.outcomes: list[Outcome | Callable[[ChargeOrder], Outcome]] = []
        self.finding: Report | NoAnswer = NO_ANSWER
        self.orders: list[ChargeOrder] = []
        self.asked: list[ChargeRef] = []
        self.expires_at: datetime | None = None

    def create_charge(self, order: ChargeOrder, credentials: Credentials) -> Outcome:
        self.orders.append(order)
        if self.outcomes:
            outcome = self.outcomes.pop(0)
            return outcome(order) if callable(outcome) else outcome
        told = PaymentInstructions(entity="00123", reference="123456789", expires_at=self.expires_at)
        return Accepted(f"transaction-{len(self.orders)}", None, None if order.rail is Rail.GPO else told)

    def can_look_up(self, charge: ChargeRef) -> bool:
        return True

    def look_up(self, charge: ChargeRef, credentials: Credentials) -> Report | NoAnswer:
        self.asked.append(charge)
        return self.finding

    def read_callback(self, body: bytes, headers: Mapping[str, str]) -> Report:
        raise CallbackUnreadable("this provider sends to the shop's address")

    def read_notice(self, body: bytes, headers: Mapping[str, str], credentials: Credentials) -> Notice:
        try:
            said: dict[str, Any] = json.loads(body)
            status = PaymentEventStatus(said["status"])
        except (ValueError, KeyError, TypeError) as error:
            raise CallbackUnreadable("not a notice") from error
        if not said.get("is_hint") and headers.get("x-signature") != SIGNATURE:
            raise CallbackForged("the signature is wrong")
        is_failed = status in (PaymentEventStatus.FAILED, PaymentEventStatus.EXPIRED)
        failure = Failure(FailureReason.REFERENCE_EXPIRED, True, "3", "over", ends_prompt=True) if is_failed else None
        return Notice(
            event_id=f"ekwanza:{said.get('reference')}:{status}",
            report=Report(status, failure, amount_minor=said.get("amount"), transaction_id=said.get("transaction")),
            our_reference=said.get("reference"),
            must_be_confirmed=bool(said.get("is_hint")),
        )

    def without_secrets(self, body: bytes, credentials: Credentials) -> bytes:
        return body.replace(credentials.fields["consumer_secret"].reveal().encode(), b"(removed)")

    def acknowledgement(self, *, is_kept: bool) -> Mapping[str, object]:
        return {"status": "0" if is_kept else "1"}
