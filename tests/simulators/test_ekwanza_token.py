"""The gateway's token: an Azure-like endpoint, its numbers as text and its refusals."""

import pytest
import requests

from tests.simulators.ekwanza_client import ASYNC, Ekwanza
from tests.support.phone import Phone


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_token_is_given_by_post_and_by_get_with_a_body(ekwanza: Ekwanza, method: str) -> None:
    body = ekwanza.generate(method).json()
    assert set(body) == {
        "token_type",
        "expires_in",
        "ext_expires_in",
        "expires_on",
        "not_before",
        "resource",
        "access_token",
    }
    assert (body["token_type"], body["expires_in"]) == ("Bearer", "3599")
    assert all(isinstance(value, str) for value in body.values())
    assert int(body["expires_on"]) - int(body["not_before"]) == 3599


@pytest.mark.parametrize(
    ("changes", "http_status", "error", "number"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", "AADSTS7000215"),
        ({"client_id": "wrong"}, 400, "unauthorized_client", "AADSTS700016"),
        ({"resource": "wrong"}, 400, "invalid_resource", "AADSTS500011"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", "AADSTS70003"),
        ({"resource": ""}, 400, "invalid_request", "AADSTS900144"),
    ],
)
def test_a_refusal_names_its_error_as_azure_does(
    ekwanza: Ekwanza, changes: dict[str, str], http_status: int, error: str, number: str
) -> None:
    answer = ekwanza.generate(**changes)
    assert (answer.status_code, answer.json()["error"]) == (http_status, error)
    assert answer.json()["error_description"].startswith(number)


def test_a_registered_client_needs_its_own_secret_and_resource(ekwanza: Ekwanza, phone: Phone) -> None:
    phone.register_merchant("5001", client_id="theirs", client_secret="s3", resource="r3")
    right = {"client_id": "theirs", "client_secret": "s3", "resource": "r3"}
    assert ekwanza.generate(**right).status_code == 200
    assert ekwanza.generate(**{**right, "client_secret": "s4"}).json()["error"] == "invalid_client"
    assert ekwanza.generate(**{**right, "resource": "r4"}).json()["error"] == "invalid_resource"


def test_a_token_dies_after_3599_seconds(ekwanza: Ekwanza, phone: Phone) -> None:
    phone.advance(3590)
    assert ekwanza.charge(accept=ASYNC).status_code == 202
    phone.advance(10)
    answer = ekwanza.charge(merchantTransactionId="OTHER")
    assert (answer.status_code, answer.json()["statusCode"]) == (401, 401)


def test_tokens_and_credentials_can_fail_on_demand(ekwanza: Ekwanza, phone: Phone) -> None:
    phone.faults(ekwanza_token_dead=1)
    assert ekwanza.charge().status_code == 401
    assert ekwanza.charge().status_code == 401
    phone.faults(ekwanza_token_error_html=1)
    answer = ekwanza.generate()
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "text/html")
    phone.faults(ekwanza_credentials_refused=1)
    assert ekwanza.generate().json()["error"] == "invalid_client"
    phone.faults(ekwanza_resource_refused=1)
    assert ekwanza.generate().json()["error"] == "invalid_resource"
    ekwanza.sign_in()
    assert ekwanza.charge().status_code == 202


def test_what_was_asked_is_kept_without_the_secret(ekwanza: Ekwanza, phone: Phone) -> None:
    ekwanza.charged()
    kept = str(phone.ekwanza_requests())
    assert "a-client" in kept
    assert "a-secret" not in kept
    assert "test-api-key" not in kept


@pytest.mark.parametrize("bearer", ["", "Bearer", "Basic abc", "Bearer invented"])
def test_without_a_living_token_the_gateway_answers_401(ekwanza: Ekwanza, bearer: str) -> None:
    ekwanza.bearer = bearer
    for answer in (ekwanza.charge(), ekwanza.look_up("x"), ekwanza.listed(), ekwanza.refund("x", 1)):
        assert answer.status_code == 401


def test_unknown_paths_of_the_gateway_are_404(ekwanza: Ekwanza) -> None:
    assert requests.get(f"{ekwanza.gateway}/nothing", timeout=5).status_code == 404
