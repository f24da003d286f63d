"""The one push of a charge: claim, commit, call, commit, with the process dying at every step in between."""

import re
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import delete
from sqlalchemy.exc import OperationalError

from contracts.money import Currency, Money
from kit.db import Database, Tx
from payment_adapter.charges.models import charges
from payment_adapter.charges.push import LEASE
from payment_adapter.charges.record import Charge
from payment_adapter.providers.base import Accepted, ChargeOrder, Outcome, Refused, Unclear
from payment_adapter.vault.models import credentials
from tests.support.payments import PAYER, PUBLIC_URL, Desk, failure, stk, stk_paid


class Killed(BaseException):
    """The process ends here: nothing of it that would follow is run."""


def test_a_push_asks_for_what_the_grant_says_and_for_nothing_else(desk: Desk) -> None:
    desk.push()

    (order,) = desk.provider.orders
    assert order.amount == Money(45_000, Currency.KES)
    assert (order.payer_msisdn, order.account_reference, order.description) == (PAYER, "K7M3QD", "Mama Njeri")
    assert order.send_before == desk.grant().expires_at
    assert re.fullmatch(re.escape(PUBLIC_URL) + r"/callbacks/[0-9a-f]{64}", order.callback_url.reveal())
    assert desk.provider.credentials[0].vendor_id == "vendor-mama"


def test_an_accepted_push_is_announced_as_pending_with_its_transaction(desk: Desk) -> None:
    desk.push()

    charge = desk.charge()
    assert (charge.status, charge.provider_transaction_id) == ("accepted", "ws_CO_1")
    assert charge.provider_request_id == "merchant-1"
    (event,) = desk.events()
    assert (event.event_id, event.status) == ("mpesa:ws_CO_1:pending", "pending")
    assert (event.provider_transaction_id, event.intent_id) == ("ws_CO_1", "intent-1")
    assert (event.amount_minor, event.receipt, event.reason) == (None, None, None)


def test_a_refused_push_fails_with_its_reason(desk: Desk) -> None:
    desk.provider.outcomes = [Refused(failure())]
    desk.push()

    charge = desk.charge()
    assert (charge.status, charge.reason, charge.may_retry) == ("failed", "busy", True)
    (event,) = desk.events()
    assert (event.event_id, event.status) == (f"mpesa:{charge.charge_id}:failed", "failed")
    assert (event.reason, event.may_retry) == ("busy", True)


@pytest.mark.parametrize("outcome", [Unclear("no answer"), RuntimeError("a mistake of ours")])
def test_a_push_without_a_clear_answer_is_unknown_and_never_repeated(
    desk: Desk, outcome: Unclear | RuntimeError
) -> None:
    desk.provider.outcomes = [outcome]
    desk.push()
    for _ in range(5):
        desk.wait(hours=1)
        desk.run_push()
        desk.restart().run_push()

    assert (desk.charge().status, desk.told()) == ("unknown", ["unknown"])
    assert desk.events()[0].event_id == f"mpesa:{desk.charge().charge_id}:unknown"
    assert len(desk.provider.orders) == 1


def test_a_charge_whose_grant_ran_out_before_its_claim_is_not_pushed(desk: Desk) -> None:
    desk.ask(desk.grant())
    desk.wait(seconds=60)
    desk.run_push()

    assert desk.provider.orders == []
    (event,) = desk.events()
    assert (event.status, event.reason, event.may_retry) == ("failed", "not_sent", True)


def test_a_charge_in_the_last_moment_of_its_grant_is_pushed(desk: Desk) -> None:
    desk.ask(desk.grant())
    desk.wait(seconds=59.999)
    desk.run_push()
    assert desk.told() == ["pending"]


def test_a_vendor_without_credentials_gets_no_one_elses(desk: Desk) -> None:
    desk.push("intent-2", vendor_id="vendor-baraka")

    assert desk.provider.orders == []
    (event,) = desk.events()
    assert (event.vendor_id, event.status, event.reason, event.may_retry) == (
        "vendor-baraka",
        "failed",
        "shop_setup",
        False,
    )


def test_credentials_that_do_not_open_fail_that_vendor_alone(desk: Desk) -> None:
    desk.plant("vendor-baraka")
    with desk.db.write() as tx:
        theirs = credentials.c.vendor_id == "vendor-baraka"
        tx.execute(credentials.update().where(theirs).values(sealed="v1.k1.AAAA"))
    desk.ask(desk.grant("intent-2", vendor_id="vendor-baraka"))
    desk.push("intent-1")

    assert sorted((event.vendor_id, event.status, event.reason) for event in desk.events()) == [
        ("vendor-baraka", "failed", "shop_setup"),
        ("vendor-mama", "pending", None),
    ]


def test_charges_are_pushed_oldest_first(desk: Desk) -> None:
    for number in range(5):
        desk.ask(desk.grant(f"intent-{number}", account_reference=f"ORDER{number}"))
        desk.wait(seconds=1)
    desk.run_push()
    assert [order.account_reference for order in desk.provider.orders] == [f"ORDER{n}" for n in range(5)]


def test_every_charge_has_a_callback_secret_of_its_own_that_is_not_stored(desk: Desk) -> None:
    secrets = {desk.push(f"intent-{number}") for number in range(10)}
    assert len(secrets) == 10
    with desk.db.read() as tx:
        stored = repr(tx.execute(charges.select()).all())
    assert not [secret for secret in secrets if secret in stored]


# --- crashes ------------------------------------------------------------


def test_a_crash_before_the_claim_loses_nothing(desk: Desk) -> None:
    desk.ask(desk.grant())
    after = desk.restart()
    after.run_push()
    assert (len(desk.provider.orders), after.told()) == (1, ["pending"])


def test_a_crash_between_claim_and_call_is_unknown_and_pushes_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.ask(desk.grant())

    def killed(*_: object) -> Outcome:
        raise Killed

    monkeypatch.setattr(desk.pusher, "_call", killed)
    with pytest.raises(Killed):
        desk.run_push()
    assert desk.charge().status == "claimed"

    after = desk.restart()
    after.run_push()
    after.run_push()

    assert (after.charge().status, after.told(), desk.provider.orders) == ("unknown", ["unknown"], [])


def test_a_crash_while_the_provider_is_called_is_unknown_and_pushes_no_second_time(desk: Desk) -> None:
    desk.ask(desk.grant())
    desk.provider.outcomes = [Killed()]
    with pytest.raises(Killed):
        desk.run_push()

    after = desk.restart()
    after.run_push()

    assert (after.charge().status, after.told(), len(desk.provider.orders)) == ("unknown", ["unknown"], 1)


def test_a_crash_before_the_answer_is_committed_is_unknown_and_its_callback_still_counts(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.ask(desk.grant())

    def killed(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(desk.pusher._claims, "commit_answer", killed)  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(Killed):
        desk.run_push()
    after = desk.restart()
    after.run_push()
    assert (after.told(), len(desk.provider.orders)) == (["unknown"], 1)

    after.call_back(after.secret(), stk_paid())

    assert (after.charge().status, after.told()) == ("paid", ["unknown", "paid"])
    assert after.charge().provider_transaction_id == "ws_CO_1"


def test_an_answer_that_can_not_be_stored_at_first_is_stored_later(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.ask(desk.grant())
    real, failures = desk.charges.finish, [OperationalError("x", {}, Exception("gone")), TimeoutError()]

    def flaky(tx: Tx, charge_id: str, outcome: Outcome) -> None:
        if failures:
            raise failures.pop()
        real(tx, charge_id, outcome)

    monkeypatch.setattr(desk.charges, "finish", flaky)
    desk.run_push()
    assert desk.told() == ["pending"]


def test_an_answer_that_can_never_be_stored_makes_the_charge_unknown_while_the_process_lives(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.ask(desk.grant())

    def broken(*_: object) -> None:
        raise OperationalError("x", {}, Exception("gone"))

    monkeypatch.setattr(desk.charges, "finish", broken)
    with pytest.raises(OperationalError):
        desk.run_push()
    assert desk.charge().status == "claimed"

    assert desk.pusher.recover()
    desk.run_push()

    assert (desk.charge().status, desk.told(), len(desk.provider.orders)) == ("unknown", ["unknown"], 1)


@contextmanager
def in_flight(desk: Desk, outcome: Outcome) -> Generator[None]:
    """While this lasts, the push is on its way; then it is answered with `outcome` and committed."""
    may_end, has_begun = threading.Event(), threading.Event()

    def slow(_order: ChargeOrder) -> Outcome:
        has_begun.set()
        assert may_end.wait(20)
        return outcome

    desk.provider.outcomes = [slow]
    thread = threading.Thread(target=desk.run_push)
    thread.start()
    assert has_begun.wait(20)
    try:
        yield
    finally:
        may_end.set()
        thread.join(20)


def test_a_push_under_way_is_not_taken_for_lost_by_its_own_process(desk: Desk) -> None:
    desk.ask(desk.grant())
    with in_flight(desk, Accepted("ws_CO_1", None)):
        desk.wait(hours=1)
        assert not desk.pusher.recover()
        assert desk.charge().status == "claimed"
    assert desk.told() == ["pending"]


def test_a_process_elsewhere_is_believed_for_the_length_of_its_lease(desk: Desk) -> None:
    desk.ask(desk.grant())
    desk.provider.outcomes = [Killed()]
    with pytest.raises(Killed):
        Desk(desk.db, desk.clock, desk.provider).run_push()

    desk.wait(seconds=LEASE.total_seconds() - 1)
    desk.restart().run_push()
    assert desk.charge().status == "claimed"
    desk.wait(seconds=1)
    desk.restart().run_push()
    assert desk.told() == ["unknown"]


def test_an_answer_that_comes_after_its_claim_was_given_up_still_counts(desk: Desk) -> None:
    desk.ask(desk.grant())
    with in_flight(desk, Accepted("ws_CO_1", "merchant-1")):
        stranger = Desk(desk.db, desk.clock, desk.provider)
        desk.wait(hours=1)
        stranger.pusher.turn()
        assert desk.charge().status == "unknown"
    assert desk.told() == ["unknown", "pending"]
    assert (desk.charge().status, desk.charge().provider_transaction_id) == ("accepted", "ws_CO_1")


@pytest.mark.parametrize(
    ("callback", "status", "told"),
    [(stk_paid(), "paid", ["paid"]), (stk(1032), "failed", ["failed"]), (stk(1019), "expired", ["expired"])],
)
def test_a_callback_that_overtakes_the_answer_to_the_push_wins(
    desk: Desk, callback: dict[str, Any], status: str, told: list[str]
) -> None:
    desk.ask(desk.grant())
    with in_flight(desk, Accepted("ws_CO_1", "merchant-1")):
        assert desk.call_back(desk.secret(), callback).status_code == 200
        assert desk.charge().status == status
    assert (desk.charge().status, desk.told()) == (status, told)


def test_an_answer_that_was_committed_just_before_is_not_taken_for_lost(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.ask(desk.grant())
    with in_flight(desk, Accepted("ws_CO_1", None)):
        seen_as_claimed = [desk.charge()]
    after = desk.restart()

    def unfinished(_tx: Tx) -> list[Charge]:
        return seen_as_claimed

    monkeypatch.setattr(after.charges, "unfinished", unfinished)
    after.pusher.turn()
    assert (desk.charge().status, desk.told()) == ("accepted", ["pending"])


def test_an_answer_does_not_resolve_the_doubt_that_a_callback_raised(desk: Desk) -> None:
    desk.ask(desk.grant())
    with in_flight(desk, Accepted("ws_CO_1", "merchant-1")):
        desk.call_back(desk.secret(), stk(0))
        assert desk.told() == ["unknown"]
    assert (desk.charge().status, desk.told()) == ("unknown", ["unknown"])
    assert desk.charge().next_poll_at is not None


def test_an_answer_with_a_foreign_transaction_id_is_not_believed(desk: Desk) -> None:
    desk.push("intent-1")
    desk.provider.outcomes = [Accepted("ws_CO_1", None)]
    desk.push("intent-2")

    assert desk.charge("intent-2").status == "unknown"
    assert desk.charge("intent-2").provider_transaction_id is None
    assert desk.told() == ["pending", "unknown"]


def test_many_workers_push_each_charge_once_and_take_none_for_lost(
    desk: Desk, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for number in range(30):
        desk.ask(desk.grant(f"intent-{number}", account_reference=f"ORDER{number}"))
    guard = threading.Lock()
    given = iter(range(1, 100))

    def accept(_order: ChargeOrder) -> Outcome:
        with guard:
            return Accepted(f"ws_CO_{next(given)}", None)

    desk.provider.outcomes = [accept] * 30
    elsewhere = [tmp_path_factory.mktemp("elsewhere") for _ in range(2)]
    workers = [Desk(desk.db, desk.clock, desk.provider, folder) for folder in (desk.folder, desk.folder, *elsewhere)]
    threads = [threading.Thread(target=worker.run_push) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    desk.run_push()

    assert sorted(order.account_reference for order in desk.provider.orders) == sorted(f"ORDER{n}" for n in range(30))
    assert desk.told() == ["pending"] * 30


def test_an_idle_pusher_takes_no_write_lock(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_self: Database) -> None:
        raise AssertionError("an idle turn opened a write transaction")

    monkeypatch.setattr(Database, "write", refuse)
    assert not desk.pusher.turn()
    assert not desk.poller.turn()
    assert not desk.callbacks.turn()


def test_removed_credentials_stop_a_push_that_was_not_claimed(desk: Desk) -> None:
    desk.ask(desk.grant())
    with desk.db.write() as tx:
        tx.execute(delete(credentials))
    desk.run_push()
    assert [(event.status, event.reason) for event in desk.events()] == [("failed", "shop_setup")]
