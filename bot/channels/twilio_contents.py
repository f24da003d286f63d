"""The contents that Twilio keeps for us: one for each shape of what can be tapped, one for each template and language.

A message names a content and fills its variables (twilio.com/docs/content). What can be tapped has as many variables as
texts, so one content of each shape serves every language: body lines × buttons, with or without a picture above them,
or body lines × lines of a list. A line of the body is a variable of its own, because a value may hold no line break
(twilio.com/docs/api/errors/21656).

A picture with buttons is a `twilio/card`. Up to three buttons, all of the kind QUICK_REPLY, go without approval to
whoever wrote within a day (twilio.com/docs/content/content-types-overview, and WhatsApp's own reply buttons below an
image). Its picture is a fixed address and a variable that ends it (twilio.com/docs/content/twiliocard)."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from bot.replies.tappable import MAX_BUTTONS, MAX_LINES, Tappable
from bot.replies.template import SAMPLES, TEMPLATES, Template, names_in, numbered, wording
from bot.replies.texts import LANGUAGES

MOST_BODY_LINES = {True: 12, False: 16}
"""Of a list, and above buttons. What is longer goes out as text."""

MOST_CARD_LINES = 8
"""Of a picture with buttons. What is longer goes out as a picture above its text."""

CATEGORY = "UTILITY"
"""Of every template: it answers something that the customer did (developers.facebook.com, template categories)."""

_DIGEST_LENGTH = 8
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Content:
    """One to be made at Twilio. `name` says what it is and ends in a digest of it: whatever has that name is it."""

    name: str
    language: str
    types: dict[str, Any] = field(repr=False)
    samples: dict[str, str] = field(repr=False)
    is_template: bool

    def to_json(self) -> dict[str, Any]:
        """The body of `POST /v1/Content` (twilio.com/docs/content/content-api-resources)."""
        return {
            "friendly_name": self.name,
            "language": self.language,
            "variables": self.samples,
            "types": self.types,
        }


def all_contents(pictures_at: str) -> Iterator[Content]:
    """All that this version of the shop can use, always in the same order. `pictures_at`: the address that a picture's
    name makes whole."""
    for body_lines in range(1, MOST_BODY_LINES[False] + 1):
        for buttons in range(1, MAX_BUTTONS + 1):
            yield _shape(False, body_lines, buttons)
            if body_lines <= MOST_CARD_LINES:
                yield _card(pictures_at, body_lines, buttons)
    for body_lines in range(1, MOST_BODY_LINES[True] + 1):
        for lines in range(1, MAX_LINES + 1):
            yield _shape(True, body_lines, lines)
    for language in LANGUAGES:
        for key in TEMPLATES:
            yield template_content(key, language)


def filled(tappable: Tappable) -> tuple[str, dict[str, str]] | None:
    """The name of the content that shows it, and its variables. None where no content has that shape."""
    body = _body_lines(tappable)
    if not body or len(body) > MOST_BODY_LINES[tappable.is_list]:
        return None
    values = list(body)
    if tappable.is_list:
        values.append(tappable.opener)
    for choice in tappable.choices:
        values += [choice.title, choice.payload]
        if tappable.is_list:
            values.append(choice.description)
    shape = _shape(tappable.is_list, len(body), len(tappable.choices))
    return shape.name, {str(number): value for number, value in enumerate(values, start=1)}


def filled_card(tappable: Tappable, picture_url: str, pictures_at: str) -> tuple[str, dict[str, str]] | None:
    """As `filled`, with the picture above it. None, too, for a picture of another place."""
    body, name = _body_lines(tappable), picture_url.removeprefix(pictures_at)
    if tappable.is_list or not 1 <= len(body) <= MOST_CARD_LINES or name == picture_url:
        return None
    values = [*body, *(text for choice in tappable.choices for text in (choice.title, choice.payload)), name]
    content = _card(pictures_at, len(body), len(tappable.choices))
    return content.name, {str(number): value for number, value in enumerate(values, start=1)}


def body_as_sent(tappable: Tappable) -> str:
    """A blank line can be no variable, so it is left out."""
    return "\n".join(_body_lines(tappable))


def filled_template(template: Template) -> tuple[str, dict[str, str]]:
    """As `filled`. Raises KeyError for a template that the catalogue does not have."""
    content = template_content(template.key, template.language)
    return content.name, {str(number): value for number, value in enumerate(template.values, start=1)}


def template_as_sent(template: Template) -> str:
    text, _ = wording(template.key, template.language)
    return text.format(**dict(zip(names_in(text), template.values, strict=True)))


@cache
def template_content(key: str, language: str) -> Content:
    """Raises KeyError for a key that the catalogue does not have."""
    text, language = wording(key, language)
    samples = {str(number): SAMPLES[name] for number, name in enumerate(names_in(text), start=1)}
    return _named(f"dukani_{key}_{language}", language, {"twilio/text": {"body": numbered(text)}}, samples, True)


@cache
def _shape(is_list: bool, body_lines: int, choices: int) -> Content:
    count = 0

    def variable() -> str:
        nonlocal count
        count += 1
        return "{{%d}}" % count  # noqa: UP031 - braces in braces are harder to read

    body = "\n".join(variable() for _ in range(body_lines))
    if is_list:
        opener = variable()
        items = [{"item": variable(), "id": variable(), "description": variable()} for _ in range(choices)]
        types: dict[str, Any] = {"twilio/list-picker": {"body": body, "button": opener, "items": items}}
    else:
        actions = [{"type": "QUICK_REPLY", "title": variable(), "id": variable()} for _ in range(choices)]
        types = {"twilio/quick-reply": {"body": body, "actions": actions}}
    kind = "list" if is_list else "buttons"
    samples = {str(number): f"text {number}" for number in range(1, count + 1)}
    return _named(f"dukani_{kind}_{choices}_lines_{body_lines}", "en", types, samples, False)


@cache
def _card(pictures_at: str, body_lines: int, buttons: int) -> Content:
    plain = _shape(False, body_lines, buttons)
    last = len(plain.samples) + 1
    media = [f"{pictures_at}{{{{{last}}}}}"]
    types = {"twilio/card": {**plain.types["twilio/quick-reply"], "media": media}}
    samples = {**plain.samples, str(last): "picture.png"}
    return _named(f"dukani_card_{buttons}_lines_{body_lines}", "en", types, samples, False)


def _named(name: str, language: str, types: dict[str, Any], samples: dict[str, str], is_template: bool) -> Content:
    whole = json.dumps([language, types, samples], sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(whole.encode()).hexdigest()[:_DIGEST_LENGTH]
    return Content(f"{name}_{digest}", language, types, samples, is_template)


def _body_lines(tappable: Tappable) -> list[str]:
    return [_SPACES.sub(" ", line).strip() for line in tappable.body.split("\n") if line.strip()]
