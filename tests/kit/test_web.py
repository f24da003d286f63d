"""Every process answers errors as problem+json that says what to do and leaks nothing."""

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from pydantic import BaseModel, Field
from sqlalchemy.exc import OperationalError

from contracts.errors import ErrorCode
from kit.problems import Problem
from kit.web import add_readiness, answer, make_app, read_body, require_idempotency_key


class Thing(BaseModel):
    name: str = Field(min_length=1)
    count: int


@pytest.fixture
def app() -> Flask:
    app = make_app(__name__, max_body_bytes=1000)

    def post_thing() -> Response:
        thing = read_body(Thing)
        return answer(thing, 201)

    def keyed() -> Response:
        return answer({"key": require_idempotency_key()})

    def refuse() -> Response:
        raise Problem(409, ErrorCode.CART_EMPTY, "the cart is empty; add something first", hint="MENU")

    def break_down() -> Response:
        raise RuntimeError("a secret value")

    def lose_database() -> Response:
        raise OperationalError("SELECT 1", {}, Exception("server closed the connection"))

    app.add_url_rule("/things", "things", post_thing, methods=["POST"])
    app.add_url_rule("/keyed", "keyed", keyed, methods=["POST"])
    app.add_url_rule("/refuse", "refuse", refuse)
    app.add_url_rule("/break", "break", break_down)
    app.add_url_rule("/database", "database", lose_database)
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def test_a_good_body_is_read_and_answered(client: FlaskClient) -> None:
    response = client.post("/things", json={"name": "milk", "count": 2})
    assert (response.status_code, response.json) == (201, {"name": "milk", "count": 2})


def test_a_body_with_wrong_fields_names_them(client: FlaskClient) -> None:
    response = client.post("/things", json={"name": "", "count": "many"})
    assert response.status_code == 422
    assert response.mimetype == "application/problem+json"
    assert response.json is not None
    assert response.json["code"] == "invalid_request"
    assert {error["field"] for error in response.json["errors"]} == {"name", "count"}


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b"[]", "application/json", 422),
        (b"\xff\xfe", "application/json", 400),
        (b"name=milk", "application/x-www-form-urlencoded", 415),
        (b"{" + b" " * 2000 + b"}", "application/json", 413),
    ],
)
def test_a_body_that_is_no_good_json_is_a_clear_4xx(
    client: FlaskClient, body: bytes, content_type: str, status: int
) -> None:
    response = client.post("/things", data=body, content_type=content_type)
    assert response.status_code == status
    assert response.mimetype == "application/problem+json"


@pytest.mark.parametrize("key", [None, "", "a" * 201, "caf\xe9", "a\tb"])
def test_a_missing_or_unusable_idempotency_key_is_refused(client: FlaskClient, key: str | None) -> None:
    response = client.post("/keyed", headers={} if key is None else {"Idempotency-Key": key})
    assert response.status_code == 400
    assert response.json is not None
    assert response.json["code"] == "idempotency_key_missing"


def test_a_refusal_keeps_its_code_and_what_it_brought(client: FlaskClient) -> None:
    response = client.get("/refuse")
    assert response.status_code == 409
    assert response.json is not None
    assert (response.json["code"], response.json["hint"]) == ("cart_empty", "MENU")


def test_an_unexpected_error_tells_the_caller_nothing_of_itself(client: FlaskClient) -> None:
    response = client.get("/break")
    assert response.status_code == 500
    assert "secret" not in response.text
    assert response.json is not None
    assert response.json["code"] == "internal"


def test_a_lost_database_is_a_503_that_says_when_to_come_back(client: FlaskClient) -> None:
    response = client.get("/database")
    assert (response.status_code, response.headers["retry-after"]) == (503, "2")


def test_unknown_paths_and_wrong_methods_are_problems_too(client: FlaskClient) -> None:
    assert client.get("/nowhere").status_code == 404
    response = client.get("/things")
    assert (response.status_code, response.mimetype) == (405, "application/problem+json")
    assert "POST" in response.headers["allow"]


def test_ready_says_what_is_not(app: Flask) -> None:
    def fail() -> None:
        raise ConnectionError

    add_readiness(app, {"database": fail, "disk": lambda: None})
    response = app.test_client().get("/ready")
    assert response.status_code == 503
    assert "database" in response.text
    assert "disk" not in response.text


def test_answers_can_not_be_sniffed_or_kept(client: FlaskClient) -> None:
    headers = client.get("/health").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
