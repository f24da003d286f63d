"""What happens to charges: who is asked for how much, what people do about it, and what e-Kwanza makes of it."""

import secrets
import uuid
from dataclasses import dataclass

from simulators import customers, faults
from simulators.ekwanza import codes, webhooks
from simulators.ekwanza.book import Charge, Kind, get, is_reference_taken
from simulators.fault_names import Fault
from simulators.jobs import JobKind, Jobs
from simulators.moments import SECOND_US
from simulators.prompts import RIGHT_PIN, Action, NotWaiting, PromptState
from simulators.store import Transaction

PROMPT_LIVES_US = 90 * SECOND_US
"""AppyPay: a payment must be authorized within 90 seconds."""
REFERENCE_LIVES_US = 72 * 3600 * SECOND_US
TICKET_LIVES_US = 24 * 3600 * SECOND_US

ENTITY = "00123"
_FIRST_ID = 100_000_000
LEAST_MINOR = 1_00
MOST_MINOR = 5_000_000_00


class NotPayable(ValueError):
    """It was paid or cancelled already, or can't be paid so; the text says why."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whose charge it is: a registered merchant, or one that was taken as it came."""

    key: str
    merchant: str | None
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    kind: Kind
    our_reference: str
    """What the merchant calls it: merchantTransactionId, or a ticket's referenceCode."""
    amount_minor: int
    description: str = ""
    payment_method: str = ""
    options: str = "{}"
    """JSON, given back as it came."""
    msisdn: str | None = None
    due_us: int | None = None
    reference: str | None = None


def add(tx: Transaction, jobs: Jobs, account: Account, wanted: Wanted, *, is_shown: bool = True) -> Charge:
    """It can be paid at once."""
    lives_us = {
        Kind.GPO: PROMPT_LIVES_US,
        Kind.EMIS_REF: REFERENCE_LIVES_US,
        Kind.TICKET: TICKET_LIVES_US,
    }[wanted.kind]
    charge_id = _ticket_code(tx) if wanted.kind is Kind.TICKET else str(uuid.uuid4())
    place = tx.count("ekwanza_charges")
    tx.run(
        "INSERT INTO ekwanza_charges (id, place, seq, kind, account, merchant, client_id, our_reference, ekwanza_id,"
        " msisdn, amount_minor, description, payment_method, options, entity, reference, at_us, expires_us,"
        " updated_us, is_shown, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        charge_id,
        place,
        tx.next_seq(),
        wanted.kind.value,
        account.key,
        account.merchant,
        account.client_id,
        wanted.our_reference,
        _ekwanza_id(tx),
        wanted.msisdn,
        wanted.amount_minor,
        wanted.description,
        wanted.payment_method,
        wanted.options,
        ENTITY if wanted.kind is Kind.EMIS_REF else None,
        (wanted.reference or _reference(tx)) if wanted.kind is Kind.EMIS_REF else None,
        tx.now_us,
        wanted.due_us or tx.now_us + lives_us,
        tx.now_us,
        int(is_shown),
        PromptState.WAITING.value,
    )
    charge = get(tx, charge_id)
    jobs.add(tx, JobKind.EKWANZA_EXPIRY, f"expiry:{charge_id}", {"charge": charge_id}, due_us=charge.expires_us)
    return charge


def act(tx: Transaction, jobs: Jobs, charge_id: str, action: Action, pin: str | None) -> None:
    """What the person with the phone does about a GPO prompt. Raises UnknownCharge, NotWaiting."""
    charge = get(tx, charge_id)
    is_waiting = charge.kind is Kind.GPO and charge.is_shown and charge.state is PromptState.WAITING
    if not is_waiting or tx.now_us >= charge.expires_us:
        raise NotWaiting
    match action:
        case Action.PIN if pin == RIGHT_PIN:
            pay_prompt(tx, jobs, charge)
        case Action.PIN:
            settle(tx, jobs, charge, PromptState.WRONG_PIN, codes.REFUSED_BY_ISSUER)
        case Action.CANCEL:
            settle(tx, jobs, charge, PromptState.CANCELLED, codes.DECLINED)
        case Action.NO_MONEY:
            settle(tx, jobs, charge, PromptState.NO_MONEY, codes.NO_FUNDS)
        case Action.IGNORE:
            tx.run(
                "UPDATE ekwanza_charges SET state = ?, seq = ? WHERE id = ?",
                PromptState.IGNORED.value,
                tx.next_seq(),
                charge.id,
            )


def pay_prompt(tx: Transaction, jobs: Jobs, charge: Charge) -> None:
    """The right PIN was typed: paid, if the account holds enough."""
    amount_minor = _taken(tx, charge.amount_minor)
    if charge.msisdn is None or customers.debit_kwanza(tx, charge.msisdn, amount_minor):
        settle(tx, jobs, charge, PromptState.PAID, codes.SUCCESS, amount_minor)
    else:
        settle(tx, jobs, charge, PromptState.NO_MONEY, codes.NO_FUNDS)


def pay_by_hand(tx: Transaction, jobs: Jobs, charge_id: str, payer: str | None, amount_minor: int | None) -> Charge:
    """A person pays a reference at a cash machine, or a ticket in the e-Kwanza app; also after its time, which a bank's
    compensation brings to light. Raises UnknownCharge, NotPayable."""
    charge = get(tx, charge_id)
    if charge.kind is Kind.GPO:
        raise NotPayable("this charge is answered on the phone that it rings on")
    if charge.state not in (PromptState.WAITING, PromptState.EXPIRED):
        raise NotPayable(f"it is {charge.state.value} already")
    if amount_minor is not None and charge.kind is Kind.TICKET and amount_minor != charge.amount_minor:
        raise NotPayable("a ticket is paid with its own amount; only a reference takes another")
    taken_minor = _taken(tx, charge.amount_minor if amount_minor is None else amount_minor)
    if payer is not None and not customers.debit_kwanza(tx, payer, taken_minor):
        raise NotPayable("there is not enough money in that account")
    settle(tx, jobs, charge, PromptState.PAID, codes.SUCCESS, taken_minor)
    return get(tx, charge_id)


def cancel_by_hand(tx: Transaction, charge_id: str) -> Charge:
    """The merchant takes a ticket back at the portal: nobody is told. Raises UnknownCharge, NotPayable."""
    charge = get(tx, charge_id)
    if charge.kind is not Kind.TICKET or charge.state is not PromptState.WAITING:
        raise NotPayable("only a ticket that waits to be paid can be cancelled")
    _end(tx, charge, PromptState.CANCELLED, codes.DECLINED, None)
    return get(tx, charge_id)


def expire(tx: Transaction, jobs: Jobs, charge: Charge) -> None:
    """Its time is over. What was answered or paid stays as it is."""
    if charge.code is not None:
        return
    if charge.kind is Kind.GPO:
        state = PromptState.IGNORED if charge.state is PromptState.IGNORED else PromptState.EXPIRED
        settle(tx, jobs, charge, state, codes.NOT_IN_TIME)
    else:
        settle(tx, jobs, charge, PromptState.EXPIRED, codes.REFERENCE_EXPIRED)


def settle(
    tx: Transaction, jobs: Jobs, charge: Charge, state: PromptState, code: int, paid_minor: int | None = None
) -> None:
    _end(tx, charge, state, code, paid_minor)
    if charge.kind is Kind.TICKET and code != codes.SUCCESS:
        return  # of tickets only a payment is reported
    webhooks.plan(tx, jobs, get(tx, charge.id))


def give_back(tx: Transaction, charge: Charge, amount_minor: int) -> bool:
    """False, and nothing given back, where more would go back than was paid."""
    left_minor = (charge.paid_minor or 0) - charge.refunded_minor
    if amount_minor > left_minor:
        return False
    tx.run(
        "UPDATE ekwanza_charges SET refunded_minor = refunded_minor + ?, updated_us = ?, seq = ? WHERE id = ?",
        amount_minor,
        tx.now_us,
        tx.next_seq(),
        charge.id,
    )
    if charge.msisdn is not None:
        customers.debit_kwanza(tx, charge.msisdn, -amount_minor)
    return True


def _end(tx: Transaction, charge: Charge, state: PromptState, code: int, paid_minor: int | None) -> None:
    tx.run(
        "UPDATE ekwanza_charges SET state = ?, code = ?, paid_minor = ?, updated_us = ?, seq = ? WHERE id = ?",
        state.value,
        code,
        paid_minor,
        tx.now_us,
        tx.next_seq(),
        charge.id,
    )


def _taken(tx: Transaction, amount_minor: int) -> int:
    is_short = amount_minor > LEAST_MINOR and faults.takes(tx, Fault.EKWANZA_WRONG_AMOUNT)
    return amount_minor - LEAST_MINOR if is_short else amount_minor


def _ekwanza_id(tx: Transaction) -> int:
    """e-Kwanza's own number of a charge, which becomes its receipt: never used twice, also not by simulators that
    were wiped and begin again."""
    if not tx.counter("ekwanza_ids"):
        tx.run("INSERT INTO counters (name, value) VALUES ('ekwanza_ids', ?)", _FIRST_ID + secrets.randbelow(_FIRST_ID))
    return tx.count("ekwanza_ids")


def _ticket_code(tx: Transaction) -> str:
    while True:
        code = f"{secrets.randbelow(900_000_000) + 100_000_000}"
        if tx.row("SELECT 1 FROM ekwanza_charges WHERE id = ?", code) is None:
            return code


def _reference(tx: Transaction) -> str:
    while True:
        reference = f"{secrets.randbelow(900_000_000) + 100_000_000}"
        if not is_reference_taken(tx, reference):
            return reference
