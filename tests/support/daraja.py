"""Daraja's side of the wire for tests of the client: credentials, orders, tokens and error bodies."""

import json
from datetime import timedelta
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from contracts.money import Currency, Money
from contracts.states import Rail
from kit.clock import FixedClock
from payment_adapter.providers.base import ChargeOrder
from payment_adapter.providers.daraja.client import PUSH_PATH
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials, Origin
from tests.support.payments import PAYER

TOKEN_PATH = "/oauth/v1/generate"
PASSKEY = "bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919"
CALLBACK = "http://127.0.0.1:3040/callbacks/" + "ab" * 32
ACCEPTED = {
    "MerchantRequestID": "8fc3-415b-ba79-04f852fc58507383726",
    "CheckoutRequestID": "ws_CO_20112026120000708374149",
    "ResponseCode": "0",
    "ResponseDescription": "Success. Request accepted for processing",
    "CustomerMessage": "Success. Request accepted for processing",
}


def credentials(vendor: str = "mama", version: int = 1, **changes: str) -> Credentials:
    fields = {
        "consumer_key": "key",
        "consumer_secret": "secret",
        "shortcode": "174379",
        "passkey": PASSKEY,
        "party_b": "174379",
        "transaction_type": "CustomerPayBillOnline",
        **changes,
    }
    kept = {name: Secret(value) for name, value in fields.items() if value}
    return Credentials(vendor, "mpesa", version, Origin.VENDOR, kept)


def order_of(clock: FixedClock, **changes: Any) -> ChargeOrder:
    wanted: dict[str, Any] = {
        "rail": Rail.MPESA_STK,
        "amount": Money.of_whole(450, Currency.KES),
        "payer_msisdn": PAYER,
        "account_reference": "K7M3QD",
        "our_reference": "OURSOURSOURS234",
        "description": "Mama Njeri",
        "callback_url": Secret(CALLBACK),
        "send_before": clock.now() + timedelta(seconds=60),
    }
    return ChargeOrder(**{**wanted, **changes})


def give_tokens(httpserver: HTTPServer, expires_in: Any = "3599") -> None:
    """Token 1, token 2 … one for each time it is asked."""
    given = iter(range(1, 1000))

    def token(_request: Request) -> Response:
        return Response(json.dumps({"access_token": f"token-{next(given)}", "expires_in": expires_in}))

    httpserver.expect_request(TOKEN_PATH, method="GET").respond_with_handler(token)


def pushes(httpserver: HTTPServer) -> list[Request]:
    return [request for request, _ in httpserver.log if request.path == PUSH_PATH]


def tokens(httpserver: HTTPServer) -> list[Request]:
    return [request for request, _ in httpserver.log if request.path == TOKEN_PATH]


def error(code: str, message: str) -> dict[str, str]:
    return {"requestId": "29115-34620561-1", "errorCode": code, "errorMessage": message}
