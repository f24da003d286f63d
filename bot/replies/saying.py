"""A reply in the words of one language, with all that may go beside its text. Plain texts cost nothing more here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.replies.paper import paper_of
from bot.replies.passing import Passing
from bot.replies.reply import Picture, Reply
from bot.replies.tappable import Tappable, tappable_of
from bot.replies.template import Template, template_of


@dataclass(frozen=True, slots=True)
class Saying:
    """`text` says everything by itself; `paper` is what a document says that may go in its place."""

    text: str
    tappable: Tappable | None = None
    template: Template | None = None
    picture: Picture | None = None
    paper: dict[str, Any] | None = None
    passing: Passing | None = None


def in_words(reply: Reply, language: str, render: Callable[[Reply, str], str]) -> Saying | None:
    """None for a text of nothing. Raises KeyError as `render` does."""
    text = render(reply, language)
    if not text:
        return None
    return Saying(
        text,
        tappable_of(reply, language) if reply.options else None,
        template_of(reply.template, language) if reply.template is not None else None,
        reply.picture,
        paper_of(reply.document, language) if reply.document is not None else None,
        reply.passing,
    )
