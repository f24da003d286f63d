"""What a document says: the lines of a text of the catalogue, without anything that a plain font can't print."""

from typing import Any

from bot.replies.rendering import render
from bot.replies.reply import Document, Reply


def paper_of(document: Document, language: str) -> dict[str, Any]:
    """Plain JSON: its lines from top to bottom; `*…*` around a whole line makes it stand out. Raises KeyError as
    `render` does."""
    text = render(Reply(document.key, document.params), language)
    return {"language": language, "lines": text.split("\n")}
