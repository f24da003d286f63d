"""Whatever fails, whenever: each endpoint hears of each aggregate in order, and of everything at least once."""

from collections import defaultdict
from collections.abc import Generator, Sequence
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.events import EventType
from kit.clock import FixedClock
from kit.outside import Answer, NoAnswer
from router.events.endpoints import enable_endpoint
from router.events.lanes import LEASE, resume_lane
from router.events.listing import Decision, decide
from router.events.models import outbox, webhook_attempts, webhook_deliveries, webhook_endpoints, webhook_lanes
from router.events.rules import PROBE_EVERY
from tests.support.databases import NewDatabase
from tests.support.mailroom import MAMA, OK, Heard, Mailroom, make_mailroom

URLS = ("https://one.example.com/", "https://two.example.com/")
AGGREGATES = ("order:1", "order:2", "order:3")

ok, refused, silent, gets_it_and_dies, dies_before = "ok", "refused", "silent", "gets it and dies", "dies before"
FATES = (ok, refused, silent, gets_it_and_dies, dies_before)

Step = tuple[str, int]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("announce"), st.integers(0, len(AGGREGATES) - 1)),
        st.tuples(st.just("carry"), st.just(0)),
        st.tuples(st.just("wait"), st.sampled_from((5, 70, 3600, 90_000))),
        st.tuples(st.just("retry"), st.integers(0, 20)),
    ),
    min_size=4,
    max_size=24,
)
"""What happens to the shop and its courier, one thing after another."""
FATES_IN_TURN = st.lists(st.sampled_from(FATES), min_size=0, max_size=20)
"""What becomes of the first requests that leave, whichever they are; every later one is accepted."""


class Killed(BaseException):
    """The process ends here."""


class World:
    """Endpoints whose answers were drawn, and what they have heard and accepted."""

    def __init__(self, mailroom: Mailroom, fates: Sequence[str]) -> None:
        self.mailroom = mailroom
        self.fates = {url: list(fates[at::2]) for at, url in enumerate(URLS)}
        self.announced: dict[str, list[str]] = defaultdict(list)
        self.accepted: dict[str, list[str]] = {url: [] for url in URLS}
        self.too_early: list[str] = []
        for url in URLS:
            mailroom.endpoint(url)
            mailroom.outside.replies[url] = self.reply

    def reply(self, heard: Heard) -> Answer:
        earlier = self.announced[heard.aggregate]
        earlier = earlier[: earlier.index(heard.event_id)]
        if not set(earlier) <= set(self.accepted[heard.url]):
            self.too_early.append(heard.event_id)
        fates = self.fates[heard.url]
        fate = fates.pop(0) if fates else ok
        if fate == dies_before:
            raise Killed
        if fate == silent:
            raise NoAnswer("timeout", "no answer")
        if fate == refused:
            return Answer(400, b"", {})
        self.accepted[heard.url].append(heard.event_id)
        if fate == gets_it_and_dies:
            raise Killed
        return OK

    def carry(self) -> None:
        try:
            self.mailroom.carry()
        except Killed:
            self.mailroom.courier.close()
            self.mailroom.courier = self.mailroom.new_courier()

    def take(self, step: Step) -> None:
        match step:
            case ("announce", which):
                aggregate = AGGREGATES[which]
                self.announced[aggregate].append(self.mailroom.announce(aggregate, EventType.ORDER_PAID))
            case ("wait", seconds):
                self.mailroom.clock.advance(timedelta(seconds=seconds))
            case ("retry", which):
                rows = self.mailroom.deliveries()
                if rows:
                    with self.mailroom.ops.of(MAMA).write() as tx:
                        decide(tx, MAMA, rows[which % len(rows)]["id"], Decision.RETRY, self.mailroom.clock.now())
            case _:
                self.carry()

    def come_to_rest(self) -> None:
        """In a world that is well again, with a person who enables what was disabled and retries what was parked."""
        for _ in range(40):
            self._enable()
            self.mailroom.clock.advance(max(LEASE, PROBE_EVERY) + timedelta(hours=15))
            self.carry()
            if set(self.mailroom.statuses()) <= {"delivered"}:
                return
            for row in self.mailroom.deliveries():
                if row["status"] == "parked":
                    with self.mailroom.ops.of(MAMA).write() as tx:
                        decide(tx, MAMA, row["id"], Decision.RETRY, self.mailroom.clock.now())
        raise AssertionError(self.mailroom.statuses())

    def _enable(self) -> None:
        for endpoint in self.mailroom.book.of(MAMA, anew=True):
            with self.mailroom.platform.write() as tx:
                enable_endpoint(tx, MAMA, endpoint.id)
            with self.mailroom.ops.of(MAMA).write() as tx:
                resume_lane(tx, MAMA, endpoint.id)


def play(mailroom: Mailroom, steps: Sequence[Step], fates: Sequence[str]) -> None:
    world = World(mailroom, fates)
    for step in steps:
        world.take(step)
    world.come_to_rest()
    assert world.too_early == []
    for url in URLS:
        first_heard = list(dict.fromkeys(mailroom.outside.by(url)))
        by_aggregate = {
            aggregate: [each for each in first_heard if each in ids] for aggregate, ids in world.announced.items()
        }
        assert by_aggregate == dict(world.announced)
        assert set(world.accepted[url]) == {each for ids in world.announced.values() for each in ids}


@pytest.fixture
def played(sqlite_database: NewDatabase, clock: FixedClock) -> Generator[Mailroom]:
    """Emptied between examples, since a database for each would take longer than the test."""
    with make_mailroom(sqlite_database, clock) as mailroom:
        yield mailroom


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, fates=FATES_IN_TURN)
def test_any_interleaving_keeps_the_order_and_loses_nothing(
    played: Mailroom, steps: list[Step], fates: list[str]
) -> None:
    play(_emptied(played), steps, fates)


@pytest.mark.proof
@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, fates=FATES_IN_TURN)
def test_very_many_interleavings_keep_the_order_and_lose_nothing(
    played: Mailroom, steps: list[Step], fates: list[str]
) -> None:
    play(_emptied(played), steps, fates)


HARD_DAY: list[Step] = [
    *[("announce", n % 3) for n in range(7)],
    ("carry", 0),
    ("wait", 70),
    ("carry", 0),
    ("announce", 1),
    ("wait", 3600),
    ("retry", 0),
    ("carry", 0),
    ("wait", 90_000),
    ("carry", 0),
]


@pytest.mark.parametrize("first", FATES)
def test_a_hard_day_ends_well_on_both_databases(mailroom: Mailroom, first: str) -> None:
    play(mailroom, HARD_DAY, [first, first, refused, gets_it_and_dies, silent, dies_before, ok, refused, silent])


def _emptied(mailroom: Mailroom) -> Mailroom:
    with mailroom.ops.of(MAMA).write() as tx:
        for table in (webhook_attempts, webhook_deliveries, webhook_lanes, outbox):
            tx.execute(table.delete())
    with mailroom.platform.write() as tx:
        tx.execute(webhook_endpoints.delete())
    mailroom.outside.heard.clear()
    mailroom.courier.close()
    mailroom.courier = mailroom.new_courier()
    return mailroom
