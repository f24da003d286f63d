"""Ten thousand forged callbacks credit nothing. In process, on the store: what is forged is kept and applied as any."""

import json
import random
import secrets
from collections import Counter
from typing import Any

import pytest
from structlog.testing import capture_logs

from contracts.states import PaymentEventStatus
from kit.clock import FixedClock
from payment_adapter.callbacks.arrivals import Arrived, Fate
from payment_adapter.callbacks.sources import KNOWN, caller, is_foreign
from payment_adapter.callbacks.watch import Suspicion
from payment_adapter.charges.rules import Confirm
from payment_adapter.charges.service import hash_secret
from payment_adapter.providers.base import Report
from tests.support.databases import NewDatabase
from tests.support.payments import Desk, c2b_paid, stk, stk_paid
from tests.support.references import ScriptedReferences

FORGERIES = 10_000
CHARGES = 20


def store(desk: Desk, forged: list[tuple[str, dict[str, Any], dict[str, str]]]) -> Counter[Fate]:
    """As that many requests at once would."""
    fates: Counter[Fate] = Counter()
    for start in range(0, len(forged), 200):
        batch = [
            Arrived(hash_secret(secret), json.dumps(body).encode(), headers)
            for secret, body, headers in forged[start : start + 200]
        ]
        answers = desk.arrivals._keep(batch)  # pyright: ignore[reportPrivateUsage]
        fates.update(answer.fate for answer in answers)
    return fates


def test_ten_thousand_forgeries_credit_nothing(sqlite_database: NewDatabase, clock: FixedClock) -> None:
    desk = Desk(sqlite_database("payments"), clock, others=[ScriptedReferences()])
    for vendor_id, shortcode in (("vendor-mama", None), ("vendor-baraka", "600123")):
        desk.plant(vendor_id, shortcode=shortcode)
        desk.plant(vendor_id, "ekwanza")
    own = [desk.push(f"intent-{number}") for number in range(CHARGES)]
    theirs = [desk.push(f"their-{number}", vendor_id="vendor-baraka") for number in range(CHARGES)]
    hands, signed = desk.address(), desk.address(provider="ekwanza")
    dice = random.Random(1)

    def forge(number: int) -> tuple[str, dict[str, Any], dict[str, str]]:
        which = dice.randrange(CHARGES)
        nonce = {"nonce": number}
        match number % 8:
            case 0 | 1:
                return secrets.token_hex(32), stk_paid(id=f"ws_CO_{which + 1}"), {}
            case 2:  # the right secret and transaction, another amount
                return own[which], stk_paid(dice.choice([1, 449, 451, 0.01]), id=f"ws_CO_{which + 1}") | nonce, {}
            case 3:  # the right secret, another transaction
                return own[which], stk_paid(id=f"ws_CO_{number}x") | nonce, {}
            case 4:  # the right secret, a transaction of another of the shop's charges
                return own[which], stk_paid(id=f"ws_CO_{(which + 1) % CHARGES + 1}") | nonce, {}
            case 5:  # the secret of another shop's charge with what is known of this shop's
                return theirs[which], stk_paid(id=f"ws_CO_{which + 1}") | nonce, {}
            case 6:  # money by hand for another short code, or none
                return hands, c2b_paid(shortcode=dice.choice(["600123", "", "0"])) | nonce, {}
            case _:
                reference = desk.charge(f"intent-{which}").our_reference if number < 100 else "A" * 15
                said = {"status": "paid", "amount": 45_000, "reference": reference, **nonce}
                return signed, said, {"x-signature": secrets.token_hex(32)}

    with capture_logs():
        fates = store(desk, [forge(number) for number in range(FORGERIES)])
        desk.run_callbacks()
        desk.run_polls()

    assert fates[Fate.STRANGER] == FORGERIES // 4
    assert fates[Fate.FORGED] == FORGERIES // 8
    assert PaymentEventStatus.PAID not in desk.told()
    assert {desk.charge(f"intent-{number}").status for number in range(CHARGES)} == {"accepted"}
    assert {desk.charge(f"their-{number}").status for number in range(CHARGES)} == {"accepted"}

    # And none of it stands in the way of what is genuine.
    desk.call_back(own[0], stk_paid(id="ws_CO_1"))
    assert desk.charge("intent-0").status == "paid"
    assert desk.events()[-1].amount_minor == 45_000


def test_genuine_callbacks_that_are_replayed_count_once(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    secret = desk.push()
    genuine = stk_paid()
    with capture_logs():
        store(desk, [(secret, genuine, {})] * 500)
        desk.run_callbacks()
        desk.wait(hours=30)
        store(desk, [(secret, genuine | {"again": number}, {}) for number in range(200)])
        desk.run_callbacks()
    assert desk.told() == ["pending", "paid"]


# --- when a query must say so first -----------------------------------------------------------------------------------


def strict(sqlite_database: NewDatabase, clock: FixedClock, confirm: Confirm) -> Desk:
    desk = Desk(sqlite_database("payments"), clock, confirm={"mpesa": confirm})
    desk.plant()
    return desk


def test_where_policy_says_so_no_callback_pays_by_itself(sqlite_database: NewDatabase, clock: FixedClock) -> None:
    desk = strict(sqlite_database, clock, Confirm.ALWAYS)
    secret = desk.push()
    desk.call_back(secret, stk_paid())
    assert desk.told() == ["pending"]

    desk.provider.findings = [Report(PaymentEventStatus.PAID)]
    desk.run_polls()
    event = desk.events()[-1]
    assert (event.status, event.amount_minor, event.receipt) == ("paid", 45_000, "UF1E26WQJZ")


def test_where_policy_says_so_no_callback_fails_by_itself(sqlite_database: NewDatabase, clock: FixedClock) -> None:
    desk = strict(sqlite_database, clock, Confirm.ALWAYS)
    secret = desk.push()
    desk.call_back(secret, stk(1032))
    assert desk.told() == ["pending"]
    desk.provider.findings = [Report(PaymentEventStatus.PAID)]
    desk.run_polls()
    assert desk.told() == ["pending", "paid"]


def test_where_policy_never_asks_another_amount_is_announced_as_it_was_said(
    sqlite_database: NewDatabase, clock: FixedClock
) -> None:
    desk = strict(sqlite_database, clock, Confirm.NEVER)
    desk.call_back(desk.push(), stk_paid(449))
    assert (desk.events()[-1].status, desk.events()[-1].amount_minor) == ("paid", 44_900)


def test_an_odd_amount_that_the_provider_denies_is_forgotten(desk: Desk) -> None:
    secret = desk.push()
    desk.call_back(secret, stk_paid(1))
    desk.provider.findings = [Report(PaymentEventStatus.PENDING)]
    desk.run_polls()
    desk.call_back(secret, stk_paid())
    assert [event.amount_minor for event in desk.events()] == [None, 45_000]


# --- where they come from ---------------------------------------------------------------------------------------------


def test_a_callback_from_elsewhere_is_kept_and_somebody_is_told(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    secret = desk.push()
    with capture_logs() as logs:
        for number in range(3):
            forwarded = {"x-forwarded-for": f"196.201.214.200, 8.8.8.{number}"}
            assert desk.send(secret, stk_paid() | {"n": number}, **forwarded).status_code == 200
    assert (desk.watch.count(Suspicion.OTHER_SOURCE), len(desk.inbox())) == (3, 3)
    assert [line["source"] for line in logs if "address" in line["event"]] == ["8.8.8.0"]


def test_a_callback_from_where_the_provider_calls_alarms_nobody(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    secret = desk.push()
    desk.send(secret, stk_paid(), **{"x-forwarded-for": "6.6.6.6, 196.201.213.44"})
    desk.send(secret, stk_paid() | {"n": 1})
    assert desk.watch.count(Suspicion.OTHER_SOURCE) == 0


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("196.201.214.200", "8.8.8.8", "196.201.214.200"),  # nobody stands between: what is forwarded is the caller's
        ("127.0.0.1", "8.8.8.8, 196.201.214.200", "196.201.214.200"),
        ("10.0.0.7", "196.201.214.200", "196.201.214.200"),
        ("127.0.0.1", None, None),
        ("127.0.0.1", "unknown", None),
        ("127.0.0.1", "10.0.0.9", None),
        (None, None, None),
        ("nonsense", "", None),
    ],
)
def test_only_the_hop_before_us_is_believed(peer: str | None, forwarded: str | None, found: str | None) -> None:
    assert caller(peer, forwarded) == found


def test_a_provider_without_a_list_may_call_from_anywhere() -> None:
    assert is_foreign("mpesa", "8.8.8.8")
    assert not is_foreign("ekwanza", "8.8.8.8")
    assert not is_foreign("mpesa", None)
    assert len(KNOWN["mpesa"]) == 14
