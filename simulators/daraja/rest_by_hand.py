"""Daraja's endpoints for money paid by hand (register, simulate), transaction status and reversal."""

import base64
import binascii
import re

from flask import Blueprint, Response

from simulators import faults
from simulators.cut import cut_answer
from simulators.daraja import edge, hand_payments, identifiers, orders, reading
from simulators.daraja.edge import DarajaError, Edge
from simulators.daraja.hand_payments import Addresses, HandKind, NoMoney
from simulators.daraja.orders import Order
from simulators.daraja.reading import InvalidField
from simulators.fault_names import Fault
from simulators.jobs import Jobs
from simulators.problems import JsonObject
from simulators.store import Store

MOST_BILL_REFERENCE = 20

_RECEIPT = re.compile(r"[A-Z0-9]{10}")
_KINDS = {reading.PAYBILL: HandKind.PAYBILL, reading.TILL: HandKind.TILL}


def add_routes(blueprint: Blueprint, store: Store, jobs: Jobs) -> None:
    rest = _ByHand(store, jobs)
    for version in ("v1", "v2"):
        path = f"/mpesa/c2b/{version}"
        blueprint.add_url_rule(
            f"{path}/registerurl", f"register_{version}", rest.register, methods=["POST"], defaults={"version": version}
        )
        blueprint.add_url_rule(f"{path}/simulate", f"simulate_{version}", rest.simulate, methods=["POST"])
    blueprint.add_url_rule("/mpesa/transactionstatus/v1/query", "status", rest.status, methods=["POST"])
    blueprint.add_url_rule("/mpesa/reversal/v1/request", "reverse", rest.reverse, methods=["POST"])


class _ByHand:
    def __init__(self, store: Store, jobs: Jobs) -> None:
        self._store = store
        self._jobs = jobs
        self._edge = Edge(store)

    def register(self, version: str) -> Response:
        """As in the sandbox, the newest addresses count; in production the first ones stay, which is a fault here."""
        body = self._admitted()
        wanted = Addresses(
            _text(body, "ShortCode", reading.SHORTCODE),
            version,
            str(body.get("ResponseType")),
            _address(body, "ConfirmationURL"),
            _address(body, "ValidationURL"),
        )
        # In sentence case, exactly: "completed" was refused.
        if wanted.response_type not in ("Completed", "Cancelled"):
            raise edge.invalid("ResponseType")
        with self._store.transaction() as tx:
            is_taken = hand_payments.addresses_of(tx, wanted.shortcode) is not None
            is_final = is_taken and faults.takes(tx, Fault.C2B_REGISTER_ONCE)
            if not is_final:
                hand_payments.register(tx, wanted)
        if is_final:
            raise DarajaError(500, "500.003.1001", "Urls are already registered.")
        return _taken("Success")

    def simulate(self) -> Response:
        """The sandbox plays a customer who pays."""
        body = self._admitted()
        kind = _KINDS.get(str(body.get("CommandID")))
        if kind is None:
            raise edge.invalid("CommandID")
        reference = body.get("BillRefNumber")
        if kind is HandKind.PAYBILL and not (isinstance(reference, str) and 1 <= len(reference) <= MOST_BILL_REFERENCE):
            raise edge.invalid("BillRefNumber")
        shortcode, msisdn = _text(body, "ShortCode", reading.SHORTCODE), _text(body, "Msisdn", reading.MSISDN)
        amount_whole = _amount(body)
        try:
            with self._store.transaction() as tx:
                hand_payments.pay(
                    tx,
                    self._jobs,
                    shortcode,
                    kind,
                    msisdn,
                    amount_whole,
                    str(reference) if kind is HandKind.PAYBILL else "",
                )
        except NoMoney:
            raise edge.invalid("Amount") from None
        return _taken("Accept the service request successfully.")

    def status(self) -> Response:
        body = self._admitted()
        initiator = _initiator(body)
        _expect(body, "CommandID", "TransactionStatusQuery")
        _expect(body, "IdentifierType", "4")
        _text(body, "PartyA", reading.SHORTCODE)
        receipt, originator = body.get("TransactionID") or None, body.get("OriginalConversationID") or None
        if receipt is not None and not (isinstance(receipt, str) and _RECEIPT.fullmatch(receipt)):
            raise edge.invalid("TransactionID")
        if originator is not None and not isinstance(originator, str):
            raise edge.invalid("OriginalConversationID")
        if receipt is None and originator is None:
            raise edge.invalid("TransactionID")
        urls = _urls(body)
        with self._store.transaction() as tx:
            return _conversation(orders.ask(tx, self._jobs, initiator, receipt, originator, urls))

    def reverse(self) -> Response:
        body = self._admitted()
        initiator = _initiator(body)
        _expect(body, "CommandID", "TransactionReversal")
        # Misspelt so by Daraja; older documents say 4, which is not taken any more.
        _expect(body, "RecieverIdentifierType", "11")
        shortcode = _text(body, "ReceiverParty", reading.SHORTCODE)
        receipt = _text(body, "TransactionID", _RECEIPT)
        amount_whole = _amount(body)
        urls = _urls(body)
        with self._store.transaction() as tx:
            order = orders.reverse(tx, self._jobs, initiator, shortcode, receipt, amount_whole, urls)
            is_cut = faults.takes(tx, Fault.REVERSAL_TIMEOUT)
            cut_after_s = faults.seconds(tx, Fault.CUT_AFTER_S)
        return cut_answer(cut_after_s) if is_cut else _conversation(order)

    def _admitted(self) -> JsonObject:
        self._edge.admit(DarajaError(400, "400.003.01", "Invalid Access Token"))
        return edge.body()


def _taken(description: str) -> Response:
    # The key is misspelt on the wire.
    return edge.answer(
        {
            "OriginatorCoversationID": identifiers.request_id(),
            "ResponseCode": "0",
            "ResponseDescription": description,
        }
    )


def _conversation(order: Order) -> Response:
    return edge.answer(
        {
            "OriginatorConversationID": order.originator_id,
            "ConversationID": order.conversation_id,
            "ResponseCode": "0",
            "ResponseDescription": "Accept the service request successfully.",
        }
    )


def _initiator(body: JsonObject) -> str:
    """Its password can't be checked here: it is encrypted for Safaricom. Only its form is."""
    initiator, credential, remarks = body.get("Initiator"), body.get("SecurityCredential"), body.get("Remarks")
    if not isinstance(initiator, str) or not initiator:
        raise edge.invalid("Initiator")
    try:
        is_fine = isinstance(credential, str) and len(base64.b64decode(credential, validate=True)) > 0
    except (binascii.Error, ValueError):
        is_fine = False
    if not is_fine:
        raise edge.invalid("SecurityCredential")
    if not isinstance(remarks, str) or not 1 <= len(remarks) <= 100:
        raise edge.invalid("Remarks")
    return initiator


def _urls(body: JsonObject) -> tuple[str, str]:
    return _address(body, "ResultURL"), _address(body, "QueueTimeOutURL")


def _address(body: JsonObject, field: str) -> str:
    url = body.get(field)
    if not isinstance(url, str) or not reading.is_callback_url(url):
        raise edge.invalid(field)
    return url


def _expect(body: JsonObject, field: str, value: str) -> None:
    if str(body.get(field)) != value:
        raise edge.invalid(field)


def _amount(body: JsonObject) -> int:
    amount_whole = int(_text(body, "Amount", reading.DIGITS))
    if not 1 <= amount_whole <= reading.MOST_AMOUNT_WHOLE:
        raise edge.invalid("Amount")
    return amount_whole


def _text(body: JsonObject, field: str, shape: re.Pattern[str]) -> str:
    try:
        return reading.text(body, field, shape)
    except InvalidField as error:
        raise edge.invalid(error.field) from error
