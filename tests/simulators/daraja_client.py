"""A client of Daraja as any shop would write it, for tests: no retries, nothing remembered but the token."""

import base64
from typing import Any, cast

import requests

JsonObject = dict[str, Any]

PASSKEY = "bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919"  # the public sandbox's
NUMBER = "254708374149"
SHORTCODE = "174379"
TIMESTAMP = "20160216165627"


def password(shortcode: str = SHORTCODE, passkey: str = PASSKEY, timestamp: str = TIMESTAMP) -> str:
    return base64.b64encode(f"{shortcode}{passkey}{timestamp}".encode()).decode()


class Daraja:
    def __init__(self, base_url: str, callback_url: str) -> None:
        self.base_url = base_url
        self.callback_url = callback_url
        self.bearer = ""

    def generate(
        self, key: str = "key", secret: str = "secret", grant: str = "client_credentials"
    ) -> requests.Response:
        address = f"{self.base_url}/oauth/v1/generate"
        return requests.get(address, params={"grant_type": grant}, auth=(key, secret), timeout=5)

    def sign_in(self) -> None:
        self.bearer = f"Bearer {self.generate().json()['access_token']}"

    def wanted(self, **changes: object) -> JsonObject:
        """A push that is right, with these changes; a field set to None is left out."""
        body: JsonObject = {
            "BusinessShortCode": SHORTCODE,
            "Password": password(),
            "Timestamp": TIMESTAMP,
            "TransactionType": "CustomerPayBillOnline",
            "Amount": 450,
            "PartyA": NUMBER,
            "PartyB": SHORTCODE,
            "PhoneNumber": NUMBER,
            "CallBackURL": self.callback_url,
            "AccountReference": "C3D4F6",
            "TransactionDesc": "Order C3D4F6",
            **changes,
        }
        return {name: value for name, value in body.items() if value is not None}

    def push(self, **changes: object) -> requests.Response:
        return self.post("/mpesa/stkpush/v1/processrequest", self.wanted(**changes))

    def pushed(self, **changes: object) -> str:
        """The CheckoutRequestID of a push that was accepted."""
        answer = self.push(**changes)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["CheckoutRequestID"])

    def query(self, checkout_request_id: str, **changes: object) -> requests.Response:
        body: JsonObject = {
            "BusinessShortCode": SHORTCODE,
            "Password": password(),
            "Timestamp": TIMESTAMP,
            "CheckoutRequestID": checkout_request_id,
            **changes,
        }
        return self.post("/mpesa/stkpushquery/v1/query", body)

    def post(self, path: str, body: JsonObject) -> requests.Response:
        return requests.post(self.base_url + path, json=body, headers={"Authorization": self.bearer}, timeout=5)


def error_of(answer: requests.Response) -> tuple[int, str, str]:
    body = cast(dict[str, str], answer.json())
    assert set(body) == {"requestId", "errorCode", "errorMessage"}
    return answer.status_code, body["errorCode"], body["errorMessage"]
