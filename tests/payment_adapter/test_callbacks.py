"""Callbacks: stored before they are answered, believed only for the charge whose secret they know, applied once."""

import json
import secrets
import threading
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from contracts.states import PaymentEventStatus
from kit.db import Tx
from payment_adapter.callbacks.models import inbox
from payment_adapter.callbacks.service import MAX_ATTEMPTS, Callbacks
from payment_adapter.callbacks.watch import Suspicion
from payment_adapter.charges.record import Source
from payment_adapter.providers.base import Report, Unclear
from tests.support.payments import PAYER, Desk, stk, stk_paid

ACCEPTED = {"ResultCode": 0, "ResultDesc": "Accepted"}


def test_a_success_is_stored_and_announced_once_in_the_transaction_that_is_answered(desk: Desk) -> None:
    secret = desk.push()
    response = desk.send(secret, stk_paid())

    assert (response.status_code, response.get_json()) == (200, ACCEPTED)
    assert [(row.status, row.attempts) for row in desk.inbox()] == [("processed", 1)]
    assert desk.told() == ["pending", "paid"]

    desk.run_callbacks()

    assert desk.told() == ["pending", "paid"]
    event = desk.events()[-1]
    assert (event.event_id, event.status, event.provider) == ("mpesa:ws_CO_1:paid", "paid", "mpesa")
    assert (event.amount_minor, event.currency, event.receipt) == (45_000, "KES", "UF1E26WQJZ")
    assert (event.intent_id, event.vendor_id, event.payer_msisdn) == ("intent-1", "vendor-mama", PAYER)
    assert (event.reason, event.may_retry) == (None, False)
    assert event.occurred_at.isoformat() == "2026-11-20T09:00:30+00:00"


def test_the_raw_body_is_kept_with_the_headers_that_matter_and_no_others(desk: Desk) -> None:
    secret = desk.push()
    body = json.dumps(stk_paid(), indent=3).encode()
    desk.send(
        secret, body, **{"user-agent": "Daraja", "authorization": "Bearer secret", "x-forwarded-for": "196.201.214.200"}
    )

    (row,) = desk.inbox()
    assert bytes(row.body) == body
    assert row.headers == {
        "content-type": "application/json",
        "user-agent": "Daraja",
        "x-forwarded-for": "196.201.214.200",
    }


def test_the_same_callback_twice_is_one_fact(desk: Desk) -> None:
    secret = desk.push()
    for _ in range(3):
        assert desk.call_back(secret, stk_paid()).status_code == 200
    # The same news in other words is stored, and is no news.
    desk.call_back(secret, json.dumps(stk_paid(), indent=1).encode())

    assert [row.status for row in desk.inbox()] == ["processed", "ignored"]
    assert desk.told() == ["pending", "paid"]


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (stk(1032), stk_paid(), ["failed", "paid"]),
        (stk(1019), stk_paid(), ["expired", "paid"]),
        (stk_paid(), stk(1032), ["paid"]),
        (stk_paid(), stk(1019), ["paid"]),
        (stk(1032), stk(1037), ["failed"]),
        (stk(1037), stk(1019), ["failed"]),
    ],
)
def test_only_success_absorbs(desk: Desk, first: Any, second: Any, told: list[str]) -> None:
    secret = desk.push()
    desk.call_back(secret, first)
    desk.wait(hours=3)
    assert desk.call_back(secret, second).status_code == 200
    assert desk.told() == ["pending", *told]


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        (1, "failed", "insufficient_funds"),
        (1032, "failed", "cancelled_by_customer"),
        (1037, "failed", "unreachable"),
        (2001, "failed", "wrong_pin"),
        (1019, "expired", "prompt_expired"),
        ("5555", "failed", "provider_error"),
    ],
)
def test_a_failure_is_announced_with_its_reason(sqlite_desk: Desk, code: Any, status: str, reason: str) -> None:
    desk = sqlite_desk
    secret = desk.push()
    desk.call_back(secret, stk(code))

    event = desk.events()[-1]
    assert (event.event_id, event.status) == (f"mpesa:ws_CO_1:{status}", status)
    assert (event.reason, event.may_retry, event.amount_minor) == (reason, True, None)
    assert desk.charge().next_poll_at is None


@pytest.mark.parametrize("amount", [449, 451, 1, 449.99, "100.50"])
def test_another_amount_counts_once_the_provider_says_that_it_was_paid(sqlite_desk: Desk, amount: Any) -> None:
    desk = sqlite_desk
    secret = desk.push()
    desk.call_back(secret, stk_paid(amount))
    assert (desk.told(), [row.outcome for row in desk.inbox()]) == (["pending"], ["paid: asked"])

    desk.provider.findings = [Report(PaymentEventStatus.PAID)]
    assert desk.poller.turn()

    event = desk.events()[-1]
    assert (event.status, event.amount_minor, event.receipt) == ("paid", round(float(amount) * 100), "UF1E26WQJZ")
    assert desk.charge().amount.minor == 45_000


def test_a_success_without_an_amount_is_unknown_and_asked_about_at_once(desk: Desk) -> None:
    secret = desk.push()
    desk.wait(seconds=2)
    desk.call_back(secret, stk(0))
    assert desk.told() == ["pending", "unknown"]

    desk.provider.findings = [Report(PaymentEventStatus.PAID)]
    assert desk.poller.turn()

    assert desk.told() == ["pending", "unknown", "paid"]
    assert desk.events()[-1].amount_minor == 45_000


def test_a_callback_for_another_transaction_changes_nothing_and_is_left_for_a_person(desk: Desk) -> None:
    mama, baraka = desk.push("intent-1"), desk.push("intent-2")

    assert desk.call_back(baraka, stk_paid(id="ws_CO_1")).status_code == 200
    assert desk.call_back(mama, stk_paid(id="ws_CO_unheard_of")).status_code == 200

    assert [row.status for row in desk.inbox()] == ["failed", "failed"]
    assert desk.told() == ["pending", "pending"]


def test_a_receipt_counts_for_one_charge_only(desk: Desk) -> None:
    first, second = desk.push("intent-1"), desk.push("intent-2")
    desk.call_back(first, stk_paid(id="ws_CO_1"))
    desk.call_back(second, stk_paid(id="ws_CO_2"))

    assert [row.status for row in desk.inbox()] == ["processed", "failed"]
    assert desk.told() == ["pending", "pending", "paid"]


def test_a_second_receipt_for_a_paid_charge_is_left_for_a_person(desk: Desk) -> None:
    secret = desk.push()
    desk.call_back(secret, stk_paid())
    desk.call_back(secret, stk_paid(receipt="UF1E26WQJA"))

    assert [row.status for row in desk.inbox()] == ["processed", "failed"]
    assert desk.charge().receipt == "UF1E26WQJZ"
    assert desk.told() == ["pending", "paid"]


def test_a_callback_tells_an_unknown_push_its_transaction(desk: Desk) -> None:
    desk.provider.outcomes = [Unclear("timeout")]
    secret = desk.push()
    assert desk.charge().provider_transaction_id is None

    desk.call_back(secret, stk_paid(id="ws_CO_late"))

    assert desk.told() == ["unknown", "paid"]
    assert desk.events()[-1].event_id == "mpesa:ws_CO_late:paid"
    assert desk.events()[-1].provider_transaction_id == "ws_CO_late"


def test_an_unknown_push_can_not_adopt_another_charges_transaction(desk: Desk) -> None:
    desk.push("intent-1")
    desk.provider.outcomes = [Unclear("timeout")]
    secret = desk.push("intent-2")
    desk.call_back(secret, stk_paid(id="ws_CO_1"))

    assert desk.charge("intent-2").status == "unknown"
    assert desk.told() == ["pending", "unknown"]


def test_a_receipt_that_comes_after_a_query_enriches_what_was_announced(desk: Desk) -> None:
    secret = desk.push()
    desk.wait(seconds=15)
    desk.provider.findings = [Report(PaymentEventStatus.PAID)]
    desk.poller.turn()
    assert (desk.events()[-1].event_id, desk.events()[-1].receipt) == ("mpesa:ws_CO_1:paid", None)

    desk.call_back(secret, stk_paid(449))
    desk.call_back(secret, stk_paid(449) | {"again": 1})

    assert [event.event_id for event in desk.events()] == [
        "mpesa:ws_CO_1:pending",
        "mpesa:ws_CO_1:paid",
        "mpesa:ws_CO_1:paid:UF1E26WQJZ",
    ]
    last = desk.events()[-1]
    assert (last.status, last.receipt, last.amount_minor) == ("paid", "UF1E26WQJZ", 44_900)
    assert last.provider_transaction_id == "ws_CO_1"


@pytest.mark.parametrize(
    "secret", ["", "x", "0" * 63, "0" * 65, "G" * 64, "A" * 64, "0" * 64, "..%2f" + "0" * 59, "é" * 64]
)
def test_an_unknown_secret_is_not_found_and_leaves_nothing(sqlite_desk: Desk, secret: str) -> None:
    desk = sqlite_desk
    desk.push()
    response = desk.send(secret, stk_paid())
    assert (response.status_code, response.mimetype) == (404, "application/problem+json")
    assert list(desk.inbox()) == []


def test_a_known_secret_in_capitals_is_not_that_secret(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    secret = desk.push()
    assert desk.send(secret.upper(), stk_paid()).status_code == 404 or secret.upper() == secret


def test_a_thousand_forgeries_are_counted_and_change_nothing(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    desk.push()
    client = desk.client
    body = json.dumps(stk_paid()).encode()
    with capture_logs() as logs:
        statuses = {client.post(f"/callbacks/{secrets.token_hex(32)}", data=body).status_code for _ in range(1000)}

    assert statuses == {404}
    assert desk.watch.count(Suspicion.STRANGER) == 1000
    assert len(logs) == 1  # said once a minute, not once each
    assert (list(desk.inbox()), desk.told(), desk.charge().status) == ([], ["pending"], "accepted")


def test_a_charge_that_was_not_pushed_has_no_secret_to_guess(desk: Desk) -> None:
    import hashlib

    desk.ask(desk.grant())
    empty = hashlib.sha256(b"").hexdigest()
    assert desk.send(empty, stk_paid()).status_code == 404


@pytest.mark.parametrize(
    "body", [b"", b"not json", b"{}", b"\x00\xff", b'{"Body": {"stkCallback": {"ResultCode": 0}}}']
)
def test_a_malformed_body_with_a_known_secret_is_kept_and_makes_us_ask(sqlite_desk: Desk, body: bytes) -> None:
    desk = sqlite_desk
    secret = desk.push()
    desk.wait(seconds=1)

    response = desk.call_back(secret, body)

    assert (response.status_code, response.get_json()) == (200, ACCEPTED)
    (row,) = desk.inbox()
    assert (bytes(row.body), row.status) == (body, "failed")
    assert desk.told() == ["pending"]
    assert desk.charge().next_poll_at == desk.clock.now()


def test_a_malformed_body_after_the_end_asks_nothing(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    secret = desk.push()
    desk.call_back(secret, stk_paid())
    desk.call_back(secret, b"garbage")
    assert desk.charge().next_poll_at is None


def test_an_oversized_body_is_refused_and_changes_nothing(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    secret = desk.push()
    response = desk.send(secret, b" " * (64 * 1024 + 1))
    assert (response.status_code, response.mimetype) == (413, "application/problem+json")
    assert list(desk.inbox()) == []
    assert desk.send(secret, b" " * (64 * 1024)).status_code == 200


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
def test_a_callback_is_posted_or_refused(sqlite_desk: Desk, method: str) -> None:
    desk = sqlite_desk
    secret = desk.push()
    assert getattr(desk.client, method)(f"/callbacks/{secret}").status_code == 405


def test_a_callback_that_breaks_the_batch_holds_nobody_else_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = desk.push("intent-1"), desk.push("intent-2")
    real = desk.charges.report_all

    def poisonous(tx: Tx, news: Any, source: Source) -> Any:
        if any(charge.intent_id == "intent-1" for charge, _ in news):
            raise RuntimeError("a mistake of ours")
        return real(tx, news, source)

    monkeypatch.setattr(desk.charges, "report_all", poisonous)
    assert desk.send(bad, stk_paid(id="ws_CO_1")).status_code == 200
    assert desk.send(good, stk_paid(id="ws_CO_2", receipt="UF1E26WQJA")).status_code == 200
    desk.run_callbacks()
    assert desk.charge("intent-2").status == "paid"
    assert (desk.charge("intent-1").status, sorted(row.status for row in desk.inbox())) == (
        "accepted",
        ["processed", "received"],
    )

    for _ in range(MAX_ATTEMPTS):
        desk.wait(minutes=1)
        desk.run_callbacks()
    assert sorted((row.status, row.attempts) for row in desk.inbox()) == [("failed", MAX_ATTEMPTS), ("processed", 1)]


def test_a_callback_whose_processing_failed_once_is_applied_later(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = desk.push()
    with monkeypatch.context() as patch:

        def broken(*_: object) -> None:
            raise RuntimeError("a mistake of ours")

        patch.setattr(desk.charges, "report_all", broken)
        assert desk.send(secret, stk_paid()).status_code == 200
        assert [row.status for row in desk.inbox()] == ["received"]
        desk.run_callbacks()
    assert desk.told() == ["pending"]

    desk.wait(minutes=1)
    desk.run_callbacks()
    assert desk.told() == ["pending", "paid"]


def test_what_came_before_to_the_byte_says_nothing_anew(desk: Desk) -> None:
    secret = desk.push()
    assert desk.send(secret, b"not readable").status_code == 200
    asked_at = desk.charge().next_poll_at
    desk.wait(minutes=1)
    assert desk.send(secret, b"not readable").status_code == 200
    assert desk.charge().next_poll_at == asked_at
    assert len(desk.inbox()) == 1


def test_what_was_stored_before_a_crash_is_applied_after_it(desk: Desk) -> None:
    desk = replace(desk, applies_at_once=False)
    secret = desk.push()
    desk.send(secret, stk_paid())
    after = desk.restart()
    after.run_callbacks()
    assert after.told() == ["pending", "paid"]


def test_two_workers_apply_each_callback_once(desk: Desk) -> None:
    pushed = [desk.push(f"intent-{number}") for number in range(20)]
    for number, secret in enumerate(pushed, start=1):
        desk.send(secret, stk(1032, id=f"ws_CO_{number}"))
        desk.send(secret, stk_paid(id=f"ws_CO_{number}", receipt=f"UF1E26WQ{number:02}"))
    workers = [Callbacks(desk.db, desk.charges, desk.vault, desk.clock) for _ in range(4)]
    barrier = threading.Barrier(4)

    def work(worker: Callbacks) -> None:
        barrier.wait()
        while worker.turn():
            pass

    threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    desk.run_callbacks()

    paid = [event for event in desk.events() if event.status is PaymentEventStatus.PAID]
    assert len(paid) == 20
    assert all(row.status in ("processed", "ignored") and row.attempts == 1 for row in desk.inbox())


def test_no_log_line_of_a_purchase_holds_a_secret_or_the_payers_number(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    with capture_logs() as logs:
        secret = desk.push()
        desk.call_back(secret, stk_paid(1))
        desk.call_back(secret, b"garbage " + PAYER.encode())
        desk.call_back(secret, stk_paid(id="ws_CO_other_" + PAYER[-9:]))
        desk.send("0" * 64, stk_paid())
    assert logs
    assert not [line for line in logs if secret in repr(line) or PAYER[-9:] in repr(line)]


def test_the_inbox_names_the_vendor_of_its_charge(desk: Desk) -> None:
    secret = desk.push()
    desk.send(secret, stk_paid())
    with desk.db.read() as tx:
        row = tx.execute(select(inbox.c.vendor_id, inbox.c.charge_id)).one()
    assert tuple(row) == ("vendor-mama", desk.charge().charge_id)
