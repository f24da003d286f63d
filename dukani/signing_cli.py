"""`dukani signing-keys`: the keys that our own processes sign with, one per directed pair."""

from pathlib import Path

import click

PAIRS = {
    "bot-router": "DUKANI_KEY_BOT_ROUTER",
    "bot-adapter": "DUKANI_KEY_BOT_ADAPTER",
    "router-adapter": "DUKANI_KEY_ROUTER_ADAPTER",
    "grant": "DUKANI_KEY_GRANT",
    "events-adapter-router": "DUKANI_KEY_EVENTS_ADAPTER_ROUTER",
    "events-router-bot": "DUKANI_KEY_EVENTS_ROUTER_BOT",
}
_SENDER_AND_RECEIVER = {
    "bot-router": ("bot", "router"),
    "bot-adapter": ("bot", "payment adapter"),
    "router-adapter": ("router", "payment adapter"),
    "grant": ("router", "payment adapter"),
    "events-adapter-router": ("payment adapter", "router"),
    "events-router-bot": ("router", "bot"),
}


@click.group("signing-keys")
def keys() -> None:
    """The keys that our own processes sign with."""


@keys.command()
@click.argument("pair", type=click.Choice(list(PAIRS)))
@click.option(
    "--step",
    type=click.Choice(["add", "switch", "drop"]),
    help="Only this step: for processes on several machines, each with a copy of the file.",
)
def rotate(pair: str, step: str | None) -> None:
    """Exchange a pair's key while the processes go on working. Takes about a minute."""
    import time

    from dukani.key_rotation import Step, take_step
    from dukani.key_rotation import rotate as rotate_all
    from dukani.prepare import CannotStart
    from kit.settings import load_settings

    name = PAIRS[pair]
    path = load_settings().secret_file(name)
    if path is None:
        for line in _by_hand(name, *_SENDER_AND_RECEIVER[pair]):
            click.echo(line)
        raise CannotStart("Nothing was changed.")
    try:
        if step is None:
            rotate_all(path, click.echo, time.sleep)
        else:
            ids = ", ".join(key_id for key_id, _ in take_step(path, Step(step)))
            click.echo(f"{path} holds, the signing one first: {ids}")
            click.echo(_what_follows(Step(step), path))
    except (OSError, ValueError) as error:
        raise CannotStart(f"{name}: {error}") from error


def _by_hand(name: str, sender: str, receiver: str) -> list[str]:
    return [
        f"{name} stands in the environment, which a running process can't read again. With the present secret as",
        "OLD, and NEW made by `openssl rand -hex 32`:",
        f"  1. {receiver}: set {name}=1:OLD,2:NEW and restart it",
        f"  2. {sender}: set {name}=2:NEW,1:OLD and restart it",
        "  3. wait two minutes, set 2:NEW on both, and restart them",
        f"To be spared the restarts, write the secret into a file (0600) and set {name}=file:/path/to/it.",
    ]


def _what_follows(step: object, path: Path) -> str:
    from dukani.key_rotation import UNTIL_NOTICED_S, UNTIL_WORTHLESS_S, Step

    match step:
        case Step.ADD:
            return f"Copy it to {path} on the other machine, wait {UNTIL_NOTICED_S:.0f} s, then: --step switch"
        case Step.SWITCH:
            return f"Copy it to {path} on the other machine, wait {UNTIL_WORTHLESS_S:.0f} s, then: --step drop"
        case _:
            return f"Copy it to {path} on the other machine. Done."
