"""How often who may ask: counted in this process, together in Redis, and while Redis is away."""

import socket
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
import redis
from structlog.testing import capture_logs

from contracts.ids import VendorId
from contracts.money import Currency
from contracts.router_api import PayResult
from contracts.states import FailureReason, PaymentEventStatus
from kit.clock import FixedClock
from kit.problems import Problem
from router.edge import Caller
from router.operations import Audience, KeyScope
from router.vendors.limits import RateLimiter
from router.vendors.rules import RateLimits, Vendor, VendorStatus
from router.vendors.windows import Windows
from tests.support.counter import AMINA, BARAKA, MAMA, Counter, make_counter
from tests.support.databases import NewDatabase
from tests.support.valkey import Valkey
from tests.support.vendor_api import vendor_api

BOT = Caller(Audience.BOT, "bot")
PATIENT_S = 20.0
"""For tests in which Redis is there: a busy machine must not look like one without it."""


class Seconds:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> Seconds:
    clock = Seconds()
    for module in ("limits", "windows"):
        monkeypatch.setattr(f"router.vendors.{module}.monotonic", clock)
    return clock


def shop(vendor_id: str = MAMA, **limits: int) -> Vendor:
    return Vendor(
        id=VendorId(vendor_id),
        name="Shop",
        word="shop",
        status=VendorStatus.ACTIVE,
        currency=Currency.KES,
        locale="en",
        timezone="Africa/Nairobi",
        has_own_database=False,
        capabilities=frozenset(),
        limits=RateLimits(**limits),
    )


def key(name: str = "key:1", vendor_id: str | None = MAMA) -> Caller:
    audience = Audience.OPERATOR if vendor_id is None else Audience.VENDOR
    return Caller(audience, name, None if vendor_id is None else VendorId(vendor_id))


def refusal(limiter: RateLimiter, caller: Caller, vendor: Vendor | None, customer: str | None = None) -> Problem | None:
    try:
        limiter.check(caller, vendor, customer)
    except Problem as problem:
        return problem
    return None


def let_in(limiter: RateLimiter, caller: Caller, vendor: Vendor | None, customer: str | None = None) -> bool:
    problem = refusal(limiter, caller, vendor, customer)
    if problem is None:
        return True
    assert (problem.status, problem.code) == (429, "too_many_requests")
    assert problem.retry_after_s is not None
    assert 1 <= problem.retry_after_s <= 60
    return False


def admitted(times: int, ask: Callable[[], bool]) -> int:
    return sum(ask() for _ in range(times))


# --- in this process -----------------------------------------------------------------------------------------------


def test_a_customer_who_asks_too_much_waits_and_no_other_does(seconds: Seconds) -> None:
    limiter, mama = RateLimiter(None), shop(customer_per_minute=3)
    assert admitted(5, lambda: let_in(limiter, BOT, mama, AMINA)) == 3
    assert let_in(limiter, BOT, mama, BARAKA)
    assert let_in(limiter, BOT, shop("other", customer_per_minute=3), AMINA)
    seconds.now_s += 59.9
    assert not let_in(limiter, BOT, mama, AMINA)
    seconds.now_s += 0.1
    assert admitted(5, lambda: let_in(limiter, BOT, mama, AMINA)) == 3


def test_a_key_that_asks_too_much_waits_and_its_sister_does_not(seconds: Seconds) -> None:
    limiter, mama = RateLimiter(None), shop(key_per_minute=3)
    assert admitted(5, lambda: let_in(limiter, key("key:1"), mama)) == 3
    assert admitted(5, lambda: let_in(limiter, key("key:2"), mama)) == 3


def test_the_keys_of_a_shop_together_can_t_take_more_than_the_shop_s_share(seconds: Seconds) -> None:
    limiter, mama = RateLimiter(None), shop(shop_per_minute=4, key_per_minute=3)
    assert admitted(5, lambda: let_in(limiter, key("key:1"), mama)) == 3
    assert admitted(5, lambda: let_in(limiter, key("key:2"), mama)) == 1
    assert let_in(limiter, key("key:3", "other"), shop("other", shop_per_minute=4))
    assert let_in(limiter, BOT, mama, AMINA)


def test_the_bot_s_calls_for_one_shop_leave_the_other_shops_alone(seconds: Seconds) -> None:
    limiter = RateLimiter(None)
    assert admitted(5, lambda: let_in(limiter, BOT, shop(bot_per_minute=3))) == 3
    assert let_in(limiter, BOT, shop("other", bot_per_minute=3))
    assert let_in(limiter, BOT, None)


def test_what_a_customer_is_refused_is_not_taken_from_the_shop(seconds: Seconds) -> None:
    limiter, mama = RateLimiter(None), shop(customer_per_minute=2, bot_per_minute=4)
    assert admitted(50, lambda: let_in(limiter, BOT, mama, AMINA)) == 2
    assert admitted(5, lambda: let_in(limiter, BOT, mama, BARAKA)) == 2
    assert admitted(5, lambda: let_in(limiter, BOT, mama, "whatsapp:+254700000002")) == 0


def test_a_limit_that_was_raised_counts_anew(seconds: Seconds) -> None:
    limiter = RateLimiter(None)
    assert admitted(5, lambda: let_in(limiter, key(), shop(key_per_minute=2))) == 2
    assert admitted(9, lambda: let_in(limiter, key(), shop(key_per_minute=6))) == 6


def test_a_person_with_the_development_key_is_not_counted(seconds: Seconds) -> None:
    limiter = RateLimiter(None)
    person = Caller(Audience.OPERATOR, "operator", scopes=frozenset(KeyScope), is_development=True)
    assert all(let_in(limiter, person, shop(key_per_minute=1)) for _ in range(5))


def test_a_key_of_the_platform_has_the_usual_limit(seconds: Seconds) -> None:
    limiter, operator, usual = RateLimiter(None), key("key:9", None), RateLimits().key_per_minute
    assert admitted(usual + 5, lambda: let_in(limiter, operator, None)) == usual


def test_the_payment_adapter_s_news_is_never_turned_away(seconds: Seconds) -> None:
    limiter = RateLimiter(None)
    usual = max(RateLimits().bot_per_minute, RateLimits().shop_per_minute)
    assert all(let_in(limiter, Caller(Audience.PAYMENT_ADAPTER, ""), None) for _ in range(usual + 1))


def test_what_was_counted_long_ago_takes_no_memory(seconds: Seconds) -> None:
    windows = Windows()
    for number in range(1000):
        assert windows.incr(f"customer/{number}", 60) == 1
    assert len(windows) == 1000
    seconds.now_s += 61
    assert windows.incr("customer/1", 60) == 1
    assert len(windows) == 1


def test_a_refusal_says_what_was_reached_and_when_to_come_back(counter: Counter) -> None:
    counter.operator("PATCH", f"/api/v1/vendors/{MAMA}/limits", {"key_per_minute": 2, "customer_per_minute": 1})
    api = vendor_api(counter)
    assert [api.get("/api/v1/shop").status for _ in range(3)] == [200, 200, 429]
    refused = api.get("/api/v1/shop")
    assert refused.code == "too_many_requests"
    assert (refused.body["limit"], refused.body["per_minute"]) == ("key", 2)
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert f"try again in {refused.headers['retry-after']} s" in refused.body["detail"]
    assert vendor_api(counter).get("/api/v1/shop").status == 200


def test_a_customer_is_told_apart_in_questions_and_commands(counter: Counter) -> None:
    counter.put("milk")
    counter.operator("PATCH", f"/api/v1/vendors/{MAMA}/limits", {"customer_per_minute": 2})
    assert counter.get("/v1/cart", customer=AMINA).status == 200
    assert counter.add("milk", who=AMINA).status == 200
    refused = counter.add("milk", who=AMINA)
    assert (refused.status, refused.code, refused.body["limit"]) == (429, "too_many_requests", "customer")
    assert counter.get("/v1/cart", customer=AMINA).code == "too_many_requests"
    assert counter.get("/v1/cart", customer=BARAKA).status == 200
    assert counter.get("/v1/catalog/items").status == 200


def test_refusals_are_counted_too(counter: Counter) -> None:
    counter.operator("PATCH", f"/api/v1/vendors/{MAMA}/limits", {"key_per_minute": 2})
    bare = counter.open_shop("vendor-bare", "Bare", capabilities=())
    counter.operator("PATCH", f"/api/v1/vendors/{bare}/limits", {"key_per_minute": 2})
    api = vendor_api(counter, vendor=bare)
    assert [api.get("/api/v1/orders").status for _ in range(3)] == [403, 403, 429]


# --- together in Redis ---------------------------------------------------------------------------------------------


def test_processes_count_together(valkey_server_url: str) -> None:
    one, other = (RateLimiter(valkey_server_url, redis_timeout_s=PATIENT_S) for _ in range(2))
    mama = shop(customer_per_minute=5)
    assert admitted(3, lambda: let_in(one, BOT, mama, AMINA)) == 3
    assert admitted(5, lambda: let_in(other, BOT, mama, AMINA)) == 2
    assert not let_in(one, BOT, mama, AMINA)


def test_portions_are_taken_ahead_but_never_more_than_the_limit(valkey_server_url: str) -> None:
    limiters = [RateLimiter(valkey_server_url, redis_timeout_s=PATIENT_S) for _ in range(3)]
    mama = shop(bot_per_minute=1000)  # a portion is ten
    let = sum(let_in(limiters[number % 3], BOT, mama) for number in range(1500))
    assert 1000 - 2 * 10 <= let <= 1000
    with redis.Redis.from_url(valkey_server_url) as client:
        calls = client.info("commandstats")
    asked = sum(calls.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("evalsha", "eval"))
    assert asked <= 150


def test_no_phone_number_goes_to_redis(valkey_server_url: str) -> None:
    limiter = RateLimiter(valkey_server_url, redis_timeout_s=PATIENT_S)
    assert let_in(limiter, BOT, shop(), AMINA)
    with redis.Redis.from_url(valkey_server_url, decode_responses=True) as client:
        names: list[str] = [*client.scan_iter("*")]
        lives: list[int] = [client.ttl(name) for name in names]
    assert len(names) == 2
    assert not [name for name in names if "254" in name]
    assert all(0 < life <= 60 for life in lives)


# --- while Redis is away -------------------------------------------------------------------------------------------


def test_requests_go_on_when_redis_is_lost_and_are_counted_here_until_it_is_back(
    own_valkey: Valkey, seconds: Seconds
) -> None:
    own_valkey.start()
    limiter, other = (RateLimiter(own_valkey.url, redis_timeout_s=PATIENT_S) for _ in range(2))
    mama = shop(customer_per_minute=5)
    assert admitted(2, lambda: let_in(limiter, BOT, mama, AMINA)) == 2
    own_valkey.kill()
    with capture_logs() as logs:
        assert admitted(9, lambda: let_in(limiter, BOT, mama, AMINA)) == 5
        seconds.now_s += 1
        assert not let_in(limiter, BOT, mama, AMINA)
    assert [entry["event"].split(";")[0] for entry in logs] == ["Redis is lost"]
    assert "254" not in str(logs)

    own_valkey.start()
    seconds.now_s += 60
    with capture_logs() as logs:
        assert admitted(3, lambda: let_in(limiter, BOT, mama, BARAKA)) == 3
    assert [entry["event"].split(";")[0] for entry in logs] == ["Redis is back"]
    assert admitted(9, lambda: let_in(other, BOT, mama, BARAKA)) == 2


def test_a_redis_that_was_restarted_meanwhile_is_not_taken_for_lost(own_valkey: Valkey, seconds: Seconds) -> None:
    own_valkey.start()
    limiter = RateLimiter(own_valkey.url, redis_timeout_s=PATIENT_S)
    assert let_in(limiter, BOT, shop(), AMINA)
    own_valkey.kill()
    own_valkey.start()
    with capture_logs() as logs:
        assert let_in(limiter, BOT, shop(), AMINA)
    assert logs == []


@pytest.fixture
def black_hole() -> Generator[socket.socket]:
    """Takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        server.setblocking(False)
        yield server


def test_only_one_request_now_and_then_waits_for_a_redis_that_does_not_answer(
    black_hole: socket.socket, seconds: Seconds
) -> None:
    limiter, mama = RateLimiter(f"redis://127.0.0.1:{black_hole.getsockname()[1]}/0"), shop()

    def tries() -> int:
        count = 0
        while True:
            try:
                black_hole.accept()[0].close()
            except BlockingIOError:
                return count
            count += 1

    assert admitted(50, lambda: let_in(limiter, BOT, mama, AMINA)) == 50
    first = tries()
    assert first >= 1
    seconds.now_s += 0.9
    assert admitted(50, lambda: let_in(limiter, BOT, mama, BARAKA)) == 50
    assert tries() == 0
    waits: list[float] = []
    for _ in range(5):
        waited = 0.0
        while tries() == 0:
            seconds.now_s += 1
            waited += 1
            assert let_in(limiter, key(f"key:{len(waits)}"), mama)
            assert waited < 100
        waits.append(waited)
    assert waits == [1, 2, 4, 8, 16]


def test_a_redis_that_was_never_there_costs_nobody_an_answer(tmp_path: Path, seconds: Seconds) -> None:
    limiter = RateLimiter(f"unix://{tmp_path}/nowhere")
    assert admitted(9, lambda: let_in(limiter, BOT, shop(customer_per_minute=5), AMINA)) == 5


@pytest.fixture
def counter_without_redis(new_database: NewDatabase, clock: FixedClock, tmp_path: Path) -> Generator[Counter]:
    """A router whose Redis does not answer."""
    yield from make_counter(new_database, clock, tmp_path, REDIS_URL=f"unix://{tmp_path}/nowhere")


def test_what_protects_money_holds_without_redis(counter_without_redis: Counter) -> None:
    counter, pushes = counter_without_redis, 0
    counter.put("milk", on_hand=None)

    def push(who: str, code: str) -> tuple[int, str]:
        answer = counter.pay(code, who=who, payer_msisdn="254708374149")
        if answer.status == 200:
            started, transaction = PayResult.model_validate(answer.body), f"ws_CO_{pushes}"
            cancelled = FailureReason.CANCELLED_BY_CUSTOMER
            counter.hear(started, PaymentEventStatus.FAILED, transaction=transaction, reason=cancelled)
        return answer.status, answer.body.get("code", "")

    for customer in range(3):
        who = f"whatsapp:KE.20000000000{customer + 10}"
        code = counter.confirmed("milk", who=who).code
        for _ in range(3):
            assert push(who, code)[0] == 200
            pushes += 1
        assert push(who, code) == (429, "attempts_exhausted")
    who = "whatsapp:KE.20000000000013"
    code = counter.confirmed("milk", who=who).code
    assert push(who, code)[0] == 200
    pushes += 1
    assert push(who, code) == (429, "payer_busy")
    assert pushes == 10
