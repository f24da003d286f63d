"""Short messages one after the other ("2 milk", "bread", "and eggs") are read as one. A command ends such a burst: what
pays, orders, removes or ends messages is always read alone, at its place."""

from collections.abc import Sequence
from dataclasses import replace

from bot.conversation.languages import change_wanted
from bot.conversation.model import Said
from bot.conversation.state import State
from bot.conversation.understanding.intents import Intent, Word, named_rail, parse
from bot.conversation.understanding.lists import MAX_PARTS, read_list
from bot.conversation.understanding.spelling import MAX_TEXT

MAX_TOGETHER = MAX_PARTS
"""Messages that are read as one."""

_MOST_CHARACTERS = MAX_TEXT - 100  # of which nothing is cut off, whatever joins them


def together(state: State, said: Sequence[Said]) -> int:
    """How many of these messages, which arrived in this order, are one burst: at least the first alone."""
    if state.shop is None or not said or not _is_free_text(said[0]):
        return 1
    count = characters = parts = 0
    for one in said[:MAX_TOGETHER]:
        if not _is_free_text(one):
            break
        characters += len(one.text) + 2
        listed = read_list(parse(one.text).rest)
        parts += len(listed.parts)
        if characters > _MOST_CHARACTERS or parts > MAX_PARTS or listed.unread:
            break
        count += 1
    return max(count, 1)


def as_one(said: Sequence[Said]) -> Said:
    """The burst as the message that it might have been: under the first one's id, without greetings before things."""
    if len(said) == 1:
        return said[0]
    intents = [parse(one.text) for one in said]
    named = [intent for intent in intents if intent.word is not Word.GREETING]
    written = "\n".join(one.text for one in said)
    if not named:
        return replace(said[0], written=written)
    verb = "add " if any(intent.word is Word.ADD for intent in named) else ""
    return replace(said[0], text=verb + ",\n".join(intent.rest for intent in named if intent.rest), written=written)


def _is_free_text(said: Said) -> bool:
    """Names of things, a wish to have them, or a greeting."""
    if said.payload is not None or said.media or said.location is not None:
        return False
    intent = parse(said.text)
    match intent:
        case Intent(Word.GREETING, ""):
            return True
        case Intent(Word.ADD, ""):
            return True
        case Intent(Word.ADD | Word.TEXT, rest) if rest:
            return named_rail(said.text) is None and change_wanted(said) is None
        case _:
            return False
