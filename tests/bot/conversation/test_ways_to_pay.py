"""A shop with several ways to pay: which one is asked once, a prompt of Multicaixa, a reference that is paid later."""

from datetime import timedelta

import pytest

from bot.conversation.model import Pay
from bot.conversation.rails import grouped
from contracts.events import EventType
from contracts.payment_api import ChargeView, PaymentInstructions
from contracts.states import ChargeStatus, FailureReason, Rail
from tests.support.chat import START, Answer, Chat
from tests.support.fake_shops import ilha, mama_and_kamau

SHOP = "vendor-ilha"
ANGOLAN = "244923000001"
REFERENCE = PaymentInstructions(entity="00123", reference="987654321", expires_at=START + timedelta(hours=72))
TICKET = PaymentInstructions(reference="EKZ4711", qr_png="iVBORw0KGgo=", expires_at=START + timedelta(hours=1))


@pytest.fixture
def chat() -> Chat:
    """With a confirmed order of AOA 1,450.50, from a number that Multicaixa Express can ring."""
    chat = Chat([*mama_and_kamau(), ilha()])
    chat.own_msisdn = chat.router.own_msisdn = ANGOLAN
    chat.says_each("SHOP ilha", "ADD 1", "CONFIRM")
    return chat


@pytest.fixture
def with_reference(chat: Chat) -> Chat:
    chat.says_each("PAY", "2")
    chat.hears(chat.router.has_instructions(code_of(chat), REFERENCE))
    return chat


def code_of(chat: Chat) -> str:
    return chat.router.latest().code


def pays_asked(answer: Answer) -> list[Pay]:
    return [command for command in answer.commands if isinstance(command, Pay)]


# --- which way -------------------------------------------------------------------------------------------------------


def test_confirm_says_that_pay_lets_you_choose_and_names_no_phone(chat: Chat) -> None:
    chat.says_each("ADD 2", "CONFIRM")
    text = chat.replies[-1]
    assert text.key == "confirmed"
    answer = chat.says("STATUS").text
    assert "M-Pesa" not in answer


def test_pay_asks_which_way_in_plain_numbers(chat: Chat) -> None:
    asked = chat.says("PAY")
    assert asked.key == "pay_how"
    assert "AOA 1,450.50" in asked.text
    assert "\n1. Multicaixa Express" in asked.text
    assert "\n2. Reference (at any ATM" in asked.text
    assert "\n3. e-Kwanza" in asked.text
    assert chat.router.pushes == []


@pytest.mark.parametrize(
    ("said", "rail"),
    [
        ("1", Rail.GPO),
        ("PAY 1", Rail.GPO),
        ("express", Rail.GPO),
        ("Multicaixa Express", Rail.GPO),
        ("two", Rail.EMIS_REF),
        ("Reference", Rail.EMIS_REF),
        ("referência", Rail.EMIS_REF),
        ("PAY TICKET", Rail.TICKET),
        ("3", Rail.TICKET),
    ],
)
def test_the_way_is_chosen_by_its_number_or_its_name(chat: Chat, said: str, rail: Rail) -> None:
    chat.says("PAY")
    assert pays_asked(chat.says(said)) == [Pay(SHOP, code_of(chat), None, rail)]


def test_a_way_can_be_named_with_pay_at_once(chat: Chat) -> None:
    assert pays_asked(chat.says("PAY BY REFERENCE")) == [Pay(SHOP, None, None, Rail.EMIS_REF)]


def test_the_name_of_a_way_is_only_an_answer_where_it_was_asked(chat: Chat) -> None:
    assert pays_asked(chat.says("reference")) == []
    chat.says("PAY")
    chat.waits(timedelta(minutes=16))
    assert pays_asked(chat.says("reference")) == []
    assert pays_asked(chat.says("1")) == []


def test_the_way_is_remembered_for_the_order(chat: Chat) -> None:
    chat.says_each("PAY", "1")
    chat.hears(chat.router.has_failed(code_of(chat), FailureReason.INSUFFICIENT_FUNDS))
    again = chat.says("PAY")
    assert again.key == "charge_sent_gpo"
    assert len(chat.router.pushes) == 2


def test_after_a_failure_another_way_is_offered_and_can_be_taken(chat: Chat) -> None:
    chat.says_each("PAY", "1")
    told = chat.hears(chat.router.has_failed(code_of(chat), FailureReason.INSUFFICIENT_FUNDS))
    assert told is not None
    assert "*PAY OTHER*" in told
    asked = chat.says("PAY OTHER")
    assert asked.key == "pay_how"
    assert code_of(chat) in asked.text
    assert pays_asked(asked) == []
    assert pays_asked(chat.says("2")) == [Pay(SHOP, code_of(chat), None, Rail.EMIS_REF)]


def test_where_there_is_one_way_nothing_is_asked(chat: Chat) -> None:
    chat.says_each("SHOP mama", "add milk", "CONFIRM")
    assert chat.says("PAY OTHER").key == "no_other_way"
    chat.router.own_msisdn = "254708374149"
    assert chat.says("PAY").key == "charge_sent"


def test_with_several_orders_a_named_way_is_kept_while_it_is_asked_which(chat: Chat) -> None:
    first = code_of(chat)
    chat.says_each("ADD 2", "CONFIRM")
    assert chat.says("PAY REFERENCE").key == "pay_which"
    assert pays_asked(chat.says("2")) == [Pay(SHOP, first, None, Rail.EMIS_REF)]


def test_with_several_orders_the_order_is_asked_first_and_then_the_way(chat: Chat) -> None:
    first = code_of(chat)
    chat.says_each("ADD 2", "CONFIRM")
    assert chat.says("PAY").key == "pay_which"
    assert chat.says("2").key == "pay_how"
    assert pays_asked(chat.says("1")) == [Pay(SHOP, first, None, Rail.GPO)]


def test_another_way_for_one_of_several_orders_can_be_named(chat: Chat) -> None:
    first = code_of(chat)
    chat.says_each("ADD 2", "CONFIRM", f"PAY OTHER {first}")
    assert pays_asked(chat.says("1")) == [Pay(SHOP, first, None, Rail.GPO)]


def test_a_way_that_is_down_leaves_the_others_to_choose_from(chat: Chat) -> None:
    chat.says("PAY")
    chat.router.shops[2].rails = [Rail.GPO]
    answer = chat.says("2")
    assert answer.key == "rail_unavailable_others"
    assert "\n1. Multicaixa Express" in answer.text
    assert pays_asked(chat.says("1")) == [Pay(SHOP, code_of(chat), None, Rail.GPO)]
    chat.router.shops[2].rails = []
    assert chat.says("PAY GPO").key == "rail_unavailable"


def test_the_question_is_answered_in_the_shop_where_it_was_asked(chat: Chat) -> None:
    chat.says_each("PAY", "SHOP kamau")
    assert pays_asked(chat.says("1")) == []


# --- a prompt of Multicaixa Express ----------------------------------------------------------------------------------


def test_a_prompt_of_multicaixa_express_is_explained_without_m_pesa(chat: Chat) -> None:
    answer = chat.says_each("PAY", "1")
    assert answer.key == "charge_sent_gpo"
    for part in ("Multicaixa Express", "923 000 001", "AOA 1,450.50", "90 seconds"):
        assert part in answer.text
    assert chat.says("PAY").key == "payment_in_progress"
    assert "M-Pesa" not in chat.says("STATUS").text


def test_a_number_of_another_country_is_asked_for_an_angolan_one(chat: Chat) -> None:
    chat.own_msisdn = chat.router.own_msisdn = "254708374149"
    asked = chat.says_each("PAY", "1")
    assert asked.key == "ask_payer_gpo"
    answer = chat.says("923 000 001")
    assert pays_asked(answer) == [Pay(SHOP, code_of(chat), ANGOLAN, Rail.GPO)]
    assert answer.key == "charge_sent_gpo"
    chat.hears(chat.router.has_failed(code_of(chat), FailureReason.UNREACHABLE))
    assert pays_asked(chat.says("PAY")) == [Pay(SHOP, None, ANGOLAN, None)]


def test_a_number_that_multicaixa_can_not_ring_is_asked_for_again(chat: Chat) -> None:
    chat.own_msisdn = chat.router.own_msisdn = None
    chat.says_each("PAY", "1")
    answer = chat.says("+254 708 374 149")
    assert answer.key == "payer_invalid_gpo"
    assert chat.says("+244 923 000 001").key == "charge_sent_gpo"


def test_an_angolan_number_is_not_sent_to_m_pesa(chat: Chat) -> None:
    chat.own_msisdn = chat.router.own_msisdn = None
    chat.says_each("PAY", "1", "923 000 001", "SHOP mama", "add milk", "CONFIRM")
    assert pays_asked(chat.says("PAY")) == [Pay("vendor-mama", None, None, None)]


def test_nobody_can_make_another_phone_ring_where_the_own_number_can(chat: Chat) -> None:
    assert chat.says("PAY 923 000 002").key == "payer_must_agree"


@pytest.mark.parametrize("reason", [*FailureReason, None])
def test_no_failure_of_multicaixa_speaks_of_m_pesa(chat: Chat, reason: FailureReason | None) -> None:
    chat.says_each("PAY", "1")
    told = chat.hears(chat.router.has_failed(code_of(chat), reason))
    assert told is not None
    assert "M-Pesa" not in told
    assert f"PAY {code_of(chat)}" in told


# --- a reference -----------------------------------------------------------------------------------------------------


def test_a_reference_is_announced_and_then_told_with_everything_that_is_typed(chat: Chat) -> None:
    assert chat.says_each("PAY", "2").key == "reference_asked"
    told = chat.hears(chat.router.has_instructions(code_of(chat), REFERENCE))
    assert told is not None
    for part in ("Entity: *00123*", "Reference: *987 654 321*", "Amount: *AOA 1,450.50*", "Pay by: *23 Nov, 10:30*"):
        assert part in told
    assert "Quitanda da Ilha" in told
    assert "M-Pesa" not in told


@pytest.mark.parametrize("said", ["PAY", "STATUS", "PAY 2 "])
def test_asking_again_repeats_the_reference_and_offers_another_way(with_reference: Chat, said: str) -> None:
    said = f"PAY {code_of(with_reference)}" if said.endswith(" ") else said
    answer = with_reference.says(said)
    for part in ("*00123*", "*987 654 321*", "AOA 1,450.50", "*PAY OTHER*"):
        assert part in answer.text
    assert len(with_reference.router.pushes) == 1


def test_while_it_is_being_made_pay_and_status_say_so(chat: Chat) -> None:
    chat.says_each("PAY", "2")
    assert chat.says("PAY").key == "reference_coming"
    assert "We are making its reference" in chat.says("STATUS").text


def test_another_way_may_be_tried_while_a_reference_is_open(with_reference: Chat) -> None:
    with_reference.says("PAY OTHER")
    assert with_reference.says("1").key == "charge_sent_gpo"
    with_reference.hears(with_reference.router.has_failed(code_of(with_reference), FailureReason.PROMPT_EXPIRED))
    assert "*987 654 321*" in with_reference.says("STATUS").text
    assert "*987 654 321*" in with_reference.says("PAY REFERENCE").text


def test_a_reference_that_ran_out_is_not_to_be_paid_and_a_new_one_is_a_word_away(with_reference: Chat) -> None:
    code = code_of(with_reference)
    told = with_reference.hears(with_reference.router.has_run_out(code))
    assert told is not None
    for part in ("is over", "don't pay it", f"*PAY {code}*", "*PAY OTHER*"):
        assert part in told
    status = with_reference.says("STATUS").text
    assert "is over: please don't pay it" in status
    assert "987 654 321" not in status
    assert with_reference.says("PAY").key == "reference_asked"


def test_a_reference_that_is_still_good_outlives_what_was_set_aside(with_reference: Chat) -> None:
    code = code_of(with_reference)
    told = with_reference.hears(with_reference.router.order_news(code, EventType.HOLD_EXPIRED))
    assert told is not None
    for part in ("can still pay", code, "with the reference we gave you", "Pay by: *", "aside any longer"):
        assert part in told
    assert f"PAY {code}" not in told
    with_reference.hears(with_reference.router.has_run_out(code))
    told = with_reference.hears(with_reference.router.order_news(code, EventType.HOLD_EXPIRED))
    assert told is not None
    assert f"*PAY {code}*" in told


def test_a_reference_paid_days_later_gets_a_receipt_without_m_pesa(with_reference: Chat) -> None:
    with_reference.waits(timedelta(hours=20))
    receipt = with_reference.hears(with_reference.router.is_paid(code_of(with_reference), "7788123"))
    assert receipt is not None
    assert "Payment number: *7788123*" in receipt
    assert "M-Pesa" not in receipt
    plain = with_reference.hears(with_reference.router.is_paid(code_of(with_reference), None))
    assert plain is not None
    assert "M-Pesa" not in plain


def test_a_receipt_warns_of_a_reference_that_is_left_over(with_reference: Chat) -> None:
    with_reference.says_each("PAY OTHER", "1")
    receipt = with_reference.hears(with_reference.router.is_paid(code_of(with_reference), None))
    assert receipt is not None
    assert "don't pay the reference" in receipt


def test_a_receipt_for_the_reference_itself_warns_of_nothing(with_reference: Chat) -> None:
    receipt = with_reference.hears(with_reference.router.is_paid(code_of(with_reference), None))
    assert receipt is not None
    assert "don't pay" not in receipt


def test_news_that_the_shop_cancelled_warns_of_a_reference_that_is_left_over(with_reference: Chat) -> None:
    told = with_reference.hears(with_reference.router.order_news(code_of(with_reference), EventType.ORDER_CANCELLED))
    assert told is not None
    assert "don't pay the reference" in told


def test_the_steps_of_a_reference_are_not_numbered_like_something_to_choose(with_reference: Chat) -> None:
    assert "\n1. " not in with_reference.says("STATUS").text


def test_cancelling_says_that_the_reference_must_not_be_paid(with_reference: Chat) -> None:
    answer = with_reference.says("CANCEL ORDER")
    assert answer.key == "cancelled_reference_live"
    assert "Please don't pay its reference" in answer.text


def test_a_reference_that_comes_after_the_order_was_cancelled_is_not_told(chat: Chat) -> None:
    chat.says_each("PAY", "2", "CANCEL ORDER")
    assert chat.hears(chat.router.has_instructions(code_of(chat), REFERENCE)) is None


def test_after_stop_the_reference_waits_for_status(chat: Chat) -> None:
    chat.says("STOP")
    answer = chat.says_each("PAY", "2")
    assert "*STATUS*" in answer.text
    assert chat.hears(chat.router.has_instructions(code_of(chat), REFERENCE)) is None
    assert "*987 654 321*" in chat.says("STATUS").text


@pytest.mark.parametrize(
    ("status", "key"),
    [(ChargeStatus.UNKNOWN, "charge_unknown_reference"), (ChargeStatus.FAILED, "charge_failed")],
)
def test_a_reference_that_could_not_be_made_is_told(chat: Chat, status: ChargeStatus, key: str) -> None:
    chat.router.charge = ChargeView(charge_id="c", intent_id="", status=status, reason=FailureReason.NOT_SENT)
    answer = chat.says_each("PAY", "2")
    assert answer.key == key
    assert "prompt" not in answer.text


def test_a_reference_of_another_shop_is_told_where_the_customer_is_now(chat: Chat) -> None:
    chat.says_each("PAY", "2", "SHOP mama")
    told = chat.hears(chat.router.has_instructions(code_of(chat), REFERENCE))
    assert told is not None
    assert "Quitanda da Ilha" in told
    assert chat.state.shop is not None
    assert chat.state.shop.word == "mama"


@pytest.mark.parametrize(
    ("reference", "shown"),
    [("123456789", "123 456 789"), ("1234", "1234"), ("12345", "123 45"), ("EKZ4711", "EKZ4711"), ("", "")],
)
def test_long_numbers_are_shown_in_groups(reference: str, shown: str) -> None:
    assert grouped(reference) == shown


# --- a ticket --------------------------------------------------------------------------------------------------------


def test_a_ticket_comes_with_its_code_and_its_picture(chat: Chat) -> None:
    assert "e-Kwanza code" in chat.says_each("PAY", "3").text
    told = chat.hears(chat.router.has_instructions(code_of(chat), TICKET))
    assert told is not None
    for part in ("*EKZ4711*", "AOA 1,450.50", "20 Nov, 11:30", "scan the picture or type the code"):
        assert part in told
    picture = chat.replies[-1].picture
    assert picture is not None
    assert picture.content_base64 == TICKET.qr_png


def test_how_to_pay_a_ticket_means_nothing_when_it_can_be_paid_no_more(chat: Chat) -> None:
    chat.says_each("PAY", "3")
    chat.hears(chat.router.has_instructions(code_of(chat), TICKET))
    assert chat.replies[-1].passing is not None
    assert chat.replies[-1].passing.not_after == TICKET.expires_at
    assert chat.replies[-1].passing.while_left is None


def test_without_a_picture_the_code_alone_is_enough(chat: Chat) -> None:
    chat.says_each("PAY", "3")
    told = chat.hears(chat.router.has_instructions(code_of(chat), TICKET.model_copy(update={"qr_png": None})))
    assert told is not None
    assert "type the code" in told
    assert "picture" not in told
    assert chat.replies[-1].picture is None
