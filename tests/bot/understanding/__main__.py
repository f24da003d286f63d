"""`python -m tests.bot.understanding`: the tables of how much is understood, of our own messages and of strangers'.
With a language (`… en`) those of the development half that are not; what was kept out is never listed."""

import sys

from tests.bot.understanding.measure import LANGUAGES, OURS, STRANGERS, Listener, Share, messages, shares


def table(whose: str = OURS) -> str:
    rows = ["| language | messages | all | rules made with | kept out |", "|---|---|---|---|---|"]
    for language in LANGUAGES:
        seen, unseen = shares(language, whose)
        both = Share(seen.right + unseen.right, seen.of + unseen.of)
        rows.append(f"| {language} | {both.of} | {both.percent:.1f} % | {_said(seen)} | {_said(unseen)} |")
    return "\n".join(rows)


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
    said = show(sys.argv[1]) if len(sys.argv) > 1 else f"Ours\n{table()}\n\nStrangers\n{table(STRANGERS)}"
    sys.stdout.write(said + "\n")
