"""A number that replaces another: "change the milk to 4"."""

import re

from bot.conversation.understanding.quantities import read_number

_CHANGED = re.compile(
    r"(?:change|update|alter|muda|mudar|altera|alterar|badilisha|badili) (?:the |my |o |a |os |as )?(.+?) "
    r"(?:to|into|para|pra|iwe|ziwe|yawe|viwe) (\S+)(?: (.+))?",
    re.IGNORECASE,
)


def changed_amount(said: str) -> str:
    """How many of what there shall be, as SET has it: `4 milk` of `change the milk to 4`, `muda o leite para quatro`,
    `badilisha maziwa ziwe tano`; nothing for what is no such sentence."""
    changed = _CHANGED.fullmatch(said)
    if changed is None or (count := read_number(changed[2])) is None:
        return ""
    return " ".join(filter(None, (str(count), changed[3], changed[1])))
