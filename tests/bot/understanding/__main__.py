"""`python -m tests.bot.understanding`: the tables of how much is understood, of our own messages and of strangers'.
With a language (`… en`) those of the development halves that are not; what was kept out is never listed, and of the
second strangers all is."""

import sys

from tests.bot.understanding.measure import (
    LANGUAGES,
    OURS,
    SECOND_STRANGERS,
    STRANGERS,
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


def blind_table() -> str:
    """Of the second strangers: measured blind first, then rules were made with all of their messages."""
    rows = [f"| {language} | {_said(whole(language, SECOND_STRANGERS))} |" for language in LANGUAGES]
    return "\n".join(["| language | understood |", "|---|---|", *rows])


def _tables() -> str:
    return f"Ours\n{table()}\n\nStrangers\n{table(STRANGERS)}\n\nSecond strangers\n{blind_table()}"


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
