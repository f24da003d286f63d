"""Money that is paid to a paybill or till by hand: addresses registered, confirmations read, validations judged."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from contracts.money import Currency, Money
from contracts.states import PaymentEventStatus
from payment_adapter.providers.base import CallbackUnreadable, NoticeChecker, NoticeReader
from payment_adapter.providers.daraja.c2b import REGISTER_PATH, SIMULATE_PATH, C2bRefused, ResponseType
from payment_adapter.providers.daraja.client import Daraja
from payment_adapter.providers.daraja.credentials import TransactionType
from payment_adapter.vault.secret import Secret
from tests.support.daraja import TOKEN_PATH, credentials, error, give_tokens
from tests.support.payments import PAYER

ADDRESS = Secret("https://pay.example.com/callbacks/" + "ab" * 32)
CHECK = Secret(ADDRESS.reveal() + "/check")
DONE = {"OriginatorCoversationID": "7619-37765134-1", "ResponseCode": "0", "ResponseDescription": "success"}
TILL = credentials(shortcode="600000", party_b="500123", transaction_type=TransactionType.TILL)


def told(**changes: Any) -> bytes:
    """A confirmation as version 2 sends it."""
    body: dict[str, Any] = {
        "TransactionType": "Pay Bill",
        "TransID": "RKTQDM7W6S",
        "TransTime": "20191122063845",
        "TransAmount": "5.00",
        "BusinessShortCode": "174379",
        "BillRefNumber": "K7M3QD",
        "InvoiceNumber": "",
        "OrgAccountBalance": "49197.00",
        "ThirdPartyTransID": "",
        "MSISDN": "2547 ***** 149",
        "FirstName": "NJERI",
        "MiddleName": "",
        "LastName": "WANJIRU",
        **changes,
    }
    return json.dumps({name: value for name, value in body.items() if value is not ...}).encode()


def register(daraja: Daraja, **changes: Any) -> None:
    daraja.register_urls(credentials(**changes), ADDRESS, CHECK, ResponseType.COMPLETED)


def test_daraja_reads_and_checks_notices(daraja: Daraja) -> None:
    assert isinstance(daraja, NoticeChecker)
    reader: NoticeReader = daraja
    assert reader.acknowledgement(is_kept=True) == {"ResultCode": "0", "ResultDesc": "Accepted"}
    assert reader.acknowledgement(is_kept=False)["ResultCode"] != "0"


# --- registering ----------------------------------------------------------------------------------------------------


def test_the_addresses_are_registered_by_version_two_in_its_spelling(httpserver: HTTPServer, daraja: Daraja) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(REGISTER_PATH, method="POST").respond_with_json(DONE)

    register(daraja)

    request = httpserver.log[-1][0]
    assert (request.path, request.headers["authorization"]) == ("/mpesa/c2b/v2/registerurl", "Bearer token-1")
    assert request.get_json() == {
        "ShortCode": "174379",
        "ResponseType": "Completed",
        "ConfirmationURL": ADDRESS.reveal(),
        "ValidationURL": CHECK.reveal(),
    }


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (500, error("500.003.1001", "Urls are already registered"), "URL Management"),
        (400, error("400.003.02", "Bad Request"), "400.003.02"),
        (400, error("400.002.02", "Bad Request - Invalid ConfirmationURL"), "Invalid ConfirmationURL"),
        (400, error("400.003.01", "Invalid Access Token"), "secrets check"),
        (500, error("500.003.02", "System is busy"), "120 seconds"),
        (429, {}, "30 seconds"),
        (200, {"ResponseCode": "1", "ResponseDescription": "Rejected"}, "Rejected"),
        (200, {}, "does not say why"),
        (502, None, "502"),
    ],
)
def test_addresses_that_are_not_taken_say_what_to_do(
    httpserver: HTTPServer, daraja: Daraja, status: int, body: Any, says: str
) -> None:
    give_tokens(httpserver)
    if body is None:
        httpserver.expect_request(REGISTER_PATH).respond_with_data(b"<html>", status=status)
    else:
        httpserver.expect_request(REGISTER_PATH).respond_with_json(body, status=status)
    with pytest.raises(C2bRefused) as refused:
        register(daraja)
    assert says in str(refused.value)
    assert "ab" * 32 not in str(refused.value)


def test_a_dead_token_is_replaced_once(httpserver: HTTPServer, daraja: Daraja) -> None:
    give_tokens(httpserver)
    dead = error("400.003.01", "Invalid Access Token")
    httpserver.expect_oneshot_request(REGISTER_PATH).respond_with_json(dead, status=400)
    httpserver.expect_request(REGISTER_PATH).respond_with_json(DONE)
    register(daraja)
    used = [request.headers["authorization"] for request, _ in httpserver.log if request.path == REGISTER_PATH]
    assert used == ["Bearer token-1", "Bearer token-2"]


def test_without_a_token_or_settings_nothing_is_registered(httpserver: HTTPServer, daraja: Daraja) -> None:
    httpserver.expect_request(TOKEN_PATH).respond_with_data(b"", status=400)
    with pytest.raises(C2bRefused, match="refuses the consumer key"):
        register(daraja)
    with pytest.raises(C2bRefused, match="shortcode"):
        register(daraja, shortcode="17a")
    assert [request.path for request, _ in httpserver.log] == [TOKEN_PATH]


@pytest.mark.parametrize("word", ["mpesa", "M-Pesa", "SAFARICOM", "exe", "Exec", "cmd", "sql", "query"])
def test_an_address_with_a_word_that_daraja_refuses_is_found_here(
    httpserver: HTTPServer, daraja: Daraja, word: str
) -> None:
    bad = Secret(f"https://pay.example.com/{word}/callbacks/" + "ab" * 32)
    with pytest.raises(C2bRefused, match=word):
        daraja.register_urls(credentials(), ADDRESS, bad, ResponseType.CANCELLED)
    assert httpserver.log == []


@pytest.mark.parametrize(
    ("whose", "shortcode", "command", "reference"),
    [(credentials(), "174379", "CustomerPayBillOnline", "K7M3QD"), (TILL, "600000", "CustomerBuyGoodsOnline", None)],
)
def test_the_sandbox_plays_a_customer_who_pays_by_hand(
    httpserver: HTTPServer, daraja: Daraja, whose: Any, shortcode: str, command: str, reference: str | None
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(SIMULATE_PATH).respond_with_json(DONE)
    daraja.simulate_by_hand(whose, Money.of_whole(5, Currency.KES), PAYER, "K7M3QD")
    assert httpserver.log[-1][0].get_json() == {
        "ShortCode": shortcode,
        "CommandID": command,
        "Amount": 5,
        "Msisdn": PAYER,
        "BillRefNumber": reference,
    }


def test_production_simulates_nothing(httpserver: HTTPServer, daraja: Daraja) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(SIMULATE_PATH).respond_with_json(error("404.001.01", "Resource not found"), status=404)
    with pytest.raises(C2bRefused, match="sandbox"):
        daraja.simulate_by_hand(credentials(), Money.of_whole(5, Currency.KES), PAYER, "K7M3QD")


@pytest.mark.parametrize("amount", [Money(550, Currency.KES), Money(0, Currency.KES), Money(500, Currency.AOA)])
def test_what_mpesa_does_not_take_is_not_simulated(httpserver: HTTPServer, daraja: Daraja, amount: Money) -> None:
    with pytest.raises(ValueError, match=r"KES|shillings"):
        daraja.simulate_by_hand(credentials(), amount, PAYER, "K7M3QD")
    assert httpserver.log == []


# --- confirmations --------------------------------------------------------------------------------------------------


def test_a_confirmation_says_who_paid_how_much_for_what(daraja: Daraja) -> None:
    notice = daraja.read_notice(told(), {}, credentials())
    assert (notice.event_id, notice.paid_by_hand, notice.our_reference) == ("mpesa-c2b:RKTQDM7W6S", True, None)
    assert (notice.account_reference, notice.payer_name, notice.must_be_confirmed) == ("K7M3QD", "NJERI WANJIRU", False)
    report = notice.report
    assert (report.status, report.amount_minor) == (PaymentEventStatus.PAID, 500)
    assert (report.receipt, report.transaction_id) == ("RKTQDM7W6S", "RKTQDM7W6S")
    assert (report.payer_msisdn, report.occurred_at) == (
        "2547 ***** 149",
        datetime(2019, 11, 22, 3, 38, 45, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("amount", "minor"),
    [("5.00", 500), ("5", 500), (5, 500), (5.5, 550), ("1234567.89", 123_456_789), ("0.01", 1), (" 5.00 ", 500)],
)
def test_an_amount_is_read_exactly(daraja: Daraja, amount: Any, minor: int) -> None:
    assert daraja.read_notice(told(TransAmount=amount), {}, credentials()).report.amount_minor == minor


def test_what_a_payer_leaves_out_is_left_out(daraja: Daraja) -> None:
    body = told(BillRefNumber="", MSISDN="", FirstName=None, MiddleName=..., LastName=" ", TransTime="")
    notice = daraja.read_notice(body, {}, credentials())
    assert (notice.account_reference, notice.payer_name, notice.report.payer_msisdn) == (None, None, None)
    assert notice.report.occurred_at is None


@pytest.mark.parametrize("msisdn", ["a" * 64, "9f" * 32, "<script>", 5])
def test_what_is_no_number_is_not_kept_as_one(daraja: Daraja, msisdn: Any) -> None:
    assert daraja.read_notice(told(MSISDN=msisdn), {}, credentials()).report.payer_msisdn is None


@pytest.mark.parametrize("msisdn", ["2547 ***** 149", PAYER, int(PAYER), "2547*****149"])
def test_a_number_is_kept_as_it_is_told(daraja: Daraja, msisdn: Any) -> None:
    assert daraja.read_notice(told(MSISDN=msisdn), {}, credentials()).report.payer_msisdn == str(msisdn)


def test_what_a_stranger_typed_is_one_short_line(daraja: Daraja) -> None:
    body = told(BillRefNumber="\x00 k7\u202em3\nqd " + "x" * 90, FirstName="N\u0000jeri\r\n", LastName="W" * 500)
    notice = daraja.read_notice(body, {}, credentials())
    assert notice.account_reference == "k7 m3 qd xxxxxxxxxxx"
    assert notice.payer_name is not None
    assert (notice.payer_name[:8], len(notice.payer_name)) == ("N jeri W", 80)


def test_a_till_is_told_of_under_its_stores_number_or_its_own(daraja: Daraja) -> None:
    for number in ("600000", "500123", 500123):
        assert daraja.read_notice(told(BusinessShortCode=number), {}, TILL).paid_by_hand


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"<html>",
        b"\xff",
        told(TransID=""),
        told(TransID=...),
        told(TransID="RKT'; --"),
        told(TransID="r" * 30),
        told(TransAmount=...),
        told(TransAmount="-5.00"),
        told(TransAmount="0"),
        told(TransAmount="5,00"),
        told(TransAmount="5.001"),
        told(TransAmount="NaN"),
        told(TransAmount="1e99"),
        told(TransAmount=True),
        told(TransAmount=["5.00"]),
        told(BusinessShortCode="600999"),
        told(BusinessShortCode=...),
        told(BusinessShortCode=""),
    ],
)
def test_what_is_no_confirmation_for_this_shop_is_unreadable(daraja: Daraja, body: bytes) -> None:
    with pytest.raises(CallbackUnreadable):
        daraja.read_notice(body, {}, credentials())


# --- validations ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (told(OrgAccountBalance=""), "0"),
        (told(BillRefNumber="no such order", TransAmount="99999.00"), "0"),
        (told(TransAmount="0.00"), "C2B00013"),
        (told(TransAmount="five"), "C2B00013"),
        (told(TransAmount=...), "C2B00013"),
        (told(BusinessShortCode="600999"), "C2B00015"),
        (told(BusinessShortCode=...), "C2B00015"),
        (told(TransID=...), "C2B00016"),
        (told(TransID=""), "C2B00016"),
        (b"", "C2B00016"),
        (b"[" * 100_000, "C2B00016"),
        (b'{"TransID": 1' + b"0" * 5000 + b"}", "C2B00016"),
    ],
)
def test_a_validation_judges_the_form_and_never_the_business(daraja: Daraja, body: bytes, code: str) -> None:
    answer = daraja.check_notice(body, {}, credentials())
    assert (answer["ResultCode"], answer["ResultDesc"]) == (code, "Accepted" if code == "0" else "Rejected")
