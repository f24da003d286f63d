"""Who gets in: every route that is served × everybody who might knock, with two shops' data present.

The routes are read from the application, so a new one is tried without anybody remembering to; one without a
declaration, or without a request to try it with, fails here."""

from collections.abc import Callable, Generator, Mapping
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest

from kit.clock import FixedClock
from kit.outside import Outside
from router.operations import Audience, KeyScope, Operation, operation_of
from tests.support.counter import MAMA, Answer, Counter, make_counter
from tests.support.databases import NewDatabase
from tests.support.neighbours import NEIGHBOUR, Neighbours, Request, is_known, neighbours, served
from tests.support.vendor_api import SHOP_SCOPES

FOR_ANYBODY = {"/health", "/ready", "/metrics", "/openapi.json"}
"""What carries nothing of any shop: may be served to all."""

Outcome = tuple[int, str]
HeadersFor = Callable[[Request], Mapping[str, str]]
OUT: Outcome = (401, "unauthenticated")

IN_PRODUCTION = {
    "DUKANI_ENV": "production",
    "DUKANI_BOT_PUBLIC_URL": "https://bot.example.com",
    "DUKANI_ADAPTER_PUBLIC_URL": "https://pay.example.com",
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_WHATSAPP_FROM": "whatsapp:+14155238886",
    "DUKANI_KEY_WEBHOOKS": "w" * 32,
}


def somewhere(_outside: Outside, _to: object, _within_s: object) -> list[object]:
    return [ip_address("93.184.215.14")]


@pytest.fixture
def world(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> Neighbours:
    """Both shops, and addresses of webhooks that lead to a machine which nobody calls."""
    monkeypatch.setattr(Outside, "_addresses", somewhere)
    return neighbours(counter)


@pytest.fixture
def in_production(new_database: NewDatabase, clock: FixedClock, tmp_path: Path) -> Generator[Counter]:
    yield from make_counter(new_database, clock, tmp_path, **IN_PRODUCTION)


def outcome(answer: Answer) -> Outcome:
    return answer.status, str((answer.body or {}).get("code", ""))


def is_let_in(operation: Operation, answer: Answer) -> bool:
    """Past admission, to the route's own work: done, or refused for what is there."""
    return answer.status in (operation.status, 409)


def of(*audiences: Audience) -> Callable[[Operation], bool]:
    return lambda operation: bool(operation.callers & set(audiences))


for_shops, for_operators, for_bot = of(Audience.VENDOR), of(Audience.OPERATOR), of(Audience.BOT)


def to_a_shop_s_key(operation: Operation, where_shops_may: Outcome) -> Outcome:
    """What a shop's good key is told: `where_shops_may`, or that this is not for shops."""
    if for_shops(operation):
        return where_shops_may
    return (403, "forbidden") if for_operators(operation) else OUT


def check(
    world: Neighbours,
    headers_for: HeadersFor,
    expected: Callable[[Operation], Outcome | None],
    *,
    peer: str = "127.0.0.1",
    is_her_own: bool = False,
) -> None:
    """Knock at every route. `expected` None: to be let in. What is refused changes nothing at all and, unless it is
    Mama's own key that is refused, shows nothing of hers."""
    wanted = [(operation, expected(operation)) for operation in served(world.counter)]
    before, wrong = world.everything(), list[str]()
    for operation, refusal in wanted:
        if refusal is None:
            continue
        request = world.request(operation)
        answer = world.knock(request, headers_for(request), peer=peer)
        where = f"{operation.method} {request.path}: {answer}"
        wrong += [] if outcome(answer) == refusal else [f"expected {refusal}: {where}"]
        wrong += [] if is_her_own else [f"shows {leak}: {where}" for leak in world.leaks(request, answer)]
    after = world.everything()
    wrong += [f"something changed {table}" for table in before if before[table] != after[table]]
    for operation, refusal in wanted:
        if refusal is None:
            request = world.request(operation)
            answer = world.knock(request, headers_for(request), peer=peer)
            wrong += [] if is_let_in(operation, answer) else [f"{operation.method} {request.path}: {answer}"]
    assert wrong == []


# --- what there is -------------------------------------------------------------------------------------------------


def test_no_route_is_served_without_saying_who_may_call_it(quick_counter: Counter) -> None:
    app = quick_counter.service.app
    open_to_all: set[str] = set()
    for rule in app.url_map.iter_rules():
        operation = operation_of(app.view_functions[rule.endpoint])
        if operation is None or Audience.ANYONE in operation.callers:
            open_to_all.add(rule.rule)
            assert rule.methods is not None
            assert rule.methods <= {"GET", "HEAD", "OPTIONS"}
        else:
            assert operation.path == rule.rule
            assert operation.callers
    assert {path for path in open_to_all if path not in FOR_ANYBODY and not path.startswith("/docs")} == set()


def test_every_route_is_tried_here(quick_counter: Counter) -> None:
    assert [operation.name for operation in served(quick_counter) if not is_known(operation)] == []


def test_what_belongs_to_a_shop_has_a_scope_and_what_is_the_platform_s_has_none(quick_counter: Counter) -> None:
    for operation in served(quick_counter):
        assert (operation.scope is not None) == for_shops(operation), operation.name
        assert operation.scope is not KeyScope.PLATFORM


# --- those who may -------------------------------------------------------------------------------------------------


def test_a_shop_s_key_opens_what_its_one_scope_says(world: Neighbours) -> None:
    keys = {scope: world.key(frozenset({scope, KeyScope.ORDERS_READ})) for scope in SHOP_SCOPES}

    def header(request: Request) -> Mapping[str, str]:
        return keys[request.operation.scope or KeyScope.SHOP_READ]

    def expected(operation: Operation) -> Outcome | None:
        if operation.name == "keys.make":  # for orders:write, which this key does not have itself
            return 403, "scope_missing"
        return None if for_shops(operation) else to_a_shop_s_key(operation, OUT)

    check(world, header, expected)


def test_a_key_of_the_platform_opens_what_operators_may(world: Neighbours) -> None:
    key = {**world.key(frozenset({KeyScope.PLATFORM}), None), "x-vendor-id": MAMA}
    check(world, lambda _: key, lambda operation: None if for_operators(operation) else OUT)


def test_a_person_on_this_machine_is_an_operator_in_local_mode(world: Neighbours) -> None:
    headers = {"x-internal-key": "dev-internal-secret", "x-vendor-id": MAMA}
    check(world, lambda _: headers, lambda operation: None if for_operators(operation) else OUT)


def test_an_operator_who_names_no_shop_is_asked_for_it(world: Neighbours) -> None:
    key = world.key(frozenset({KeyScope.PLATFORM}), None)
    needs_one = {
        operation.name: operation.of_shop and "<vendor_id>" not in operation.path for operation in served(world.counter)
    }

    def expected(operation: Operation) -> Outcome | None:
        if not for_operators(operation):
            return OUT
        return (400, "invalid_request") if needs_one[operation.name] else None

    check(world, lambda _: key, expected)


def test_the_bot_is_let_in_where_it_asks_and_nowhere_else(world: Neighbours) -> None:
    wrong: list[str] = []
    for operation in served(world.counter):
        request = world.request(operation)
        answer = world.knock(request, world.signed(request, MAMA))
        if for_bot(operation):
            wrong += [] if answer.status in (200, 201, 404, 409) else [f"{operation.name}: {answer}"]
        else:
            wrong += [] if outcome(answer) == OUT else [f"{operation.name}: {answer}"]
    assert wrong == []


# --- those who may not ---------------------------------------------------------------------------------------------


def test_a_key_without_the_scope_is_told_which_one_is_missing(world: Neighbours) -> None:
    without = {scope: world.key(SHOP_SCOPES - {scope}) for scope in SHOP_SCOPES}

    def header(request: Request) -> Mapping[str, str]:
        return without[request.operation.scope or KeyScope.SHOP_READ]

    check(world, header, lambda operation: to_a_shop_s_key(operation, (403, "scope_missing")))


def test_nobody_is_let_in_who_proves_nothing(world: Neighbours) -> None:
    check(world, lambda _: {}, lambda _: OUT)


def test_a_claimed_shop_proves_nothing(world: Neighbours) -> None:
    check(world, lambda _: {"x-vendor-id": MAMA}, lambda _: OUT)


def test_a_key_that_has_ended_opens_nothing(world: Neighbours) -> None:
    keys = [world.key(lasts=timedelta(minutes=1)), world.key(frozenset({KeyScope.PLATFORM}), None, lasts=timedelta(1))]
    world.counter.clock.advance(timedelta(days=1))
    for key in keys:
        check(world, lambda _, key=key: {**key, "x-vendor-id": MAMA}, lambda _: OUT)


def test_a_revoked_key_opens_nothing(world: Neighbours) -> None:
    for key in (world.key(is_revoked=True), world.key(frozenset({KeyScope.PLATFORM}), None, is_revoked=True)):
        check(world, lambda _, key=key: {**key, "x-vendor-id": MAMA}, lambda _: OUT)


def test_a_malformed_token_opens_nothing(world: Neighbours) -> None:
    cut = world.key()["authorization"][:-1]
    for made in ("", "Bearer", "Bearer dev-internal-secret", "Basic dXNlcjpwYXNz", "Bearer a b", cut):
        check(world, lambda _, made=made: {"authorization": made, "x-vendor-id": MAMA}, lambda _: OUT)


def test_a_key_of_another_shop_can_t_claim_to_be_this_one(world: Neighbours) -> None:
    key = {**world.key(vendor=NEIGHBOUR), "x-vendor-id": MAMA}
    check(world, lambda _: key, lambda operation: to_a_shop_s_key(operation, (403, "vendor_mismatch")))


def test_a_suspended_shop_s_key_opens_nothing(world: Neighbours) -> None:
    key = world.key()
    assert world.counter.operator("POST", f"/api/v1/vendors/{MAMA}/suspend").status == 200
    check(world, lambda _: key, lambda operation: to_a_shop_s_key(operation, (403, "forbidden")), is_her_own=True)


def test_the_development_key_opens_nothing_from_afar(world: Neighbours) -> None:
    headers = {"x-internal-key": "dev-internal-secret", "x-vendor-id": MAMA}
    for peer in ("192.0.2.1", "::ffff:192.0.2.1", "not-an-address"):
        check(world, lambda _: headers, lambda _: OUT, peer=peer)
    for name in ("x-forwarded-for", "forwarded", "via", "x-real-ip", "x-forwarded-host", "x-forwarded-proto"):
        check(world, lambda _, name=name: {**headers, name: "127.0.0.1"}, lambda _: OUT)


def test_another_word_than_the_development_key_opens_nothing(world: Neighbours) -> None:
    for word in ("", "dev-internal-secret ", "DEV-INTERNAL-SECRET", "dev-internal-secreu", "b" * 32):
        check(world, lambda _, word=word: {"x-internal-key": word, "x-vendor-id": MAMA}, lambda _: OUT)


def test_the_development_key_opens_nothing_in_production_even_if_all_else_fits(
    in_production: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Outside, "_addresses", somewhere)
    world = neighbours(in_production)
    headers = {"x-internal-key": "dev-internal-secret", "x-vendor-id": MAMA}
    check(world, lambda _: headers, lambda _: OUT)
    assert not {"/orders", "/vendors"} & {rule.rule for rule in in_production.service.app.url_map.iter_rules()}


def test_a_signature_is_good_for_the_shop_that_it_was_made_for_alone(world: Neighbours) -> None:
    check(world, lambda request: {**world.signed(request, NEIGHBOUR), "x-vendor-id": MAMA}, lambda _: OUT)


# --- next door -----------------------------------------------------------------------------------------------------


def next_door(
    world: Neighbours, headers_for: Callable[[Request], Mapping[str, str]], may: Callable[[Operation], bool]
) -> None:
    """Knock at what a neighbour may use, asking for Mama's things: nothing of hers is shown, none of it changes."""
    wrong: list[str] = []
    before = world.mamas()
    for operation in filter(may, served(world.counter)):
        request = world.request(operation)
        answer = world.knock(request, headers_for(request))
        where = f"{operation.method} {request.path}: {answer}"
        is_about_hers = any(thing in request.path for name, thing in world.things.items() if name != "capability")
        wrong += [f"found: {where}"] if is_about_hers and answer.status != 404 else []
        wrong += [f"broken: {where}"] if answer.status >= 500 or answer.status in (401, 403) else []
        wrong += [f"shows {leak}: {where}" for leak in world.leaks(request, answer)]
        wrong += [f"changed hers: {where}"] if world.mamas() != before else []
    assert wrong == []


def test_another_shop_s_key_finds_none_of_this_shop_s_things(world: Neighbours) -> None:
    key = world.key(vendor=NEIGHBOUR)
    next_door(world, lambda _: key, for_shops)


def test_the_bot_asking_for_another_shop_finds_none_of_this_shop_s_things(world: Neighbours) -> None:
    def asks_for_one_shop(operation: Operation) -> bool:
        return for_bot(operation) and operation.of_shop

    next_door(world, lambda request: world.signed(request, NEIGHBOUR), asks_for_one_shop)


def test_two_shops_share_an_idempotency_key_without_sharing_answers(world: Neighbours) -> None:
    body = b'{"customer_phone": "254700000009", "amount_minor": 3000}'
    headers = {"idempotency-key": "same", "content-type": "application/json"}
    ours, theirs = world.key(), world.key(vendor=NEIGHBOUR)
    first, second = (
        world.counter.send_unsigned("POST", "/api/v1/orders", body, headers={**headers, **key})
        for key in (ours, theirs)
    )
    assert (first.status, second.status) == (201, 201)
    assert first.body != second.body
    assert "idempotent-replayed" not in second.headers
