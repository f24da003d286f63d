"""Reversal and transaction status on the wire: what is sent, once, and what every answer may be taken to mean."""

import base64
import json
import threading
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from contracts.money import Currency, Money
from contracts.payment_api import RefundStatus
from contracts.states import Rail
from kit.clock import FixedClock
from payment_adapter.providers.base import (
    CallbackUnreadable,
    ChargeRef,
    LateRefunder,
    NoAnswer,
    RefundAnswer,
    Refunder,
    RefundLimits,
    RefundOrder,
    RefundQuestion,
)
from payment_adapter.providers.daraja.calls import Calls
from payment_adapter.providers.daraja.client import Daraja
from payment_adapter.providers.daraja.credentials import CredentialsUnusable
from payment_adapter.providers.daraja.initiator import Initiator, encrypted
from payment_adapter.providers.daraja.results import TransactionStatus, read_status
from payment_adapter.providers.daraja.reversal import REVERSAL_PATH, STATUS_PATH, Reversals
from payment_adapter.providers.daraja.tokens import Tokens
from payment_adapter.providers.daraja.wire import Wire
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials
from tests.support.daraja import TOKEN_PATH, credentials, error, give_tokens
from tests.support.processes import eventually
from tests.support.refunds import result, status_result

RESULT_URL = Secret("https://pay.example.com/callbacks/refunds/" + "cd" * 32)
GIVEN = "QUJD" * 64
TAKEN = {
    "OriginatorConversationID": "71840-27539181-07",
    "ConversationID": "AG_20261120_12345",
    "ResponseCode": "0",
    "ResponseDescription": "Accept the service request successfully.",
}
PAID = ChargeRef(Rail.MPESA_STK, Money.of_whole(450, Currency.KES), "OURSOURSOURS234", "ws_CO_1", "UF1E26WQJZ")
ORDER = RefundOrder("refund-1", PAID, Money.of_whole(450, Currency.KES), "Paid twice", RESULT_URL)
QUESTION = RefundQuestion("refund-1", PAID, Money.of_whole(450, Currency.KES), "71840-27539181-07", RESULT_URL)


def settings(**changes: Any) -> Credentials:
    given: dict[str, Any] = {"initiator_name": "dukani", "security_credential": GIVEN, **changes}
    return credentials(**given)


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    """A self-signed one, as a stand-in for the provider's."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An invented provider")])
    began = datetime(2026, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(began)
        .not_valid_after(began + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture
def reversals(httpserver: HTTPServer, clock: FixedClock) -> Generator[Reversals]:
    wire = Wire(httpserver.url_for("").rstrip("/"), connect_timeout_s=2, read_timeout_s=0.4)
    yield Reversals(Calls(wire, Tokens(wire, clock)))
    wire.close()


def asked(httpserver: HTTPServer, path: str) -> list[Request]:
    return [request for request, _ in httpserver.log if request.path == path]


def test_daraja_gives_money_back_within_limits_and_says_later_how_it_ended(daraja: Daraja) -> None:
    assert isinstance(daraja, Refunder)
    assert isinstance(daraja, RefundLimits)
    assert isinstance(daraja, LateRefunder)


# --- the initiator --------------------------------------------------------------------------------------------------


def test_the_password_is_encrypted_with_the_providers_key(key: rsa.RSAPrivateKey) -> None:
    made = Initiator.of(settings(security_credential="", initiator_password="s3cret!", certificate=certificate_of(key)))
    sealed = base64.b64decode(made.security_credential.reveal())
    assert (made.name, key.decrypt(sealed, padding.PKCS1v15())) == ("dukani", b"s3cret!")


def test_two_credentials_of_one_password_differ(key: rsa.RSAPrivateKey) -> None:
    certificate = certificate_of(key)
    assert encrypted(Secret("s3cret!"), certificate) != encrypted(Secret("s3cret!"), certificate)


def test_a_certificate_may_stand_on_one_line_or_be_the_bare_key(key: rsa.RSAPrivateKey) -> None:
    bare = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for text in (certificate_of(key).replace("\n", "\\n"), bare.decode(), "\n\n" + certificate_of(key)):
        sealed = encrypted(Secret("s3cret!"), text)
        assert key.decrypt(base64.b64decode(sealed.reveal()), padding.PKCS1v15()) == b"s3cret!"


def test_a_finished_credential_is_taken_as_it_is_even_over_several_lines() -> None:
    assert Initiator.of(settings(security_credential=GIVEN[:100] + "\n " + GIVEN[100:])).security_credential == Secret(
        GIVEN
    )


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"initiator_name": ""}, "initiator_name"),
        ({"security_credential": "short"}, "security_credential"),
        ({"security_credential": "!" * 400}, "security_credential"),
        ({"security_credential": ""}, "initiator_password"),
        ({"security_credential": "", "initiator_password": "hush-hush"}, "certificate"),
        (
            {"security_credential": "", "initiator_password": "hush-hush", "certificate": "not one"},
            "certificate",
        ),
    ],
)
def test_what_an_initiator_lacks_is_named_and_never_shown(changes: dict[str, str], names: str) -> None:
    with pytest.raises(CredentialsUnusable) as refused:
        Initiator.of(settings(**changes))
    assert str(refused.value).startswith(names)
    assert "hush-hush" not in str(refused.value)


def test_a_certificate_of_another_kind_or_a_password_too_long_for_it_is_refused(key: rsa.RSAPrivateKey) -> None:
    with pytest.raises(CredentialsUnusable, match="RSA"):
        encrypted(Secret("s3cret!"), certificate_of(ec.generate_private_key(ec.SECP256R1())))
    with pytest.raises(CredentialsUnusable, match="too long"):
        encrypted(Secret("x" * 246), certificate_of(key))


# --- the reversal ---------------------------------------------------------------------------------------------------


def test_a_reversal_says_what_the_documentation_asks_for(httpserver: HTTPServer, reversals: Reversals) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(REVERSAL_PATH, method="POST").respond_with_json(TAKEN)

    assert reversals.refund(ORDER, settings()) == RefundAnswer(RefundStatus.PENDING, "71840-27539181-07")

    (request,) = asked(httpserver, "/mpesa/reversal/v1/request")
    assert request.headers["authorization"] == "Bearer token-1"
    assert request.get_json() == {
        "Initiator": "dukani",
        "SecurityCredential": GIVEN,
        "CommandID": "TransactionReversal",
        "TransactionID": "UF1E26WQJZ",
        "Amount": 450,
        "ReceiverParty": "174379",
        "RecieverIdentifierType": "11",
        "ResultURL": RESULT_URL.reveal(),
        "QueueTimeOutURL": RESULT_URL.reveal() + "/timeout",
        "Remarks": "Paid twice",
    }


NOTHING_HAPPENED: list[tuple[int, dict[str, Any], str]] = [
    (400, error("400.002.02", "Bad Request - Invalid ReceiverParty"), "Invalid ReceiverParty"),
    (400, error("400.002.05", "Invalid Request Payload"), "400.002.05"),
    (404, error("404.001.01", "Resource not found"), "404.001.01"),
    (405, error("405.001", "Method Not Allowed"), "405.001"),
    (404, error("404.001.03", "Invalid Access Token"), "token"),
    (401, {}, "token"),
    (500, error("500.001.1001", "Wrong credentials"), "Wrong credentials"),
    (500, error("500.003.02", "System is busy. Please try again in few minutes."), "120 seconds"),
    (500, error("500.003.03", "Quota Violation"), "300 seconds"),
    (429, {}, "30 seconds"),
    (200, {**TAKEN, "ResponseCode": "21"}, "role"),
    (200, {**TAKEN, "ResponseCode": "77", "ResponseDescription": "No."}, "No."),
]


@pytest.mark.parametrize(("status", "body", "says"), NOTHING_HAPPENED)
def test_a_refusal_that_can_be_read_means_that_nothing_went_back(
    httpserver: HTTPServer, reversals: Reversals, status: int, body: dict[str, Any], says: str
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(REVERSAL_PATH).respond_with_json(body, status=status)
    answer = reversals.refund(ORDER, settings())
    assert (answer.status, says in (answer.detail or "")) == (RefundStatus.FAILED, True)


IN_DOUBT: list[tuple[int, bytes]] = [
    (500, b"<html>oops</html>"),
    (502, b""),
    (200, b"<html>ok</html>"),
    (200, b"{}"),
    (403, b"<html>blocked</html>"),
    (302, b""),
    (500, json.dumps(error("500.001.1001", "The transaction is being processed")).encode()),
    (500, json.dumps(error("500.002.1001", "Duplicate OriginatorConversationID")).encode()),
    (500, json.dumps(error("500.003.1001", "Internal Server Error")).encode()),
]


@pytest.mark.parametrize(("status", "body"), IN_DOUBT)
def test_an_answer_that_proves_nothing_leaves_the_refund_unknown_and_is_not_repeated(
    httpserver: HTTPServer, reversals: Reversals, status: int, body: bytes
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(REVERSAL_PATH).respond_with_data(body, status=status)
    assert reversals.refund(ORDER, settings()).status is RefundStatus.UNKNOWN
    assert len(asked(httpserver, REVERSAL_PATH)) == 1


def test_no_answer_in_time_is_unknown_and_not_repeated(httpserver: HTTPServer, reversals: Reversals) -> None:
    give_tokens(httpserver)
    may_end = threading.Event()

    def hang(_request: Request) -> Response:
        may_end.wait(10)
        return Response("late")

    httpserver.expect_request(REVERSAL_PATH).respond_with_handler(hang)
    try:
        assert reversals.refund(ORDER, settings()).status is RefundStatus.UNKNOWN
    finally:
        may_end.set()
    # A request is noted once it is answered: after that it is in no other test's notes.
    eventually(lambda: bool(asked(httpserver, REVERSAL_PATH)), "the request was answered at last")
    assert len(asked(httpserver, REVERSAL_PATH)) == 1


def test_a_dead_token_is_replaced_once(httpserver: HTTPServer, reversals: Reversals) -> None:
    give_tokens(httpserver)
    dead = error("404.001.03", "Invalid Access Token")
    httpserver.expect_oneshot_request(REVERSAL_PATH).respond_with_json(dead, status=404)
    httpserver.expect_request(REVERSAL_PATH).respond_with_json(TAKEN)
    assert reversals.refund(ORDER, settings()).status is RefundStatus.PENDING
    used = [request.headers["authorization"] for request in asked(httpserver, REVERSAL_PATH)]
    assert used == ["Bearer token-1", "Bearer token-2"]


def test_without_a_token_nothing_is_sent(httpserver: HTTPServer, reversals: Reversals) -> None:
    httpserver.expect_request(TOKEN_PATH).respond_with_data(b"", status=400)
    assert reversals.refund(ORDER, settings()).status is RefundStatus.FAILED
    assert asked(httpserver, REVERSAL_PATH) == []


@pytest.mark.parametrize(
    ("charge", "amount", "changes", "says"),
    [
        (ChargeRef(PAID.rail, PAID.amount, "O", "ws_CO_1", None), PAID.amount, {}, "receipt"),
        (PAID, Money(45_050, Currency.KES), {}, "whole"),
        (PAID, Money(45_000, Currency.AOA), {}, "Kenyan"),
        (PAID, PAID.amount, {"initiator_name": ""}, "initiator_name"),
        (PAID, PAID.amount, {"consumer_key": ""}, "consumer_key"),
    ],
)
def test_what_can_not_be_reversed_is_refused_without_a_call(
    httpserver: HTTPServer,
    reversals: Reversals,
    daraja: Daraja,
    charge: ChargeRef,
    amount: Money,
    changes: dict[str, str],
    says: str,
) -> None:
    assert says in (daraja.why_not_refund(charge, amount, settings(**changes)) or "")
    order = RefundOrder("refund-1", charge, amount, "", RESULT_URL)
    assert reversals.refund(order, settings(**changes)).status is RefundStatus.FAILED
    assert httpserver.log == []


def test_no_answer_repeats_the_credential_or_the_address(httpserver: HTTPServer, reversals: Reversals) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(REVERSAL_PATH).respond_with_json(
        error("400.002.02", f"Bad Request - Invalid ResultURL {RESULT_URL.reveal()} of 254708374149"), status=400
    )
    shown = repr(ORDER) + repr(reversals.refund(ORDER, settings()))
    assert not [hidden for hidden in (GIVEN, "cd" * 32, "254708374149") if hidden in shown]


# --- asking what became of it ---------------------------------------------------------------------------------------


def test_a_reversal_is_asked_about_by_its_conversation(httpserver: HTTPServer, daraja: Daraja) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(STATUS_PATH, method="POST").respond_with_json(TAKEN)

    assert daraja.ask_refund(QUESTION, settings()) is None

    (request,) = asked(httpserver, "/mpesa/transactionstatus/v1/query")
    assert request.get_json() == {
        "Initiator": "dukani",
        "SecurityCredential": GIVEN,
        "CommandID": "TransactionStatusQuery",
        "OriginalConversationID": "71840-27539181-07",
        "PartyA": "174379",
        "IdentifierType": "4",
        "ResultURL": RESULT_URL.reveal(),
        "QueueTimeOutURL": RESULT_URL.reveal() + "/timeout",
        "Remarks": "Refund status",
        "Occasion": "",
    }


def test_any_transaction_is_asked_about_by_its_receipt(httpserver: HTTPServer, reversals: Reversals) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(STATUS_PATH).respond_with_json(TAKEN)
    assert reversals.ask_status(settings(), RESULT_URL, receipt="UF1E26WQJZ") is None
    body = asked(httpserver, STATUS_PATH)[0].get_json()
    assert (body["TransactionID"], "OriginalConversationID" in body) == ("UF1E26WQJZ", False)
    with pytest.raises(ValueError, match="receipt"):
        reversals.ask_status(settings(), RESULT_URL)


@pytest.mark.parametrize(
    ("status", "body"), [*((s, json.dumps(b).encode()) for s, b, _ in NOTHING_HAPPENED), *IN_DOUBT]
)
def test_a_question_that_was_not_taken_teaches_nothing(
    httpserver: HTTPServer, reversals: Reversals, status: int, body: bytes
) -> None:
    give_tokens(httpserver)
    httpserver.expect_request(STATUS_PATH).respond_with_data(body, status=status, content_type="application/json")
    assert isinstance(reversals.ask(QUESTION, settings()), NoAnswer)


def test_settings_without_an_initiator_ask_nothing(httpserver: HTTPServer, reversals: Reversals) -> None:
    assert isinstance(reversals.ask(QUESTION, credentials()), NoAnswer)
    assert httpserver.log == []


# --- results --------------------------------------------------------------------------------------------------------


def raw(body: Any) -> bytes:
    return json.dumps(body).encode()


def test_a_result_of_a_reversal_names_the_payment_and_the_refund(daraja: Daraja) -> None:
    report = daraja.read_refund_result(raw(result()))
    assert report.answer == RefundAnswer(RefundStatus.DONE, "conversation-1")
    assert (report.receipt, report.amount_minor, report.refund_receipt) == ("UF1E26WQJZ", 45_000, "UF2R00BACK")


@pytest.mark.parametrize("code", [0, "0"])
def test_a_result_may_have_one_parameter_or_none_at_all(daraja: Daraja, code: int | str) -> None:
    body = result(code)
    body["Result"]["ResultParameters"] = {"ResultParameter": {"Key": "Amount", "Value": 450.0}}
    assert daraja.read_refund_result(raw(body)).amount_minor == 45_000
    del body["Result"]["ResultParameters"]
    report = daraja.read_refund_result(raw(body))
    assert (report.answer.status, report.amount_minor, report.receipt) == (RefundStatus.DONE, None, None)


def test_a_result_that_is_still_under_way_decides_nothing(daraja: Daraja) -> None:
    assert daraja.read_refund_result(raw(result("4999"))).answer.status is RefundStatus.PENDING


def test_a_status_may_repeat_a_key_and_leave_out_a_value() -> None:
    assert read_status(raw(status_result(FinalisedTime=20261120120030))) == TransactionStatus(
        "Completed", "UF2R00BACK", 45_000, datetime(2026, 11, 20, 9, 0, 30, tzinfo=UTC), paid_to=None
    )


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"Result": []}', b'{"Result": {"ResultCode": null}}'])
def test_what_is_no_result_is_unreadable(daraja: Daraja, body: bytes) -> None:
    for read in (daraja.read_refund_result, daraja.read_refund_answer):
        with pytest.raises(CallbackUnreadable):
            read(body)
