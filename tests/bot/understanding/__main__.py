"""`python -m tests.bot.understanding`: the tables of how much is understood, of our own messages and of strangers'.
With a language (`… en`) those of the development halves that are not; what was kept out is never listed, and so are the
second and third strangers'."""

import sys

from tests.bot.understanding.measure import (
    LANGUAGES,
    OURS,
    SECOND_STRANGERS,
    STRANGERS,
    THIRD_STRANGERS,
    Listener,
    Share,
    messages,
    shares,
    whole,
)


def table(whose: str = OURS) -> str:
    rows = ["| language | messages | all | rules made with | kept out |", "|---|---|---|---|---|"]
    for language in LANGUAGES:
        seen, unseen = shares(language, whose)
        both = whole(language, whose)
        rows.append(f"| {language} | {both.of} | {both.percent:.1f} % | {_said(seen)} | {_said(unseen)} |")
    return "\n".join(rows)


def blind_table(whose: str) -> str:
    """Of the second strangers, measured blind before rules were made with them, or of the third, blind still."""
    rows = [f"| {language} | {_said(whole(language, whose))} |" for language in LANGUAGES]
    return "\n".join(["| language | understood |", "|---|---|", *rows])


def _tables() -> str:
    blind = [
        f"Second strangers\n{blind_table(SECOND_STRANGERS)}",
        f"Third strangers, blind\n{blind_table(THIRD_STRANGERS)}",
    ]
    return "\n\n".join((f"Ours\n{table()}", f"Strangers\n{table(STRANGERS)}", *blind))


def _said(share: Share) -> str:
    return f"{share.right} of {share.of}: {share.percent:.1f} %"


def show(language: str) -> str:
    listener = Listener(language)
    return "\n".join(
        f"{message.intent:16}{message.text!r}"
        for whose in (OURS, STRANGERS)
        for message in messages(language, whose)
        if not message.is_held_out and not listener.understands(message)
    )


if __name__ == "__main__":
    sys.stdout.write((show(sys.argv[1]) if len(sys.argv) > 1 else _tables()) + "\n")
