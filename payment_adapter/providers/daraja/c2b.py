"""Money that customers pay to the shop's paybill or till by hand (C2B): the addresses that Daraja tells of it, and what
it says there.

Validation and confirmation share one body. Daraja waits about 8 seconds for the answer to a validation, which is off
until Safaricom switches it on for a short code; a confirmation tells of money that has moved. Version 2 masks the
payer's number (`2547 ***** 149`); version 1, which nobody registers any more, sent a SHA-256 of it."""

import re
from enum import StrEnum
from typing import Protocol

from contracts.money import Currency, Money
from contracts.states import PaymentEventStatus
from payment_adapter.providers.base import CallbackUnreadable, NoAnswer, Notice, Report
from payment_adapter.providers.daraja.addresses import forbidden_word
from payment_adapter.providers.daraja.answers import busy_for_s, error_of, is_token_error
from payment_adapter.providers.daraja.calls import Calls
from payment_adapter.providers.daraja.credentials import CredentialsUnusable, DarajaCredentials
from payment_adapter.providers.daraja.results import is_completed, read_status
from payment_adapter.providers.daraja.tokens import NoToken
from payment_adapter.providers.daraja.values import amount_minor_of, moment_of, receipt_of, text_of, words_of
from payment_adapter.providers.daraja.wire import JsonObject, NoReply, NotSent, Reply, read_object
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials

REGISTER_PATH = "/mpesa/c2b/v2/registerurl"
SIMULATE_PATH = "/mpesa/c2b/v2/simulate"

MAX_BILL_REFERENCE = 20
_MAX_NAME = 80
_MSISDN = re.compile(r"[0-9*+ ]{9,20}")
_ALREADY_REGISTERED = "500.003.1001"
_ACCEPTED = {"ResultCode": "0", "ResultDesc": "Accepted"}


class ResponseType(StrEnum):
    """What becomes of a payment when the validation is not answered in time. Daraja takes exactly these spellings."""

    COMPLETED = "Completed"
    CANCELLED = "Cancelled"


class Rejection(StrEnum):
    """Daraja's codes for refusing a payment that was checked by its form alone."""

    AMOUNT = "C2B00013"
    SHORTCODE = "C2B00015"
    OTHER = "C2B00016"


class C2bRefused(Exception):
    """Daraja did not do what was asked, or nobody knows. The text says what to do; it holds no secret."""


class _Body(Protocol):
    def __call__(self, daraja: DarajaCredentials, /) -> JsonObject: ...


class HandPayments:
    """What is asked of Daraja about money paid by hand. Thread-safe; blocks for its timeouts."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def register(
        self, credentials: Credentials, confirmation_url: Secret, validation_url: Secret, response_type: ResponseType
    ) -> None:
        """Have Daraja call these addresses. In production that can be done once; the sandbox takes it every time.

        Raises C2bRefused."""
        for url in (confirmation_url, validation_url):
            word = forbidden_word(url.reveal())
            if word is not None:
                raise C2bRefused(
                    f"Daraja takes no address that holds {word!r}: change DUKANI_ADAPTER_PUBLIC_URL to another host "
                    "name or path"
                )
        reply = self._call(
            REGISTER_PATH,
            credentials,
            lambda daraja: {
                "ShortCode": daraja.shortcode,
                "ResponseType": response_type.value,
                "ConfirmationURL": confirmation_url.reveal(),
                "ValidationURL": validation_url.reveal(),
            },
        )
        if error_of(reply)[0] == _ALREADY_REGISTERED:
            raise C2bRefused(
                "This short code has addresses already, and Daraja takes new ones only after the old are deleted: on "
                "developer.safaricom.co.ke choose Self Services > URL Management, delete them there, and run this again"
            )
        _check_done(reply, "register the addresses")

    def simulate(self, credentials: Credentials, amount: Money, msisdn: str, reference: str) -> None:
        """Have the sandbox play a customer who pays by hand. Raises C2bRefused; ValueError for an amount that is not
        in whole shillings."""
        if amount.currency is not Currency.KES or amount.minor <= 0:
            raise ValueError("M-Pesa takes Kenyan shillings, one at least")
        reply = self._call(
            SIMULATE_PATH,
            credentials,
            lambda daraja: {
                "ShortCode": daraja.shortcode,
                "CommandID": daraja.transaction_type.value,
                "Amount": amount.whole,
                "Msisdn": msisdn,
                "BillRefNumber": reference[:MAX_BILL_REFERENCE] if daraja.is_paybill else None,
            },
        )
        _check_done(reply, "simulate a payment (only its sandbox can)")

    def _call(self, path: str, credentials: Credentials, body: _Body) -> Reply:
        try:
            return self._calls.tell(path, credentials, body(DarajaCredentials.of(credentials)))
        except CredentialsUnusable as error:
            raise C2bRefused(f"The shop's M-Pesa settings can't be used: {error}") from error
        except NoToken as error:
            raise C2bRefused(f"{error.failure.detail}; `dukani secrets check` says more") from error
        except NotSent as error:
            raise C2bRefused(f"Daraja can't be reached ({error}): try again later") from error
        except NoReply as error:
            raise C2bRefused(
                f"Daraja gave no answer ({error}), so nobody knows whether it was done: try again, and if it says that "
                "addresses are registered already, it was"
            ) from error


def read_confirmation(body: bytes, credentials: Credentials) -> Notice:
    """Money that was paid by hand to this shop. Raises CallbackUnreadable, also for another shop's short code."""
    content = read_object(body)
    if content is None:
        raise CallbackUnreadable("not a JSON object")
    transaction_id = receipt_of(content.get("TransID"))
    if transaction_id is None:
        raise CallbackUnreadable("TransID is missing, or is no receipt number")
    amount_minor = amount_minor_of(content.get("TransAmount"))
    if amount_minor is None:
        raise CallbackUnreadable("TransAmount is missing, or is no amount")
    if not _is_own(content, credentials):
        raise CallbackUnreadable("BusinessShortCode is not this shop's")
    msisdn = text_of(content.get("MSISDN"))
    names = (content.get(name) for name in ("FirstName", "MiddleName", "LastName"))
    said = [name for name in (words_of(name, _MAX_NAME) for name in names) if name is not None]
    return Notice(
        event_id=f"mpesa-c2b:{transaction_id}",
        report=Report(
            PaymentEventStatus.PAID,
            amount_minor=amount_minor,
            receipt=transaction_id,
            payer_msisdn=msisdn if msisdn is not None and _MSISDN.fullmatch(msisdn) else None,
            transaction_id=transaction_id,
            occurred_at=moment_of(content.get("TransTime")),
        ),
        paid_by_hand=True,
        account_reference=words_of(content.get("BillRefNumber"), MAX_BILL_REFERENCE),
        payer_name=" ".join(said)[:_MAX_NAME].rstrip() or None,
    )


def read_answer(body: bytes, credentials: Credentials) -> Notice:
    """The answer to a question about a receipt: money that was paid to this shop, by hand or after a prompt, which it
    does not say. Raises CallbackUnreadable, also for money that was paid to somebody else."""
    found = read_status(body)
    if isinstance(found, NoAnswer):
        return Notice("mpesa-answer", Report(PaymentEventStatus.UNKNOWN), paid_by_hand=True, answer=found.detail)
    if found.receipt is None:
        raise CallbackUnreadable("ReceiptNo is missing")
    if found.paid_to not in _own_numbers(credentials):
        raise CallbackUnreadable("CreditPartyName is not this shop")
    is_paid = is_completed(found) and found.amount_minor is not None
    return Notice(
        event_id=f"mpesa-c2b:{found.receipt}",
        report=Report(
            PaymentEventStatus.PAID if is_paid else PaymentEventStatus.UNKNOWN,
            amount_minor=found.amount_minor,
            receipt=found.receipt,
            transaction_id=found.receipt,
            occurred_at=found.ended_at,
        ),
        paid_by_hand=True,
        answer=found.status,
    )


def check(body: bytes, credentials: Credentials) -> Rejection | None:
    """Why Daraja should not let this payment through, judged by its form alone: whether anybody ordered anything is
    found out afterwards, from the money that came."""
    content = read_object(body)
    if content is None or receipt_of(content.get("TransID")) is None:
        return Rejection.OTHER
    if not _is_own(content, credentials):
        return Rejection.SHORTCODE
    return Rejection.AMOUNT if amount_minor_of(content.get("TransAmount")) is None else None


def answer_to_check(rejection: Rejection | None) -> JsonObject:
    """The body that a validation expects. The portal writes the code as a string."""
    return _ACCEPTED if rejection is None else {"ResultCode": rejection.value, "ResultDesc": "Rejected"}


def acknowledgement(*, is_kept: bool) -> JsonObject:
    """The body that a confirmation expects."""
    return _ACCEPTED if is_kept else {"ResultCode": "1", "ResultDesc": "Not kept: send it again"}


def _is_own(content: JsonObject, credentials: Credentials) -> bool:
    """A till is told of under its store's number or its own: sources differ, and both are this shop's."""
    named = text_of(content.get("BusinessShortCode"))
    return named is not None and named in _own_numbers(credentials)


def _own_numbers(credentials: Credentials) -> list[str]:
    return [credentials.fields[name].reveal() for name in ("shortcode", "party_b") if name in credentials.fields]


def _check_done(reply: Reply, what: str) -> None:
    body = reply.json_object() or {}
    done = text_of(body.get("ResponseCode"))
    if reply.status == 200 and done is not None and set(done) == {"0"}:  # "0", and "00000000" in older samples
        return
    code, message = error_of(reply)
    if is_token_error(reply.status, code):
        raise C2bRefused("Daraja does not take a fresh token: `dukani secrets check` says more")
    wait_s = busy_for_s(reply)
    if wait_s is not None:
        raise C2bRefused(f"Daraja is busy: try again in {wait_s} seconds")
    said = words_of(message or body.get("ResponseDescription"), 200) or "it does not say why"
    raise C2bRefused(f"Daraja refuses to {what}: {code or done or reply.status}, {said}")
