"""The ways to pay, in words: what each is called, how it is offered, and what a customer does with what it gives."""

from collections.abc import Sequence
from datetime import datetime

from bot.conversation.model import Reply
from bot.conversation.phones import is_of, spoken_msisdn
from bot.conversation.showing import local_time
from bot.conversation.state import Entry, Listing, ListKind, Shop
from bot.replies.reply import Picture, ReplyParam
from contracts.money import Currency, Money
from contracts.payment_api import PaymentInstructions
from contracts.router_api import OrderView
from contracts.states import PUSHED_RAILS, Rail

_USUAL = {Currency.KES: Rail.MPESA_STK, Currency.AOA: Rail.TICKET}
"""Who is spoken of where nobody says which way money came: M-Pesa, or e-Kwanza."""

_NAMES = {
    Rail.MPESA_STK: "rail_mpesa_stk",
    Rail.GPO: "rail_gpo",
    Rail.EMIS_REF: "rail_emis_ref",
    Rail.TICKET: "rail_ticket",
}
_OFFERS = {
    Rail.MPESA_STK: "offer_mpesa_stk",
    Rail.GPO: "offer_gpo",
    Rail.EMIS_REF: "offer_emis_ref",
    Rail.TICKET: "offer_ticket",
}
_WAYS = {
    Rail.MPESA_STK: "way_mpesa_stk",
    Rail.GPO: "way_gpo",
    Rail.EMIS_REF: "way_emis_ref",
    Rail.TICKET: "way_ticket",
}
_GROUP = 3  # digits that are read together


def rail_of(order: OrderView) -> Rail:
    """That of the order's last try, else the usual one where it is sold."""
    rail = order.payment.rail if order.payment is not None else None
    return rail or _USUAL[order.currency]


def usual_push(currency: Currency) -> Rail:
    """The prompt that is meant where only a phone's number is at issue."""
    return Rail.MPESA_STK if currency is Currency.KES else Rail.GPO


def which_number(rail: Rail | None, currency: Currency) -> Reply:
    """The question for the phone number to charge."""
    is_mpesa = (rail or usual_push(currency)) is Rail.MPESA_STK
    return Reply("ask_payer") if is_mpesa else Reply("ask_payer_gpo")


def usual_rail(currency: Currency) -> Rail:
    return _USUAL[currency]


def rings(rail: Rail) -> bool:
    return rail in PUSHED_RAILS


def rail_name(rail: Rail) -> tuple[Reply, ...]:
    """Who is asked for the money: `M-Pesa`."""
    return (Reply(_NAMES[rail]),)


def whose_phone_rings(
    rails: Sequence[Rail], currency: Currency, own: str | None, kept: str | None
) -> tuple[Reply, ...]:
    """Whose phone a prompt comes to, where that is known by now: the own number, else the one that was given."""
    rail = next((rail for rail in rails if rings(rail)), None)
    payer = next((one for one in (own, kept) if one is not None and is_of(one, currency)), None)
    if rail is None or payer is None:
        return ()
    return (Reply("payer_known", {"rail": rail_name(rail), "phone": spoken_msisdn(payer)}),)


def what_it_gives(rail: Rail) -> tuple[Reply, ...]:
    """What a rail that rings no phone gives the customer to pay with."""
    return (Reply("what_ticket" if rail is Rail.TICKET else "what_emis_ref"),)


def answer_there(rail: Rail) -> tuple[Reply, ...]:
    """What to do with the prompt on the phone."""
    return (Reply("answer_mpesa_stk" if rail is Rail.MPESA_STK else "answer_gpo"),)


def offer_of(rail: Rail) -> tuple[Reply, ...]:
    """The name and what it takes: `Multicaixa Express: a prompt on your phone`."""
    return (Reply(_OFFERS[rail]),)


def rail_listing(rails: Sequence[Rail], vendor_id: str, now: datetime, code: str | None) -> Listing:
    """To pay the order of that code by, or the only one."""
    entries = tuple(Entry(number, rail.value, rail.value) for number, rail in enumerate(rails, start=1))
    return Listing(ListKind.RAIL, vendor_id, entries, now, code=code)


def rail_lines(rails: Sequence[Rail]) -> tuple[Reply, ...]:
    return tuple(
        Reply("rail_line", {"number": number, "way": offer_of(rail)}) for number, rail in enumerate(rails, start=1)
    )


def how_it_is_paid(rails: Sequence[Rail]) -> tuple[Reply, ...]:
    """What PAY will do, at the end of a confirmation."""
    if len(rails) == 1:
        return (Reply("pay_by", {"way": (Reply(_WAYS[rails[0]]),)}),)
    if rails:
        return (Reply("pay_choose"),)
    return (Reply("pay_plain"),)


def other_ways(shop: Shop | None, vendor_id: str) -> tuple[Reply, ...]:
    """Only where the customer is in that shop, and it has others."""
    is_here = shop is not None and shop.vendor_id == vendor_id and len(shop.rails) > 1
    return (Reply("pay_other"),) if is_here else ()


def proof_of(receipt: str, rail: Rail) -> tuple[Reply, ...]:
    """The number that the customer knows the payment by."""
    key = "proof_mpesa" if rail is Rail.MPESA_STK else "proof_other"
    return (Reply(key, {"receipt": receipt}),)


def how_to_pay_it(
    instructions: PaymentInstructions, rail: Rail, amount: Money, shop: Shop | None, *, has_picture: bool
) -> tuple[Reply, ...]:
    """Entity, reference, amount, until when, and the steps; for a ticket its code and what to do with it."""
    until = pay_until(instructions, shop, amount.currency)
    params: dict[str, ReplyParam] = {"reference": grouped(instructions.reference or ""), "amount": amount}
    if rail is Rail.TICKET:
        steps = (Reply("ticket_steps_picture" if has_picture else "ticket_steps"),)
        return (Reply("ticket_block", {**params, "until": until, "steps": steps}),)
    entity = (Reply("entity_line", {"entity": instructions.entity}),) if instructions.entity else ()
    return (Reply("reference_block", {**params, "entity": entity, "until": until}),)


def pay_until(instructions: PaymentInstructions, shop: Shop | None, currency: Currency) -> tuple[Reply, ...]:
    """The last moment that it can be paid, where that is known."""
    if instructions.expires_at is None:
        return ()
    return (Reply("pay_until", {"time": local_time(instructions.expires_at, shop, currency)}),)


def picture_of(instructions: PaymentInstructions) -> Picture | None:
    return Picture(instructions.qr_png) if instructions.qr_png else None


def grouped(reference: str) -> str:
    """`123456789` → `123 456 789`: it is typed by hand at a cash machine."""
    if not (reference.isascii() and reference.isdigit()) or len(reference) <= _GROUP + 1:
        return reference
    return " ".join(reference[at : at + _GROUP] for at in range(0, len(reference), _GROUP))
