"""The simulators as a process of their own, under the server that a shop really runs."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from dukani.processes import Process
from tests.simulators.daraja_client import Daraja
from tests.simulators.shop import Shop, wait_until
from tests.support.phone import Phone, Refused
from tests.support.processes import Shop as Processes


@pytest.fixture
def served(tmp_path: Path, shop: Shop) -> Generator[Processes]:
    processes = Processes(tmp_path, {"DUKANI_BOT_PUBLIC_URL": shop.url})
    try:
        processes.start(Process.SIMULATORS)
        yield processes
    finally:
        processes.stop_all()


@pytest.fixture
def served_phone(served: Processes) -> Generator[Phone]:
    phone = Phone(served.url(Process.SIMULATORS))
    yield phone
    phone.close()


@pytest.fixture
def served_daraja(served: Processes, shop: Shop) -> Daraja:
    client = Daraja(served.settings.daraja_base_url, shop.callback_url)
    client.sign_in()
    return client


def test_a_cut_off_answer_never_looks_like_an_answer(served_phone: Phone, served_daraja: Daraja) -> None:
    served_phone.faults(push_timeout=1)
    with pytest.raises(requests.exceptions.RequestException):
        served_daraja.push()
    assert served_phone.wait_for_prompt("Achieng").amount_whole == 450


def test_a_killed_process_forgets_neither_chat_nor_prompt_nor_what_is_due(
    served: Processes, served_phone: Phone, served_daraja: Daraja, shop: Shop
) -> None:
    served_phone.says("Achieng", "Hi")
    served_phone.faults(callback_delay_s=60)
    served_daraja.pushed()
    served_phone.enter_pin("Achieng")
    served_daraja.pushed(PhoneNumber="254700000001")
    served.restart(Process.SIMULATORS)
    assert served_phone.messages("Achieng")[0].body == "Hi"
    assert served_phone.wait_for_prompt("Baraka").amount_whole == 450
    served_phone.advance(60)
    wait_until(lambda: len(shop.callbacks()) == 1)
    assert shop.callbacks()[0].result["ResultCode"] == 0


def test_of_many_pushes_at_once_one_rings(served_phone: Phone, served_daraja: Daraja) -> None:
    def push(_: int) -> int:
        return served_daraja.push().status_code

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(push, range(24)))
    assert sorted(answers) == [200] + [500] * 23
    assert len(served_phone.pushes()) == 1


def test_of_many_pins_at_once_one_pays(served_phone: Phone, served_daraja: Daraja, shop: Shop) -> None:
    checkout = served_daraja.pushed(Amount=100)

    def enter(_: int) -> int:
        try:
            served_phone.call("POST", f"/sim/prompts/{checkout}", {"action": "pin", "pin": "1234"})
        except Refused as refused:
            return refused.status
        return 200

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(enter, range(16)))
    assert sorted(answers) == [200] + [409] * 15
    assert served_phone.balance("Achieng") == 49_900
    wait_until(lambda: served_phone.callbacks() == 1)
    assert len(shop.callbacks()) == 1


def test_many_messages_of_many_customers_each_keep_their_order(served_phone: Phone, shop: Shop) -> None:
    names = ("Achieng", "Baraka", "Wanjiru")

    def talk(name: str) -> None:
        for number in range(20):
            served_phone.says(name, f"{name} {number}")

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(talk, names))
    wait_until(lambda: len(shop.webhooks()) == 60)
    for name in names:
        heard = [one.form["Body"] for one in shop.webhooks() if one.form["ProfileName"] == name]
        assert heard == [f"{name} {number}" for number in range(20)]
