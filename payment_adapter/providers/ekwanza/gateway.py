"""AppyPay, the gateway behind Multicaixa Express (GPO) and EMIS references (REF): charges, look-ups, refunds.

`POST /v2.0/charges` keeps us waiting until the customer has answered on the phone, up to 90 s. What comes back in doubt
is looked up by our own reference, which is its merchantTransactionId, and never charged again. Documentation: AppyPay
Payment Gateway, "Post a Charge", "Get a charge", "Get all charges", "Post a charge refund"."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from urllib.parse import quote, urlencode

from contracts.money import Currency
from contracts.payment_api import RefundStatus
from contracts.states import FailureReason, Rail
from kit.clock import Clock
from payment_adapter.providers.amounts import decimal_of
from payment_adapter.providers.base import (
    Accepted,
    ChargeOrder,
    ChargeRef,
    Failure,
    NoAnswer,
    Outcome,
    RefundAnswer,
    RefundOrder,
    Refused,
    Report,
    Unclear,
)
from payment_adapter.providers.ekwanza import answers, reading
from payment_adapter.providers.ekwanza.credentials import EkwanzaCredentials, Environment, Hosts
from payment_adapter.providers.ekwanza.tokens import Tokens
from payment_adapter.providers.token_cache import NoToken, Owner
from payment_adapter.providers.wire import Http, JsonObject, NoReply, NotSent, Reply, write_object

CHARGES_PATH = "/v2.0/charges"
REFUNDS_PATH = "/v2.0/refunds"
CHARGE_TIMEOUT_S = 100.0
"""The customer has 90 s, and the gateway some more to say so."""
MAX_DESCRIPTION = 40
"""No limit is published; integrators keep to 40 or 50."""

_TOKEN_TRIES = 2  # a token may die before its time: fetch once more, then believe the refusal
_TOKEN_REFUSED = Failure(
    FailureReason.SHOP_SETUP, False, "401", "AppyPay does not take a fresh token: is the resource the right one?"
)


class TooLate(Exception):
    """The moment until which it may leave has passed; nothing was sent."""


class Gateway:
    """Thread-safe."""

    def __init__(self, http: Http, hosts: Mapping[Environment, Hosts], clock: Clock, charge_timeout_s: float) -> None:
        self._http = http
        self._hosts = hosts
        self._clock = clock
        self._charge_timeout_s = charge_timeout_s
        self._tokens = Tokens(http, hosts, clock)

    def charge(self, order: ChargeOrder, owner: Owner, ekwanza: EkwanzaCredentials) -> Outcome:
        def post(token: str) -> Reply:
            if self._clock.now() >= order.send_before:
                raise TooLate
            return self._post(CHARGES_PATH, charge_body(order, ekwanza), token, ekwanza)

        try:
            reply = self._with_token(post, owner, ekwanza)
        except NoToken as error:
            return Refused(error.failure)
        except TooLate:
            detail = "the grant ran out before the charge left"
            return Refused(Failure(FailureReason.NOT_SENT, True, "too_late", detail))
        except NotSent as error:
            detail = f"AppyPay can't be reached: {error}"
            return Refused(Failure(FailureReason.NOT_SENT, True, "unreachable", detail))
        except NoReply as error:
            return Unclear(f"no answer to the charge: {error}")
        outcome = answers.read_charge(reply, order, self._clock.now())
        is_reference = order.rail is Rail.EMIS_REF and isinstance(outcome, Accepted)
        return self._with_reference(outcome, owner, ekwanza) if is_reference else outcome

    def look_up(self, charge: ChargeRef, owner: Owner, ekwanza: EkwanzaCredentials) -> Report | NoAnswer:
        """By the gateway's id where we have it, else by our own reference. The list that this gives holds no codes, so
        a failure in it is asked about again by its id."""
        if charge.transaction_id is not None:
            return self._look_up_id(charge.transaction_id, charge, owner, ekwanza)
        path = f"{CHARGES_PATH}?{urlencode({'merchantTransactionId': charge.our_reference})}"
        listed = self._find(path, owner, ekwanza, charge.our_reference)
        if isinstance(listed, NoAnswer):
            return listed
        report = answers.read_payment(listed, charge)
        if isinstance(report, NoAnswer) or report.failure is None or report.transaction_id is None:
            return report
        told = self._look_up_id(report.transaction_id, charge, owner, ekwanza)
        return report if isinstance(told, NoAnswer) else told

    def refund(self, order: RefundOrder, owner: Owner, ekwanza: EkwanzaCredentials) -> RefundAnswer:
        """The charge is named by the gateway's id; one that we never learned is looked up first."""
        transaction_id = order.charge.transaction_id
        if transaction_id is None:
            found = self.look_up(order.charge, owner, ekwanza)
            if isinstance(found, NoAnswer) or found.transaction_id is None:
                why = found.detail if isinstance(found, NoAnswer) else "no id was given"
                return RefundAnswer(RefundStatus.FAILED, None, f"the charge was not found: {why}")
            transaction_id = found.transaction_id
        path = f"{REFUNDS_PATH}/{quote(transaction_id, safe='')}"
        body = {"amount": decimal_of(order.amount), "description": plain(order.note)}
        try:
            reply = self._with_token(lambda token: self._post(path, body, token, ekwanza), owner, ekwanza)
        except NoToken as error:
            return RefundAnswer(RefundStatus.FAILED, None, error.failure.detail)
        except NotSent as error:
            return RefundAnswer(RefundStatus.FAILED, None, f"AppyPay can't be reached: {error}")
        except NoReply as error:
            return RefundAnswer(RefundStatus.UNKNOWN, None, f"no answer to the refund: {error}")
        return answers.read_refund(reply)

    def probe(self, ekwanza: EkwanzaCredentials) -> Failure | None:
        """Ask for a live token and for a list of one charge: None where both were given."""
        try:
            token, _ = self._tokens.fetch(ekwanza)
            reply = self._get(f"{CHARGES_PATH}?limit=1", token.reveal(), ekwanza)
        except NoToken as error:
            return error.failure
        except (NotSent, NoReply) as error:
            return Failure(FailureReason.NOT_SENT, True, "unreachable", f"AppyPay can't be reached: {error}")
        if answers.is_token_error(reply):
            return _TOKEN_REFUSED
        if reply.status == 200 and reply.json_object() is not None:
            return None
        detail = f"AppyPay answers a look-up with HTTP {reply.status}"
        return Failure(FailureReason.PROVIDER_ERROR, True, str(reply.status), detail)

    # --- inside ---------------------------------------------------------------------------------------------------

    def _with_reference(self, outcome: Outcome, owner: Owner, ekwanza: EkwanzaCredentials) -> Outcome:
        """A reference that was accepted and not named yet is asked for once: nobody can pay what has no number."""
        if not isinstance(outcome, Accepted) or outcome.instructions is not None:
            return outcome
        payment = self._find(_charge_path(outcome.transaction_id), owner, ekwanza)
        named = None if isinstance(payment, NoAnswer) else answers.instructions_of(payment, self._clock.now())
        if named is None:
            return Unclear("accepted without a reference number")
        return Accepted(outcome.transaction_id, None, named)

    def _look_up_id(
        self, transaction_id: str, charge: ChargeRef, owner: Owner, ekwanza: EkwanzaCredentials
    ) -> Report | NoAnswer:
        payment = self._find(_charge_path(transaction_id), owner, ekwanza)
        return payment if isinstance(payment, NoAnswer) else answers.read_payment(payment, charge)

    def _find(
        self, path: str, owner: Owner, ekwanza: EkwanzaCredentials, our_reference: str | None = None
    ) -> JsonObject | NoAnswer:
        """One payment, whether it comes as `payment` or, by our reference, as one of `payments`."""
        try:
            reply = self._with_token(lambda token: self._get(path, token, ekwanza), owner, ekwanza)
        except NoToken as error:
            return error.no_answer()
        except (NotSent, NoReply) as error:
            return NoAnswer(f"no answer to the look-up: {error}")
        body = reply.json_object()
        if reply.status != 200 or body is None:
            code, message = answers.error_of(body)
            return NoAnswer(f"HTTP {reply.status} {code} {message}".strip(), is_throttled=reply.is_throttled)
        payment = reading.inner(body, "payment")
        if payment is not None:
            return payment
        listed = [
            each
            for each in reading.items(body, "payments")
            if our_reference in (None, reading.text(each, "merchantTransactionId"))
        ]
        return listed[0] if len(listed) == 1 else NoAnswer(f"the gateway lists {len(listed)} charges of this name")

    def _with_token(self, ask: Callable[[str], Reply], owner: Owner, ekwanza: EkwanzaCredentials) -> Reply:
        """The reply to `ask`, which is asked again with a fresh token where the first was not taken: then nothing was
        done. Raises NoToken, and what `ask` raises."""
        for _ in range(_TOKEN_TRIES):
            token = self._tokens.get(owner, ekwanza)
            reply = ask(token.reveal())
            if not answers.is_token_error(reply):
                return reply
            self._tokens.drop(owner, token)
        raise NoToken(_TOKEN_REFUSED)

    def _get(self, path: str, token: str, ekwanza: EkwanzaCredentials) -> Reply:
        url = self._hosts[ekwanza.environment].gateway + path
        return self._http.send("GET", url, is_repeatable=True, headers=_headers(token))

    def _post(self, path: str, body: JsonObject, token: str, ekwanza: EkwanzaCredentials) -> Reply:
        url = self._hosts[ekwanza.environment].gateway + path
        headers = {**_headers(token), "content-type": "application/json"}
        return self._http.send(
            "POST",
            url,
            is_repeatable=False,
            body=write_object(body),
            headers=headers,
            read_timeout_s=self._charge_timeout_s,
        )


def charge_body(order: ChargeOrder, ekwanza: EkwanzaCredentials) -> JsonObject:
    body: dict[str, object] = {
        "amount": decimal_of(order.amount),
        "currency": Currency.AOA.value,
        "description": plain(f"{order.description} {order.account_reference}"),
        "merchantTransactionId": order.our_reference,
        "paymentMethod": ekwanza.payment_method(order.rail),
        # How the gateway finds the merchant's account at e-Kwanza; the names in exactly these letters.
        "options": {"MerchantIdentifier": ekwanza.reveal("merchant_account"), "ApiKey": ekwanza.reveal("api_key")},
    }
    if order.rail is Rail.GPO:
        body["paymentInfo"] = {"phoneNumber": order.payer_msisdn}
    return body


def plain(text: str) -> str:
    """Only letters, digits and underscores: "no special characters" is all that is published, and integrators saw
    colons and accents refused."""
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "_", letters).strip("_")[:MAX_DESCRIPTION].strip("_") or "Payment"


def _charge_path(transaction_id: str) -> str:
    return f"{CHARGES_PATH}/{quote(transaction_id, safe='')}"


def _headers(token: str) -> dict[str, str]:
    # `application/json` asks for the result itself; the gateway's other type answers 202 and leaves it to a webhook.
    return {"authorization": f"Bearer {token}", "accept": "application/json", "accept-language": "en"}
