"""Giving money back: a reversal by receipt, and the transaction status that tells what became of one.

Both are only taken by the answer; how they end comes to the address that the request names, once, late, twice or
never. Safaricom reverses what was paid by STK push or by hand (C2B). A reversal is never asked for twice: where its
answer is lost, its result, a statement or a person has to tell."""

from contracts.money import Currency, Money
from contracts.payment_api import RefundStatus
from payment_adapter.providers.base import ChargeRef, NoAnswer, RefundAnswer, RefundOrder, RefundQuestion
from payment_adapter.providers.daraja.answers import busy_for_s, error_of, is_setup_error, is_token_error
from payment_adapter.providers.daraja.calls import Calls
from payment_adapter.providers.daraja.credentials import CredentialsUnusable, DarajaCredentials
from payment_adapter.providers.daraja.initiator import Initiator
from payment_adapter.providers.daraja.results import explain, said
from payment_adapter.providers.daraja.tokens import NoToken
from payment_adapter.providers.daraja.values import text_of, words_of
from payment_adapter.providers.daraja.wire import JsonObject, NoReply, NotSent, Reply
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials

REVERSAL_PATH = "/mpesa/reversal/v1/request"
STATUS_PATH = "/mpesa/transactionstatus/v1/query"
TIMEOUT_SUFFIX = "/timeout"
"""Daraja posts there when a request ran out of time in its queue, which decides nothing."""

_SHORT_CODE = "4"  # IdentifierType of the status query
_REVERSED_PARTY = "11"  # RecieverIdentifierType (sic) of a reversal; older documents say 4
_MAX_REMARKS = 100
_AMBIGUOUS_CODE = "500.001.1001"


class Reversals:
    """Thread-safe; blocks for Daraja's timeouts."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def refund(self, order: RefundOrder, credentials: Credentials) -> RefundAnswer:
        """Ask once."""
        reason = why_not(order.charge, order.amount, credentials)
        if reason is not None:
            return _failed(reason)
        try:
            reply = self._calls.tell(REVERSAL_PATH, credentials, _reversal(order, credentials))
        except (CredentialsUnusable, NoToken, NotSent) as error:
            return _failed(_nothing_sent(error))
        except NoReply as error:
            return RefundAnswer(RefundStatus.UNKNOWN, detail=f"M-Pesa gave no answer ({error})")
        return _read_taken(reply)

    def ask(self, question: RefundQuestion, credentials: Credentials) -> NoAnswer | None:
        """Ask what became of a reversal; the answer comes to the question's address (None), or nothing was learned."""
        return self.ask_status(
            credentials, question.result_url, conversation_id=question.provider_refund_id, remarks="Refund status"
        )

    def ask_status(
        self,
        credentials: Credentials,
        result_url: Secret,
        *,
        receipt: str | None = None,
        conversation_id: str | None = None,
        remarks: str = "Status",
    ) -> NoAnswer | None:
        """Ask about a transaction, by its receipt or by the OriginatorConversationID that asking for it gave. Raises
        ValueError without either."""
        if (receipt is None) == (conversation_id is None):
            raise ValueError("a transaction is named by its receipt or by the conversation that made it")
        named = {"TransactionID": receipt} if conversation_id is None else {"OriginalConversationID": conversation_id}
        try:
            initiator = Initiator.of(credentials)
            body: JsonObject = {
                "Initiator": initiator.name,
                "SecurityCredential": initiator.security_credential.reveal(),
                "CommandID": "TransactionStatusQuery",
                **named,
                "PartyA": DarajaCredentials.of(credentials).shortcode,
                "IdentifierType": _SHORT_CODE,
                "ResultURL": result_url.reveal(),
                "QueueTimeOutURL": result_url.reveal() + TIMEOUT_SUFFIX,
                "Remarks": remarks[:_MAX_REMARKS],
                "Occasion": "",
            }
            reply = self._calls.tell(STATUS_PATH, credentials, body)
        except (CredentialsUnusable, NoToken, NotSent, NoReply) as error:
            return NoAnswer(_nothing_sent(error))
        taken = _read_taken(reply)
        return None if taken.status is RefundStatus.PENDING else NoAnswer(taken.detail or "the question was not taken")


def why_not(charge: ChargeRef, amount: Money, credentials: Credentials) -> str | None:
    """Why this can't be reversed at all, in words for the shop."""
    if charge.receipt is None:
        return "M-Pesa reverses by the receipt number, and the receipt of this payment is not known yet"
    if amount.currency is not Currency.KES or not amount.is_whole or amount.minor <= 0:
        return "M-Pesa gives back whole Kenyan shillings"
    try:
        Initiator.of(credentials)
        DarajaCredentials.of(credentials)
    except CredentialsUnusable as error:
        return f"The shop's M-Pesa settings don't allow refunds: {error}"
    return None


def _reversal(order: RefundOrder, credentials: Credentials) -> JsonObject:
    initiator = Initiator.of(credentials)
    return {
        "Initiator": initiator.name,
        "SecurityCredential": initiator.security_credential.reveal(),
        "CommandID": "TransactionReversal",
        "TransactionID": order.charge.receipt,
        "Amount": order.amount.whole,
        "ReceiverParty": DarajaCredentials.of(credentials).shortcode,
        "RecieverIdentifierType": _REVERSED_PARTY,
        "ResultURL": order.result_url.reveal(),
        "QueueTimeOutURL": order.result_url.reveal() + TIMEOUT_SUFFIX,
        "Remarks": words_of(order.note, _MAX_REMARKS) or "Refund",
    }


def _read_taken(reply: Reply) -> RefundAnswer:
    """What the answer to the request says of it: PENDING when it was taken."""
    body = reply.json_object()
    response_code = None if body is None else text_of(body.get("ResponseCode"))
    if reply.status == 200 and body is not None and response_code is not None:
        if response_code == "0":
            return RefundAnswer(RefundStatus.PENDING, text_of(body.get("OriginatorConversationID")))
        return _failed(explain(response_code, said(body.get("ResponseDescription"))))
    code, message = error_of(reply)
    if is_token_error(reply.status, code):
        return _failed("Daraja does not take a fresh token: look at the consumer key and what its app may do")
    wait_s = busy_for_s(reply)
    if wait_s is not None:
        return _failed(f"M-Pesa is busy and did nothing: try again in {wait_s} seconds")
    is_refused = 400 <= reply.status < 500 or (code == _AMBIGUOUS_CODE and is_setup_error(message))
    if code and is_refused:
        return _failed(f"M-Pesa refuses the request: {code} {said(message)}".strip())
    what = f"{code} {said(message)}".strip() or "nothing that can be read"
    return RefundAnswer(RefundStatus.UNKNOWN, detail=f"M-Pesa answered HTTP {reply.status}: {what}")


def _nothing_sent(error: Exception) -> str:
    if isinstance(error, NoToken):
        return error.failure.detail
    if isinstance(error, NotSent):
        return f"M-Pesa can't be reached ({error}); nothing was sent"
    if isinstance(error, NoReply):
        return f"M-Pesa gave no answer ({error})"
    return f"The shop's M-Pesa settings can't be used: {error}"


def _failed(detail: str) -> RefundAnswer:
    return RefundAnswer(RefundStatus.FAILED, detail=detail)
