"""`dukani c2b …`: money that customers pay to a shop's paybill or till by hand, without a prompt on their phone."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from dukani.desk import at_desk, database_trouble_said
from kit.settings import Settings

if TYPE_CHECKING:
    from contracts.ids import VendorId

_SANDBOX_PAYER = "254708374149"  # the public number of the sandbox
_MOST = 250_000  # shillings in one payment


@click.group()
def c2b() -> None:
    """Be told of M-Pesa payments that customers make by hand, to a shop's paybill or till."""


@c2b.command()
@click.argument("vendor")
@click.option(
    "--unanswered",
    type=click.Choice(["complete", "cancel"]),
    default="complete",
    show_default=True,
    help="What becomes of a payment when the shop can't be asked within Daraja's 8 seconds.",
)
def register(vendor: str, unanswered: str) -> None:
    """Have Daraja tell a shop's own address of what is paid by hand.

    In production that can be done once: new addresses are taken after the old are deleted, under Self Services > URL
    Management on developer.safaricom.co.ke. The address ends in a secret and is shown nowhere."""
    from payment_adapter import hand_payments
    from payment_adapter.hand_payments import ResponseType

    settings, vendor_id = _named(vendor)
    response_type = ResponseType.COMPLETED if unanswered == "complete" else ResponseType.CANCELLED
    with _refusals_said():
        shortcode = hand_payments.register(settings, settings.clock(), vendor_id, response_type)
    click.echo(
        f"Daraja will tell of every payment to {shortcode} that is made by hand. A customer who types the order's code "
        "as the account number has the order paid; other money is put before the shop."
    )


@c2b.command()
@click.argument("vendor")
@click.argument("shillings", type=click.IntRange(1, _MOST))
@click.option("--reference", default="", help="What the customer types as the account number, such as an order's code.")
@click.option("--payer", default=_SANDBOX_PAYER, show_default=True, help="Who pays.")
def simulate(vendor: str, shillings: int, reference: str, payer: str) -> None:
    """Play a customer who pays a shop by hand: in the sandbox or the simulators, with no money."""
    from contracts.money import Currency, Money
    from payment_adapter import hand_payments

    settings, vendor_id = _named(vendor)
    amount = Money.of_whole(shillings, Currency.KES)
    with _refusals_said():
        shortcode = hand_payments.simulate(settings, settings.clock(), vendor_id, amount, payer, reference)
    click.echo(f"Ksh {shillings:,} are paid to {shortcode}; the shop hears of it as it would of real money.")


@c2b.command()
@click.argument("vendor")
@click.argument("receipt")
@click.option("--charge", metavar="CHARGE", help="It is this charge's money, says whoever looked.")
def ask(vendor: str, receipt: str, charge: str | None) -> None:
    """Ask M-Pesa what became of a payment that nobody told of, by its receipt number.

    With --charge, for a charge in review whose receipt the customer or a statement shows: it is paid once M-Pesa says
    that this receipt is money of the shop. Without, it counts as money that was paid by hand. M-Pesa needs the shop's
    initiator (`dukani secrets`) and answers to the shop's own address, usually within a minute."""
    from payment_adapter import hand_payments

    number = receipt.strip().upper()
    if not (number.isascii() and number.isalnum() and 6 <= len(number) <= 20):
        raise click.BadParameter(f"{receipt!r} is no receipt number", param_hint="RECEIPT")
    settings, vendor_id = _named(vendor)
    with _refusals_said():
        hand_payments.ask_about(settings, settings.clock(), vendor_id, number, charge)
    click.echo(
        f"M-Pesa was asked about {number}. Its answer is applied as it comes; `dukani charges --callbacks` shows one "
        "that changed nothing."
    )


def _named(vendor: str) -> "tuple[Settings, VendorId]":
    with at_desk(only_looking=True) as desk:
        return desk.settings, desk.vendor(vendor)


@contextmanager
def _refusals_said() -> Generator[None]:
    from payment_adapter.hand_payments import C2bRefused

    try:
        with database_trouble_said("payments"):
            yield
    except C2bRefused as error:
        raise click.ClickException(str(error)) from error
