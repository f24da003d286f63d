"""What a content may hold, by type: the limits Twilio checks when it is made, how variables are filled in, and what
WhatsApp refuses when it is sent.

Limits, from the pages of the types (twilio.com/docs/content/…):
- twilio-text: body, 1,600 characters.
- twilio-media: media (one address), body optional.
- twilio-location: latitude and longitude without variables, label and address optional. In session only.
- twilio-quick-reply: body 1,024; 1 to 10 buttons, but 3 where it is sent in session without approval. Title 20 (Meta's
  limit; Twilio's page names none for the title), id 200.
- twiliolist-picker: body 1,024; button 20 (Meta's); 1 to 10 items, each item 24, id 200, description 72 (called
  required on one page and optional on another: optional here). In session only, never approvable.
- twilio-call-to-action: body 1,024; buttons URL, PHONE_NUMBER or COPY_CODE, title 25; at most 3 in session.
- twiliocard: a title or a body, and one more field; title 1,024, subtitle 60, buttons as above, at most 3 in session.
- whatsappcard: body 1,024, one more field, header_text 60, footer 60; header text or media, not both. Only once
  approved.

There is no content type that asks for a location: WhatsApp's own `location_request_message` is not among Twilio's types
(twilio.com/docs/content/content-types-overview lists all of them), so it can't be sent through Twilio.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from simulators.problems import JsonObject
from simulators.twilio.errors import PLAIN_LIMIT_UNITS, units

# From the plainest to the richest: of a content with several types, WhatsApp gets the last (content-types-overview).
TYPES = (
    "twilio/text",
    "twilio/media",
    "twilio/location",
    "twilio/quick-reply",
    "twilio/call-to-action",
    "twilio/list-picker",
    "twilio/card",
    "whatsapp/card",
)
NEVER_APPROVED = frozenset({"twilio/location", "twilio/list-picker"})
ONLY_APPROVED = frozenset({"whatsapp/card"})

MOST_BODY = 1024
MOST_ITEMS = 10
MOST_BUTTONS = 10
MOST_BUTTONS_IN_SESSION = 3
MOST_VARIABLES = 100

_BUTTON_TYPES = {
    "twilio/quick-reply": frozenset({"QUICK_REPLY"}),
    "twilio/call-to-action": frozenset({"URL", "PHONE_NUMBER", "COPY_CODE"}),
    "twilio/card": frozenset({"QUICK_REPLY", "URL", "PHONE_NUMBER", "COPY_CODE"}),
    "whatsapp/card": frozenset({"QUICK_REPLY", "URL", "PHONE_NUMBER", "COPY_CODE"}),
}
_MOST_TITLE = {"QUICK_REPLY": 20, "URL": 25, "PHONE_NUMBER": 25, "COPY_CODE": 25}
_NEEDED = {"URL": "url", "PHONE_NUMBER": "phone", "COPY_CODE": "code"}

PLACEHOLDER = re.compile(r"\{\{([A-Za-z0-9_]{1,16})\}\}")
_BROKEN_PLACEHOLDER = re.compile(r"\{\{[^{}]*\}(?!\})|\{\{\s*\}\}|\{\{[^{}]*[^A-Za-z0-9_{}][^{}]*\}\}")


class BadContent(ValueError):
    """No such content can be made; the text names the field."""


@dataclass(frozen=True, slots=True)
class Option:
    """What can be tapped. `kind` is QUICK_REPLY, ITEM (of a list), URL, PHONE_NUMBER or COPY_CODE; `value` is what it
    opens, calls or copies."""

    kind: str
    title: str
    id: str = ""
    description: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A content with its variables filled in."""

    type: str
    body: str
    header: str = ""
    footer: str = ""
    button: str = ""
    """What opens the list."""
    options: tuple[Option, ...] = ()
    media: tuple[str, ...] = ()
    location: Mapping[str, object] | None = None
    body_variables: frozenset[str] = field(default_factory=frozenset[str])
    """Those that stand in texts a reader sees as running text: no line break may come through them."""


def check(types: object) -> Mapping[str, JsonObject]:
    """The types of a content that is to be made, as they came. Raises BadContent."""
    if not isinstance(types, dict) or not types:
        raise BadContent("types: expected an object with at least one content type")
    checked: dict[str, JsonObject] = {}
    for name, content in cast(dict[object, object], types).items():
        if content is None:
            continue  # Twilio's own SDK writes null for the types that are not used
        if name not in TYPES or not isinstance(content, dict):
            raise BadContent(f"types: {str(name)[:40]} is not a content type that can be sent on WhatsApp here")
        checked[str(name)] = {key: value for key, value in cast(JsonObject, content).items() if value is not None}
        _check_placeholders(checked[str(name)])
        _check_limits(render(str(name), checked[str(name)], {}), is_whole=True)
    if not checked:
        raise BadContent("types: expected an object with at least one content type")
    return checked


def richest(types: Mapping[str, JsonObject]) -> str:
    return max(types, key=TYPES.index)


def placeholders(content: object) -> set[str]:
    """The names of all variables in it."""
    if isinstance(content, str):
        return set(PLACEHOLDER.findall(content))
    if isinstance(content, dict):
        return set[str]().union(*(placeholders(value) for value in cast(JsonObject, content).values()))
    if isinstance(content, list):
        return set[str]().union(*(placeholders(value) for value in cast(list[object], content)))
    return set()


def render(name: str, content: JsonObject, values: Mapping[str, str]) -> Rendered:
    """Variables without a value stay as they are. Raises BadContent where a field is missing or of another kind."""
    body = _text(content, "body", values, is_needed=name not in ("twilio/media", "twilio/location", "twilio/card"))
    media = tuple(_filled(address, values) for address in _texts(content, "media"))
    written = placeholders([content.get(key) for key in ("body", "title", "subtitle", "footer", "header_text")])
    seen = frozenset(written)
    match name:
        case "twilio/location":
            return Rendered(name, body, location=_location(content, values))
        case "twilio/list-picker":
            button = _text(content, "button", values, is_needed=True)
            items = tuple(
                Option(
                    "ITEM",
                    _text(item, "item", values, is_needed=True),
                    _text(item, "id", values, is_needed=True),
                    _text(item, "description", values),
                )
                for item in _objects(content, "items")
            )
            return Rendered(name, body, button=button, options=items, body_variables=seen)
        case "twilio/card":
            title, subtitle = _text(content, "title", values), _text(content, "subtitle", values)
            if not title and not body:
                raise BadContent("twilio/card: title or body is required")
            header = title if body else ""
            options = _buttons(content, values)
            return Rendered(name, body or title, header, subtitle, "", options, media, body_variables=seen)
        case "whatsapp/card":
            header, footer = _text(content, "header_text", values), _text(content, "footer", values)
            options = _buttons(content, values)
            return Rendered(name, body, header, footer, "", options, media, body_variables=seen)
        case "twilio/quick-reply" | "twilio/call-to-action":
            return Rendered(name, body, options=_buttons(content, values), body_variables=seen)
        case _:
            return Rendered(name, body, media=media, body_variables=seen)


def too_much(rendered: Rendered) -> str | None:
    """Why WhatsApp would refuse it once the variables are filled in; None if it would not."""
    try:
        _check_limits(rendered, is_whole=False)
    except BadContent as error:
        return str(error)
    ids = [option.id for option in rendered.options if option.kind in ("QUICK_REPLY", "ITEM")]
    titles = [option.title for option in rendered.options]
    if len(set(ids)) < len(ids) or (rendered.type != "twilio/list-picker" and len(set(titles)) < len(titles)):
        return "two buttons or items are the same"
    return None


def _check_limits(rendered: Rendered, *, is_whole: bool) -> None:
    """`is_whole`: nothing is filled in yet, so a text with a placeholder may still become shorter."""

    def check_length(what: str, text: str, most: int, *, least: int = 0) -> None:
        if is_whole and PLACEHOLDER.search(text):
            return
        if not least <= units(text) <= most:
            limit = f"{what} cannot exceed {most} characters" if text else f"{what} cannot be empty"
            raise BadContent(f"{rendered.type}: {limit}")

    def check_count(what: str, count: int, most: int, *, least: int = 1) -> None:
        if not least <= count <= most:
            raise BadContent(f"{rendered.type}: {what}: expected {least} to {most}, got {count}")

    name = rendered.type
    check_length("Body", rendered.body, PLAIN_LIMIT_UNITS if name == "twilio/text" else MOST_BODY)
    check_length("Header", rendered.header, 60 if name == "whatsapp/card" else MOST_BODY)
    check_length("Footer", rendered.footer, 60)
    if name == "twilio/media":
        check_count("media", len(rendered.media), 1)
    if name in ("twilio/card", "whatsapp/card"):
        check_count("media", len(rendered.media), 1, least=0)
        if not (rendered.header or rendered.footer or rendered.options or rendered.media):
            raise BadContent(f"{name}: at least one more field is required beside the body")
        if name == "whatsapp/card" and rendered.header and rendered.media:
            raise BadContent("whatsapp/card: header_text or media, not both")
    if name == "twilio/list-picker":
        check_count("items", len(rendered.options), MOST_ITEMS)
        check_length("Button", rendered.button, 20, least=1)
    if name in ("twilio/quick-reply", "twilio/call-to-action"):
        check_count("actions", len(rendered.options), MOST_BUTTONS)
    for option in rendered.options:
        if option.kind != "ITEM" and option.kind not in _BUTTON_TYPES[name]:
            raise BadContent(f"{name}: a button of type {option.kind[:20]} is not supported")
        title = "Item" if option.kind == "ITEM" else "Title"
        check_length(title, option.title, 24 if option.kind == "ITEM" else _MOST_TITLE[option.kind], least=1)
        check_length("Id", option.id, 200, least=int(option.kind in ("ITEM", "QUICK_REPLY")))
        check_length("Description", option.description, 72)


def _check_placeholders(content: object) -> None:
    if isinstance(content, str):
        if _BROKEN_PLACEHOLDER.search(content):
            raise BadContent("a placeholder is malformed: write {{1}} or {{name}}, at most 16 letters and digits")
    elif isinstance(content, dict):
        for value in cast(JsonObject, content).values():
            _check_placeholders(value)
    elif isinstance(content, list):
        for value in cast(list[object], content):
            _check_placeholders(value)


def _buttons(content: JsonObject, values: Mapping[str, str]) -> tuple[Option, ...]:
    buttons: list[Option] = []
    for action in _objects(content, "actions", is_needed=False):
        kind = _text(action, "type", {}, is_needed=True)
        needed = _NEEDED.get(kind)
        value = _text(action, needed, values, is_needed=True) if needed else ""
        # Without an id of its own, a button's title comes back.
        title = _text(action, "title", values, is_needed=kind != "COPY_CODE") or "Copy code"
        own_id = _text(action, "id", values) or (title if kind == "QUICK_REPLY" else "")
        buttons.append(Option(kind, title, own_id, value=value))
    return tuple(buttons)


def _location(content: JsonObject, values: Mapping[str, str]) -> Mapping[str, object]:
    place: dict[str, object] = {}
    for name, most in (("latitude", 90.0), ("longitude", 180.0)):
        degrees = content.get(name)
        if isinstance(degrees, bool) or not isinstance(degrees, int | float) or abs(degrees) > most:
            raise BadContent(f"twilio/location: {name}: expected a number from -{most:g} to {most:g}")
        place[name] = degrees
    return {**place, "label": _text(content, "label", values), "address": _text(content, "address", values)}


def _text(content: JsonObject, name: str, values: Mapping[str, str], *, is_needed: bool = False) -> str:
    value = content.get(name, "")
    if not isinstance(value, str) or (is_needed and not value):
        raise BadContent(f"{name}: expected a text")
    return _filled(value, values)


def _texts(content: JsonObject, name: str) -> list[str]:
    value = content.get(name, [])
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list) or not all(isinstance(one, str) for one in cast(list[object], value)):
        raise BadContent(f"{name}: expected a list of texts")
    return cast(list[str], value)


def _objects(content: JsonObject, name: str, *, is_needed: bool = True) -> list[JsonObject]:
    value = content.get(name) if is_needed else content.get(name, [])
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in cast(list[object], value)):
        raise BadContent(f"{name}: expected a list of objects")
    return [{key: inner for key, inner in one.items() if inner is not None} for one in cast(list[JsonObject], value)]


def _filled(text: str, values: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)
