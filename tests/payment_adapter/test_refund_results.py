"""What providers say of refunds afterwards: never, once, twice, late, about something else; and what is asked then."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from contracts.payment_api import RefundStatus
from kit.clock import FixedClock
from kit.db import Tx
from kit.metrics import figures
from payment_adapter.providers.base import NoAnswer, RefundAnswer, RefundReport
from payment_adapter.refunds.results import MAX_ATTEMPTS
from payment_adapter.refunds.rules import NOBODY_SAID_AFTER, SCHEDULE, TRANSITIONS, Fact, RefundState, follow, next_ask
from tests.support.databases import NewDatabase
from tests.support.refunds import PUBLIC_URL, RECEIPT, RefundDesk, result, status_result


@pytest.fixture
def desk(new_database: NewDatabase, clock: FixedClock) -> RefundDesk:
    made = RefundDesk(new_database("payments"), clock)
    made.plant()
    made.pay()
    return made


def test_a_result_says_that_the_money_went_back_and_under_which_receipt(desk: RefundDesk) -> None:
    response = desk.tell(desk.send(), result())

    assert (response.status_code, response.get_json()) == (200, {"ResultCode": 0, "ResultDesc": "Accepted"})
    assert desk.told() == ["pending", "done"]
    assert (desk.events()[-1].provider_refund_id, desk.events()[-1].detail) == ("UF2R00BACK", None)
    assert desk.refund().next_ask_at is None


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("R000001", "already"),
        ("R000002", "receipt"),
        (2001, "initiator"),
        ("21", "role"),
        (1, "too little"),
        (77, "77"),
    ],
)
def test_a_result_that_is_a_failure_says_why_and_frees_the_money(desk: RefundDesk, code: int | str, says: str) -> None:
    desk.tell(desk.send(), result(code, "The 254708374149 thing failed."))

    assert desk.told() == ["pending", "failed"]
    assert says in (desk.events()[-1].detail or "")
    assert "254708374149" not in (desk.events()[-1].detail or "")
    assert (desk.gone_back(), desk.refund().next_ask_at) == (0, None)


def test_a_result_that_comes_twice_counts_once(desk: RefundDesk) -> None:
    secret = desk.send()
    for _ in range(3):
        assert desk.tell(secret, result()).status_code == 200
    assert (desk.told(), len(desk.inbox())) == (["pending", "done"], 1)


def test_a_failure_after_the_money_went_back_changes_nothing(desk: RefundDesk) -> None:
    secret = desk.send()
    desk.tell(secret, result())
    desk.tell(secret, result("R000002"))
    assert (desk.told(), desk.gone_back()) == (["pending", "done"], 45_000)
    assert [row.status for row in desk.inbox()] == ["processed", "ignored"]


def test_money_that_went_back_after_all_is_a_fact(desk: RefundDesk) -> None:
    secret = desk.send()
    desk.tell(secret, result(26))
    desk.send("refund-2", amount_minor=45_000)
    desk.tell(secret, result())
    assert desk.told() == ["pending", "failed", "pending", "done"]
    assert desk.gone_back() == 90_000  # more than was paid, and true: what comes next is refused
    assert desk.ask("refund-3", amount_minor=100).status_code == 409


@pytest.mark.parametrize(
    "body",
    [
        result(Amount="449.00"),
        result(OriginalTransactionID="NLJ7RT61SV"),
        result(conversation="conversation-9"),
        result("R000002", conversation="conversation-9"),
    ],
    ids=["another amount", "another payment", "another refund", "another refund's failure"],
)
def test_a_result_of_something_else_is_kept_and_not_believed(desk: RefundDesk, body: Any) -> None:
    assert desk.tell(desk.send(), body).status_code == 200
    assert (desk.told(), desk.inbox()[0].status) == (["pending"], "failed")


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b'{"Result": 5}', b'{"Result": {"ResultType": 0}}', b"\xff\x00", b"[" * 5000],
)
def test_a_result_that_can_not_be_read_is_kept_for_a_person(desk: RefundDesk, body: bytes) -> None:
    assert desk.tell(desk.send(), body).status_code == 200
    (row,) = desk.inbox()
    assert (row.status, bytes(row.body), desk.told()) == ("failed", body, ["pending"])


@pytest.mark.parametrize("secret", ["0" * 64, "f" * 64, "abc", "A" * 64, "%00" * 8])
@pytest.mark.parametrize("suffix", ["", "/timeout"])
def test_a_stranger_is_counted_and_nothing_is_kept(desk: RefundDesk, secret: str, suffix: str) -> None:
    desk.send()
    assert desk.tell(secret, result(), suffix).status_code == 404
    assert (len(desk.strangers), desk.inbox(), desk.told()) == (1, [], ["pending"])


def test_the_secret_that_the_provider_repeats_is_not_stored(desk: RefundDesk) -> None:
    secret = desk.send()
    body = result()
    body["Result"]["ReferenceData"]["ReferenceItem"]["Value"] = f"{PUBLIC_URL}/callbacks/refunds/{secret}/timeout"
    desk.tell(secret, body)
    assert desk.told() == ["pending", "done"]
    assert secret.encode() not in bytes(desk.inbox()[0].body)


def test_a_result_that_can_not_be_applied_is_tried_again_and_then_left_for_a_person(
    desk: RefundDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = desk.send()

    def broken(*_: object) -> None:
        raise RuntimeError("a mistake of ours")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(desk.refunds, "report", broken)
        desk.tell(secret, result())
        assert (desk.inbox()[0].status, desk.inbox()[0].attempts) == ("received", 1)
        for _ in range(MAX_ATTEMPTS):
            desk.wait(minutes=1)
            desk.run()
    assert (desk.inbox()[0].status, desk.inbox()[0].attempts) == ("failed", MAX_ATTEMPTS)


def test_a_request_that_ran_out_of_time_there_is_in_doubt_and_asked_about(desk: RefundDesk) -> None:
    secret = desk.send()
    assert desk.tell(secret, b"", "/timeout").status_code == 200
    assert (desk.told(), desk.gone_back()) == (["pending", "unknown"], 45_000)

    desk.wait(minutes=2)
    desk.run()
    desk.tell(asked(desk), status_result())

    assert (desk.told(), len(desk.provider.orders)) == (["pending", "unknown", "done"], 1)


# --- asking what became of it ---------------------------------------------------------------------------------------


def asked(desk: RefundDesk, number: int = -1) -> str:
    """The secret that the answer to that question is sent to."""
    return desk.provider.questions[number].result_url.reveal().rpartition("/")[2]


def test_a_refund_of_which_nothing_is_heard_is_asked_about_by_the_schedule(desk: RefundDesk) -> None:
    desk.send()
    began = desk.clock.now()
    for number, after in enumerate(SCHEDULE, start=1):
        for moment, asked_so_far in ((after - timedelta(seconds=1), number - 1), (after, number)):
            desk.wait(seconds=(began + moment - desk.clock.now()).total_seconds())
            desk.run()
            assert len(desk.provider.questions) == asked_so_far
    assert desk.told() == ["pending"]
    desk.wait(hours=1)
    desk.run()

    assert {question.provider_refund_id for question in desk.provider.questions} == {"conversation-1"}
    assert len({question.result_url.reveal() for question in desk.provider.questions}) == len(SCHEDULE)
    assert (desk.told(), len(desk.provider.orders)) == (["pending", "unknown"], 1)
    desk.wait(days=3)
    desk.run()
    assert len(desk.provider.questions) == len(SCHEDULE)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (status_result("Completed"), ["done"]),
        (status_result("completed"), ["done"]),
        (status_result("Declined"), ["failed"]),
        (status_result("Cancelled"), ["failed"]),
        (status_result("Expired"), ["failed"]),
        (status_result("Initiated"), []),
        (status_result("Pending Authorized"), []),
        (status_result("Something new"), []),
        (status_result("Completed", 2001), []),
        (status_result("Completed", Amount=449), []),
        (status_result("Completed", ReceiptNo=RECEIPT), []),
        (status_result(TransactionStatus=None), []),
        ({"Result": {"ResultCode": 25, "ResultDesc": "TransactionID missing"}}, []),
        ({}, []),
    ],
)
def test_the_answer_to_a_question_counts_for_what_it_says(desk: RefundDesk, body: Any, told: list[str]) -> None:
    desk.send()
    desk.wait(minutes=2)
    desk.run()
    assert desk.tell(asked(desk), body).status_code == 200
    assert desk.told() == ["pending", *told]


def test_an_answer_to_an_earlier_question_still_counts(desk: RefundDesk) -> None:
    desk.send()
    for minutes in (2, 8):
        desk.wait(minutes=minutes)
        desk.run()
    desk.tell(asked(desk, 0), status_result())
    assert desk.told() == ["pending", "done"]


def test_a_provider_that_answers_at_once_is_believed_at_once(desk: RefundDesk) -> None:
    desk.provider.findings = [
        NoAnswer("busy"),
        RefundReport(RefundAnswer(RefundStatus.DONE), refund_receipt="UF2R00BACK"),
    ]
    desk.send()
    desk.wait(minutes=2)
    desk.run()
    assert desk.told() == ["pending"]
    desk.wait(minutes=8)
    desk.run()
    assert desk.told() == ["pending", "done"]


def test_a_refund_without_a_name_to_ask_by_is_given_up_on_in_the_end(desk: RefundDesk) -> None:
    desk.provider.answers = [RefundAnswer(RefundStatus.PENDING)]
    desk.send()
    for _ in range(7):
        desk.wait(hours=5)
        desk.run()
    assert (desk.told(), desk.provider.questions) == (["pending", "unknown"], [])


def test_a_shop_without_settings_can_not_be_asked_for_and_is_given_up_on(
    desk: RefundDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.send()

    def none(_tx: Tx, _refund: object) -> str:
        return "the shop has no settings for this provider"

    monkeypatch.setattr(desk.refunds, "credentials", none)
    for _ in range(7):
        desk.wait(hours=5)
        desk.run()
    assert (desk.told(), desk.provider.questions) == (["pending", "unknown"], [])


# --- rules ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", list(RefundState))
@pytest.mark.parametrize("fact", list(Fact))
def test_money_that_went_back_absorbs_and_nothing_leads_back_to_asking(state: RefundState, fact: Fact) -> None:
    after = follow(state, fact)
    assert after is TRANSITIONS[state].get(fact)
    if state is RefundState.DONE:
        assert after is None
    if state is not RefundState.CREATED:
        assert after not in (RefundState.CREATED, RefundState.CLAIMED)
    if fact is Fact.FINISH and state not in (RefundState.DONE, RefundState.CREATED):
        assert after is RefundState.DONE


def test_missed_questions_are_not_made_up_for(clock: FixedClock) -> None:
    now = clock.now()
    assert next_ask(now, now) == now + SCHEDULE[0]
    assert next_ask(now, now + SCHEDULE[2]) == now + SCHEDULE[3]
    assert next_ask(now, now + SCHEDULE[-1]) == now + NOBODY_SAID_AFTER
    assert next_ask(now, now + NOBODY_SAID_AFTER) is None


@pytest.mark.usefixtures("figures_on")
def test_each_state_that_a_refund_comes_to_is_counted_once_by_provider_and_nothing_else(
    sqlite_database: NewDatabase, clock: FixedClock
) -> None:
    desk = RefundDesk(sqlite_database("payments"), clock)
    desk.plant()
    desk.pay()
    before = counted()
    secret = desk.send()
    desk.tell(secret, result(26))
    desk.tell(secret, result(26, "said once more"))
    desk.send("refund-2", amount_minor=45_000)
    assert desk.ask("refund-3", amount_minor=100).status_code == 409
    now = counted()
    assert {labels: count - before.get(labels, 0) for labels, count in now.items()} == {
        '{provider="mpesa",state="created"}': 2,
        '{provider="mpesa",state="claimed"}': 2,
        '{provider="mpesa",state="pending"}': 2,
        '{provider="mpesa",state="failed"}': 1,
    }


@pytest.fixture
def figures_on() -> Iterator[None]:
    figures.start()
    yield
    figures.stop()


def counted() -> dict[str, float]:
    """What /metrics shows of refunds, by its labels."""
    text = figures.text()[0].decode()
    rows = [line.rpartition(" ") for line in text.splitlines() if line.startswith("dukani_refunds_total{")]
    return {labels.removeprefix("dukani_refunds_total"): float(count) for labels, _, count in rows}
