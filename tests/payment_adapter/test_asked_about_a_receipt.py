"""A receipt that nobody told of is asked about: what M-Pesa answers to the shop's address, and what follows from it."""

import json
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from contracts.states import PaymentEventStatus
from kit.clock import FixedClock
from payment_adapter.callbacks.listing import list_left
from payment_adapter.providers.base import CallbackUnreadable, NoAnswer, Unclear
from payment_adapter.providers.daraja.client import Daraja
from payment_adapter.providers.daraja.reversal import STATUS_PATH
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials
from tests.support.daraja import credentials, give_tokens
from tests.support.databases import NewDatabase
from tests.support.payments import VENDOR, Desk, c2b_paid, stk_paid
from tests.support.refunds import status_result

RECEIPT = "UF1E26WQJZ"
ADDRESS = Secret("https://pay.example.com/callbacks/" + "ab" * 32)
TAKEN = {"OriginatorConversationID": "q-1", "ConversationID": "AG_1", "ResponseCode": "0", "ResponseDescription": "ok"}


def answer(status: str = "Completed", code: int | str = 0, **parameters: Any) -> dict[str, Any]:
    """Of money that was paid to the shop's paybill at 12:00:30 of its own time."""
    told = {
        "ReceiptNo": RECEIPT,
        "CreditPartyName": "174379 - Mama Njeri's Groceries",
        "FinalisedTime": "20261120150030",
        **parameters,
    }
    given: dict[str, Any] = status_result(status, code, **told)
    return given


def initiated() -> Credentials:
    return credentials(initiator_name="demo", security_credential="QUFB" * 64)


# --- what is asked and answered ---------------------------------------------------------------------------------------


def test_the_question_names_the_receipt_and_where_to_answer(httpserver: HTTPServer, daraja: Daraja) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(STATUS_PATH).respond_with_json(TAKEN)
    assert daraja.ask_receipt(RECEIPT, ADDRESS, initiated()) is None
    body = httpserver.log[-1][0].get_json()
    assert (body["TransactionID"], body["PartyA"], body["ResultURL"]) == (RECEIPT, "174379", ADDRESS.reveal())
    assert "OriginalConversationID" not in body


def test_a_shop_without_an_initiator_learns_which_setting_is_missing(daraja: Daraja) -> None:
    said = daraja.ask_receipt(RECEIPT, ADDRESS, credentials())
    assert isinstance(said, NoAnswer)
    assert "initiator_name" in said.detail


def test_an_answer_tells_of_money_that_came_to_the_shop(daraja: Daraja) -> None:
    notice = daraja.read_notice(json.dumps(answer()).encode(), {}, credentials())
    assert (notice.event_id, notice.paid_by_hand, notice.answer) == (f"mpesa-c2b:{RECEIPT}", True, "Completed")
    assert (notice.report.status, notice.report.amount_minor) == (PaymentEventStatus.PAID, 45_000)
    assert notice.account_reference is None


@pytest.mark.parametrize("status", ["Cancelled", "Declined", "Expired", "Initiated", "Authorized", "Whatever"])
def test_no_other_status_is_money_or_proves_that_there_is_none(daraja: Daraja, status: str) -> None:
    notice = daraja.read_notice(json.dumps(answer(status)).encode(), {}, credentials())
    assert (notice.report.status, notice.answer) == (PaymentEventStatus.UNKNOWN, status)


@pytest.mark.parametrize(
    "parameters",
    [
        {"CreditPartyName": "600123 - Baraka"},
        {"CreditPartyName": "254708374149 - Njeri"},
        {"CreditPartyName": None},
        {"ReceiptNo": None},
    ],
)
def test_money_that_was_paid_to_somebody_else_is_not_the_shop_s(daraja: Daraja, parameters: dict[str, Any]) -> None:
    with pytest.raises(CallbackUnreadable):
        daraja.read_notice(json.dumps(answer(**parameters)).encode(), {}, credentials())


# --- what follows from it ---------------------------------------------------------------------------------------------


class Asked:
    """A shop with a charge that nobody can say anything of."""

    def __init__(self, desk: Desk, daraja: Daraja) -> None:
        desk.provider.read_notice = daraja.read_notice
        self.desk = desk
        desk.provider.outcomes = [Unclear("no answer to the push")]
        desk.push()
        desk.wait(minutes=10)
        assert desk.charge().status == "unknown"

    def say_receipt(self, receipt: str = RECEIPT) -> None:
        with self.desk.db.write() as tx:
            charge = self.desk.charges.lock(tx, self.desk.charge().charge_id)
            self.desk.charges.say_receipt(tx, charge, receipt)

    def hear(self, body: dict[str, Any]) -> str:
        """What became of it."""
        self.desk.call_back(self.desk.address(), body)
        return str(self.desk.inbox()[-1].outcome)


@pytest.fixture
def asked(new_database: NewDatabase, clock: FixedClock, daraja: Daraja) -> Asked:
    desk = Desk(new_database("payments"), clock)
    desk.plant()
    return Asked(desk, daraja)


def test_a_charge_whose_receipt_a_person_named_is_paid_when_m_pesa_says_so(asked: Asked) -> None:
    asked.say_receipt()
    for _ in range(2):
        asked.hear(answer() | {"again": _})
    event = asked.desk.events()[-1]
    assert asked.desk.told() == ["unknown", "paid"]
    assert (event.intent_id, event.amount_minor, event.receipt) == ("intent-1", 45_000, RECEIPT)


def test_a_confirmation_of_the_same_money_changes_nothing_any_more(asked: Asked) -> None:
    asked.say_receipt()
    asked.hear(answer())
    assert "it is the money of charge" in asked.hear(c2b_paid(receipt=RECEIPT))
    assert asked.desk.told() == ["unknown", "paid"]


def test_another_amount_is_told_as_it_came(asked: Asked) -> None:
    asked.say_receipt()
    asked.hear(answer(Amount=400))
    assert asked.desk.events()[-1].amount_minor == 40_000


@pytest.mark.parametrize(
    "said",
    [answer("Cancelled"), answer("Initiated"), answer("Completed", "R000002"), answer(CreditPartyName="600123 - B")],
)
def test_what_is_no_money_of_the_shop_leaves_the_charge_in_review_and_is_shown(
    asked: Asked, said: dict[str, Any]
) -> None:
    asked.say_receipt()
    asked.hear(said)
    assert asked.desk.told() == ["unknown"]
    with asked.desk.db.read() as tx:
        (left,) = list_left(tx, VENDOR, 10)
    assert left.outcome


def test_a_receipt_that_no_charge_is_said_to_have_is_money_paid_by_hand(asked: Asked) -> None:
    asked.say_receipt("UF1E26OTHER")
    asked.hear(answer(Amount=120))
    event = asked.desk.events()[-1]
    assert (event.event_id, event.intent_id, event.amount_minor) == (f"mpesa-c2b:{RECEIPT}", None, 12_000)
    assert asked.desk.charge().status == "unknown"


def test_a_paid_charge_that_lacked_its_receipt_gets_it(asked: Asked) -> None:
    asked.say_receipt()
    asked.desk.call_back(asked.desk.secret(), stk_paid(receipt="not one"))
    assert asked.desk.charge().receipt is None
    asked.hear(answer())
    assert asked.desk.charge().receipt == RECEIPT
