"""What the relay makes of an answer: only an event that is refused for what it is, again and again, is parked."""

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from kit.clock import FixedClock
from kit.http_delivery import http_delivery
from kit.outbox import Delivered, Delivery, OutboxEvent, Park, Retry
from kit.webhooks import EventSigner

SIGNER = EventSigner("the-router-signs-its-news-with-this-key")


def delivery(server: HTTPServer, clock: FixedClock, status: int, attempts: int, park_after: int | None) -> Delivery:
    server.expect_request("/events", method="POST").respond_with_response(Response(status=status))
    deliver = http_delivery(server.url_for("/events"), SIGNER, clock, park_after=park_after)
    return deliver(OutboxEvent(1, "vendor-mama", "e1", "order.paid", "{}", attempts))


@pytest.mark.parametrize("status", [400, 413, 422])
def test_an_event_that_can_not_be_taken_is_parked_after_some_attempts(
    httpserver: HTTPServer, clock: FixedClock, status: int
) -> None:
    assert isinstance(delivery(httpserver, clock, status, 9, 10), Retry)
    assert delivery(httpserver, clock, status, 10, 10) == Park(f"answered {status}")
    assert isinstance(delivery(httpserver, clock, status, 1000, None), Retry)


@pytest.mark.parametrize("status", [301, 401, 403, 404, 408, 409, 429, 500, 503])
def test_everything_else_is_tried_for_ever(httpserver: HTTPServer, clock: FixedClock, status: int) -> None:
    assert isinstance(delivery(httpserver, clock, status, 1000, 10), Retry)


def test_what_is_accepted_is_delivered(httpserver: HTTPServer, clock: FixedClock) -> None:
    assert isinstance(delivery(httpserver, clock, 204, 1, 10), Delivered)


def test_a_connection_that_was_closed_meanwhile_is_opened_anew_and_one_that_nobody_answers_is_tried_later(
    httpserver: HTTPServer, clock: FixedClock
) -> None:
    closing = Response(status=200, headers={"connection": "close"})
    httpserver.expect_request("/events", method="POST").respond_with_response(closing)
    deliver = http_delivery(httpserver.url_for("/events"), SIGNER, clock)
    event = OutboxEvent(1, "vendor-mama", "e1", "order.paid", "{}", 1)
    assert [deliver(event) for _ in range(3)] == [Delivered()] * 3
    nobody = http_delivery("http://127.0.0.1:1/events", SIGNER, clock)
    assert isinstance(nobody(event), Retry)
