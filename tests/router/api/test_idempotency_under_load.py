"""Fifty at once with one Idempotency-Key: one effect, and for everybody the same answer."""

import threading
from collections import Counter as Tally
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from kit import idempotency
from kit.idempotency import IdempotencyKey, Twins
from kit.problems import Problem
from router.databases import ops_idempotency
from router.orders import vendor_routes
from router.orders.models import orders
from tests.support.counter import BARAKA, MAMA, Answer, Counter
from tests.support.vendor_api import vendor_api

PATH = "/api/v1/orders"
BODY = {"customer_phone": "254708374149", "amount_minor": 3000}
MANY = 50
COME_AGAIN = {409: "idempotency_in_progress", 503: "unavailable"}
"""What a machine that is busy for seconds may say to a twin, or to a crowd."""


def at_once(asks: list[Callable[[], Answer]]) -> list[Answer]:
    """All of them, each in a thread of its own, started together."""
    together = threading.Barrier(len(asks))

    def ask(each: Callable[[], Answer]) -> Answer:
        together.wait(60)
        return each()

    with ThreadPoolExecutor(len(asks)) as pool:
        return list(pool.map(ask, asks))


def test_fifty_twins_make_one_order_and_hear_of_the_same_one(counter: Counter) -> None:
    api = vendor_api(counter)
    answers = at_once([lambda: api.post(PATH, BODY, key="one")] * MANY)
    made = [each for each in answers if each.status == 201]
    assert {(each.status, each.code) for each in answers if each.status != 201} <= set(COME_AGAIN.items())
    assert {each.body["order_id"] for each in made} == {row["id"] for row in counter.rows(orders)}
    assert len(counter.rows(orders)) == 1
    assert Tally(each.headers.get("idempotent-replayed") for each in made) == {None: 1, "true": len(made) - 1}
    assert api.post(PATH, BODY, key="one").headers["idempotent-replayed"] == "true"


def test_fifty_of_the_bot_s_twins_confirm_one_cart(counter: Counter) -> None:
    counter.put("milk", on_hand=100)
    counter.add("milk", 2)
    answers = at_once([lambda: counter.confirm(key="one")] * MANY)
    confirmed = [each for each in answers if each.status == 200]
    assert {each.status for each in answers} <= {200, *COME_AGAIN}
    assert len({each.body["order_id"] for each in confirmed}) == 1
    assert counter.shelf("milk") == (100, 2)
    assert counter.news() == ["order.confirmed"]


def test_one_key_with_two_bodies_is_one_order_and_refusals(counter: Counter) -> None:
    api = vendor_api(counter)
    other = {**BODY, "amount_minor": 5000}
    answers = at_once([lambda: api.post(PATH, BODY, key="one"), lambda: api.post(PATH, other, key="one")] * 10)
    (row,) = counter.rows(orders)
    won = BODY if row["total_minor"] == 3000 else other
    for asked, answer in zip([BODY, other] * 10, answers, strict=True):
        if answer.status not in COME_AGAIN:
            assert answer.status == (201 if asked == won else 422), answer
            assert asked == won or answer.code == "idempotency_key_reused"


def test_the_keys_of_different_callers_and_shops_have_nothing_in_common(counter: Counter) -> None:
    other = counter.open_shop("vendor-baraka", "Baraka Kitchen")
    ours, colleague, theirs = vendor_api(counter), vendor_api(counter), vendor_api(counter, vendor=other)
    answers = at_once(
        [
            *[lambda: ours.post(PATH, BODY, key="one")] * 5,
            *[lambda: colleague.post(PATH, BODY, key="one")] * 5,
            *[lambda: theirs.post(PATH, BODY, key="one")] * 5,
            *[
                lambda: counter.operator(
                    "POST", PATH, {**BODY, "amount_minor": 7000}, x_vendor_id=MAMA, idempotency_key="one"
                )
            ]
            * 5,
        ]
    )
    assert {each.status for each in answers} <= {201, *COME_AGAIN}
    assert Tally((row["vendor_id"], row["total_minor"]) for row in counter.rows(orders)) == {
        (MAMA, 3000): 2,
        (other, 3000): 1,
        (MAMA, 7000): 1,
    }


def test_different_keys_are_different_orders_however_many_come_at_once(counter: Counter) -> None:
    api = vendor_api(counter)
    answers = at_once([(lambda key=f"key-{number}": api.post(PATH, BODY, key=key)) for number in range(MANY)])
    served = [each for each in answers if each.status == 201]
    # Whoever is told to come back and does is served.
    assert {each.status for each in answers} <= {201, *COME_AGAIN}
    for number in range(MANY):
        assert api.post(PATH, BODY, key=f"key-{number}").status == 201
    assert len(served) > 0
    assert len(counter.rows(orders)) == MANY


class Crash(RuntimeError):
    """The process fails in the middle of the work."""


def test_a_first_try_that_crashes_leaves_nothing_and_the_second_is_the_first(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = vendor_api(counter)
    make = vendor_routes.draft_open_amount
    tries: list[int] = []

    def crash_after_it_was_made(*args: object) -> object:
        made = make(*args)  # pyright: ignore[reportArgumentType]  # passed on as it came
        tries.append(1)
        if len(tries) == 1:
            raise Crash
        return made

    monkeypatch.setattr(vendor_routes, "draft_open_amount", crash_after_it_was_made)
    first = api.post(PATH, BODY, key="one")
    assert (first.status, first.code) == (500, "internal")
    assert counter.rows(orders) == counter.rows(ops_idempotency) == []
    second = api.post(PATH, BODY, key="one")
    assert (second.status, "idempotent-replayed" in second.headers) == (201, False)
    assert len(counter.rows(orders)) == 1


def test_a_twin_of_one_that_takes_too_long_is_told_to_come_back(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "LOCK_WAIT_S", 0.2)
    api = vendor_api(counter)
    make = vendor_routes.draft_open_amount
    begun, go_on = threading.Event(), threading.Event()

    def take_long(*args: object) -> object:
        begun.set()
        assert go_on.wait(60)
        return make(*args)  # pyright: ignore[reportArgumentType]  # passed on as it came

    monkeypatch.setattr(vendor_routes, "draft_open_amount", take_long)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(api.post, PATH, BODY, key="one")
        assert begun.wait(60)
        twin = api.post(PATH, BODY, key="one")
        go_on.set()
        made = first.result(60)
    assert (twin.status, twin.code, twin.headers["retry-after"]) == (409, "idempotency_in_progress", "1")
    assert made.status == 201
    again = api.post(PATH, BODY, key="one")
    assert (again.status, again.body, again.headers["idempotent-replayed"]) == (201, made.body, "true")


def test_one_key_for_two_things_that_only_the_path_tells_apart_is_refused(quick_counter: Counter) -> None:
    quick_counter.put("milk")
    quick_counter.confirmed("milk")
    quick_counter.confirmed("milk", who=BARAKA)
    api = vendor_api(quick_counter)
    one, two = (event["event_id"] for event in api.get("/api/v1/events").body["events"])
    replay = "/api/v1/events/{}/replay"
    assert api.post(replay.format(one), {}, key="one").status == 202
    second = api.post(replay.format(two), {}, key="one")
    assert (second.status, second.code) == (422, "idempotency_key_reused")


# --- the crowd before the database ------------------------------------------------------------------------------------

KEY = IdempotencyKey("vendor-mama", "till", "orders.create", "one")


def test_whoever_comes_second_waits_for_the_first() -> None:
    twins, order = Twins(), list[str]()
    begun = threading.Event()

    def second() -> None:
        begun.set()
        with twins.first(KEY):
            order.append("second")

    with ThreadPoolExecutor(1) as pool:
        with twins.first(KEY):
            waiting = pool.submit(second)
            assert begun.wait(60)
            order.append("first")
        waiting.result(60)
    assert order == ["first", "second"]


def test_other_keys_wait_for_nobody_and_nothing_is_remembered_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "LOCK_WAIT_S", 0.0)
    twins = Twins()
    for key in (KEY, IdempotencyKey("vendor-mama", "till", "orders.create", "two")):
        with twins.first(KEY), pytest.raises(Problem, match="in_progress"), twins.first(KEY):
            pass
        with twins.first(key):
            pass
    with pytest.raises(Crash), twins.first(KEY):
        raise Crash
    with twins.first(KEY):
        pass
