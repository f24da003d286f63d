"""Exchanging the key that wraps the vault's data keys, while the processes go on working.

The new key comes first in the file at once: a process that has not read it yet looks again when it meets a data key
that it can't open. Only when nothing is wrapped with the old one any more is that dropped."""

import secrets
from collections.abc import Callable
from pathlib import Path

from kit.db import Database
from kit.key_files import LOOK_EVERY_S, replace_text
from payment_adapter.vault.envelope import KEY_BYTES, MasterKeys
from payment_adapter.vault.master import Rewrapped, rewrap, wrapped_otherwise

UNTIL_NOTICED_S = LOOK_EVERY_S + 1
"""After this every process that uses the file wraps with its first key."""

_ROUNDS = 5


class KeysStay(RuntimeError):
    """Some data keys are still wrapped with an older key, so it stays. The text says whose, and what to do."""


def rotate_in_file(
    path: Path, db: Database, say: Callable[[str], None], wait: Callable[[float], None], *, keep_old: bool = False
) -> None:
    """All that is due; one that was cut off, or begun by hand, goes on where it was. `wait` takes seconds.

    Raises KeysStay, ValueError for a file that holds no keys, OSError."""
    held = _held(path)
    if len(held) == 1:
        held = [secrets.token_hex(KEY_BYTES), *held]
        replace_text(path, ",".join(held) + "\n")
        say(f"key {MasterKeys.parse(held[0]).keys[0].id} wraps from now on, and the one before still opens")
    else:
        say("a rotation that was begun before is finished")
    say(f"waiting {UNTIL_NOTICED_S:.0f} s until every process has read it")
    wait(UNTIL_NOTICED_S)
    master = MasterKeys.in_file(path)
    wrap_anew(db, master, say)
    for _ in range(_ROUNDS):
        # A transaction that began before everybody had read the file may have added one since.
        wait(UNTIL_NOTICED_S)
        if not wrapped_otherwise(db, master):
            break
        wrap_anew(db, master, say)
    left = wrapped_otherwise(db, master)
    if left:
        raise KeysStay(f"{sum(left.values())} data keys are still wrapped with {', '.join(left)}: run it again")
    if keep_old:
        say("done: the older keys open nothing any more; take them out of the file when you like")
        return
    replace_text(path, held[0] + "\n")
    say(f"done: {path} holds the new key alone. Keep a copy of it where the old one was kept")


def wrap_anew(db: Database, master: MasterKeys, say: Callable[[str], None]) -> Rewrapped:
    """Wrap everything with the first key. Raises KeysStay for what no key here opens."""
    done = rewrap(db, master, lambda done, of: say(f"{done} of {of} data keys are wrapped with the new key"))
    if done.closed:
        raise KeysStay(
            f"No key here opens the data keys of {', '.join(done.closed)}, so none was dropped. Put the key that they "
            "were wrapped with beside the others, or remove those shops' settings (`dukani secrets remove`)"
        )
    return done


def by_hand(name: str) -> list[str]:
    """What to do where the key stands in the environment, which a running process can't read again."""
    return [
        f"{name} stands in the environment, which a running process can't read again. With the present key as OLD, and",
        "NEW made by `openssl rand -hex 32`:",
        f"  1. set {name}=OLD,NEW for every payment adapter and restart it",
        f"  2. set {name}=NEW,OLD and restart it",
        "  3. run `dukani secrets rotate --master` with the same setting",
        f"  4. set {name}=NEW and restart it",
        f"To be spared the restarts, write the key into a file (0600) and set {name}=file:/path/to/it.",
    ]


def _held(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8").strip()
    MasterKeys.parse(text)
    return [part.strip() for part in text.split(",")]
