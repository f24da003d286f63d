"""A client of e-Kwanza and its gateway as any shop would write it, for tests: no retries, only the token is kept."""

from typing import Any

import requests

JsonObject = dict[str, Any]

MERCHANT = "66700922"
API_KEY = "test-api-key"
NOTIFICATION_TOKEN = "TOKEN-123"
REGISTRATION = "MERCH-001"
GPO_METHOD = "GPO_53c70da3-1c88-4391-8b60-ab4757fbb044"
REF_METHOD = "REF_53c70da3-1c88-4391-8b60-ab4757fbb044"
RESOURCE = "2aed7612-de64-46b5-9e59-1f48f8902d14"
NUMBER = "254708374149"
ASYNC = "application/vnd.appypay.asyncapi+json"
TIMEOUT_S = 10


class Ekwanza:
    def __init__(self, base_url: str) -> None:
        """`base_url` is the simulators' own."""
        self.token_url = f"{base_url}/ekwanza/token"
        self.gateway = f"{base_url}/ekwanza/gateway/v2.0"
        self.native = f"{base_url}/ekwanza/native"
        self.bearer = ""

    def generate(self, method: str = "POST", **changes: str) -> requests.Response:
        form = {
            "grant_type": "client_credentials",
            "client_id": "a-client",
            "client_secret": "a-secret",
            "resource": RESOURCE,
            **changes,
        }
        return requests.request(method, self.token_url, data=form, timeout=TIMEOUT_S)

    def sign_in(self, **changes: str) -> None:
        self.bearer = f"Bearer {self.generate(**changes).json()['access_token']}"

    def wanted(self, **changes: Any) -> JsonObject:
        """A GPO charge that is right, with these changes; a field set to None is left out."""
        body: JsonObject = {
            "amount": 1500.5,
            "currency": "AOA",
            "description": "Order C3D4F6",
            "merchantTransactionId": "OURSOURSOURS234",
            "paymentMethod": GPO_METHOD,
            "paymentInfo": {"phoneNumber": NUMBER},
            "options": {"MerchantIdentifier": MERCHANT, "ApiKey": API_KEY},
            **changes,
        }
        return {name: value for name, value in body.items() if value is not None}

    def charge(self, *, accept: str = ASYNC, language: str = "en", **changes: Any) -> requests.Response:
        headers = {"Authorization": self.bearer, "Accept": accept, "Accept-Language": language}
        return requests.post(f"{self.gateway}/charges", json=self.wanted(**changes), headers=headers, timeout=TIMEOUT_S)

    def charged(self, **changes: Any) -> str:
        """The id of a GPO charge that was accepted."""
        answer = self.charge(**changes)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def referenced(self, **changes: Any) -> JsonObject:
        """The whole answer to an EMIS reference that was made."""
        answer = self.charge(accept="application/json", paymentMethod=REF_METHOD, paymentInfo=None, **changes)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def look_up(self, charge_id: str) -> requests.Response:
        return requests.get(
            f"{self.gateway}/charges/{charge_id}", headers={"Authorization": self.bearer}, timeout=TIMEOUT_S
        )

    def listed(self, **query: str) -> requests.Response:
        headers = {"Authorization": self.bearer}
        return requests.get(f"{self.gateway}/charges", params=query, headers=headers, timeout=TIMEOUT_S)

    def refund(self, charge_id: str, amount: Any) -> requests.Response:
        return requests.post(
            f"{self.gateway}/refunds/{charge_id}",
            json={"amount": amount, "description": "Refund"},
            headers={"Authorization": self.bearer, "Accept-Language": "en"},
            timeout=TIMEOUT_S,
        )

    def ticket(self, token: str = NOTIFICATION_TOKEN, **changes: Any) -> requests.Response:
        query = {"amount": "1500.50", "referenceCode": "OURSOURSOURS234", "mobileNumber": NUMBER, **changes}
        return requests.post(f"{self.native}/Ticket/{token}", params=query, timeout=TIMEOUT_S)

    def ticketed(self, **changes: Any) -> str:
        """The code of a ticket that was made."""
        answer = self.ticket(**changes)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["Code"])

    def ticket_status(self, code: str, token: str = NOTIFICATION_TOKEN) -> requests.Response:
        return requests.get(f"{self.native}/Ticket/{token}/{code}", timeout=TIMEOUT_S)


def status_of(answer: requests.Response) -> tuple[bool, str | None, int]:
    """What responseStatus says: successful, status, code."""
    status = answer.json()["responseStatus"]
    return status["successful"], status.get("status"), status["code"]
