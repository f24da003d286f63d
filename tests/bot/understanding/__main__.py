"""`python -m tests.bot.understanding`: the table of how much is understood. With a language (`… en`) the messages of
the development half that are not; those that were kept out are never listed."""

import sys

from tests.bot.understanding.measure import LANGUAGES, Listener, messages, shares


def table() -> str:
    rows = ["| language | messages | rules made with | kept out |", "|---|---|---|---|"]
    for language in LANGUAGES:
        seen, unseen = shares(language)
        rows.append(
            f"| {language} | {seen.of + unseen.of} | {seen.right} of {seen.of}: {seen.percent:.1f} % "
            f"| {unseen.right} of {unseen.of}: {unseen.percent:.1f} % |"
        )
    return "\n".join(rows)


def show(language: str) -> str:
    listener = Listener(language)
    return "\n".join(
        f"{message.intent:16}{message.text!r}"
        for message in messages(language)
        if not message.is_held_out and not listener.understands(message)
    )


if __name__ == "__main__":
    sys.stdout.write((show(sys.argv[1]) if len(sys.argv) > 1 else table()) + "\n")
