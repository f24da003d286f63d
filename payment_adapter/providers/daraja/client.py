"""Daraja behind the provider contract: STK push for paybill and till, STK query, STK callback; money paid by hand
(C2B), refunds (reversal), and the shop's settings."""

from collections.abc import Mapping

import structlog

from contracts.money import Currency, Money
from contracts.states import FailureReason, Rail
from kit.clock import Clock
from payment_adapter.providers.base import (
    ChargeOrder,
    ChargeRef,
    Failure,
    Finding,
    NoAnswer,
    Notice,
    Outcome,
    RefundAnswer,
    RefundOrder,
    RefundQuestion,
    RefundReport,
    Refused,
    Report,
    Setting,
    Unclear,
)
from payment_adapter.providers.daraja import c2b, callback, results, reversal, vendor_settings
from payment_adapter.providers.daraja.answers import TokenInvalid, read_push, read_query
from payment_adapter.providers.daraja.c2b import HandPayments, ResponseType
from payment_adapter.providers.daraja.calls import QUERY_PATH, Calls
from payment_adapter.providers.daraja.credentials import (
    PROVIDER,
    CredentialsUnusable,
    DarajaCredentials,
    timestamp_of,
)
from payment_adapter.providers.daraja.reversal import Reversals
from payment_adapter.providers.daraja.tokens import NoToken, Owner, Tokens
from payment_adapter.providers.daraja.vendor_settings import Trial
from payment_adapter.providers.daraja.wire import JsonObject, NoReply, NotSent, Wire
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials

_log = structlog.get_logger()

PUSH_PATH = "/mpesa/stkpush/v1/processrequest"
MAX_REFERENCE = 12
MAX_DESCRIPTION = 13

_TOKEN_TRIES = 2  # a token may die before its time: fetch once more, then believe the refusal


class Daraja:
    """Thread-safe."""

    def __init__(self, wire: Wire, clock: Clock) -> None:
        self._wire = wire
        self._clock = clock
        self._tokens = Tokens(wire, clock)
        calls = Calls(wire, self._tokens)
        self._by_hand = HandPayments(calls)
        self._reversals = Reversals(calls)
        self._trial = Trial(calls, clock)

    @property
    def name(self) -> str:
        return PROVIDER

    @property
    def rails(self) -> frozenset[Rail]:
        return frozenset({Rail.MPESA_STK})

    def create_charge(self, order: ChargeOrder, credentials: Credentials) -> Outcome:
        unfit = _unfit(order)
        if unfit is not None:
            return Refused(unfit)
        try:
            daraja = DarajaCredentials.of(credentials)
        except CredentialsUnusable as error:
            return Refused(Failure(FailureReason.SHOP_SETUP, False, "credentials", str(error)))
        owner = (credentials.vendor_id, credentials.version)
        answer: Outcome | TokenInvalid = Unclear("never asked")
        for _ in range(_TOKEN_TRIES):
            answer = self._push_once(order, owner, daraja)
            if not isinstance(answer, TokenInvalid):
                return answer
        assert isinstance(answer, TokenInvalid)
        return Refused(answer.failure)

    def can_look_up(self, charge: ChargeRef) -> bool:
        """The STK query takes nothing but the CheckoutRequestID."""
        return charge.transaction_id is not None

    def look_up(self, charge: ChargeRef, credentials: Credentials) -> Report | NoAnswer:
        if charge.transaction_id is None:
            return NoAnswer("Daraja gave this push no CheckoutRequestID that we know of")
        try:
            daraja = DarajaCredentials.of(credentials)
        except CredentialsUnusable as error:
            return NoAnswer(str(error), is_refused=True)
        owner = (credentials.vendor_id, credentials.version)
        for _ in range(_TOKEN_TRIES):
            answer = self._query_once(charge.transaction_id, owner, daraja)
            if not isinstance(answer, TokenInvalid):
                return answer
        return NoAnswer("Daraja does not take a fresh token", is_refused=True)

    def read_callback(self, body: bytes, headers: Mapping[str, str]) -> Report:
        return callback.read(body)

    # --- money paid by hand (NoticeReader, NoticeChecker) ---------------------------------------------------------

    def register_urls(
        self, credentials: Credentials, confirmation_url: Secret, validation_url: Secret, response_type: ResponseType
    ) -> None:
        """Raises c2b.C2bRefused, which says what to do."""
        self._by_hand.register(credentials, confirmation_url, validation_url, response_type)

    def simulate_by_hand(self, credentials: Credentials, amount: Money, msisdn: str, reference: str) -> None:
        """In the sandbox alone. Raises c2b.C2bRefused, ValueError."""
        self._by_hand.simulate(credentials, amount, msisdn, reference)

    def read_notice(self, body: bytes, headers: Mapping[str, str], credentials: Credentials) -> Notice:
        if results.is_result(body):
            return c2b.read_answer(body, credentials)
        return c2b.read_confirmation(body, credentials)

    def ask_receipt(self, receipt: str, answer_to: Secret, credentials: Credentials) -> NoAnswer | None:
        """Ask what became of a receipt: the answer comes as a notice to that address (None), or nothing was learned."""
        return self._reversals.ask_status(credentials, answer_to, receipt=receipt)

    def acknowledgement(self, *, is_kept: bool) -> JsonObject:
        return c2b.acknowledgement(is_kept=is_kept)

    def check_notice(self, body: bytes, headers: Mapping[str, str], credentials: Credentials) -> JsonObject:
        return c2b.answer_to_check(c2b.check(body, credentials))

    # --- refunds (Refunder, RefundLimits, LateRefunder) -----------------------------------------------------------

    def refund(self, order: RefundOrder, credentials: Credentials) -> RefundAnswer:
        return self._reversals.refund(order, credentials)

    def why_not_refund(self, charge: ChargeRef, amount: Money, credentials: Credentials) -> str | None:
        return reversal.why_not(charge, amount, credentials)

    def read_refund_result(self, body: bytes) -> RefundReport:
        return results.read_reversal(body)

    def ask_refund(self, question: RefundQuestion, credentials: Credentials) -> RefundReport | NoAnswer | None:
        return self._reversals.ask(question, credentials)

    def read_refund_answer(self, body: bytes) -> RefundReport | NoAnswer:
        return results.read_status_of_reversal(body)

    # --- settings (SettingsHolder) --------------------------------------------------------------------------------

    @property
    def settings(self) -> tuple[Setting, ...]:
        return vendor_settings.SETTINGS

    def missing(self, fields: Mapping[str, Secret]) -> Mapping[Rail, list[str]]:
        return vendor_settings.missing(fields)

    def try_out(self, credentials: Credentials) -> list[Finding]:
        return self._trial.run(credentials)

    def close(self) -> None:
        self._wire.close()

    def _push_once(self, order: ChargeOrder, owner: Owner, daraja: DarajaCredentials) -> Outcome | TokenInvalid:
        try:
            token = self._tokens.get(owner, daraja)
        except NoToken as error:
            return Refused(error.failure)
        now = self._clock.now()
        if now >= order.send_before:
            return Refused(Failure(FailureReason.NOT_SENT, True, "too_late", "the grant ran out before the push left"))
        timestamp = timestamp_of(now)
        try:
            reply = self._wire.tell(
                PUSH_PATH,
                token.reveal(),
                {
                    "BusinessShortCode": daraja.shortcode,
                    "Password": daraja.password(timestamp),
                    "Timestamp": timestamp,
                    "TransactionType": daraja.transaction_type.value,
                    "Amount": order.amount.whole,
                    "PartyA": order.payer_msisdn,
                    "PartyB": daraja.party_b,
                    "PhoneNumber": order.payer_msisdn,
                    "CallBackURL": order.callback_url.reveal(),
                    "AccountReference": order.account_reference[:MAX_REFERENCE],
                    # Left out or empty, the sandbox answers "Invalid Remarks".
                    "TransactionDesc": (order.description.strip() or "Payment")[:MAX_DESCRIPTION],
                },
            )
        except NotSent as error:
            return Refused(Failure(FailureReason.NOT_SENT, True, "unreachable", f"Daraja can't be reached: {error}"))
        except NoReply as error:
            return Unclear(f"no answer to the push: {error}")
        answer = read_push(reply)
        if isinstance(answer, TokenInvalid):
            self._tokens.drop(owner, token)
        return answer

    def _query_once(
        self, transaction_id: str, owner: Owner, daraja: DarajaCredentials
    ) -> Report | NoAnswer | TokenInvalid:
        try:
            token = self._tokens.get(owner, daraja)
        except NoToken as error:
            return error.no_answer()
        timestamp = timestamp_of(self._clock.now())
        try:
            reply = self._wire.ask(
                QUERY_PATH,
                token.reveal(),
                {
                    "BusinessShortCode": daraja.shortcode,
                    "Password": daraja.password(timestamp),
                    "Timestamp": timestamp,
                    "CheckoutRequestID": transaction_id,
                },
            )
        except (NotSent, NoReply) as error:
            return NoAnswer(f"no answer to the query: {error}")
        answer = read_query(reply)
        if isinstance(answer, TokenInvalid):
            self._tokens.drop(owner, token)
        elif isinstance(answer, Report) and answer.transaction_id not in (None, transaction_id):
            _log.warning("a query was answered for another transaction", vendor=owner[0])
            return NoAnswer("the answer names another transaction")
        return answer


def _unfit(order: ChargeOrder) -> Failure | None:
    """What Daraja could only refuse: found here, it costs no call."""
    amount = order.amount
    if amount.currency is not Currency.KES or not amount.is_whole or amount.minor <= 0:
        return Failure(FailureReason.AMOUNT_REFUSED, False, "amount", "M-Pesa collects whole Kenyan shillings")
    payer = order.payer_msisdn or ""
    if not (payer.isascii() and payer.isdigit() and len(payer) == 12 and payer.startswith("254")):
        return Failure(FailureReason.NOT_SENT, False, "payer", "the number to charge is no Kenyan mobile number")
    return None
