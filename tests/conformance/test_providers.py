"""What every provider does, rail by rail, against its simulator on the wire: the adapter relies on no more."""

from dataclasses import replace

import pytest

from contracts.payment_api import RefundStatus
from contracts.states import FailureReason, PaymentEventStatus, Rail
from payment_adapter.providers.base import (
    Accepted,
    CallbackForged,
    CallbackUnreadable,
    LateRefunder,
    NoAnswer,
    Provider,
    RefundLimits,
    Refused,
    SecretEchoer,
    SettingsHolder,
    Settled,
    Unclear,
)
from payment_adapter.vault.service import Credentials, Origin
from tests.simulators.running import Simulators
from tests.simulators.shop import RESULT_PATH, Heard, Shop
from tests.support.provider_cases import ACCOUNT, OURS, VENDOR, Case, Trouble, heard, read, refund

S = PaymentEventStatus


# --- the contract -----------------------------------------------------------------------------------------------------


def test_a_provider_has_a_name_and_its_rails(case: Case) -> None:
    provider: Provider = case.provider
    assert provider.name == case.credentials.provider
    assert case.rail in provider.rails


def test_a_charge_waits_is_paid_and_is_found_paid(case: Case) -> None:
    accepted = case.open()

    assert (accepted.instructions is not None) == case.is_reference
    assert case.provider.can_look_up(case.ref(accepted.transaction_id))
    assert case.found(accepted.transaction_id).status is S.PENDING
    case.pay()
    report = case.found(accepted.transaction_id)
    assert (report.status, report.failure) == (S.PAID, None)
    assert report.amount_minor in (None, 45_000)
    assert report.transaction_id in (None, accepted.transaction_id)
    assert len(case.charges()) == 1


def test_a_reference_says_how_and_until_when_it_is_paid(case: Case) -> None:
    instructions = case.open().instructions

    if not case.is_reference:
        assert instructions is None
        return
    assert instructions is not None
    assert instructions.reference
    assert instructions.expires_at is not None
    assert instructions.expires_at > case.clock.now()
    assert (instructions.entity is not None) == (case.rail is Rail.EMIS_REF)
    assert (instructions.qr_png is not None) == (case.rail is Rail.TICKET)


def test_a_charge_that_is_declined_or_lapses_is_found_so(case: Case) -> None:
    accepted = case.open()

    case.decline()

    report = case.found(accepted.transaction_id)
    assert report.failure is not None
    assert report.failure.may_retry
    assert report.failure.ends_prompt
    if case.is_reference:
        assert (report.status, report.failure.reason) == (S.EXPIRED, FailureReason.REFERENCE_EXPIRED)
    else:
        assert (report.status, report.failure.reason) == (S.FAILED, FailureReason.CANCELLED_BY_CUSTOMER)


def test_the_answer_may_be_the_payment_itself(case: Case) -> None:
    if case.rail is not Rail.GPO:
        assert isinstance(case.ask(), Accepted), "only Multicaixa Express keeps us waiting for the customer"
        return
    outcome = case.ask_while_the_customer_pays()
    assert isinstance(outcome, Settled)
    assert outcome.report.status is S.PAID
    assert case.found(outcome.report.transaction_id).status is S.PAID


# --- answers that are lost or say nothing -----------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", [Trouble.TIMEOUT, Trouble.EMPTY])
def test_a_charge_whose_answer_is_lost_is_in_doubt_and_asked_for_once(case: Case, shop: Shop, trouble: Trouble) -> None:
    case.disturb(trouble)

    assert isinstance(case.ask(), Unclear)
    assert len(case.charges()) == 1

    case.pay()
    (message,) = heard(case, shop)
    told = read(case, message)
    assert told.report.status is S.PAID
    assert told.notice is None or told.notice.our_reference == OURS
    if case.provider.can_look_up(case.ref(None)):
        found = case.found(None)
        assert (found.status, found.amount_minor) == (S.PAID, 45_000)
    else:
        assert isinstance(case.look_up(None), NoAnswer)
        assert told.report.transaction_id is not None, "then what is sent names it"
        assert case.found(told.report.transaction_id).status is S.PAID


def test_a_web_page_for_an_answer_leaves_the_charge_in_doubt(case: Case) -> None:
    case.disturb(Trouble.HTML)

    assert isinstance(case.ask(), Unclear)
    assert len(case.charges()) == 0


def test_a_provider_at_its_limit_refuses_says_so_and_rings_nobody(case: Case) -> None:
    case.disturb(Trouble.BUSY, 5)

    outcome = case.ask()

    assert isinstance(outcome, Refused)
    assert (outcome.failure.reason, outcome.failure.may_retry) == (FailureReason.BUSY, True)
    assert outcome.failure.is_throttled
    assert outcome.failure.retry_after_s
    assert len(case.charges()) == 0


def test_a_look_up_that_is_answered_by_a_web_page_teaches_nothing(case: Case) -> None:
    accepted = case.open()
    case.disturb(Trouble.LOOK_UP_HTML)

    assert isinstance(case.look_up(accepted.transaction_id), NoAnswer)
    assert case.found(accepted.transaction_id).status is S.PENDING


def test_a_look_up_may_say_pending_of_what_is_paid(case: Case) -> None:
    accepted = case.open()
    case.pay()
    case.disturb(Trouble.LOOK_UP_PENDING)

    assert case.found(accepted.transaction_id).status is S.PENDING
    assert case.found(accepted.transaction_id).status is S.PAID


def test_a_charge_that_the_provider_does_not_know_is_no_failure(case: Case) -> None:
    answer = case.look_up("ws_CO_nobody_has_this" if case.rail is Rail.MPESA_STK else "000000000001")
    assert isinstance(answer, NoAnswer)


# --- credentials and tokens -------------------------------------------------------------------------------------------


def test_wrong_credentials_are_the_shops_matter_and_ring_nobody(case: Case) -> None:
    outcome = case.ask(case.wrong_credentials)

    assert isinstance(outcome, Refused)
    assert (outcome.failure.reason, outcome.failure.may_retry) == (FailureReason.SHOP_SETUP, False)
    assert len(case.charges()) == 0
    assert isinstance(case.look_up("some-id", case.wrong_credentials), NoAnswer)


def test_a_token_that_dies_early_is_replaced_without_a_second_charge(case: Case) -> None:
    case.disturb(Trouble.TOKEN_DEAD)
    accepted = case.open()
    if case.rail is not Rail.TICKET:  # which needs none
        case.disturb(Trouble.TOKEN_DEAD)
    assert case.found(accepted.transaction_id).status is S.PENDING
    assert len(case.charges()) == 1


def test_a_token_that_has_expired_is_renewed(case: Case) -> None:
    case.open()
    case.phone.advance(2 * 3600)
    case.open(our_reference="ANOTHERANOTHER2")
    assert len(case.charges()) == 2


def test_invented_settings_are_complete_and_proven_by_trying(case: Case) -> None:
    holder: SettingsHolder = case.provider
    assert holder.missing(case.credentials.fields)[case.rail] == []
    assert holder.missing({})[case.rail] != []
    assert {name for names in holder.missing({}).values() for name in names} <= {one.name for one in holder.settings}

    findings = case.try_out(case.credentials)
    assert findings
    assert all(finding.is_good for finding in findings), findings


def test_trying_wrong_settings_says_which_without_showing_them(case: Case) -> None:
    findings = case.try_out(case.wrong_credentials)
    assert {finding.setting for finding in findings if not finding.is_good} == set(case.wrong)


def test_a_setting_that_is_missing_refuses_the_charge_without_a_call(case: Case) -> None:
    name = case.provider.missing({})[case.rail][0]
    fields = {field: value for field, value in case.credentials.fields.items() if field != name}
    lacking = Credentials(VENDOR, case.provider.name, 3, Origin.VENDOR, fields)

    outcome = case.ask(lacking)

    assert isinstance(outcome, Refused)
    assert outcome.failure.reason is FailureReason.SHOP_SETUP
    assert name in outcome.failure.detail
    assert len(case.charges()) == 0


# --- what providers send ----------------------------------------------------------------------------------------------


def test_a_payment_is_reported_with_its_amount_and_its_charge(case: Case, shop: Shop) -> None:
    accepted = case.open()
    case.pay()
    (message,) = heard(case, shop)

    told = read(case, message)

    assert (told.report.status, told.report.amount_minor) == (S.PAID, 45_000)
    assert told.report.transaction_id in (None, accepted.transaction_id)
    assert told.report.receipt
    if told.notice is not None:
        assert told.notice.our_reference == OURS
        assert told.notice.must_be_confirmed == (case.rail is not Rail.TICKET), "what nobody signed is a hint"
        assert not told.notice.paid_by_hand


def test_a_report_that_comes_twice_is_one_fact(case: Case, shop: Shop) -> None:
    case.phone.faults(callback_twice=True, ekwanza_webhook_twice=True)
    case.open()
    case.pay()

    first, second = (read(case, message) for message in heard(case, shop, 2))

    assert first == second


def test_a_report_of_another_amount_says_that_amount(case: Case, shop: Shop) -> None:
    case.phone.faults(wrong_amount=True, ekwanza_wrong_amount=True)
    case.open()
    case.pay()
    (message,) = heard(case, shop)

    assert read(case, message).report.amount_minor not in (None, 45_000)


def test_what_is_kept_of_a_report_holds_no_secret_and_reads_the_same(
    case: Case, shop: Shop, simulators: Simulators
) -> None:
    if case.rail is not Rail.MPESA_STK:
        simulators.phone.register_merchant(ACCOUNT, shape="appypay")
    case.open()
    case.pay()
    (message,) = heard(case, shop)

    kept = message.raw
    if isinstance(case.provider, SecretEchoer):
        kept = case.provider.without_secrets(kept, case.credentials)

    assert [secret for secret in case.secrets() if secret.encode() in kept] == []
    assert read(case, replace(message, raw=kept)) == read(case, message)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"<html>", b'{"Body": 5}', b"\xff\xfe", b'{"code": "A"}'])
def test_what_is_no_report_can_not_be_read(case: Case, body: bytes) -> None:
    with pytest.raises(CallbackUnreadable):
        read(case, Heard("/", {}, {}, body))


def test_a_signed_report_without_its_signature_is_forged(case: Case, shop: Shop) -> None:
    case.open()
    case.pay()
    (message,) = heard(case, shop)

    bare = {name: value for name, value in message.headers.items() if name.lower() != "x-signature"}
    if case.rail is not Rail.TICKET:
        assert bare == dict(message.headers), "only tickets are signed"
        return
    for headers in (bare, {**bare, "x-signature": "00" * 32}):
        with pytest.raises(CallbackForged):
            read(case, message, headers)


# --- money back -------------------------------------------------------------------------------------------------------


def test_money_goes_back_where_the_provider_can_and_else_the_shop_is_told_why(case: Case, shop: Shop) -> None:
    accepted = case.open()
    case.pay()
    (message,) = heard(case, shop)
    receipt = read(case, message).report.receipt
    charge = case.ref(accepted.transaction_id, receipt)
    assert isinstance(case.provider, RefundLimits)
    why_not = case.provider.why_not_refund(charge, charge.amount, case.credentials)

    answer = refund(case, shop.url + RESULT_PATH, accepted.transaction_id, receipt)

    if case.is_reference:
        assert why_not
        assert answer.status is RefundStatus.FAILED
        return
    assert why_not is None
    assert answer.provider_refund_id
    if answer.status is RefundStatus.PENDING:
        assert isinstance(case.provider, LateRefunder)
        (result,) = shop.at(RESULT_PATH)
        answer = case.provider.read_refund_result(result.raw).answer
    assert answer.status is RefundStatus.DONE, answer
    assert case.found(accepted.transaction_id).status is S.PAID, "what was paid stays paid"


def test_more_than_was_paid_does_not_go_back(case: Case, shop: Shop) -> None:
    accepted = case.open()
    case.pay()
    (message,) = heard(case, shop)
    receipt = read(case, message).report.receipt

    answer = refund(case, shop.url + RESULT_PATH, accepted.transaction_id, receipt, 451)

    if answer.status is RefundStatus.PENDING:
        assert isinstance(case.provider, LateRefunder)
        (result,) = shop.at(RESULT_PATH)
        answer = case.provider.read_refund_result(result.raw).answer
    assert answer.status is RefundStatus.FAILED
