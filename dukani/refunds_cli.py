"""`dukani refunds …`: money that goes back, and what a person has to find out about it."""

from datetime import datetime
from typing import TYPE_CHECKING

import click
from pydantic import BaseModel

from dukani.desk import amount_of, as_json, at_desk, payments_database, show_json, show_table, when
from kit.settings import load_settings

if TYPE_CHECKING:
    from payment_adapter.refunds.record import Refund

_ALL = "all"
_STATES = ("created", "claimed", "pending", "done", "failed", "unknown")


class RefundLine(BaseModel):
    """`asked_next_at` is empty where only a result, a statement or a person can tell any more."""

    vendor_id: str
    refund_id: str
    amount: str
    of_receipt: str | None
    status: str
    why: str | None
    created_at: datetime
    asked_next_at: datetime | None
    refund_receipt: str | None


class RefundLines(BaseModel):
    refunds: list[RefundLine]


@click.group()
def refunds() -> None:
    """Look at money that goes back, and say of a refund in doubt what the provider's statement says."""


@refunds.command(name="list")
@click.option(
    "--status",
    type=click.Choice([*_STATES, _ALL]),
    default="unknown",
    show_default=True,
    help="Those that stand there; unknown ones wait for a person.",
)
@click.option("--vendor", "named", metavar="VENDOR", help="Only this shop's, by its id or its word.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="At most so many.")
@as_json
def list_them(status: str, named: str | None, limit: int, as_json: bool) -> None:
    """List refunds, the newest first."""
    from payment_adapter.refunds.review import list_refunds
    from payment_adapter.refunds.rules import RefundState

    vendor_id: str | None = None
    if named is not None:
        with at_desk(only_looking=True) as desk:
            vendor_id = desk.vendor(named)
    state = None if status == _ALL else RefundState(status)
    with payments_database(load_settings()) as db, db.read() as tx:
        found = [_line(refund) for refund in list_refunds(tx, state, vendor_id, limit)]
    if as_json:
        show_json(RefundLines(refunds=found))
    elif found:
        show_table(
            ("shop", "amount", "of", "status", "why", "since", "asked next", "refund"),
            [
                (
                    each.vendor_id,
                    each.amount,
                    each.of_receipt,
                    each.status,
                    each.why,
                    when(each.created_at),
                    when(each.asked_next_at),
                    each.refund_id,
                )
                for each in found
            ],
        )
    else:
        click.echo("No refund is in doubt." if status == "unknown" else "There is none.")


@refunds.command()
@click.argument("refund")
@click.option("--went-back", metavar="RECEIPT", help="The statement shows it, under this receipt.")
@click.option("--did-not", is_flag=True, help="The statement does not show it, a day after it was asked for.")
def settle(refund: str, went_back: str | None, did_not: bool) -> None:
    """Say what the provider's statement says of one refund. The shop hears of it; nothing is sent to the provider.

    A refund that did not go back frees its money: it may be asked for in a new refund."""
    from payment_adapter.refunds import review

    if (went_back is None) is not did_not:
        raise click.UsageError("Say one of the two: --went-back RECEIPT, or --did-not.")
    receipt = None if went_back is None else went_back.strip().upper()
    if receipt is not None and not (receipt.isascii() and receipt.isalnum() and 6 <= len(receipt) <= 40):
        raise click.BadParameter(f"{went_back!r} is no receipt number", param_hint="--went-back")
    settings = load_settings()
    with payments_database(settings) as db, db.write() as tx:
        try:
            before, is_news = review.settle(tx, settings, settings.clock(), refund, refund_receipt=receipt)
        except LookupError as error:
            raise click.ClickException(
                f"There is no refund {refund!r}: `dukani refunds list --status all` shows them."
            ) from error
        if not is_news:
            only = " Only one that is unknown can be denied." if did_not else ""
            raise click.ClickException(f"Nothing was changed: this refund is {before.status}.{only}")
    click.echo(f"{amount_of(before.amount)} {'did not go back' if receipt is None else f'went back as {receipt}'}.")


def _line(refund: "Refund") -> RefundLine:
    return RefundLine(
        vendor_id=refund.vendor_id,
        refund_id=refund.refund_id,
        amount=amount_of(refund.amount),
        of_receipt=refund.payment.receipt,
        status=refund.status,
        why=refund.detail,
        created_at=refund.created_at,
        asked_next_at=refund.next_ask_at,
        refund_receipt=refund.refund_receipt,
    )
