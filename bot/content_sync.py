"""Brings what Twilio keeps for us in step with what this version of the shop can send. Never takes anything away: an
older version may still be sending with it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import structlog

from bot.channels.twilio_contents import Content, all_contents
from bot.ports.twilio_content import ContentApiFailed, Existing
from bot.store import contents
from bot.store.contents import Known
from kit.clock import Clock
from kit.db import Database

UNSUBMITTED = "unsubmitted"
"""Twilio's word for a content that WhatsApp was never asked to approve."""

_JUST_SUBMITTED = "received"
_UNDECIDED = ("received", "pending", "paused")

_log = structlog.get_logger()


class Api(Protocol):
    """Twilio's Content API, as far as it is needed here."""

    def existing(self) -> Iterable[Existing]: ...
    def create(self, content: Content) -> str: ...
    def submit(self, sid: str, name: str) -> None: ...


class Done(StrEnum):
    """What became of one content."""

    THERE = "there"
    MADE = "made"
    MISSING = "missing"
    """It would be made, if this were not a dry run."""
    SUBMITTED = "submitted"


@dataclass(frozen=True, slots=True)
class Step:
    content: Content
    done: Done
    approval: str | None
    """Of a template."""
    reason: str | None = None
    """Why WhatsApp rejected it."""


def in_step(
    api: Api,
    db: Database,
    clock: Clock,
    account: str,
    *,
    pictures_at: str,
    submits: bool,
    is_dry_run: bool = False,
    on_step: Callable[[Step, int, int], None] = lambda step, number, total: None,
) -> list[Step]:
    """Each content is kept as soon as it is known, so that a run that was cut off goes on where it was. `pictures_at`:
    the address that a picture's name makes whole. `on_step` hears of each content, with its number and how many there
    are. Raises what `api` raises."""
    wanted = list(all_contents(pictures_at))
    with db.read() as tx:
        known = contents.of(tx, account)
    there: dict[str, Existing] = {}
    for one in api.existing():
        there.setdefault(one.name, one)
    steps: list[Step] = []
    for number, content in enumerate(wanted, start=1):
        step, sid = _one(
            api, content, there.get(content.name), submits=submits and not is_dry_run, makes=not is_dry_run
        )
        present = Known(content.name, sid, step.approval, step.reason) if sid is not None else None
        if present is not None and not is_dry_run and known.get(content.name) != present:
            with db.write() as tx:
                contents.keep(tx, account, present, clock.now())
        steps.append(step)
        on_step(step, number, len(wanted))
    return steps


def look(api: Api, db: Database, clock: Clock, account: str, *, pictures_at: str) -> None:
    """Keep how what exists stands now; make nothing. Raises what `api` raises."""
    wanted = {content.name: content for content in all_contents(pictures_at)}
    with db.read() as tx:
        known = contents.of(tx, account)
    for one in api.existing():
        content = wanted.get(one.name)
        if content is None or (one.name in known and known[one.name].sid != one.sid):
            continue  # another's, or a second of the same: the one that is used stays
        present = Known(one.name, one.sid, one.approval if content.is_template else None, one.reason or None)
        if known.get(one.name) != present:
            with db.write() as tx:
                contents.keep(tx, account, present, clock.now())


class Approvals:
    """Follows what WhatsApp decides about the templates that it was asked about, so that nobody has to look."""

    def __init__(self, api: Api, db: Database, clock: Clock, account: str, *, pictures_at: str) -> None:
        self._api = api
        self._db = db
        self._clock = clock
        self._account = account
        self._pictures_at = pictures_at

    def turn(self) -> bool:
        """For a loop: asks only while something is undecided. Always returns False: there is nothing more to do."""
        with self._db.read() as tx:
            known = contents.of(tx, self._account)
        if any(one.approval in _UNDECIDED for one in known.values()):
            try:
                look(self._api, self._db, self._clock, self._account, pictures_at=self._pictures_at)
            except ContentApiFailed as error:
                _log.warning("approvals of templates can't be looked up now", why=str(error))
        return False


def _one(api: Api, content: Content, found: Existing | None, *, submits: bool, makes: bool) -> tuple[Step, str | None]:
    approval = (found.approval if found is not None else UNSUBMITTED) if content.is_template else None
    reason = (found.reason or None) if found is not None and content.is_template else None
    done, sid = Done.THERE, found.sid if found is not None else None
    if sid is None:
        if not makes:
            return Step(content, Done.MISSING, approval), None
        done, sid = Done.MADE, api.create(content)
    if submits and approval == UNSUBMITTED:
        api.submit(sid, content.name)
        done, approval = Done.SUBMITTED, _JUST_SUBMITTED
    return Step(content, done, approval, reason), sid
