"""What Twilio keeps for us: made once, found by name, filled without a line break, used only where it exists."""

import json
import re
from collections.abc import Callable, Iterator

import pytest

from bot.channels.twilio_contents import (
    Content,
    all_contents,
    body_as_sent,
    filled,
    filled_card,
    filled_template,
    template_as_sent,
)
from bot.content_sync import Approvals, Done, in_step
from bot.ports.twilio_content import ContentApiFailed, Existing
from bot.replies.rendering import render
from bot.replies.reply import Reply, ReplyParam
from bot.replies.tappable import Choice, Tappable
from bot.replies.template import TEMPLATES, template_of
from bot.replies.texts import LANGUAGES
from bot.store import contents
from bot.store.contents import APPROVED, Known, KnownContents
from contracts.money import Currency, Money
from kit.clock import FixedClock
from kit.db import Database

ACCOUNT = "AC1@http://twilio"
PICTURES = "https://shop.example.com/media/"
CONTENTS = list(all_contents(PICTURES))
BY_NAME = {content.name: content for content in CONTENTS}


def buttons(body: str, count: int = 2) -> Tappable:
    return Tappable(body, tuple(Choice(f"pay:CDFGHJ:{n}:shop", f"Button {n}") for n in range(count)))


def lines(body: str, count: int = 3) -> Tappable:
    return Tappable(body, tuple(Choice(f"add:{n}:1:shop", f"Item {n}", f"KES {n}") for n in range(count)), "Choose")


def shown(name: str, variables: dict[str, str]) -> dict[str, object]:
    """What the channel makes of it: the content with its variables filled in."""
    raw = json.dumps(BY_NAME[name].types)
    found = re.sub(r"\{\{(\d+)\}\}", lambda match: json.dumps(variables[match[1]])[1:-1], raw)
    (content,) = json.loads(found).values()
    return content


@pytest.mark.parametrize("count", [1, 2, 3])
def test_buttons_come_out_as_they_were_meant(count: int) -> None:
    named = filled(buttons("*Cart*\n\n2 × Milk\nTotal: KES 120", count))
    assert named is not None
    assert shown(*named) == {
        "body": "*Cart*\n2 × Milk\nTotal: KES 120",
        "actions": [
            {"type": "QUICK_REPLY", "title": f"Button {n}", "id": f"pay:CDFGHJ:{n}:shop"} for n in range(count)
        ],
    }


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_picture_stands_above_its_buttons_in_one_message(count: int) -> None:
    named = filled_card(buttons("*Bananas*\n\nKES 10", count), f"{PICTURES}abc.jpg", PICTURES)
    assert named is not None
    assert shown(*named) == {
        "body": "*Bananas*\nKES 10",
        "media": [f"{PICTURES}abc.jpg"],
        "actions": [
            {"type": "QUICK_REPLY", "title": f"Button {n}", "id": f"pay:CDFGHJ:{n}:shop"} for n in range(count)
        ],
    }


def test_a_picture_with_a_list_a_long_text_or_of_another_place_has_no_content() -> None:
    here = f"{PICTURES}abc.jpg"
    assert filled_card(buttons("\n".join("x" * 8)), here, PICTURES) is not None
    assert filled_card(buttons("\n".join("x" * 9)), here, PICTURES) is None
    assert filled_card(buttons(" "), here, PICTURES) is None
    assert filled_card(lines("Which one?"), here, PICTURES) is None
    assert filled_card(buttons("x"), "https://elsewhere.example.com/media/abc.jpg", PICTURES) is None


@pytest.mark.parametrize("count", [1, 9, 10])
def test_a_list_comes_out_as_it_was_meant(count: int) -> None:
    named = filled(lines("*Mama Njeri*\n\nChoose below.", count))
    assert named is not None
    assert shown(*named) == {
        "body": "*Mama Njeri*\nChoose below.",
        "button": "Choose",
        "items": [{"item": f"Item {n}", "id": f"add:{n}:1:shop", "description": f"KES {n}"} for n in range(count)],
    }


def test_no_value_holds_a_line_break_a_tab_or_many_spaces_and_none_is_empty() -> None:
    named = filled(buttons("one\r\n\n \n\ttwo      three\n"))
    assert named is not None
    assert list(named[1].values())[:2] == ["one", "two three"]
    assert all(value and not re.search(r"\s{2}|[\n\t]", value) for value in named[1].values())


def test_a_body_of_more_lines_than_any_content_has_goes_out_as_text() -> None:
    assert filled(buttons("\n".join("x" * 16))) is not None
    assert filled(buttons("\n".join("x" * 17))) is None
    assert filled(lines("\n".join("x" * 12))) is not None
    assert filled(lines("\n".join("x" * 13))) is None
    assert filled(buttons(" \n ")) is None


def test_what_is_looked_for_after_a_cut_is_what_was_sent() -> None:
    assert body_as_sent(buttons("one\n\ntwo")) == "one\ntwo"


def test_names_are_told_apart_by_what_they_hold_and_never_change_by_themselves() -> None:
    assert len(BY_NAME) == len(CONTENTS)
    assert [content.name for content in all_contents(PICTURES)] == [content.name for content in CONTENTS]
    assert all(re.fullmatch(r"[a-z0-9_]{1,100}_[0-9a-f]{8}", name) for name in BY_NAME)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", TEMPLATES)
def test_a_template_says_what_its_text_says(key: str, language: str) -> None:
    params: dict[str, ReplyParam] = {
        "code": "CDFGHJ",
        "shop": "Mama Njeri\nand sons",
        "total": Money(125000, Currency.KES),
        "amount": Money(125000, Currency.KES),
    }
    reply = Reply(key, params)
    template = template_of(reply, language)
    name, variables = filled_template(template)
    assert shown(name, variables) == {"body": render(reply, language)}
    assert template_as_sent(template) == render(reply, language)
    content = BY_NAME[name]
    assert (content.language, content.is_template) == (language, True)
    assert set(content.samples) == set(variables), "whoever approves it wants a sample of each"
    body = content.types["twilio/text"]["body"]
    assert not re.match(r"\{\{", body)
    assert not re.search(r"\}\}\W*$", body), "WhatsApp refuses a text that ends in a variable"


# --- in step ---------------------------------------------------------------------------------------------------------


class TwilioOfContents:
    """Twilio's Content API in memory. `fails_at` is the number of the call that fails."""

    def __init__(self) -> None:
        self.made: list[Content] = []
        self.approvals: dict[str, str] = {}
        self.calls = 0
        self.looks = 0
        self.fails_at: int | None = None

    def existing(self) -> Iterator[Existing]:
        self.looks += 1
        for number, content in enumerate(self.made):
            yield Existing(content.name, f"HX{number}", self.approvals.get(f"HX{number}", "unsubmitted"), "")

    def create(self, content: Content) -> str:
        self.calls += 1
        if self.calls == self.fails_at:
            raise ContentApiFailed("cut off")
        self.made.append(content)
        return f"HX{len(self.made) - 1}"

    def submit(self, sid: str, name: str) -> None:
        self.approvals[sid] = "received"


def test_everything_is_made_once_and_known_afterwards(
    new_database: Callable[[str], Database], clock: FixedClock
) -> None:
    db, twilio = new_database("conversations"), TwilioOfContents()
    heard: list[tuple[int, int]] = []
    steps = in_step(
        twilio,
        db,
        clock,
        ACCOUNT,
        pictures_at=PICTURES,
        submits=False,
        on_step=lambda step, number, total: heard.append((number, total)),
    )
    assert {step.done for step in steps} == {Done.MADE}
    assert heard == [(n, len(CONTENTS)) for n in range(1, len(CONTENTS) + 1)]
    assert {step.done for step in in_step(twilio, db, clock, ACCOUNT, pictures_at=PICTURES, submits=False)} == {
        Done.THERE
    }
    assert len(twilio.made) == len(CONTENTS)
    with db.read() as tx:
        assert contents.of(tx, ACCOUNT).keys() == BY_NAME.keys()
        assert contents.of(tx, "AC2@http://twilio") == {}


def test_a_run_that_was_cut_off_goes_on_where_it_was(
    sqlite_database: Callable[[str], Database], clock: FixedClock
) -> None:
    db, twilio = sqlite_database("conversations"), TwilioOfContents()
    twilio.fails_at = 5
    with pytest.raises(ContentApiFailed):
        in_step(twilio, db, clock, ACCOUNT, pictures_at=PICTURES, submits=False)
    with db.read() as tx:
        assert len(contents.of(tx, ACCOUNT)) == 4
    in_step(twilio, db, clock, ACCOUNT, pictures_at=PICTURES, submits=False)
    assert len(twilio.made) == len(CONTENTS)


def test_what_another_shop_of_the_account_made_is_taken_over(
    sqlite_database: Callable[[str], Database], clock: FixedClock
) -> None:
    twilio = TwilioOfContents()
    in_step(twilio, sqlite_database("conversations"), clock, ACCOUNT, pictures_at=PICTURES, submits=False)
    db = sqlite_database("conversations")
    in_step(twilio, db, clock, ACCOUNT, pictures_at=PICTURES, submits=False)
    assert len(twilio.made) == len(CONTENTS)
    with db.read() as tx:
        assert len(contents.of(tx, ACCOUNT)) == len(CONTENTS)


def test_a_dry_run_makes_and_keeps_nothing(sqlite_database: Callable[[str], Database], clock: FixedClock) -> None:
    db, twilio = sqlite_database("conversations"), TwilioOfContents()
    steps = in_step(twilio, db, clock, ACCOUNT, pictures_at=PICTURES, submits=True, is_dry_run=True)
    assert {step.done for step in steps} == {Done.MISSING}
    assert (twilio.made, twilio.approvals) == ([], {})
    with db.read() as tx:
        assert contents.of(tx, ACCOUNT) == {}


def test_only_templates_are_submitted_and_only_once(
    sqlite_database: Callable[[str], Database], clock: FixedClock
) -> None:
    db, twilio = sqlite_database("conversations"), TwilioOfContents()
    steps = in_step(twilio, db, clock, ACCOUNT, pictures_at=PICTURES, submits=True)
    assert {step.content.is_template for step in steps if step.done is Done.SUBMITTED} == {True}
    assert len(twilio.approvals) == len(TEMPLATES) * len(LANGUAGES)
    twilio.approvals = dict.fromkeys(twilio.approvals, "approved")
    steps = in_step(twilio, db, clock, ACCOUNT, pictures_at=PICTURES, submits=True)
    assert {step.done for step in steps} == {Done.THERE}
    assert {step.approval for step in steps if step.content.is_template} == {APPROVED}


def test_only_an_approved_template_is_used_and_what_is_new_is_seen_after_a_few_seconds(
    sqlite_database: Callable[[str], Database], clock: FixedClock
) -> None:
    db, now_s = sqlite_database("conversations"), [0.0]
    known = KnownContents(db, ACCOUNT, lambda: now_s[0])
    with db.write() as tx:
        contents.keep(tx, ACCOUNT, Known("shape", "HX1"), clock.now())
        contents.keep(tx, ACCOUNT, Known("waiting", "HX2", "pending"), clock.now())
        contents.keep(tx, ACCOUNT, Known("rejected", "HX3", "rejected", "too pushy"), clock.now())
    assert [known.sid_of(name) for name in ("shape", "waiting", "rejected", "unheard of")] == ["HX1", None, None, None]
    with db.write() as tx:
        contents.keep(tx, ACCOUNT, Known("waiting", "HX2", APPROVED), clock.now())
    assert known.sid_of("waiting") is None
    now_s[0] += 10
    assert known.sid_of("waiting") == "HX2"


def test_what_is_decided_about_templates_is_followed_while_anything_is_undecided(
    sqlite_database: Callable[[str], Database], clock: FixedClock
) -> None:
    db, twilio = sqlite_database("conversations"), TwilioOfContents()
    approvals = Approvals(twilio, db, clock, ACCOUNT, pictures_at=PICTURES)
    approvals.turn()
    assert twilio.looks == 0, "nothing was asked for yet"
    in_step(twilio, db, clock, ACCOUNT, pictures_at=PICTURES, submits=True)
    approvals.turn()
    twilio.approvals = dict.fromkeys(twilio.approvals, "approved")
    looks = twilio.looks
    assert not approvals.turn()
    assert twilio.looks == looks + 1
    approvals.turn()
    assert twilio.looks == looks + 1, "all is decided"
    with db.read() as tx:
        known = contents.of(tx, ACCOUNT)
    assert {known[content.name].approval for content in CONTENTS if content.is_template} == {APPROVED}
    assert {known[content.name].approval for content in CONTENTS if not content.is_template} == {None}


def test_approvals_wait_for_a_twilio_that_does_not_answer(
    sqlite_database: Callable[[str], Database], clock: FixedClock
) -> None:
    class Silent(TwilioOfContents):
        def existing(self) -> Iterator[Existing]:
            if self.approvals:
                raise ContentApiFailed("no answer")
            return super().existing()

    db, twilio = sqlite_database("conversations"), Silent()
    in_step(twilio, db, clock, ACCOUNT, pictures_at=PICTURES, submits=True)
    assert not Approvals(twilio, db, clock, ACCOUNT, pictures_at=PICTURES).turn()
