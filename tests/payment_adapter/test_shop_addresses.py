"""A shop's own callback address: given, shown again, rotated, and what a provider may ask there beforehand."""

import threading
from typing import Any

import pytest

from payment_adapter.callbacks.watch import Suspicion
from payment_adapter.vault.models import credentials
from tests.support.payments import PUBLIC_URL, Desk, c2b_paid


def test_a_shop_has_one_address_for_each_provider_and_is_shown_it_again(desk: Desk) -> None:
    desk.plant("vendor-baraka")
    first = desk.address()
    assert desk.address() == desk.restart().address() == first
    assert len({first, desk.address("vendor-baraka"), desk.address(provider="ekwanza")}) == 3
    with desk.db.write() as tx:
        shown = desk.addresses.get_or_make(tx, "vendor-mama", "mpesa")
    assert shown.reveal() == f"{PUBLIC_URL}/callbacks/{first}"
    assert first not in repr(shown)


def test_two_who_ask_for_an_address_first_get_the_same(desk: Desk) -> None:
    barrier = threading.Barrier(6)
    got: list[str] = []

    def ask() -> None:
        barrier.wait()
        got.append(desk.address())

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 6
    assert len(set(got)) == 1


def test_the_secret_of_an_address_is_nowhere_in_the_open(sqlite_desk: Desk) -> None:
    secret = sqlite_desk.address()
    with sqlite_desk.db.read() as tx:
        tables = tx.conn.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all()
        everything = repr([tx.conn.exec_driver_sql(f"SELECT * FROM {table}").all() for table in tables])  # noqa: S608
    assert "vendor-mama" in everything
    assert secret not in everything


def test_a_replaced_address_is_good_until_the_next_one_is_taken(desk: Desk) -> None:
    def rotate() -> str:
        with desk.db.write() as tx:
            return desk.addresses.rotate(tx, "vendor-mama", "mpesa").reveal().rpartition("/")[2]

    first = desk.address()
    second = rotate()
    assert desk.address() == second
    assert [desk.send(secret, c2b_paid()).status_code for secret in (first, second)] == [200, 200]

    third = rotate()
    assert [desk.send(secret, c2b_paid()).status_code for secret in (first, second, third)] == [404, 200, 200]
    assert desk.watch.count(Suspicion.STRANGER) == 1


def test_an_address_outlives_an_exchange_of_the_vaults_keys(desk: Desk) -> None:
    before = desk.address()
    with desk.db.write() as tx:
        desk.vault.rotate(tx, "vendor-mama", desk.clock.now())
    assert desk.address() == before


# --- before money is paid by hand ------------------------------------------------------------------------------------


def check(desk: Desk, secret: str, body: dict[str, Any]) -> Any:
    return desk.client.post(f"/callbacks/{secret}/check", json=body)


def test_a_payment_by_hand_is_let_through_by_its_form_alone(desk: Desk) -> None:
    answer = check(desk, desk.address(), c2b_paid(account="no such order"))
    assert (answer.status_code, answer.get_json()) == (200, {"ResultCode": "0", "ResultDesc": "Accepted"})
    assert list(desk.inbox()) == []
    assert desk.told() == []
    assert desk.provider.asked == []


@pytest.mark.parametrize(
    ("body", "code"),
    [(c2b_paid(shortcode="600000"), "C2B00015"), (c2b_paid("-3"), "C2B00013"), ({"nonsense": 1}, "C2B00016")],
)
def test_what_can_not_be_meant_for_the_shop_is_refused_beforehand(
    sqlite_desk: Desk, body: dict[str, Any], code: str
) -> None:
    desk = sqlite_desk
    answer = check(desk, desk.address(), body)
    assert (answer.status_code, answer.get_json()["ResultCode"]) == (200, code)


def test_only_a_shops_own_address_is_asked_beforehand(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    of_a_charge = desk.push()
    answers = [check(desk, secret, c2b_paid()) for secret in (of_a_charge, "0" * 64, "x")]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert desk.watch.count(Suspicion.STRANGER) == 3


def test_a_shop_whose_settings_can_not_be_opened_still_lets_money_come(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    secret = desk.address()
    with desk.db.write() as tx:
        tx.execute(credentials.update().values(sealed="v1.k1.AAAA"))
    assert check(desk, secret, c2b_paid()).get_json()["ResultCode"] == "0"
