"""e-Kwanza's and AppyPay's side of the wire for tests of the client: settings, orders, tokens, bodies."""

import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from contracts.money import Currency, Money
from contracts.states import Rail
from kit.clock import FixedClock
from payment_adapter.providers.base import ChargeOrder, ChargeRef, Outcome
from payment_adapter.providers.ekwanza.client import Ekwanza
from payment_adapter.providers.ekwanza.credentials import Environment, Hosts
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials, Origin
from tests.support.payments import PAYER

CHARGES = "/gateway/v2.0/charges"
REFUNDS = "/gateway/v2.0/refunds"
TOKEN = "/token"
NOTIFICATION_TOKEN = "TOKEN-123"
TICKETS = f"/native/Ticket/{NOTIFICATION_TOKEN}"
GPO_METHOD = "53c70da3-1c88-4391-8b60-ab4757fbb044"
REF_METHOD = "7d1f0c9e-0b7e-4f6d-8b7e-aa0f9d1c2e3f"
API_KEY = "test-api-key"
REGISTRATION = "MERCH-001"
ACCOUNT = "66700922"
ID = "50625c7f-894b-410b-9ee8-6ef958a534d9"
OURS = "OURSOURSOURS234"


def hosts(httpserver: HTTPServer) -> dict[Environment, Hosts]:
    """The sandbox is the test's server; nothing may reach the other."""
    base = httpserver.url_for("").rstrip("/")
    nowhere = Hosts(*("http://127.0.0.1:9/nowhere",) * 3)
    sandbox = Hosts(f"{base}/gateway", f"{base}{TOKEN}", f"{base}/native")
    return {Environment.SANDBOX: sandbox, Environment.PRODUCTION: nowhere}


def credentials(vendor: str = "zungueira", *, version: int = 1, **changes: str) -> Credentials:
    """A whole set; a field changed to an empty text is left out."""
    fields = {
        "environment": "sandbox",
        "client_id": "client-id-of-the-shop",
        "client_secret": "client~secret~of~the~shop",
        "merchant_account": ACCOUNT,
        "api_key": API_KEY,
        "payment_method_gpo": GPO_METHOD,
        "payment_method_ref": REF_METHOD,
        "notification_token": NOTIFICATION_TOKEN,
        "company_registration": REGISTRATION,
        **changes,
    }
    kept = {name: Secret(value) for name, value in fields.items() if value}
    return Credentials(vendor, "ekwanza", version, Origin.VENDOR, kept)


def order_of(clock: FixedClock, rail: Rail = Rail.GPO, **changes: Any) -> ChargeOrder:
    wanted: dict[str, Any] = {
        "rail": rail,
        "amount": Money(15_000, Currency.AOA),
        "payer_msisdn": PAYER if rail is Rail.GPO else None,
        "account_reference": "K7M3QD",
        "our_reference": OURS,
        "description": "Loja da Ana",
        "callback_url": Secret("http://127.0.0.1:3040/callbacks/" + "ab" * 32),
        "send_before": clock.now() + timedelta(seconds=60),
    }
    return ChargeOrder(**{**wanted, **changes})


def charge_of(rail: Rail = Rail.GPO, transaction_id: str | None = ID) -> ChargeRef:
    return ChargeRef(rail, Money(15_000, Currency.AOA), OURS, transaction_id, None)


def give_tokens(httpserver: HTTPServer, expires_in: Any = "3599") -> None:
    """Token 1, token 2 … one for each time it is asked."""
    given = iter(range(1, 1000))

    def token(_request: Request) -> Response:
        return Response(json.dumps({"access_token": f"token-{next(given)}", "expires_in": expires_in}))

    httpserver.expect_request(TOKEN, method="POST").respond_with_handler(token)


def requests_to(httpserver: HTTPServer, path: str) -> list[Request]:
    return [request for request, _ in httpserver.log if request.path == path]


def said(code: object, status: str | None = None, *, successful: bool | None = None, **more: Any) -> dict[str, Any]:
    """A `responseStatus` with what is given."""
    wanted = {"successful": successful, "status": status, "code": code, "message": "text", "source": "GPO", **more}
    return {name: value for name, value in wanted.items() if value is not None}


def payment(status: str | None, code: object = None, **changes: Any) -> dict[str, Any]:
    """A `payment` as a look-up gives it, with one event."""
    event = {"type": "Charge", "createdDate": "2026-11-20T11:47:14.521179", "responseStatus": said(code, status)}
    wanted: dict[str, Any] = {
        "id": ID,
        "merchantTransactionId": OURS,
        "type": "Charge",
        "amount": 150.0,
        "currency": "AOA",
        "status": status,
        "transactionEvents": [event] if code is not None else [],
        "reference": None,
        **changes,
    }
    return {name: value for name, value in wanted.items() if value is not None}


def ticket_body(code: str = "CODE1", ours: str = "OP-001", status: object = "success", **more: Any) -> dict[str, Any]:
    return {"code": code, "operationCode": ours, "status": status, "amount": 150.0, **more}


def sign(code: str = "CODE1", ours: str = "OP-001", third: str = REGISTRATION, key: str = API_KEY) -> bytes:
    return hmac.digest(key.encode(), f"{code}{ours}{third}{NOTIFICATION_TOKEN}".encode(), hashlib.sha256)


def operation_body(status: object = 1, **data: Any) -> dict[str, Any]:
    told = {"amount": 150.0, "merchantIdentifier": ACCOUNT, "referenceType": "GPO", **data}
    return {
        "merchantTransactionId": "EKZQA2502121115",
        "ekwanzaTransactionId": 123123,
        "operationStatus": status,
        "operationData": {name: value for name, value in told.items() if value is not None},
    }


def gateway_body(code: object = 100, status: str | None = "Success", **changes: Any) -> dict[str, Any]:
    return {
        "id": ID,
        "merchantTransactionId": "030000000301201",
        "amount": 100,
        "options": {"MerchantIdentifier": ACCOUNT},
        "reference": None,
        "responseStatus": said(code, status),
        **changes,
    }


def charged(
    httpserver: HTTPServer, ekwanza: Ekwanza, clock: FixedClock, body: Any, status: int = 200, rail: Rail = Rail.GPO
) -> Outcome:
    """The outcome of one charge that the gateway answers so."""
    give_tokens(httpserver)
    answer = httpserver.expect_request(CHARGES, method="POST")
    if isinstance(body, bytes):
        answer.respond_with_data(body, status=status)
    else:
        answer.respond_with_json(body, status=status)
    outcome = ekwanza.create_charge(order_of(clock, rail), credentials())
    assert len(requests_to(httpserver, CHARGES)) == 1, "a charge is asked for once, whatever the answer"
    return outcome
