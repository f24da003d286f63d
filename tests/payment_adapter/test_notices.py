"""What comes to a shop's own address: signed notices of our charges, hints, and money that was paid by hand."""

from typing import Any

import pytest
from sqlalchemy import delete

from contracts.money import Currency
from contracts.states import PaymentEventStatus, Rail
from kit.clock import FixedClock
from payment_adapter.callbacks.models import inbox
from payment_adapter.callbacks.watch import Suspicion
from payment_adapter.providers.base import NoAnswer, Report, Unclear
from payment_adapter.vault.models import credentials, sets
from payment_adapter.vault.service import Origin
from tests.support.databases import NewDatabase
from tests.support.payments import Desk, c2b_paid, stk, stk_paid
from tests.support.references import SIGNATURE, ScriptedReferences

SIGNED = {"x-signature": SIGNATURE}


@pytest.fixture
def luanda(new_database: NewDatabase, clock: FixedClock) -> Desk:
    """A shop with both providers."""
    return with_references(Desk(new_database("payments"), clock, others=[ScriptedReferences()]))


@pytest.fixture
def sqlite_luanda(sqlite_database: NewDatabase, clock: FixedClock) -> Desk:
    return with_references(Desk(sqlite_database("payments"), clock, others=[ScriptedReferences()]))


def with_references(desk: Desk) -> Desk:
    for provider in ("mpesa", "ekwanza"):
        desk.plant(provider=provider)
        desk.plant("vendor-baraka", provider, "600123")
    return desk


def references(desk: Desk) -> ScriptedReferences:
    (provider,) = desk.others
    assert isinstance(provider, ScriptedReferences)
    return provider


def refer(desk: Desk, intent_id: str = "intent-1", rail: Rail = Rail.EMIS_REF, **changes: Any) -> str:
    """Charge by reference; our own reference of the charge."""
    wanted = {"rail": rail, "currency": Currency.AOA, "payer_msisdn": None, "amount_minor": 150_00, **changes}
    assert desk.ask(desk.grant(intent_id, **wanted)).status_code == 202
    desk.run_push()
    return desk.charge(intent_id).our_reference


def notice(reference: str, status: str = "paid", **said: Any) -> dict[str, Any]:
    return {"reference": reference, "status": status, "amount": 150_00 if status == "paid" else None, **said}


# --- of a charge that we made -----------------------------------------------------------------------------------------


def test_a_signed_notice_pays_the_charge_that_it_names_by_our_reference(luanda: Desk) -> None:
    reference = refer(luanda)
    answer = luanda.call_back(luanda.address(provider="ekwanza"), notice(reference), **SIGNED)

    assert (answer.status_code, answer.get_json()) == (200, {"status": "0"})
    assert (luanda.charge().status, luanda.told()) == ("paid", ["pending", "paid"])
    event = luanda.events()[-1]
    assert (event.intent_id, event.rail, event.amount_minor, event.currency) == ("intent-1", "emis_ref", 150_00, "AOA")
    (row,) = luanda.inbox()
    assert (row.provider, row.charge_id, row.event_id) == ("ekwanza", None, f"ekwanza:{reference}:paid")


def test_a_signed_notice_may_name_the_charge_by_the_providers_transaction(luanda: Desk) -> None:
    refer(luanda)
    said = {"status": "paid", "amount": 150_00, "transaction": "transaction-1"}
    luanda.call_back(luanda.address(provider="ekwanza"), said, **SIGNED)
    assert luanda.told() == ["pending", "paid"]


def test_the_raw_bytes_of_a_notice_are_kept_with_its_signature_and_once(luanda: Desk) -> None:
    reference, secret = refer(luanda), luanda.address(provider="ekwanza")
    for _ in range(3):
        assert luanda.send(secret, notice(reference), authorization="Basic c2VjcmV0", **SIGNED).status_code == 200
    (row,) = luanda.inbox()
    assert (row.headers["x-signature"], "authorization" in row.headers) == (SIGNATURE, False)


def test_a_shops_secret_that_its_provider_repeats_is_not_kept(luanda: Desk) -> None:
    reference, address = refer(luanda), luanda.address(provider="ekwanza")
    with luanda.db.read() as tx:
        found = luanda.vault.load(tx, "vendor-mama", "ekwanza")
    assert found is not None
    secret = found.fields["consumer_secret"].reveal()
    luanda.call_back(address, notice(reference, options={"ApiKey": secret}), **SIGNED)

    (row,) = luanda.inbox()
    assert (b"(removed)" in bytes(row.body), secret.encode() in bytes(row.body)) == (True, False)
    assert luanda.told() == ["pending", "paid"]


@pytest.mark.parametrize("headers", [{}, {"x-signature": "another"}])
def test_a_forged_notice_is_refused_kept_nowhere_and_counted(luanda: Desk, headers: dict[str, str]) -> None:
    reference = refer(luanda)
    answer = luanda.call_back(luanda.address(provider="ekwanza"), notice(reference), **headers)

    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert (list(luanda.inbox()), luanda.told()) == ([], ["pending"])
    assert luanda.watch.count(Suspicion.FORGED) == 1


def test_a_notice_finds_no_charge_of_another_shop(luanda: Desk) -> None:
    mamas = refer(luanda)
    answer = luanda.call_back(luanda.address("vendor-baraka", "ekwanza"), notice(mamas), **SIGNED)

    assert answer.status_code == 200
    assert [(row.vendor_id, row.status) for row in luanda.inbox()] == [("vendor-baraka", "failed")]
    assert luanda.told() == ["pending"]


def test_a_notice_that_names_two_charges_changes_neither(luanda: Desk) -> None:
    first = refer(luanda)
    refer(luanda, "intent-2")
    luanda.call_back(luanda.address(provider="ekwanza"), notice(first, transaction="transaction-2"), **SIGNED)
    assert [row.status for row in luanda.inbox()] == ["failed"]
    assert luanda.told() == ["pending", "pending"]


def test_a_hint_makes_us_ask_and_is_believed_only_then(luanda: Desk) -> None:
    reference, secret = refer(luanda), luanda.address(provider="ekwanza")
    luanda.call_back(secret, notice(reference, is_hint=True))
    assert (luanda.told(), luanda.charge().next_poll_at) == (["pending"], luanda.clock.now())

    references(luanda).finding = Report(PaymentEventStatus.PAID, amount_minor=150_00, receipt="R1")
    luanda.run_polls()

    assert luanda.told() == ["pending", "paid"]
    assert (references(luanda).asked[0].our_reference, luanda.charge().receipt) == (reference, "R1")


def test_a_hint_that_the_provider_does_not_confirm_changes_nothing(luanda: Desk) -> None:
    reference = refer(luanda)
    references(luanda).finding = Report(PaymentEventStatus.PENDING)
    luanda.call_back(luanda.address(provider="ekwanza"), notice(reference, is_hint=True))
    luanda.run_polls()
    assert (luanda.told(), luanda.charge().status) == (["pending"], "accepted")


def test_a_hint_of_a_failure_ends_nothing_by_itself(luanda: Desk) -> None:
    reference = refer(luanda)
    luanda.call_back(luanda.address(provider="ekwanza"), notice(reference, "failed", is_hint=True))
    assert luanda.told() == ["pending"]


def test_a_hint_after_payment_is_no_news(sqlite_luanda: Desk) -> None:
    luanda = sqlite_luanda
    reference, secret = refer(luanda), luanda.address(provider="ekwanza")
    luanda.call_back(secret, notice(reference), **SIGNED)
    luanda.call_back(secret, notice(reference, is_hint=True))
    assert [row.status for row in luanda.inbox()] == ["processed", "ignored"]
    assert references(luanda).asked == []


@pytest.mark.parametrize("body", [b"", b"{}", b"\x00\xff", b'{"status": "happy"}'])
def test_a_notice_that_can_not_be_read_is_kept_for_a_person(sqlite_luanda: Desk, body: bytes) -> None:
    luanda = sqlite_luanda
    assert luanda.call_back(luanda.address(provider="ekwanza"), body, **SIGNED).status_code == 200
    (row,) = luanda.inbox()
    assert (bytes(row.body), row.status, row.event_id) == (body, "failed", None)


def test_a_notice_waits_for_a_shop_that_has_no_credentials_just_now(luanda: Desk) -> None:
    reference, secret = refer(luanda), luanda.address(provider="ekwanza")
    with luanda.db.write() as tx:
        theirs = (credentials.c.vendor_id == "vendor-mama") & (credentials.c.provider == "ekwanza")
        tx.execute(delete(credentials).where(theirs))
    assert luanda.call_back(secret, notice(reference), **SIGNED).status_code == 200
    assert luanda.told() == ["pending"]

    luanda.wait(minutes=5)
    luanda.plant(provider="ekwanza")
    luanda.run_callbacks()
    assert luanda.told() == ["pending", "paid"]


def test_what_could_not_be_checked_in_a_day_is_left_for_a_person(sqlite_luanda: Desk) -> None:
    luanda = sqlite_luanda
    reference, secret = refer(luanda), luanda.address(provider="ekwanza")
    with luanda.db.write() as tx:
        tx.execute(delete(credentials).where(credentials.c.provider == "ekwanza"))
    luanda.call_back(secret, notice(reference), **SIGNED)
    for _ in range(60):
        luanda.wait(minutes=30)
        luanda.run_callbacks()
    assert [(row.status, row.outcome) for row in luanda.inbox()] == [
        ("failed", "the shop has no credentials to check it with")
    ]


def test_what_was_kept_unchecked_and_turns_out_forged_changes_nothing(luanda: Desk) -> None:
    reference, secret = refer(luanda), luanda.address(provider="ekwanza")
    with luanda.db.write() as tx:
        tx.execute(sets.update().where(sets.c.provider == "ekwanza").values(origin=Origin.VENDOR))
        tx.execute(delete(credentials).where(credentials.c.provider == "ekwanza"))
    assert luanda.call_back(secret, notice(reference)).status_code == 200
    luanda.plant(provider="ekwanza")
    luanda.wait(minutes=5)
    luanda.run_callbacks()
    assert ([row.status for row in luanda.inbox()], luanda.told()) == (["failed"], ["pending"])


# --- paid by hand -----------------------------------------------------------------------------------------------------


def test_money_paid_by_hand_is_announced_without_an_intent(desk: Desk) -> None:
    answer = desk.call_back(desk.address(), c2b_paid())

    assert (answer.status_code, answer.get_json()) == (200, {"ResultCode": "0", "ResultDesc": "Accepted"})
    (event,) = desk.events()
    assert (event.event_id, event.status, event.provider) == ("mpesa-c2b:UF1E26WQJZ", "paid", "mpesa")
    assert (event.intent_id, event.rail, event.vendor_id) == (None, None, "vendor-mama")
    assert (event.amount_minor, event.currency, event.receipt) == (45_000, "KES", "UF1E26WQJZ")
    assert (event.account_reference, event.payer_name) == ("K7M3QD", "AMINA OTIENO")
    assert (event.payer_msisdn, event.provider_transaction_id) == ("2547 ***** 149", "UF1E26WQJZ")
    assert event.occurred_at.isoformat() == "2026-11-20T09:00:30+00:00"


def test_the_same_money_told_twice_in_other_words_is_announced_once(desk: Desk) -> None:
    secret = desk.address()
    desk.call_back(secret, c2b_paid())
    desk.call_back(secret, c2b_paid() | {"OrgAccountBalance": "9.00"})
    assert desk.told() == ["paid"]


def test_money_for_another_shops_short_code_is_kept_and_not_announced(desk: Desk) -> None:
    desk.plant("vendor-baraka", shortcode="600123")
    desk.call_back(desk.address("vendor-baraka"), c2b_paid(shortcode="174379"))
    assert ([row.status for row in desk.inbox()], desk.told()) == (["failed"], [])


def test_a_pushed_payment_that_is_told_as_paid_by_hand_as_well_is_one_money(desk: Desk) -> None:
    secret = desk.push()
    desk.call_back(secret, stk_paid())
    desk.call_back(desk.address(), c2b_paid())
    assert (desk.told(), [row.status for row in desk.inbox()]) == (["pending", "paid"], ["processed", "ignored"])


def test_the_same_in_the_other_order_waits_for_the_pushs_own_callback(desk: Desk) -> None:
    secret = desk.push()
    desk.call_back(desk.address(), c2b_paid())
    assert desk.told() == ["pending"]

    desk.wait(seconds=20)
    desk.call_back(secret, stk_paid())
    desk.wait(seconds=20)
    desk.run_callbacks()

    assert desk.told() == ["pending", "paid"]
    assert desk.events()[-1].intent_id == "intent-1"
    assert sorted(row.status for row in desk.inbox()) == ["ignored", "processed"]


def test_money_by_hand_brings_the_receipt_of_a_charge_that_only_a_query_called_paid(desk: Desk) -> None:
    desk.push()
    desk.provider.findings = [Report(PaymentEventStatus.PAID)]
    desk.call_back(desk.address(), c2b_paid())  # which makes us ask
    desk.run_polls()
    desk.wait(seconds=20)
    desk.run_callbacks()

    assert [(event.intent_id, event.receipt) for event in desk.events()] == [
        ("intent-1", None),
        ("intent-1", None),
        ("intent-1", "UF1E26WQJZ"),
    ]


def test_a_push_whose_reply_was_lost_is_found_by_its_money(desk: Desk) -> None:
    desk.provider.outcomes = [Unclear("timeout")]
    desk.push()
    desk.call_back(desk.address(), c2b_paid())
    for _ in range(15):
        desk.wait(seconds=15)
        desk.run_callbacks()

    assert desk.told() == ["unknown", "paid"]
    event = desk.events()[-1]
    assert (event.intent_id, event.receipt, event.amount_minor) == ("intent-1", "UF1E26WQJZ", 45_000)


@pytest.mark.parametrize(
    "told",
    [
        c2b_paid("449.00"),
        c2b_paid(account="OTHER"),
        c2b_paid(payer="2547 ***** 150"),
        c2b_paid(at="20261120114500"),
        c2b_paid(at="20261120131500"),
    ],
)
def test_money_by_hand_that_differs_from_an_open_charge_is_announced_at_once(
    sqlite_desk: Desk, told: dict[str, Any]
) -> None:
    desk = sqlite_desk
    desk.push()
    desk.call_back(desk.address(), told)
    assert [event.intent_id for event in desk.events()] == ["intent-1", None]


def test_a_till_tells_no_account_number_and_its_money_waits_all_the_same(desk: Desk) -> None:
    secret = desk.push()
    desk.call_back(desk.address(), c2b_paid(account=""))
    assert desk.told() == ["pending"]
    desk.call_back(secret, stk_paid())
    desk.wait(seconds=20)
    desk.run_callbacks()
    assert desk.told() == ["pending", "paid"]


def test_money_to_a_till_that_no_push_explains_is_announced_after_the_wait(desk: Desk) -> None:
    desk.push()
    desk.call_back(desk.address(), c2b_paid(account=""))
    for _ in range(13):
        desk.wait(seconds=15)
        desk.run_callbacks()
    assert [event.intent_id for event in desk.events()] == ["intent-1", None]


def test_money_by_hand_after_a_failed_push_is_money_by_hand(desk: Desk) -> None:
    secret = desk.push()
    desk.call_back(secret, stk(1032))
    desk.call_back(desk.address(), c2b_paid())
    assert [(event.status, event.intent_id) for event in desk.events()] == [
        ("pending", "intent-1"),
        ("failed", "intent-1"),
        ("paid", None),
    ]


def test_a_receipt_of_another_shop_is_not_announced_again(desk: Desk) -> None:
    desk.plant("vendor-baraka", shortcode="174379")
    secret = desk.push()
    desk.call_back(secret, stk_paid())
    desk.call_back(desk.address("vendor-baraka"), c2b_paid())
    assert desk.told() == ["pending", "paid"]
    assert [row.status for row in desk.inbox()] == ["processed", "failed"]


def test_a_crash_after_a_notice_was_kept_loses_nothing(desk: Desk) -> None:
    desk.send(desk.address(), c2b_paid())
    after = desk.restart()
    after.run_callbacks()
    assert after.told() == ["paid"]


def test_a_look_up_that_learns_nothing_leaves_money_by_hand_waiting_and_then_believed(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    desk.push()
    desk.provider.findings = [NoAnswer("HTTP 503")] * 50
    desk.call_back(desk.address(), c2b_paid())
    for _ in range(13):
        desk.wait(seconds=15)
        desk.run_polls()
        desk.run_callbacks()
    with desk.db.read() as tx:
        (row,) = tx.execute(inbox.select()).all()
    assert (row.status, desk.told()) == ("processed", ["pending", "paid"])
    assert desk.events()[-1].intent_id == "intent-1"
