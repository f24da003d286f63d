"""A receipt on paper: the lines of a text, laid out as a PDF of one narrow page like those of a till.

The fonts that every reader of PDF has know Western European letters alone (fpdf2, core fonts): enough for English,
Swahili and Portuguese; what they lack is written as a question mark."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from fpdf import FPDF

_WIDTH_MM = 80
_MARGIN_MM = 6
_FONT = "Helvetica"
_SIZE_PT = 10
_HEADING_PT = 14
_LINE_MM = 5.2
_PLAIN = str.maketrans({"–": "-", "—": "-", "…": "...", "’": "'", "“": '"', "”": '"', "•": "-", "∗": "*", "‗": "_"})

_EMPHASIS = re.compile(r"\*([^*]+)\*")
"""As a chat marks it. What shops and customers wrote has no such stars in it (`rendering.sanitise`)."""


def laid_out(paper: Mapping[str, Any]) -> bytes:
    """The PDF of what `bot.replies.paper.paper_of` wrote. Its first line is the heading."""
    lines = [str(line) for line in cast(Sequence[object], paper["lines"])]
    height = 2 * _MARGIN_MM + _LINE_MM * (sum(1 + len(line) // 36 for line in lines) + 4)
    pdf = FPDF(unit="mm", format=(_WIDTH_MM, max(height, _WIDTH_MM)))
    pdf.set_margin(_MARGIN_MM)
    pdf.set_auto_page_break(auto=True, margin=_MARGIN_MM)
    pdf.set_lang(str(paper["language"]))
    pdf.set_title(printable(" ".join(lines[:2])))
    pdf.add_page()
    for place, line in enumerate(lines):
        is_strong = len(line) > 2 and line.startswith("*") and line.endswith("*")
        pdf.set_font(_FONT, "B" if is_strong or place == 0 else "", _HEADING_PT if place == 0 else _SIZE_PT)
        text = printable(_EMPHASIS.sub(r"\1", line))
        if text:
            pdf.multi_cell(0, _LINE_MM, text, new_x="LMARGIN", new_y="NEXT")
        else:
            pdf.ln(_LINE_MM / 2)
    return bytes(pdf.output())


def printable(line: str) -> str:
    return line.translate(_PLAIN).encode("latin-1", "replace").decode("latin-1").strip()
