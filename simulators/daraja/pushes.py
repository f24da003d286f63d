"""Pushes and the prompts they raise: who is asked for how much, what the person did, and what M-Pesa makes of it."""

import sqlite3
from dataclasses import dataclass
from typing import cast

from simulators import customers, faults
from simulators.daraja import hand_payments, identifiers
from simulators.daraja.hand_payments import HandKind, HandPayment, HandState
from simulators.daraja.reading import PAYBILL, PushRequest
from simulators.fault_names import Fault
from simulators.jobs import JobKind, Jobs
from simulators.moments import SECOND_US
from simulators.prompts import RIGHT_PIN, Action, NotWaiting, PhoneBusy, PromptState, UnknownPrompt
from simulators.store import Transaction

PROMPT_LIVES_US = 60 * SECOND_US

PAID = 0
NO_BALANCE = 1
CANCELLED = 1032
NOT_PUSHED = 1025
UNREACHABLE = 1037
WRONG_PIN = 2001
NOT_PERMITTED = 2028

RESULT_TEXT = {
    PAID: "The service request is processed successfully.",
    NO_BALANCE: "The balance is insufficient for the transaction.",
    CANCELLED: "Request Cancelled by user.",
    NOT_PUSHED: "An error occurred while sending a push request.",
    UNREACHABLE: "DS timeout user cannot be reached.",
    WRONG_PIN: "The initiator information is invalid.",
    NOT_PERMITTED: "The request is not permitted according to product assignment.",
}


class UnknownPush(UnknownPrompt):
    """There is no push with that CheckoutRequestID."""


@dataclass(frozen=True, slots=True)
class Push:
    id: str
    """The CheckoutRequestID."""
    seq: int
    merchant_request_id: str
    shortcode: str
    party_b: str
    transaction_type: str
    msisdn: str
    amount_whole: int
    account_reference: str
    description: str
    callback_url: str
    at_us: int
    expires_us: int
    state: PromptState
    result_code: int | None
    """None while nothing is decided."""
    result_us: int | None
    receipt: str | None
    paid_whole: int | None

    @property
    def callback_lane(self) -> str:
        return f"callback:{self.id}"


def accept(tx: Transaction, jobs: Jobs, wanted: PushRequest) -> Push:
    """The prompt is on the phone at once. Raises PhoneBusy."""
    live = tx.row(
        "SELECT 1 FROM pushes WHERE msisdn = ? AND expires_us > ? AND result_code IS NULL", wanted.msisdn, tx.now_us
    )
    if live is not None:
        raise PhoneBusy
    # A paybill collects for itself only; a till has a number apart from its store's.
    is_permitted = wanted.transaction_type != PAYBILL or wanted.party_b == wanted.shortcode
    is_shown = is_permitted and not faults.takes(tx, Fault.PUSH_DROPPED)
    push_id = identifiers.checkout_request_id(tx.now_us, wanted.msisdn)
    while tx.row("SELECT 1 FROM pushes WHERE id = ?", push_id) is not None:
        push_id = identifiers.checkout_request_id(tx.now_us, wanted.msisdn)
    tx.run(
        "INSERT INTO pushes (id, place, seq, merchant_request_id, shortcode, party_b, transaction_type, msisdn,"
        " amount_whole, account_reference, description, callback_url, at_us, expires_us, is_shown, state)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        push_id,
        tx.count("pushes"),
        tx.next_seq(),
        identifiers.request_id(),
        wanted.shortcode,
        wanted.party_b,
        wanted.transaction_type,
        wanted.msisdn,
        wanted.amount_whole,
        wanted.account_reference,
        wanted.description,
        wanted.callback_url,
        tx.now_us,
        tx.now_us + PROMPT_LIVES_US,
        int(is_shown),
        PromptState.WAITING.value if is_shown else PromptState.CANCELLED.value,
    )
    push = get(tx, push_id)
    if not is_shown:
        _settle(tx, jobs, push, push.state, NOT_PUSHED if is_permitted else NOT_PERMITTED)
        return get(tx, push_id)
    payload = {"push": push_id}
    jobs.add(tx, JobKind.EXPIRY, f"expiry:{push_id}", payload, due_us=push.expires_us)
    return push


def get(tx: Transaction, push_id: str) -> Push:
    """Raises UnknownPush."""
    row = tx.row("SELECT * FROM pushes WHERE id = ?", push_id)
    if row is None:
        raise UnknownPush
    return push_of(row)


def act(tx: Transaction, jobs: Jobs, push_id: str, action: Action, pin: str | None) -> None:
    """What the person with the phone does. Raises UnknownPush, NotWaiting."""
    push = get(tx, push_id)
    if push.state is not PromptState.WAITING or tx.now_us >= push.expires_us:
        raise NotWaiting
    match action:
        case Action.PIN if pin == RIGHT_PIN:
            pay(tx, jobs, push)
        case Action.PIN:
            _settle(tx, jobs, push, PromptState.WRONG_PIN, WRONG_PIN)
        case Action.CANCEL:
            _settle(tx, jobs, push, PromptState.CANCELLED, CANCELLED)
        case Action.NO_MONEY:
            _settle(tx, jobs, push, PromptState.NO_MONEY, NO_BALANCE)
        case Action.IGNORE:
            tx.run(
                "UPDATE pushes SET state = ?, seq = ? WHERE id = ?", PromptState.IGNORED.value, tx.next_seq(), push.id
            )


def pay(tx: Transaction, jobs: Jobs, push: Push) -> None:
    """The right PIN was typed: paid, if the wallet holds enough."""
    is_short = push.amount_whole > 1 and faults.takes(tx, Fault.WRONG_AMOUNT)
    amount_whole = push.amount_whole - 1 if is_short else push.amount_whole
    if customers.debit(tx, push.msisdn, amount_whole):
        _settle(tx, jobs, push, PromptState.PAID, PAID, amount_whole)
    else:
        _settle(tx, jobs, push, PromptState.NO_MONEY, NO_BALANCE)


def expire(tx: Transaction, jobs: Jobs, push: Push) -> None:
    """The minute is over. A prompt that was answered stays as it is."""
    if push.result_code is None:
        state = PromptState.IGNORED if push.state is PromptState.IGNORED else PromptState.EXPIRED
        _settle(tx, jobs, push, state, UNREACHABLE)


def _settle(
    tx: Transaction, jobs: Jobs, push: Push, state: PromptState, code: int, paid_whole: int | None = None
) -> None:
    receipt = identifiers.receipt() if code == PAID else None
    tx.run(
        "UPDATE pushes SET state = ?, result_code = ?, result_us = ?, receipt = ?, paid_whole = ?, seq = ?"
        " WHERE id = ?",
        state.value,
        code,
        tx.now_us,
        receipt,
        paid_whole,
        tx.next_seq(),
        push.id,
    )
    if code == PAID:
        _confirm_there_too(tx, jobs, get(tx, push.id))
    if faults.takes(tx, Fault.CALLBACK_LOST):
        return
    told = {"push": push.id, "ids_of": push.id}
    if faults.takes(tx, Fault.CALLBACK_OTHER_SHOP):
        told["ids_of"] = _of_another_shop(tx, push) or ""
    if faults.takes(tx, Fault.CALLBACK_TEXT_VALUES):
        told["has_text_values"] = "yes"
    if faults.takes(tx, Fault.CALLBACK_NO_METADATA):
        told["has_no_metadata"] = "yes"
    due_us = tx.now_us + faults.seconds(tx, Fault.CALLBACK_DELAY_S) * SECOND_US
    for _ in range(2 if faults.takes(tx, Fault.CALLBACK_TWICE) else 1):
        jobs.add(tx, JobKind.CALLBACK, push.callback_lane, told, due_us=due_us)


def _confirm_there_too(tx: Transaction, jobs: Jobs, push: Push) -> None:
    """Some short codes hear of a payment by prompt also at the address for money paid by hand, under the same
    receipt."""
    addresses = hand_payments.addresses_of(tx, push.shortcode, push.party_b)
    if addresses is None or not faults.is_on(tx, Fault.C2B_STK):
        return
    faults.takes(tx, Fault.C2B_STK)
    assert push.receipt is not None
    assert push.paid_whole is not None
    is_paybill = push.transaction_type == PAYBILL
    payment = HandPayment(
        id=push.receipt,
        seq=push.seq,
        shortcode=addresses.shortcode,
        kind=HandKind.PAYBILL if is_paybill else HandKind.TILL,
        msisdn=push.msisdn,
        amount_whole=push.paid_whole,
        account_reference=push.account_reference if is_paybill else "",
        third_party_id="",
        at_us=tx.now_us,
        state=HandState.DONE,
        reason=None,
    )
    hand_payments.plan_confirmation(tx, jobs, addresses, payment)


def _of_another_shop(tx: Transaction, push: Push) -> str | None:
    row = tx.row("SELECT id FROM pushes WHERE shortcode <> ? ORDER BY place DESC LIMIT 1", push.shortcode)
    return str(row["id"]) if row else None


def push_of(row: sqlite3.Row) -> Push:
    return Push(
        id=str(row["id"]),
        seq=int(row["seq"]),
        merchant_request_id=str(row["merchant_request_id"]),
        shortcode=str(row["shortcode"]),
        party_b=str(row["party_b"]),
        transaction_type=str(row["transaction_type"]),
        msisdn=str(row["msisdn"]),
        amount_whole=int(row["amount_whole"]),
        account_reference=str(row["account_reference"]),
        description=str(row["description"]),
        callback_url=str(row["callback_url"]),
        at_us=int(row["at_us"]),
        expires_us=int(row["expires_us"]),
        state=PromptState(row["state"]),
        result_code=cast(int | None, row["result_code"]),
        result_us=cast(int | None, row["result_us"]),
        receipt=cast(str | None, row["receipt"]),
        paid_whole=cast(int | None, row["paid_whole"]),
    )
