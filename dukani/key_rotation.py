"""Exchanging the key of a pair of processes that go on working: the new key is accepted first, then signed with, and
only when nothing that the old one signed is good any longer is the old one dropped."""

import secrets
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from kit.key_files import LOOK_EVERY_S, replace_text
from kit.signing import SKEW_S, Keys, parse_keys

UNTIL_NOTICED_S = LOOK_EVERY_S + 1
"""After this every process that uses the file has read it again."""

UNTIL_WORTHLESS_S = UNTIL_NOTICED_S + SKEW_S
"""After this nothing that was signed with the key before is accepted, whoever still has it (charge grants, too)."""


class Step(StrEnum):
    ADD = "add"
    SWITCH = "switch"
    DROP = "drop"


class NothingToDo(ValueError):
    """The file's keys do not stand where this step begins."""


def next_step(keys: Keys) -> Step:
    """Where a rotation stands: one key has none begun; of two, the newer signs once it was switched to."""
    if len(keys) == 1:
        return Step.ADD
    (signs, _), (other, _) = keys
    return Step.DROP if _age(signs) > _age(other) else Step.SWITCH


def take_step(path: Path, step: Step) -> Keys:
    """Write the keys as they are after this step, and return them. Raises NothingToDo, ValueError or OSError."""
    keys = parse_keys(path.read_text(encoding="utf-8").strip())
    due = next_step(keys)
    if due is not step:
        ids = " and ".join(key_id for key_id, _ in keys)
        raise NothingToDo(f"{path} holds key {ids}: the step that is due is {due}, not {step}")
    match step:
        case Step.ADD:
            after = (*keys, (_next_id(keys[0][0]), secrets.token_hex(32).encode()))
        case Step.SWITCH:
            after = (keys[1], keys[0])
        case Step.DROP:
            after = keys[:1]
    replace_text(path, ",".join(f"{key_id}:{secret.decode()}" for key_id, secret in after) + "\n")
    return after


def rotate(path: Path, say: Callable[[str], None], wait: Callable[[float], None]) -> None:
    """All that is due, with the pauses between; one that was cut off goes on where it was. `wait` takes seconds.

    Raises ValueError or OSError."""
    step = next_step(parse_keys(path.read_text(encoding="utf-8").strip()))
    if step is not Step.ADD:
        say("a rotation that was begun before is finished")
        wait(UNTIL_NOTICED_S if step is Step.SWITCH else UNTIL_WORTHLESS_S)
    if step is Step.ADD:
        (old, _), (new, _) = take_step(path, Step.ADD)
        say(f"key {new} is accepted beside key {old}; waiting {UNTIL_NOTICED_S:.0f} s until everybody knows it")
        wait(UNTIL_NOTICED_S)
        step = Step.SWITCH
    if step is Step.SWITCH:
        (new, _), (old, _) = take_step(path, Step.SWITCH)
        say(
            f"key {new} signs; waiting {UNTIL_WORTHLESS_S:.0f} s until nothing that key {old} signed is good any longer"
        )
        wait(UNTIL_WORTHLESS_S)
    ((new, _),) = take_step(path, Step.DROP)
    say(f"done: only key {new} is accepted now")


def _next_id(key_id: str) -> str:
    return str(int(key_id) + 1) if key_id.isascii() and key_id.isdigit() else f"{key_id}.2"


def _age(key_id: str) -> tuple[int, str]:
    """A later key's id is greater: `_next_id` makes it a greater number, or longer."""
    return len(key_id), key_id
