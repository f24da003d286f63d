"""Bulkheads and brakes: what is slow, down or at its quota for one shop slows nobody else."""

import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager

import pytest

from contracts.money import Currency
from contracts.states import PUSHED_RAILS, PaymentEventStatus, Rail
from kit.clock import FixedClock
from payment_adapter.charges.lanes import FIRST_PAUSE_S, LONGEST_PAUSE_S, Brakes, Lane, Lanes, shared
from payment_adapter.providers.base import Accepted, ChargeOrder, ChargeRef, NoAnswer, Outcome, Refused, Report
from payment_adapter.vault.service import Credentials
from tests.support.databases import NewDatabase
from tests.support.payments import PAYER, Desk, ScriptedProvider, failure
from tests.support.references import ScriptedReferences

LONG_S = 30.0
MAMA, BARAKA, FUNDI = "vendor-mama", "vendor-baraka", "vendor-fundi"


class Tick:
    """Monotonic time that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class SlowFor(ScriptedProvider):
    """Keeps every request of one shop waiting until it is released."""

    def __init__(self, vendor_id: str) -> None:
        super().__init__()
        self.vendor_id = vendor_id
        self.released = threading.Event()
        self.guard = threading.Lock()
        self.waiting = 0
        self.most_waiting = 0

    def create_charge(self, order: ChargeOrder, credentials: Credentials) -> Outcome:
        self._hold(credentials)
        with self.guard:
            return super().create_charge(order, credentials)

    def look_up(self, charge: ChargeRef, credentials: Credentials) -> Report | NoAnswer:
        self._hold(credentials)
        return super().look_up(charge, credentials)

    def _hold(self, credentials: Credentials) -> None:
        if credentials.vendor_id != self.vendor_id:
            return
        with self.guard:
            self.waiting += 1
            self.most_waiting = max(self.most_waiting, self.waiting)
        assert self.released.wait(LONG_S)
        with self.guard:
            self.waiting -= 1


@contextmanager
def working(turn: Callable[[], bool], threads: int, provider: SlowFor) -> Generator[None]:
    """So many threads take turns until there is nothing left that they may do; the slow shop is released at the end."""
    done = threading.Event()

    def work() -> None:
        while not done.is_set():
            if not turn():
                done.wait(0.01)

    crew = [threading.Thread(target=work) for _ in range(threads)]
    for thread in crew:
        thread.start()
    try:
        yield
    finally:
        provider.released.set()
        done.set()
        for thread in crew:
            thread.join(LONG_S)


def until(is_so: Callable[[], bool]) -> None:
    for _ in range(int(LONG_S * 50)):
        if is_so():
            return
        threading.Event().wait(0.02)
    raise AssertionError("it never came to that")


def open_charges(desk: Desk, vendor_id: str, count: int) -> None:
    desk.plant(vendor_id)
    for number in range(count):
        assert desk.ask(desk.grant(f"{vendor_id}-{number}", vendor_id=vendor_id)).status_code == 202


def pushed_for(provider: ScriptedProvider, vendor_id: str) -> int:
    return len([each for each in provider.credentials if each.vendor_id == vendor_id])


def test_a_provider_that_is_slow_for_one_shop_takes_no_thread_of_the_others(
    new_database: NewDatabase, clock: FixedClock
) -> None:
    slow = SlowFor(MAMA)
    desk = Desk(new_database("payments"), clock, slow, push_lanes=Lanes(per_lane=2, per_provider=6))
    open_charges(desk, MAMA, 10)
    open_charges(desk, BARAKA, 5)
    open_charges(desk, FUNDI, 5)

    with working(desk.pusher.turn, 4, slow):
        until(lambda: slow.waiting == 2 and (pushed_for(slow, BARAKA), pushed_for(slow, FUNDI)) == (5, 5))
        assert pushed_for(slow, MAMA) == 0
        assert slow.most_waiting == 2
        slow.released.set()
        until(lambda: pushed_for(slow, MAMA) == 10)


def test_a_provider_that_is_slow_for_everybody_leaves_threads_for_the_other_provider(
    sqlite_database: NewDatabase, clock: FixedClock
) -> None:
    slow, other = SlowFor(MAMA), ScriptedReferences()
    lanes = Lanes(per_lane=9, per_provider=3)
    desk = Desk(sqlite_database("payments"), clock, slow, others=[other], push_lanes=lanes)
    open_charges(desk, MAMA, 10)
    desk.plant(provider="ekwanza")
    for number in range(5):
        wanted = {"rail": Rail.GPO, "currency": Currency.AOA, "payer_msisdn": PAYER}
        assert Rail.GPO in PUSHED_RAILS
        assert desk.ask(desk.grant(f"gpo-{number}", **wanted)).status_code == 202

    with working(desk.pusher.turn, 4, slow):
        until(lambda: slow.waiting == 3 and len(other.orders) == 5)


def test_a_look_up_that_is_slow_for_one_shop_leaves_threads_for_the_others(
    sqlite_database: NewDatabase, clock: FixedClock
) -> None:
    slow = SlowFor(MAMA)
    slow.released.set()
    desk = Desk(sqlite_database("payments"), clock, slow, poll_lanes=Lanes(per_lane=1, per_provider=9))
    open_charges(desk, MAMA, 6)
    open_charges(desk, BARAKA, 3)
    desk.run_push()
    slow.released.clear()
    desk.wait(seconds=15)
    slow.findings = [Report(PaymentEventStatus.PAID)] * 20

    with working(desk.poller.turn, 3, slow):
        until(lambda: slow.waiting == 1 and desk.told().count("paid") == 3)
        assert slow.most_waiting == 1


def test_what_waits_too_long_behind_a_slow_provider_is_not_sent_and_offered_again(
    sqlite_database: NewDatabase, clock: FixedClock
) -> None:
    slow = SlowFor(MAMA)
    desk = Desk(sqlite_database("payments"), clock, slow, push_lanes=Lanes(per_lane=1, per_provider=9))
    open_charges(desk, MAMA, 5)

    with working(desk.pusher.turn, 2, slow):
        until(lambda: slow.waiting == 1)
        clock.advance(desk.grant().expires_at - clock.now())
        until(lambda: desk.told().count("failed") == 4)
    assert len(slow.orders) == 1
    lapsed = [event for event in desk.events() if event.status is PaymentEventStatus.FAILED]
    assert {(event.reason, event.may_retry) for event in lapsed} == {("not_sent", True)}


def test_a_shop_with_one_charge_does_not_wait_behind_one_with_many(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    open_charges(desk, MAMA, 5)
    desk.wait(seconds=1)
    open_charges(desk, BARAKA, 1)
    assert desk.push_lanes.enter(("mpesa", MAMA))  # one of mama's is under way
    desk.pusher.turn()
    assert pushed_for(desk.provider, BARAKA) == 1
    desk.pusher.turn()
    assert pushed_for(desk.provider, MAMA) == 1


# --- brakes -----------------------------------------------------------------------------------------------------------


def test_after_a_spike_arrest_the_shops_other_pushes_wait_and_then_go_one_by_one(
    sqlite_database: NewDatabase, clock: FixedClock
) -> None:
    tick = Tick()
    desk = Desk(sqlite_database("payments"), clock, push_lanes=Lanes(brakes=Brakes(tick)))
    open_charges(desk, MAMA, 4)
    open_charges(desk, BARAKA, 1)
    desk.provider.outcomes = [Refused(failure(is_throttled=True))]

    desk.run_push()
    assert (pushed_for(desk.provider, MAMA), pushed_for(desk.provider, BARAKA)) == (1, 1)
    tick.now += FIRST_PAUSE_S - 0.1
    assert not desk.pusher.turn()

    tick.now += 0.1
    desk.provider.outcomes = [Refused(failure(is_throttled=True))]
    desk.run_push()
    assert pushed_for(desk.provider, MAMA) == 2
    tick.now += FIRST_PAUSE_S
    assert not desk.pusher.turn()  # twice as long as the first time

    tick.now += FIRST_PAUSE_S
    desk.run_push()
    assert pushed_for(desk.provider, MAMA) == 4
    assert sorted(desk.told()) == ["failed", "failed", "pending", "pending", "pending"]


def test_a_refusal_that_is_about_one_customer_brakes_nobody(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    open_charges(desk, MAMA, 3)
    desk.provider.outcomes = [Refused(failure())]
    desk.run_push()
    assert len(desk.provider.orders) == 3


def test_a_look_up_that_is_throttled_brakes_the_shops_look_ups(sqlite_database: NewDatabase, clock: FixedClock) -> None:
    tick = Tick()
    desk = Desk(sqlite_database("payments"), clock, poll_lanes=Lanes(brakes=Brakes(tick)))
    open_charges(desk, MAMA, 3)
    desk.run_push()
    desk.wait(seconds=15)
    desk.provider.findings = [NoAnswer("HTTP 429", is_throttled=True)]
    desk.run_polls()
    assert len(desk.provider.asked) == 1
    tick.now += FIRST_PAUSE_S
    desk.run_polls()
    assert len(desk.provider.asked) == 3


@pytest.mark.parametrize("times", [1, 2, 3, 10])
def test_a_pause_doubles_and_has_a_limit(times: int) -> None:
    tick = Tick()
    brakes, lane = Brakes(tick), ("mpesa", MAMA)
    paused_for = 0.0
    for _ in range(times):
        brakes.note(lane, is_throttled=True)
        assert brakes.limits() == {lane: 0}
        paused_for = 0.0
        while brakes.limits()[lane] == 0:
            tick.now += 0.5
            paused_for += 0.5
    assert paused_for == min(FIRST_PAUSE_S * 2 ** (times - 1), LONGEST_PAUSE_S)
    brakes.note(lane, is_throttled=False)
    assert brakes.limits() == {}


def test_answers_to_what_was_under_way_already_lengthen_no_pause() -> None:
    tick = Tick()
    brakes, lane = Brakes(tick), ("mpesa", MAMA)
    for _ in range(5):
        brakes.note(lane, is_throttled=True)
    tick.now += FIRST_PAUSE_S
    assert brakes.limits() == {lane: 1}


def test_a_lane_has_so_many_places_and_gives_them_back() -> None:
    lanes = Lanes(per_lane=2, per_provider=3)
    mama, baraka, other = ("mpesa", MAMA), ("mpesa", BARAKA), ("ekwanza", MAMA)
    assert [lanes.enter(mama) for _ in range(3)] == [True, True, False]
    assert [lanes.enter(baraka), lanes.enter(baraka), lanes.enter(other)] == [True, False, True]
    assert next(lanes.to_avoid()) == ([other, baraka, mama], ["mpesa"])
    lanes.leave(mama, is_throttled=None)
    assert lanes.enter(baraka)


def test_a_push_that_breaks_off_gives_its_place_back(sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = sqlite_desk
    open_charges(desk, MAMA, 4)

    def broken(*_: object) -> Accepted:
        raise RuntimeError("a mistake of ours")

    with monkeypatch.context() as patch:
        patch.setattr(desk.charges, "claim", broken)
        for _ in range(4):
            with pytest.raises(RuntimeError):
                desk.pusher.turn()
    desk.run_push()
    assert len(desk.provider.orders) == 4


@pytest.mark.parametrize(
    ("processes", "of_shop", "of_provider"), [(1, 3, 8), (2, 2, 4), (3, 1, 3), (8, 1, 1), (100, 1, 1)]
)
def test_processes_share_what_a_provider_is_asked_at_once_and_none_stands_still(
    processes: int, of_shop: int, of_provider: int
) -> None:
    def let_in(lanes: Iterable[Lane]) -> int:
        mine = shared(processes, per_lane=3, per_provider=8, brakes=Brakes())
        return sum(mine.enter(lane) for lane in lanes)

    assert let_in([("mpesa", MAMA)] * 20) == of_shop
    assert let_in([("mpesa", f"vendor-{number}") for number in range(20)]) == of_provider
