"""Opening a refund: of which payment, how much of it, by whom; and that what is answered twice happens once."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from contracts.payment_api import RefundStatus
from kit.clock import FixedClock
from kit.signing import KeyRing
from payment_adapter.providers.base import RefundAnswer
from tests.support.databases import NewDatabase
from tests.support.refunds import RECEIPT, RefundDesk


@pytest.fixture
def desk(new_database: NewDatabase, clock: FixedClock) -> RefundDesk:
    made = RefundDesk(new_database("payments"), clock)
    made.plant()
    made.pay()
    return made


def refused(response: Any, status: int, code: str) -> str:
    assert (response.status_code, response.get_json()["code"]) == (status, code)
    return response.get_json()["detail"]


def together(count: int, work: Callable[[int], None]) -> None:
    """All of them at the same moment."""
    barrier = threading.Barrier(count)

    def begin(number: int) -> None:
        barrier.wait(30)
        work(number)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_refund_is_answered_at_once_and_asked_of_the_provider_afterwards(desk: RefundDesk) -> None:
    response = desk.ask()
    assert (response.status_code, response.get_json()) == (
        202,
        {"refund_id": "refund-1", "status": "pending", "detail": None},
    )
    assert desk.provider.orders == []

    desk.run()

    (order,) = desk.provider.orders
    assert (order.refund_id, order.amount.minor, order.note) == ("refund-1", 45_000, "Paid twice")
    assert (order.charge.receipt, order.charge.transaction_id) == (RECEIPT, "ws_CO_1")
    assert desk.provider.credentials[0].vendor_id == "vendor-mama"
    (event,) = desk.events()
    assert (event.event_id, event.vendor_id, event.provider_refund_id) == (
        "refund:refund-1:pending",
        "vendor-mama",
        "conversation-1",
    )


def test_the_same_wish_again_gets_the_first_answer_and_happens_once(desk: RefundDesk) -> None:
    first = desk.ask()
    desk.run()
    desk.provider.answers = []
    again = desk.ask()
    desk.run()

    assert (again.status_code, again.data) == (202, first.data)
    assert (first.headers.get("idempotent-replayed"), again.headers["idempotent-replayed"]) == (None, "true")
    assert (len(desk.provider.orders), desk.count(), desk.gone_back()) == (1, 1, 45_000)


@pytest.mark.parametrize(
    "change",
    [
        {"amount_minor": 100},
        {"note": "another"},
        {"receipt": "NLJ7RT61SV"},
        {"currency": "AOA"},
        {"provider": "ekwanza"},
        {"vendor_id": "vendor-baraka"},
        {"provider_transaction_id": "ws_CO_2"},
    ],
)
def test_a_known_refund_with_another_content_is_refused(desk: RefundDesk, change: dict[str, Any]) -> None:
    desk.ask()
    refused(desk.ask(**change), 422, "idempotency_key_reused")
    assert desk.count() == 1


def test_a_receipt_that_was_not_known_at_first_makes_no_other_refund(desk: RefundDesk) -> None:
    assert desk.ask().status_code == 202
    more: list[dict[str, Any]] = [{"receipt": RECEIPT}, {"receipt": RECEIPT, "provider_transaction_id": None}, {}]
    for named in more:
        again = desk.ask(**named)
        assert (again.status_code, again.headers["idempotent-replayed"]) == (202, "true")
    desk.run()
    assert (desk.count(), len(desk.provider.orders)) == (1, 1)


@pytest.mark.parametrize(
    "named",
    [
        {"provider_transaction_id": "ws_CO_1"},
        {"provider_transaction_id": None, "receipt": RECEIPT},
        {"provider_transaction_id": "ws_CO_1", "receipt": RECEIPT},
    ],
)
def test_a_payment_is_found_by_its_transaction_or_its_receipt(desk: RefundDesk, named: dict[str, Any]) -> None:
    desk.send(**named)
    assert desk.provider.orders[0].charge.receipt == RECEIPT


@pytest.mark.parametrize(
    "change",
    [
        {"provider_transaction_id": "ws_CO_9"},
        {"provider_transaction_id": "ws_CO_1", "receipt": "RECEIPT002"},
        {"provider_transaction_id": "ws_CO_1", "receipt": "NOTTHISONE"},
        {"provider_transaction_id": "ws_CO_3"},
        {"provider_transaction_id": "ws_CO_4"},
    ],
    ids=["unknown", "of two payments", "another receipt", "another vendor's", "not paid"],
)
def test_what_is_no_payment_of_this_vendor_is_not_found(desk: RefundDesk, change: dict[str, Any]) -> None:
    desk.pay(2)
    desk.pay(3, vendor_id="vendor-baraka")
    desk.pay(4, status="failed", paid_amount_minor=None, receipt=None)
    refused(desk.ask(**change), 404, "not_found")
    assert desk.count() == 0


def test_money_that_was_paid_by_hand_can_be_given_back(desk: RefundDesk) -> None:
    desk.pay_by_hand("NLJ7RT61SV", 500)
    for number, named in enumerate(({"receipt": "NLJ7RT61SV"}, {"provider_transaction_id": "NLJ7RT61SV"})):
        wish = {"provider_transaction_id": None, **named, "amount_minor": 200}
        desk.send(f"refund-{number}", **wish)
    assert [order.charge.receipt for order in desk.provider.orders] == ["NLJ7RT61SV"] * 2
    refused(desk.ask("refund-9", provider_transaction_id="NLJ7RT61SV", amount_minor=200), 409, "refund_unavailable")
    assert desk.gone_back("NLJ7RT61SV") == 400


def test_money_of_a_charge_that_was_announced_by_hand_too_is_one_payment(desk: RefundDesk) -> None:
    desk.pay_by_hand(RECEIPT, 45_000)
    desk.send("refund-1", provider_transaction_id="ws_CO_1")
    refused(desk.ask("refund-2", provider_transaction_id=RECEIPT), 409, "refund_unavailable")
    assert len(desk.provider.orders) == 1


def test_money_that_another_vendor_got_by_hand_is_not_found(desk: RefundDesk) -> None:
    desk.pay_by_hand("NLJ7RT61SV", 500, vendor_id="vendor-baraka")
    refused(desk.ask(provider_transaction_id="NLJ7RT61SV", amount_minor=500), 404, "not_found")


def test_what_was_paid_counts_and_not_what_was_asked(desk: RefundDesk) -> None:
    desk.pay(2, paid_amount_minor=10_000)
    refused(desk.ask("r1", provider_transaction_id="ws_CO_2", amount_minor=45_000), 409, "refund_unavailable")
    assert desk.ask("r2", provider_transaction_id="ws_CO_2", amount_minor=10_000).status_code == 202


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"amount_minor": 45_001}, "more than was paid"),
        ({"currency": "AOA"}, "KES"),
        ({"provider": "ekwanza"}, "ekwanza"),
        ({"amount_minor": 50}, "whole"),
        ({"provider_transaction_id": "ws_CO_2"}, "receipt"),
    ],
)
def test_what_the_provider_can_not_give_back_is_refused_with_its_reason(
    desk: RefundDesk, change: dict[str, Any], says: str
) -> None:
    desk.pay(2, receipt=None)
    assert says in refused(desk.ask(**change), 409, "refund_unavailable")
    assert (desk.count(), desk.gone_back()) == (0, 0)


def test_a_shop_that_has_not_said_who_reverses_is_told_which_setting_is_missing(desk: RefundDesk) -> None:
    desk.plant(initiator_name="")
    assert "initiator_name" in refused(desk.ask(), 409, "refund_unavailable")
    desk.pay(2, vendor_id="vendor-baraka")
    response = desk.ask("r2", vendor_id="vendor-baraka", provider_transaction_id="ws_CO_2")
    assert "no settings" in refused(response, 409, "refund_unavailable")


@pytest.mark.parametrize(
    "change", [{"amount_minor": 0}, {"amount_minor": -5}, {"amount_minor": 1.5}, {"note": "x" * 101}, {"currency": "X"}]
)
def test_a_wish_that_can_not_be_meant_is_refused(desk: RefundDesk, change: dict[str, Any]) -> None:
    refused(desk.ask(**change), 422, "invalid_request")
    assert desk.count() == 0


def test_only_the_router_may_ask_and_only_for_the_vendor_it_names(desk: RefundDesk) -> None:
    refused(desk.post(desk.wish(), ring=KeyRing.parse("1:" + "x" * 32)), 401, "unauthenticated")
    refused(desk.client.post("/v1/refunds", json=desk.wish()), 401, "unauthenticated")
    refused(desk.post(desk.wish(), vendor="vendor-baraka"), 403, "vendor_mismatch")
    refused(desk.post(desk.wish(), key="another"), 422, "invalid_request")
    refused(desk.post(desk.wish(provider_transaction_id=None)), 422, "invalid_request")
    assert desk.count() == 0
    assert desk.post(desk.wish(), vendor="vendor-mama").status_code == 202


def test_parts_go_back_until_all_has_gone_back(desk: RefundDesk) -> None:
    assert desk.ask("r1", amount_minor=20_000).status_code == 202
    assert desk.ask("r2", amount_minor=25_000).status_code == 202
    refused(desk.ask("r3", amount_minor=100), 409, "refund_unavailable")
    assert (desk.count(), desk.gone_back()) == (2, 45_000)


@pytest.mark.parametrize(
    ("status", "may_again"), [(RefundStatus.FAILED, True), (RefundStatus.UNKNOWN, False), (RefundStatus.DONE, False)]
)
def test_only_what_surely_did_not_go_back_may_be_asked_for_in_a_new_refund(
    desk: RefundDesk, status: RefundStatus, may_again: bool
) -> None:
    desk.provider.answers = [RefundAnswer(status)]
    desk.send()
    assert desk.gone_back() == (0 if may_again else 45_000)
    assert (desk.ask("refund-2").status_code == 202) is may_again


def test_refunds_at_the_same_moment_never_give_back_more_than_was_paid(desk: RefundDesk) -> None:
    codes: list[int] = []
    together(12, lambda number: codes.append(desk.ask(f"refund-{number}", amount_minor=10_000).status_code))

    assert sorted(codes) == [202] * 4 + [409] * 8
    desk.run()
    assert (sum(order.amount.minor for order in desk.provider.orders), desk.gone_back()) == (40_000, 40_000)


def test_the_same_refund_many_times_at_the_same_moment_is_one(desk: RefundDesk) -> None:
    codes: list[int] = []
    together(12, lambda _: codes.append(desk.ask(amount_minor=10_000).status_code))

    desk.run()
    assert codes == [202] * 12
    assert (desk.count(), len(desk.provider.orders), desk.gone_back()) == (1, 1, 10_000)
