"""POST /v1/charges: what a grant opens, what it does not, and that one intent is one charge."""

import base64
import threading
from typing import Any

import pytest

from contracts.money import Currency
from contracts.states import Rail
from kit.grants import sign_grant
from kit.signing import KeyRing, sign_headers
from tests.support.payments import CALLERS, GRANTS, Desk


def test_a_grant_opens_a_charge_before_anything_is_sent(desk: Desk) -> None:
    response = desk.ask(desk.grant())

    charge = desk.charge()
    assert response.status_code == 202
    assert response.get_json() == {
        "charge_id": charge.charge_id,
        "intent_id": "intent-1",
        "status": "created",
        "reason": None,
    }
    assert desk.provider.orders == []
    assert desk.events() == []


def test_the_same_grant_gets_the_same_answer_whatever_happened_since(desk: Desk) -> None:
    grant = desk.grant()
    first = desk.ask(grant)
    desk.run_push()
    desk.wait(hours=30)

    again = desk.ask(grant)

    assert (again.status_code, again.data) == (202, first.data)
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert desk.count_charges() == 1
    assert len(desk.provider.orders) == 1


def test_an_intent_that_the_router_signed_anew_is_still_one_charge(desk: Desk) -> None:
    first = desk.ask(desk.grant())
    desk.wait(seconds=30)
    assert desk.ask(desk.grant()).data == first.data


@pytest.mark.parametrize(
    "changes",
    [
        {"amount_minor": 45_001},
        {"amount_minor": 1},
        {"currency": Currency.AOA},
        {"payer_msisdn": "254700000001"},
        {"vendor_id": "vendor-baraka"},
        {"request_id": "request-2"},
        {"account_reference": "OTHER"},
        {"description": "Other"},
    ],
)
def test_another_content_for_a_known_intent_is_refused(sqlite_desk: Desk, changes: dict[str, Any]) -> None:
    desk = sqlite_desk
    desk.ask(desk.grant())
    before = desk.charge()

    response = desk.ask(desk.grant(**changes))

    assert (response.status_code, response.get_json()["code"]) == (409, "grant_conflict")
    assert desk.charge() == before


def test_a_grant_first_seen_after_its_expiry_is_dead_and_announced_once(desk: Desk) -> None:
    grant = desk.grant()
    desk.wait(seconds=59.5)
    token = sign_grant(GRANTS, grant)
    desk.wait(seconds=0.5)

    responses = [desk.ask_token(token) for _ in range(3)]
    desk.run_push()

    for response in responses:
        assert response.status_code == 202
        assert (response.get_json()["status"], response.get_json()["reason"]) == ("failed", "not_sent")
    assert len({response.data for response in responses}) == 1
    (event,) = desk.events()
    assert (event.status, event.reason, event.may_retry) == ("failed", "not_sent", True)
    assert event.event_id == f"mpesa:{desk.charge().charge_id}:failed"
    assert desk.provider.orders == []


def test_a_grant_in_its_last_moment_still_opens(desk: Desk) -> None:
    grant = desk.grant()
    desk.wait(seconds=59.999)
    assert desk.ask(grant).get_json()["status"] == "created"


def tampered(token: str) -> list[str]:
    claims, key_id, signature = token.split(".")
    content = base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4))
    richer = base64.urlsafe_b64encode(content.replace(b"45000", b"10000")).decode().rstrip("=")
    return [
        f"{richer}.{key_id}.{signature}",
        f"{claims}.{key_id}.{'0' * 64}",
        f"{claims}.2.{signature}",
        f"{claims}.{key_id}.",
        claims,
        "",
        "..",
        "é.é.é",
        token + "0",
    ]


@pytest.mark.parametrize("number", range(9))
def test_a_grant_that_the_router_did_not_sign_charges_nothing(sqlite_desk: Desk, number: int) -> None:
    desk = sqlite_desk
    token = tampered(sign_grant(GRANTS, desk.grant()))[number]
    response = desk.ask_token(token)
    assert (response.status_code, response.get_json()["code"]) == (403, "grant_invalid")
    assert desk.count_charges() == 0


def test_the_bots_own_key_signs_no_grant(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    response = desk.ask_token(sign_grant(CALLERS, desk.grant()))
    assert (response.status_code, response.get_json()["code"]) == (403, "grant_invalid")
    assert desk.count_charges() == 0


def test_a_caller_without_the_bots_key_is_not_heard(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    token = sign_grant(GRANTS, desk.grant())
    stranger = desk.ask_token(token, ring=KeyRing.parse("1:" + "x" * 32))
    unsigned = desk.client.post("/v1/charges", json={"grant": token})
    assert {stranger.status_code, unsigned.status_code} == {401}
    assert desk.count_charges() == 0


def test_a_vendor_header_is_a_claim_that_must_fit_the_grant(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    token = sign_grant(GRANTS, desk.grant())
    wrong = desk.ask_token(token, vendor="vendor-baraka")
    assert (wrong.status_code, wrong.get_json()["code"]) == (403, "vendor_mismatch")
    assert desk.count_charges() == 0
    assert desk.ask_token(token, vendor="vendor-mama").status_code == 202


def test_the_intents_id_is_the_only_idempotency_key(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    other = desk.ask(desk.grant(), key="something-else")
    missing = desk.ask(desk.grant(), key="")
    assert (other.status_code, missing.status_code) == (422, 400)
    assert desk.count_charges() == 0


def test_a_rail_that_nothing_here_serves_is_refused(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    response = desk.ask(desk.grant(rail=Rail.GPO, currency=Currency.AOA))
    assert (response.status_code, response.get_json()["code"]) == (409, "rail_unavailable")
    assert desk.count_charges() == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"{", 400), (b"{}", 422), (b'{"grant": 5}', 422), (b'{"grant": "' + b"x" * 5000 + b'"}', 422)],
)
def test_a_body_that_is_no_charge_is_a_clear_error(sqlite_desk: Desk, body: bytes, status: int) -> None:
    desk = sqlite_desk
    headers = sign_headers(CALLERS, desk.clock.now(), "POST", "/v1/charges", body, idempotency_key="intent-1")
    response = desk.client.post("/v1/charges", data=body, headers=headers, content_type="application/json")
    assert (response.status_code, response.mimetype) == (status, "application/problem+json")
    assert desk.count_charges() == 0


def test_fifty_threads_with_one_grant_make_one_charge_and_one_push(desk: Desk) -> None:
    token = sign_grant(GRANTS, desk.grant())
    barrier = threading.Barrier(50)
    answers: list[tuple[int, bytes]] = []

    def ask() -> None:
        barrier.wait()
        response = desk.ask_token(token)
        answers.append((response.status_code, response.data))
        desk.pusher.turn()

    threads = [threading.Thread(target=ask) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 50
    assert len(set(answers)) == 1
    assert answers[0][0] == 202
    assert desk.count_charges() == 1
    assert len(desk.provider.orders) == 1
    assert desk.told() == ["pending"]
