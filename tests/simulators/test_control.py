"""The control API: what it shows, what it changes, whom it refuses."""

from dataclasses import replace

import pytest
import requests

from kit.clock import FixedClock
from kit.settings import Environment, Settings, SettingsError
from simulators import customers
from simulators.app import create_service
from simulators.fault_texts import FAULTS
from tests.simulators.daraja_client import Daraja
from tests.simulators.running import Simulators
from tests.simulators.shop import wait_until
from tests.support.phone import Phone, Refused


def test_a_newcomer_sees_the_customers_and_what_to_say_first(simulators: Simulators, phone: Phone) -> None:
    state = phone.state()
    assert state["shop_number"] == simulators.settings.twilio_whatsapp_from
    assert state["greetings"] == [{"text": "SHOP mama", "name": "Mama Njeri"}]
    assert [(one["name"], one["msisdn"], one["hidden"]) for one in state["customers"]] == list(
        customers.DEFAULT_CUSTOMERS
    )
    assert {one["name"]: one["balance_whole"] for one in state["customers"]} == {
        **dict.fromkeys(("Achieng", "Baraka", "Wanjiru", "Neema"), 50_000),
        "Nzinga": 0,
    }
    assert all(one["kwanza_minor"] == 500_000_00 for one in state["customers"])
    assert all(
        one["address"] == f"whatsapp:+{one['msisdn']}" if not one["hidden"] else "KE." in one["address"]
        for one in state["customers"]
    )
    assert (state["messages"], state["prompts"], state["pushes"], state["callbacks"]) == ([], [], 0, 0)


def test_since_shows_only_what_changed(daraja: Daraja, phone: Phone) -> None:
    phone.says("Achieng", "Hi")
    wait_until(lambda: phone.messages("Achieng")[0].status == "delivered")
    version = phone.state()["version"]
    assert phone.state(version)["messages"] == []
    checkout = daraja.pushed()
    changed = phone.state(version)
    assert changed["messages"] == []
    assert [prompt["id"] for prompt in changed["prompts"]] == [checkout]
    version = changed["version"]
    phone.cancel("Achieng")
    assert [prompt["state"] for prompt in phone.state(version)["prompts"]] == ["cancelled"]


@pytest.mark.parametrize("since", ["x", "-1", "1e3", "9" * 16, "²"])
def test_a_since_that_is_no_version_is_refused(phone: Phone, since: str) -> None:
    with pytest.raises(Refused) as refused:
        phone.call("GET", f"/sim/state?since={since}")
    assert (refused.value.status, refused.value.code) == (400, "bad_since")


def test_every_fault_is_off_at_first_and_described(phone: Phone) -> None:
    listed = phone.call("GET", "/sim/faults")["faults"]
    assert {fault["name"] for fault in listed} == {fault.value for fault in FAULTS}
    assert all(fault["title"] and fault["description"] and not fault["value"] for fault in listed)
    assert set(phone.state()["faults"]) == {fault.value for fault in FAULTS}


@pytest.mark.parametrize(
    "changes",
    [
        {"no_such_fault": True},
        {"callback_twice": "yes"},
        {"callback_twice": None},
        {"twilio_429": -1},
        {"twilio_429": 1001},
        {"twilio_429": 1.5},
        {"callback_delay_s": True},
        {"callback_delay_s": -1},
        {"answer_delay_s": 61},
        {"callback_lost": True, "no_such_fault": True},
    ],
)
def test_a_fault_that_makes_no_sense_changes_nothing(phone: Phone, changes: dict[str, object]) -> None:
    before = phone.state()["faults"]
    with pytest.raises(Refused) as refused:
        phone.call("PUT", "/sim/faults", changes)
    assert (refused.value.status, refused.value.code) == (400, "bad_fault")
    assert phone.state()["faults"] == before


def test_a_counted_fault_counts_down_and_a_switch_stays(phone: Phone) -> None:
    phone.faults(webhook_twice=2, callback_lost=True)
    for _ in range(2):
        phone.says("Achieng", "Hi")
    faults = phone.state()["faults"]
    assert (faults["webhook_twice"], faults["callback_lost"]) == (False, True)
    phone.no_faults()
    assert not any(phone.state()["faults"].values())


@pytest.mark.parametrize(
    ("customer", "status"),
    [
        ({"name": "", "msisdn": "254700000005"}, 400),
        ({"name": "x" * 41, "msisdn": "254700000005"}, 400),
        ({"name": "Zawadi\n", "msisdn": "254700000005"}, 400),
        ({"name": "Zawadi", "msisdn": "0700000005"}, 400),
        ({"name": "Zawadi", "msisdn": 254700000005}, 400),
        ({"name": "Zawadi", "balance_whole": -1, "msisdn": "254700000005"}, 400),
        ({"msisdn": "254700000005"}, 400),
        ({"name": "Another", "msisdn": "254708374149"}, 409),
    ],
)
def test_a_customer_who_can_not_be_is_refused(phone: Phone, customer: dict[str, object], status: int) -> None:
    with pytest.raises(Refused) as refused:
        phone.call("POST", "/sim/customers", customer)
    assert refused.value.status == status
    assert len(phone.state()["customers"]) == len(customers.DEFAULT_CUSTOMERS)


def test_a_new_customer_can_start_with_little_money(phone: Phone, daraja: Daraja) -> None:
    phone.add_customer("Zawadi", "254700000003", balance_whole=30)
    daraja.pushed(PhoneNumber="254700000003", Amount=31)
    assert phone.enter_pin("Zawadi").state == "no_money"


def test_the_clock_moves_for_everybody_and_only_forward(simulators: Simulators, phone: Phone) -> None:
    before = simulators.clock.now()
    phone.advance(7200)
    assert (simulators.clock.now() - before).total_seconds() >= 7200
    assert phone.state()["clock_offset_s"] == 7200
    for step in (-1, 1.5, "60", None, True, 10**12):
        with pytest.raises(Refused) as refused:
            phone.call("POST", "/sim/clock", {"advance_s": step})
        assert refused.value.status == 400
    assert phone.state()["clock_offset_s"] == 7200


def test_a_clock_that_is_not_shared_can_not_be_moved(settings: Settings, clock: FixedClock) -> None:
    service = create_service(settings, clock)
    answer = service.app.test_client().post("/sim/clock", json={"advance_s": 5})
    service.stop()
    assert (answer.status_code, (answer.json or {})["code"]) == (409, "clock_fixed")


def test_a_reset_forgets_all_but_goes_on_counting(phone: Phone, daraja: Daraja) -> None:
    phone.says("Achieng", "Hi")
    daraja.pushed()
    phone.faults(callback_lost=True)
    phone.add_customer("Zawadi", "254700000003")
    before = phone.state()
    phone.reset()
    after = phone.state()
    assert after["version"] > before["version"]
    assert after["resets"] != before["resets"]
    assert (after["messages"], after["prompts"], after["pushes"]) == ([], [], 0)
    assert len(after["customers"]) == len(customers.DEFAULT_CUSTOMERS)
    assert not any(after["faults"].values())


def test_the_page_and_both_lives_of_the_process_answer(simulators: Simulators) -> None:
    for path in ("/", "/health", "/ready"):
        assert requests.get(simulators.base_url + path, timeout=5).status_code == 200


@pytest.mark.parametrize("path", ["/", "/sim/state", "/sim/faults", "/sim/daraja/pushes", "/sim/twilio/messages"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "attacker.example"},
        {"Host": "127.0.0.1.attacker.example:3050"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"X-Forwarded-For": "203.0.113.9"},
    ],
)
def test_another_website_can_not_see_or_steer_the_phones(
    simulators: Simulators, path: str, headers: dict[str, str]
) -> None:
    answer = requests.get(simulators.base_url + path, headers=headers, timeout=5)
    assert answer.status_code == 403
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_peer_from_elsewhere_is_refused(settings: Settings, clock: FixedClock) -> None:
    service = create_service(settings, clock)
    client = service.app.test_client()
    for path in ("/", "/sim/state"):
        assert client.get(path, environ_base={"REMOTE_ADDR": "203.0.113.9"}).status_code == 403
        assert client.get(path, environ_base={"REMOTE_ADDR": ""}).status_code == 403
        assert client.get(path, environ_base={"REMOTE_ADDR": "::1"}).status_code == 200
    service.stop()


def test_a_foreign_page_changes_nothing(simulators: Simulators, phone: Phone) -> None:
    answer = requests.post(
        f"{simulators.base_url}/sim/messages",
        data='{"customer": "whatsapp:+254708374149", "body": "forged"}',
        headers={"Sec-Fetch-Site": "cross-site", "Content-Type": "text/plain"},
        timeout=5,
    )
    assert answer.status_code == 403
    assert phone.messages("Achieng") == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/sim/nothing", 404), ("GET", "/sim/reset", 405), ("POST", "/sim/prompts/none", 400)],
)
def test_what_does_not_exist_is_a_problem(simulators: Simulators, method: str, path: str, status: int) -> None:
    answer = requests.request(method, simulators.base_url + path, timeout=5)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == status


def test_a_prompt_nobody_raised_is_not_found(phone: Phone) -> None:
    with pytest.raises(Refused) as refused:
        phone.call("POST", "/sim/prompts/ws_CO_none", {"action": "cancel"})
    assert refused.value.status == 404


def test_a_body_beyond_a_quarter_megabyte_is_refused(simulators: Simulators, phone: Phone) -> None:
    raw = b'{"customer": "whatsapp:+254708374149", "body": "' + b"x" * 300_000 + b'"}'
    answer = requests.post(f"{simulators.base_url}/sim/messages", data=raw, timeout=5)
    assert answer.status_code == 413
    assert phone.messages("Achieng") == []


def test_production_has_no_simulators(settings: Settings, clock: FixedClock) -> None:
    production = replace(settings, environment=Environment.PRODUCTION)
    with pytest.raises(SettingsError, match="production"):
        create_service(production, clock)
