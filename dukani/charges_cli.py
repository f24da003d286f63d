"""`dukani charges`: what became of payments that were asked of a provider, and which of them a person must look at."""

from datetime import datetime
from typing import TYPE_CHECKING

import click
from pydantic import BaseModel

from contracts.states import ChargeStatus
from dukani.desk import amount_of, as_json, at_desk, payments_database, show_json, show_table, when
from kit.settings import load_settings

if TYPE_CHECKING:
    from kit.db import Tx
    from payment_adapter.charges.record import Charge

_ALL = "all"
_WHY_UNKNOWN = "no provider said how it ended"


class ChargeLine(BaseModel):
    """`asked_next_at` is empty where nobody but a callback, a statement or a person can tell any more."""

    vendor_id: str
    charge_id: str
    order: str
    amount: str
    rail: str
    status: str
    why: str | None
    created_at: datetime
    asked_next_at: datetime | None
    receipt: str | None


class ChargeLines(BaseModel):
    charges: list[ChargeLine]


class CallbackLine(BaseModel):
    vendor_id: str
    provider: str
    callback_id: str
    charge_id: str | None
    event_id: str | None
    received_at: datetime
    why: str | None


class CallbackLines(BaseModel):
    callbacks: list[CallbackLine]


@click.command()
@click.option(
    "--status",
    type=click.Choice([*(status.value for status in ChargeStatus), _ALL]),
    default=ChargeStatus.UNKNOWN.value,
    show_default=True,
    help="Those that stand there; unknown ones are in review.",
)
@click.option("--vendor", "named", metavar="VENDOR", help="Only this shop's, by its id or its word.")
@click.option("--callbacks", "is_of_callbacks", is_flag=True, help="Instead, callbacks that could not be applied.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="At most so many.")
@as_json
def charges(status: str, named: str | None, is_of_callbacks: bool, limit: int, as_json: bool) -> None:
    """List charges, the newest first, with why each stands where it stands.

    A charge is unknown when nobody can say whether the money moved. `dukani reconcile` compares them with the
    provider's statement; `dukani c2b ask` asks M-Pesa about one receipt."""
    vendor_id: str | None = None
    if named is not None:
        with at_desk(only_looking=True) as desk:
            vendor_id = desk.vendor(named)
    with payments_database(load_settings()) as db, db.read() as tx:
        if is_of_callbacks:
            _show_callbacks(tx, vendor_id, limit, as_json=as_json)
        else:
            wanted = None if status == _ALL else ChargeStatus(status)
            _show_charges(tx, wanted, vendor_id, limit, as_json=as_json)


def _show_charges(tx: "Tx", status: ChargeStatus | None, vendor_id: str | None, limit: int, *, as_json: bool) -> None:
    from payment_adapter.charges.listing import list_charges

    found = [_line(charge) for charge in list_charges(tx, status, vendor_id, limit)]
    if as_json:
        show_json(ChargeLines(charges=found))
    elif found:
        show_table(
            ("shop", "order", "amount", "rail", "status", "why", "since", "asked next", "charge"),
            [
                (
                    each.vendor_id,
                    each.order,
                    each.amount,
                    each.rail,
                    each.status,
                    each.why,
                    when(each.created_at),
                    when(each.asked_next_at),
                    each.charge_id,
                )
                for each in found
            ],
        )
    elif status is ChargeStatus.UNKNOWN:
        click.echo("No charge is in review.")
    else:
        click.echo("There is none.")


def _show_callbacks(tx: "Tx", vendor_id: str | None, limit: int, *, as_json: bool) -> None:
    from payment_adapter.callbacks.listing import list_left

    found = [
        CallbackLine(
            vendor_id=each.vendor_id,
            provider=each.provider,
            callback_id=each.callback_id,
            charge_id=each.charge_id,
            event_id=each.event_id,
            received_at=each.received_at,
            why=each.outcome,
        )
        for each in list_left(tx, vendor_id, limit)
    ]
    if as_json:
        show_json(CallbackLines(callbacks=found))
    elif found:
        show_table(
            ("shop", "provider", "received", "why", "of charge", "callback"),
            [
                (each.vendor_id, each.provider, when(each.received_at), each.why, each.charge_id, each.callback_id)
                for each in found
            ],
        )
    else:
        click.echo("No callback is left for a person.")


def _line(charge: "Charge") -> ChargeLine:
    is_decided = charge.status in (ChargeStatus.FAILED, ChargeStatus.EXPIRED)
    why = charge.provider_detail or (str(charge.reason) if charge.reason else None)
    if charge.status is ChargeStatus.UNKNOWN:
        why = why or _WHY_UNKNOWN
    elif is_decided and charge.reason is not None:
        why = f"{charge.reason}: {charge.provider_detail}" if charge.provider_detail else str(charge.reason)
    else:
        why = None
    return ChargeLine(
        vendor_id=charge.vendor_id,
        charge_id=charge.charge_id,
        order=charge.account_reference,
        amount=amount_of(charge.amount),
        rail=charge.rail,
        status=charge.status,
        why=why,
        created_at=charge.created_at,
        asked_next_at=charge.next_poll_at,
        receipt=charge.receipt,
    )
