"""Every channel keeps the same promises: what is written arrives as it was meant, what is said is shown at its best,
and every way that a call can end is told apart."""

from collections.abc import Callable, Generator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.channels.remedies import Remedy
from bot.conversation.model import Location
from bot.ports.messenger import Kind, NotTaken, Outbound, Refused, Taken, Unsure
from bot.replies.tappable import Choice, Tappable
from bot.replies.template import Template
from bot.store.tables import MessageStatus
from kit.clock import FixedClock, SystemClock
from kit.db import Database
from tests.simulators.shop import wait_until
from tests.support.channel_cases import ACHIENG, SHOP, ChannelCase, MemoryCase, Seen, twilio_case

BUTTONS = Tappable("*Cart*\n2 × Milk", (Choice("confirm:1:2:3", "Confirm order"), Choice("menu:-:-:3", "Add more")))
LIST = Tappable("Which one?", (Choice("add:1:1:3", "Milk", "KES 60"), Choice("add:2:1:3", "Bread", "KES 65")), "Choose")
PAID = Template("template_order_paid", "en", ("CDFGHJ", "Mama Njeri", "KES 120"))
LONG_AGO = timedelta(hours=1)


@pytest.fixture(params=["memory", "twilio"])
def case(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_database: Callable[[str], Database], clock: FixedClock
) -> Generator[ChannelCase]:
    if request.param == "memory":
        yield MemoryCase(clock)
        return
    with twilio_case(tmp_path, sqlite_database("conversations"), SystemClock()) as made:
        yield made


def text(body: str, tappable: Tappable | None = None) -> Outbound:
    return Outbound(SHOP, ACHIENG, body, tappable)


def since(case: ChannelCase, clock: FixedClock) -> Callable[[Outbound], list[str]]:
    """A look-up of what was taken lately, by the channel's own clock."""
    now = clock.now() if isinstance(case, MemoryCase) else SystemClock().now()
    return lambda message: case.channel.find(message, now - LONG_AGO)


def test_what_is_written_tapped_and_pinned_comes_in_as_it_was_meant(case: ChannelCase) -> None:
    heard = case.heard.messages
    case.writes("Sukuma 🥬 & 2 milk")
    wait_until(lambda: len(heard) == 1)
    assert (heard[0].address, heard[0].shop_number, heard[0].is_urgent) == (ACHIENG, SHOP, False)
    said = case.channel.said(heard[0].message_sid, heard[0].raw_form)
    assert (said.text, said.payload, said.location) == ("Sukuma 🥬 & 2 milk", None, None)

    case.makes_contents()
    assert isinstance(case.channel.send(text("1. Milk\n2. Bread", LIST)), Taken)
    case.seen()
    case.taps("Bread")
    wait_until(lambda: len(heard) == 2)
    tapped = case.channel.said(heard[1].message_sid, heard[1].raw_form)
    assert (tapped.payload, tapped.text) == ("add:2:1:3", "Bread")

    case.pins(-1.286389, 36.817223)
    wait_until(lambda: len(heard) == 3)
    pinned = case.channel.said(heard[2].message_sid, heard[2].raw_form)
    assert pinned.media == ("location",)
    assert isinstance(pinned.location, Location)
    assert (pinned.location.latitude, pinned.location.longitude) == (-1.286389, 36.817223)
    assert len({one.message_sid for one in heard}) == 3


def test_stop_in_any_language_is_urgent_and_a_customer_may_have_no_number(case: ChannelCase) -> None:
    heard = case.heard.messages
    for count, word in enumerate(("STOP", "acha", "Parar!"), start=1):
        case.writes(word)
        wait_until(lambda count=count: len(heard) == count)
    assert [one.is_urgent for one in heard] == [True] * 3
    case.writes_without_number("hi")
    wait_until(lambda: len(heard) == 4)
    hidden = heard[3]
    assert hidden.address.startswith("whatsapp:KE.")
    assert case.channel.said(hidden.message_sid, hidden.raw_form).sender_msisdn is None


def test_what_somebody_else_brings_is_refused_and_goes_nowhere(case: ChannelCase) -> None:
    assert case.forges() in (401, 403)
    assert case.heard.messages == []


def test_everything_is_shown_at_its_best_and_found_again(case: ChannelCase, clock: FixedClock) -> None:
    case.writes("hi")
    case.makes_contents()
    find = since(case, clock)
    for message, kind, body, options in (
        (text("Karibu! 👋"), Kind.TEXT, "Karibu! 👋", ()),
        (text("2 × Milk. CONFIRM to order.", BUTTONS), Kind.BUTTONS, BUTTONS.body, ("Confirm order", "Add more")),
        (text("1. Milk\n2. Bread", LIST), Kind.LIST, LIST.body, ("Milk", "Bread")),
    ):
        assert kind in case.channel.kinds
        assert find(message) == []
        taken = case.channel.send(message)
        assert isinstance(taken, Taken)
        seen = case.seen()
        assert (seen.kind, seen.body, seen.options) == (kind.value, body, options)
        assert find(message) == [taken.sid]


def test_a_picture_is_shown_with_its_buttons_in_one_message(case: ChannelCase, clock: FixedClock) -> None:
    case.writes("hi")
    case.makes_contents()
    find = since(case, clock)
    card = Outbound(SHOP, ACHIENG, "Milk: KES 60. ADD adds it.", BUTTONS, case.photograph())
    assert card.kind is Kind.CARD
    assert card.kind in case.channel.kinds
    taken = case.channel.send(card)
    assert isinstance(taken, Taken)
    assert case.seen() == Seen("card", BUTTONS.body, ("Confirm order", "Add more"), ("image/jpeg",))
    assert find(card) == [taken.sid]
    case.writes("and the others?")
    listed = Outbound(SHOP, ACHIENG, "1. Milk\n2. Bread", LIST, case.photograph())
    assert (listed.kind, isinstance(case.channel.send(listed), Taken)) == (Kind.PICTURE, True)
    assert case.seen() == Seen("image", "1. Milk\n2. Bread", (), ("image/jpeg",)), (
        "a list has no picture: all is said below"
    )


def test_every_way_that_a_call_can_end_is_told_apart(case: ChannelCase, clock: FixedClock) -> None:
    case.writes("hi")
    find = since(case, clock)
    case.next_is_busy()
    assert isinstance(case.channel.send(text("one")), NotTaken)
    assert find(text("one")) == []
    case.next_is_cut_off()
    assert isinstance(case.channel.send(text("two", BUTTONS)), Unsure)
    assert len(find(text("two", BUTTONS))) == 1
    refused = case.channel.send(case.refused())
    assert isinstance(refused, Refused)
    assert case.channel.remedy(refused.code) in set(Remedy)
    assert isinstance(case.channel.send(text("three")), Taken)


def test_what_became_of_a_message_is_reported_and_a_remedy_is_known_for_any_code(case: ChannelCase) -> None:
    case.writes("hi")
    sent = case.channel.send(text("Karibu"))
    assert isinstance(sent, Taken)
    case.is_read(sent.sid)
    statuses = case.heard.statuses

    def climbed() -> bool:
        return MessageStatus.READ in [report.status for report in statuses if report.sid == sent.sid]

    wait_until(climbed)
    assert {report.status for report in statuses} <= {None, MessageStatus.DELIVERED, MessageStatus.READ}
    assert case.channel.remedy(None) is Remedy.AS_TEXT
    assert case.channel.remedy(999_999) is Remedy.AS_TEXT


def test_only_an_approved_template_may_be_sent_and_it_says_what_was_approved(case: ChannelCase) -> None:
    case.writes("hi")
    case.makes_contents()
    assert not case.channel.may_open_with(PAID)
    case.approves(PAID)
    assert case.channel.may_open_with(PAID)
    assert not case.channel.may_open_with(Template("template_payment_failed", "en", ("CDFGHJ", "Mama", "KES 1")))
    sent = case.channel.send(Outbound(SHOP, ACHIENG, "the receipt", template=PAID))
    assert isinstance(sent, Taken)
    assert all(value in case.seen().body for value in PAID.values)
