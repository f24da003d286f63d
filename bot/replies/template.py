"""Texts that the channel has to approve before they may be sent to somebody who has not written for a day.

Their words are in the catalogue like all others, under keys that begin with `template_`; what fills them is sent
separately, as one-line values in the order in which the text of that language names them."""

import string
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter

from bot.replies.rendering import value_text
from bot.replies.reply import Reply
from bot.replies.texts import Counted, text_of

TEMPLATES = (
    "template_order_paid",
    "template_order_cancelled",
    "template_order_unpaid",
    "template_payment_failed",
    "template_payment_checked",
    "template_money_settled",
    "template_money_returned",
    "template_alert_paid",
    "template_alert_waiting",
)
"""Keys of all of them. Utility templates: each is about something that the customer ordered, paid or asked for. What
would only bring somebody back, such as a cart left behind, is marketing to WhatsApp and wants a consent that nobody was
asked for: there is none of that kind (developers.facebook.com, template categories)."""

SAMPLES = {"code": "CDFGHJ", "shop": "Mama Njeri", "total": "KES 1,250", "amount": "KES 1,250"}
"""Made up, for whoever approves them (Twilio wants a sample of each value)."""


@dataclass(frozen=True, slots=True)
class Template:
    """One of `TEMPLATES` in one language, with its values: `values[0]` fills `{{1}}`."""

    key: str
    language: str
    values: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """Plain JSON."""
        return _TEMPLATE.dump_python(self, mode="json")

    @classmethod
    def from_json(cls, document: object) -> "Template":
        """What `to_json` wrote. Raises pydantic's ValidationError for anything else."""
        return _TEMPLATE.validate_python(document)


_TEMPLATE = TypeAdapter(Template)


def template_of(reply: Reply, language: str) -> Template:
    """Raises KeyError for an unknown key or a placeholder without value."""
    text, language = wording(reply.key, language)
    values = (" ".join(value_text(name, reply.params[name], language).split()) for name in names_in(text))
    return Template(reply.key, language, tuple(value or "–" for value in values))


def wording(key: str, language: str) -> tuple[str, str]:
    """The text of a template and the language that it is in. Raises KeyError."""
    text, language = text_of(key, language)
    return text.other if isinstance(text, Counted) else text, language


def names_in(text: str) -> Sequence[str]:
    """The placeholders of a text in the order of their first appearance."""
    return list(dict.fromkeys(name for _, name, _, _ in string.Formatter().parse(text) if name))


def numbered(text: str) -> str:
    """With `{{1}}`, `{{2}}`… in place of the placeholders' names."""
    places = {name: "{{%d}}" % place for place, name in enumerate(names_in(text), start=1)}  # noqa: UP031
    return text.format(**places)
