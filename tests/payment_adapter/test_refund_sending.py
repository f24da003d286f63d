"""The one request of a refund: claim, commit, call, commit, with the process dying at every step in between."""

import re
import threading
from collections.abc import Generator
from contextlib import contextmanager

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import OperationalError

from contracts.payment_api import RefundStatus
from kit.clock import FixedClock
from kit.db import Database, Tx
from payment_adapter.providers.base import RefundAnswer, RefundOrder
from payment_adapter.refunds import models
from payment_adapter.refunds.record import Refund
from payment_adapter.refunds.send import LEASE
from payment_adapter.vault.models import credentials, sets
from tests.support.databases import NewDatabase
from tests.support.refunds import PUBLIC_URL, TAKEN, RefundDesk, result


class Killed(BaseException):
    """The process ends here: nothing of it that would follow is run."""


@pytest.fixture
def desk(new_database: NewDatabase, clock: FixedClock) -> RefundDesk:
    made = RefundDesk(new_database("payments"), clock)
    made.plant()
    made.pay()
    return made


@pytest.mark.parametrize(
    ("answer", "status", "detail", "still_gone"),
    [
        (TAKEN, "pending", None, 45_000),
        (RefundAnswer(RefundStatus.DONE, "id-1"), "done", None, 45_000),
        (RefundAnswer(RefundStatus.FAILED, detail="M-Pesa is busy"), "failed", "M-Pesa is busy", 0),
        (RefundAnswer(RefundStatus.UNKNOWN, detail="no answer"), "unknown", "no answer", 45_000),
        (RuntimeError("a mistake of ours"), "unknown", "broke off: RuntimeError", 45_000),
    ],
)
def test_the_answer_is_announced_as_it_is(
    desk: RefundDesk, answer: RefundAnswer | RuntimeError, status: str, detail: str | None, still_gone: int
) -> None:
    desk.provider.answers = [answer]
    desk.send()
    (event,) = desk.events()
    assert (event.status, event.detail, event.event_id) == (status, detail, f"refund:refund-1:{status}")
    assert (desk.refund().status, desk.gone_back()) == (status, still_gone)


@pytest.mark.parametrize("answer", [RefundAnswer(RefundStatus.UNKNOWN), RuntimeError("a mistake of ours"), TAKEN])
def test_a_refund_is_never_sent_a_second_time(desk: RefundDesk, answer: RefundAnswer | RuntimeError) -> None:
    desk.provider.answers = [answer]
    desk.send()
    for _ in range(6):
        desk.wait(hours=8)
        desk.run()
        desk = desk.restart()
        desk.run()
    assert len(desk.provider.orders) == 1
    assert desk.refund().status == "unknown"


def test_every_refund_has_an_address_of_its_own_whose_secret_is_not_stored(desk: RefundDesk) -> None:
    secrets = {desk.send(f"refund-{number}", amount_minor=100) for number in range(5)}
    assert len(secrets) == 5
    address = desk.provider.orders[0].result_url.reveal()
    assert re.fullmatch(re.escape(PUBLIC_URL) + r"/callbacks/refunds/[0-9a-f]{64}", address)
    with desk.db.read() as tx:
        stored = repr(tx.execute(models.refunds.select()).all()) + repr(tx.execute(models.addresses.select()).all())
    assert not [secret for secret in secrets if secret in stored]


def test_refunds_are_sent_oldest_first(desk: RefundDesk) -> None:
    for number in range(4):
        desk.ask(f"refund-{number}", amount_minor=100)
        desk.wait(seconds=1)
    desk.run()
    assert [order.refund_id for order in desk.provider.orders] == [f"refund-{number}" for number in range(4)]


def test_settings_that_were_removed_meanwhile_fail_the_refund_and_free_its_money(desk: RefundDesk) -> None:
    desk.ask()
    with desk.db.write() as tx:
        tx.execute(delete(credentials))
        tx.execute(delete(sets))
    desk.run()
    (event,) = desk.events()
    assert (event.status, desk.gone_back(), desk.provider.orders) == ("failed", 0, [])
    assert event.detail is not None
    assert "settings" in event.detail


def test_settings_that_do_not_open_fail_the_refund(desk: RefundDesk) -> None:
    desk.ask()
    with desk.db.write() as tx:
        tx.execute(update(credentials).values(sealed="v1.k1.AAAA"))
    desk.run()
    assert (desk.told(), desk.provider.orders) == (["failed"], [])


# --- crashes ------------------------------------------------------------


def test_a_crash_before_the_claim_loses_nothing(desk: RefundDesk) -> None:
    desk.ask()
    after = desk.restart()
    after.run()
    assert (len(desk.provider.orders), after.told()) == (1, ["pending"])


def test_a_crash_between_claim_and_call_is_unknown_and_sends_nothing(
    desk: RefundDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.ask()

    def killed(*_: object) -> RefundAnswer:
        raise Killed

    monkeypatch.setattr(desk.sender, "_call", killed)
    with pytest.raises(Killed):
        desk.run()
    assert desk.refund().status == "claimed"

    after = desk.restart()
    after.run()

    assert (after.refund().status, after.told(), desk.provider.orders) == ("unknown", ["unknown"], [])
    assert after.gone_back() == 45_000


def test_a_crash_while_the_provider_is_called_is_unknown_and_not_repeated(desk: RefundDesk) -> None:
    desk.ask()
    desk.provider.answers = [Killed()]
    with pytest.raises(Killed):
        desk.run()

    after = desk.restart()
    after.run()

    assert (after.refund().status, after.told(), len(desk.provider.orders)) == ("unknown", ["unknown"], 1)


def test_a_crash_before_the_answer_is_committed_is_unknown_and_its_result_still_counts(
    desk: RefundDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.ask()

    def killed(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(desk.sender._claims, "commit_answer", killed)  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(Killed):
        desk.run()
    after = desk.restart()
    after.run()
    assert (after.told(), len(desk.provider.orders)) == (["unknown"], 1)

    after.tell(after.secret(), result())

    assert (after.refund().status, after.told()) == ("done", ["unknown", "done"])


def test_an_answer_that_can_not_be_stored_at_first_is_stored_later(
    desk: RefundDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.ask()
    real, failures = desk.refunds.finish, [OperationalError("x", {}, Exception("gone")), TimeoutError()]

    def flaky(tx: Tx, refund_id: str, answer: RefundAnswer) -> None:
        if failures:
            raise failures.pop()
        real(tx, refund_id, answer)

    monkeypatch.setattr(desk.refunds, "finish", flaky)
    desk.run()
    assert desk.told() == ["pending"]


def test_an_answer_that_can_never_be_stored_makes_the_refund_unknown_while_the_process_lives(
    desk: RefundDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.ask()

    def broken(*_: object) -> None:
        raise OperationalError("x", {}, Exception("gone"))

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(desk.refunds, "finish", broken)
        with pytest.raises(OperationalError):
            desk.run()
    assert desk.refund().status == "claimed"

    assert desk.sender.recover()
    desk.run()

    assert (desk.refund().status, desk.told(), len(desk.provider.orders)) == ("unknown", ["unknown"], 1)


@contextmanager
def in_flight(desk: RefundDesk, answer: RefundAnswer) -> Generator[None]:
    """While this lasts, the request is on its way; then it is answered with `answer` and committed."""
    may_end, has_begun = threading.Event(), threading.Event()

    def slow(_order: RefundOrder) -> RefundAnswer:
        has_begun.set()
        assert may_end.wait(60)
        return answer

    desk.provider.answers = [slow]
    thread = threading.Thread(target=desk.sender.turn)
    thread.start()
    assert has_begun.wait(60)
    try:
        yield
    finally:
        may_end.set()
        thread.join(60)


def test_a_request_under_way_is_not_taken_for_lost_by_its_own_process(desk: RefundDesk) -> None:
    desk.ask()
    with in_flight(desk, TAKEN):
        desk.wait(hours=1)
        assert not desk.sender.recover()
        assert desk.refund().status == "claimed"
    assert desk.told() == ["pending"]


def test_a_process_elsewhere_is_believed_for_the_length_of_its_lease(desk: RefundDesk) -> None:
    desk.ask()
    desk.provider.answers = [Killed()]
    with pytest.raises(Killed):
        RefundDesk(desk.db, desk.clock, desk.provider).run()

    desk.wait(seconds=LEASE.total_seconds() - 1)
    desk.restart().run()
    assert desk.refund().status == "claimed"
    desk.wait(seconds=1)
    desk.restart().run()
    assert desk.told() == ["unknown"]


@pytest.mark.parametrize(
    ("answer", "status", "told"),
    [
        (TAKEN, "unknown", ["unknown"]),
        (RefundAnswer(RefundStatus.DONE), "done", ["unknown", "done"]),
        (RefundAnswer(RefundStatus.FAILED), "failed", ["unknown", "failed"]),
    ],
)
def test_an_answer_that_comes_after_its_claim_was_given_up_still_counts(
    desk: RefundDesk, answer: RefundAnswer, status: str, told: list[str]
) -> None:
    desk.ask()
    with in_flight(desk, answer):
        stranger = RefundDesk(desk.db, desk.clock, desk.provider)
        desk.wait(hours=1)
        stranger.sender.turn()
        assert desk.refund().status == "unknown"
    assert (desk.refund().status, desk.told()) == (status, told)
    if answer is TAKEN:  # now it has a name to be asked by
        assert (desk.refund().provider_refund_id, desk.refund().next_ask_at is None) == ("conversation-1", False)


@pytest.mark.parametrize(("code", "status"), [(0, "done"), ("R000002", "failed")])
def test_a_result_that_overtakes_the_answer_to_the_request_wins(desk: RefundDesk, code: int | str, status: str) -> None:
    desk.ask()
    with in_flight(desk, TAKEN):
        assert desk.tell(desk.secret(), result(code)).status_code == 200
        assert desk.refund().status == status
    assert (desk.refund().status, desk.told()) == (status, [status])
    desk.run()
    assert desk.provider.questions == []


def test_an_answer_that_was_committed_just_before_is_not_taken_for_lost(
    desk: RefundDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.ask()
    with in_flight(desk, TAKEN):
        seen_as_claimed = [desk.refund()]
    after = desk.restart()

    def unfinished(_tx: Tx) -> list[Refund]:
        return seen_as_claimed

    monkeypatch.setattr(after.refunds, "unfinished", unfinished)
    after.sender.turn()
    assert (desk.refund().status, desk.told()) == ("pending", ["pending"])


def test_many_workers_send_each_refund_once_and_take_none_for_lost(
    desk: RefundDesk, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for number in range(20):
        desk.ask(f"refund-{number:02}", amount_minor=100)
    desk.provider.answers = [TAKEN] * 20
    elsewhere = [tmp_path_factory.mktemp("elsewhere") for _ in range(2)]
    workers = [RefundDesk(desk.db, desk.clock, desk.provider, f) for f in (desk.folder, desk.folder, *elsewhere)]
    threads = [threading.Thread(target=worker.run) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    desk.run()

    assert sorted(order.refund_id for order in desk.provider.orders) == [f"refund-{n:02}" for n in range(20)]
    assert desk.told() == ["pending"] * 20


def test_an_idle_refunds_room_takes_no_write_lock(desk: RefundDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_self: Database) -> None:
        raise AssertionError("an idle turn opened a write transaction")

    monkeypatch.setattr(Database, "write", refuse)
    assert not desk.sender.turn()
    assert not desk.results.turn()
    assert not desk.asker.turn()
