"""What AppyPay says of a charge: the same few objects in answers, look-ups and webhooks."""

import json

from simulators.ekwanza import amounts, codes
from simulators.ekwanza.book import Charge, Kind
from simulators.ekwanza.codes import Status
from simulators.moments import moment_of
from simulators.problems import JsonObject

_SOURCE = {Kind.GPO: "GPO", Kind.EMIS_REF: "REF", Kind.TICKET: "EKWANZA"}


def response_status(
    code: int, source: str, language: str, *, status: Status | None = None, about: str = "", has_status: bool = True
) -> JsonObject:
    said = status or codes.WORDS[code].status
    is_good = said in (Status.SUCCESS, Status.PENDING, Status.REQUESTED)
    detail = ("NONE", "OK") if is_good else ("EPMS_PROCESSOR" if code < codes.NOT_REACHED else "GATEWAY", "Refused.")
    body: JsonObject = {"successful": is_good}
    if has_status:
        body["status"] = said.value
    return {
        **body,
        "code": code,
        "message": codes.message(code, language, about),
        "source": source,
        "sourceDetails": {"attempt": 1, "type": detail[0], "code": "NONE" if is_good else "-1", "message": detail[1]},
    }


def source_of(charge: Charge) -> str:
    return _SOURCE[charge.kind]


def now_of(charge: Charge) -> tuple[int, Status]:
    """The code and the status that a look-up gives at this moment."""
    if charge.code is not None:
        return charge.code, codes.WORDS[charge.code].status
    return codes.ACCEPTED, Status.REQUESTED if charge.kind is Kind.EMIS_REF else Status.PENDING


def reference(charge: Charge) -> JsonObject | None:
    if charge.reference is None:
        return None
    return {
        "referenceNumber": charge.reference,
        "dueDate": stamp(charge.expires_us),
        "entity": charge.entity,
    }


def payment(charge: Charge, code: int, status: Status, language: str) -> JsonObject:
    """As a look-up gives it. The amount is the one that was asked for, whatever was paid."""
    return {
        "id": charge.id,
        "merchantTransactionId": charge.our_reference,
        "type": "Charge",
        "operation": "ONE_TIME_PAYMENT",
        "amount": amounts.number(charge.amount_minor),
        "currency": "AOA",
        "status": status.value,
        "description": charge.description,
        "disputes": False,
        "applicationFeeAmount": 0,
        "paymentMethod": source_of(charge),
        "createdDate": stamp(charge.at_us),
        "updatedDate": stamp(charge.updated_us),
        "transactionEvents": [
            {
                "id": charge.ekwanza_id,
                "transactionId": charge.id,
                "type": "Charge",
                "providerTransactionId": f"PT{charge.ekwanza_id}",
                "actionStatus": status is Status.SUCCESS,
                "createdDate": stamp(charge.updated_us),
                "responseStatus": response_status(code, source_of(charge), language, status=status),
            }
        ],
        "options": json.loads(charge.options),
        "reference": reference(charge),
    }


def stamp(at_us: int) -> str:
    """`2021-07-13T11:47:13.5216855`: UTC without saying so, with .NET's seven decimals."""
    return moment_of(at_us).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0"
