"""A call to another process ends in an answer, a refusal or `Unreachable`, and is signed for exactly what was sent."""

import socket
import threading
from collections.abc import Generator
from datetime import UTC, datetime

import pytest
from pydantic import BaseModel
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from kit.clock import FixedClock
from kit.peers import Broken, Peer, Refusal, Unreachable
from kit.signing import KeyRing, verify

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
RING = KeyRing.parse("r" * 40)


class Thing(BaseModel):
    name: str


@pytest.fixture
def peer(httpserver: HTTPServer) -> Generator[Peer]:
    peer = Peer(httpserver.url_for(""), RING, FixedClock(NOW), timeout_s=0.5)
    yield peer
    peer.close()


def test_what_arrives_carries_a_signature_that_verifies(httpserver: HTTPServer, peer: Peer) -> None:
    def handle(request: Request) -> Response:
        target = request.path + (f"?{request.query_string.decode()}" if request.query_string else "")
        verify(RING, NOW, request.method, target, request.get_data(), request.headers)
        return Response('{"name":"milk"}', mimetype="application/json")

    httpserver.expect_request("/v1/things").respond_with_handler(handle)
    assert peer.get(Thing, "/v1/things", vendor="shop", params={"query": "maziwa lala & mkate"}).name == "milk"
    assert peer.post(Thing, "/v1/things", Thing(name="ũgali"), vendor="shop", idempotency_key="k").name == "milk"
    httpserver.check_assertions()


def test_a_4xx_is_a_refusal_with_its_problem(httpserver: HTTPServer, peer: Peer) -> None:
    httpserver.expect_request("/v1/cart").respond_with_json(
        {"title": "Conflict", "status": 409, "code": "cart_empty", "hint": "MENU"}, status=409
    )
    with pytest.raises(Refusal) as refused:
        peer.post(Thing, "/v1/cart", Thing(name="x"), idempotency_key="k")
    assert refused.value.problem.code == "cart_empty"
    assert (refused.value.problem.model_extra or {})["hint"] == "MENU"


@pytest.mark.parametrize("status", [501, 502, 503, 504])
def test_a_5xx_is_unreachable(httpserver: HTTPServer, peer: Peer, status: int) -> None:
    httpserver.expect_request("/v1/x").respond_with_data("oops", status=status)
    with pytest.raises(Unreachable) as down:
        peer.get(Thing, "/v1/x")
    assert not isinstance(down.value, Broken)


def test_a_500_says_that_asking_again_may_not_help(httpserver: HTTPServer, peer: Peer) -> None:
    httpserver.expect_request("/v1/x").respond_with_data("oops", status=500)
    with pytest.raises(Broken):
        peer.get(Thing, "/v1/x")


@pytest.mark.parametrize(("status", "body"), [(200, "<html>"), (200, "{}"), (404, "<html>")])
def test_an_answer_that_can_not_be_read_is_unreachable(
    httpserver: HTTPServer, peer: Peer, status: int, body: str
) -> None:
    httpserver.expect_request("/v1/x").respond_with_data(body, status=status)
    with pytest.raises(Unreachable):
        peer.get(Thing, "/v1/x")


def test_nobody_listening_is_unreachable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    peer = Peer(f"http://127.0.0.1:{port}", RING, FixedClock(NOW))
    with pytest.raises(Unreachable):
        peer.get(Thing, "/v1/x")
    peer.close()


def test_a_process_that_never_answers_is_given_up_in_time(httpserver: HTTPServer, peer: Peer) -> None:
    gate = threading.Event()

    def hang(_request: Request) -> Response:
        gate.wait(5)
        return Response("{}")

    httpserver.expect_request("/v1/slow").respond_with_handler(hang)
    with pytest.raises(Unreachable):
        peer.get(Thing, "/v1/slow")
    gate.set()
