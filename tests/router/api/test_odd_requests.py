"""Requests that no well-behaved client sends: bytes that are no text, paths that lead nowhere, numbers without end."""

from typing import Any

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from tests.support.counter import AMINA, MAMA, Counter
from tests.support.vendor_api import vendor_api

ODD_QUERIES = [
    b"\xff\xfe",
    b"customer=\xff",
    b"customer=%ff%fe",
    b"customer=%",
    b"customer=%zz",
    b"customer=%00",
    b"customer=" + b"a" * 5000,
    b"=&&;&=",
    b"limit=99999999999999999999999999",
    b"limit=-1",
    b"limit=1&limit=2",
    b"cursor=%ed%a0%80",
]
ODD_HEADERS = [
    ("x-vendor-id", "\xff"),
    ("x-vendor-id", "x" * 9000),
    ("authorization", "Bearer \xff"),
    ("authorization", "Bearer"),
    ("authorization", "Basic Zm9v"),
    ("x-internal-key", "\xff"),
    ("x-dukani-timestamp", "\xb2"),
    ("x-dukani-timestamp", "9" * 12),
    ("content-length", "12"),
    ("content-type", "application/json; charset=nonsense"),
    ("content-type", "text/plain"),
    ("content-type", "\xff"),
    ("idempotency-key", "\xff"),
    ("if-none-match", "\xff"),
    ("host", "a b"),
]
ODD_BODIES = [
    b"",
    b"\x00",
    b"null",
    b"[" * 20_000,
    b'{"a":' * 5_000,
    b'{"amount_minor": 1' + b"0" * 5_000 + b"}",
    b'{"amount_minor": 1e999, "customer_phone": "254708374149"}',
    b'{"amount_minor": NaN, "customer_phone": "254708374149"}',
    b'{"amount_minor": 3000, "customer_phone": "\\ud800\\ud800\\ud800"}',
    b'{"amount_minor": 3000, "customer_phone": "\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000"}',
    b'{"amount_minor": 3000, "amount_minor": 4000, "customer_phone": "nobody"}',
    "{“amount_minor”: 3000}".encode(),
    "\ufeff{}".encode(),
]


def send(counter: Counter, method: str, path: bytes, query: bytes, headers: dict[str, str], body: bytes) -> int:
    """The bytes as they are, past every client that would mend them. Returns the status, of a problem if it is one."""
    builder = EnvironBuilder(method=method, path="/", data=body)
    environ: dict[str, Any] = builder.get_environ()
    environ |= {"PATH_INFO": path.decode("latin-1"), "QUERY_STRING": query.decode("latin-1")}
    environ["REMOTE_ADDR"] = "127.0.0.1"
    for name, value in headers.items():
        bare = name.upper().replace("-", "_")
        environ[bare if bare in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{bare}"] = value
    _, status, answered = run_wsgi_app(counter.service.app, environ, buffered=True)
    code = int(status.split()[0])
    if code >= 400:
        assert answered["content-type"] == "application/problem+json", status
    return code


def callers(counter: Counter) -> dict[str, dict[str, str]]:
    return {
        "vendor": {"authorization": f"Bearer {vendor_api(counter).token}"},
        "operator": {"x-internal-key": "dev-internal-secret", "x-vendor-id": MAMA},
        "bot": {
            "x-vendor-id": MAMA,
            "x-dukani-key": "1",
            "x-dukani-timestamp": str(int(counter.clock.now().timestamp())),
            "x-dukani-signature": "v1=00",
        },
        "nobody": {},
    }


def test_a_query_of_any_bytes_is_answered_or_refused(counter: Counter) -> None:
    known = callers(counter)
    for path in (b"/api/v1/orders", b"/v1/orders", b"/api/v1/events", b"/openapi.json", b"/nowhere"):
        for query in ODD_QUERIES:
            for who, headers in known.items():
                assert send(counter, "GET", path, query, headers, b"") < 500, (path, query, who)


def test_a_header_of_any_bytes_is_answered_or_refused(quick_counter: Counter) -> None:
    body = b'{"customer_phone": "254708374149", "amount_minor": 3000}'
    known = callers(quick_counter)
    for name, value in ODD_HEADERS:
        for who, headers in known.items():
            sent = {"content-type": "application/json", **headers, name: value}
            for method, path in (("POST", b"/api/v1/orders"), ("GET", b"/v1/cart"), ("GET", b"/docs")):
                asked = body if method == "POST" else b""
                assert send(quick_counter, method, path, b"", sent, asked) < 500, (name, value, who, method, path)


def test_a_body_of_any_bytes_is_refused(counter: Counter) -> None:
    known = callers(counter)
    for body in ODD_BODIES:
        for who in ("vendor", "operator"):
            sent = {"content-type": "application/json", **known[who]}
            assert send(counter, "POST", b"/api/v1/orders", b"", sent, body) in (400, 413, 422), (body[:50], who)


def test_an_id_of_any_bytes_leads_nowhere(counter: Counter) -> None:
    headers = callers(counter)["vendor"]
    operators = {"x-internal-key": "dev-internal-secret"}
    for room in (b"orders", b"payments", b"exceptions", b"webhooks", b"webhooks/deliveries", b"vendors"):
        for last in (b"\xff\xfe", b"\x00", b"a\x00", b"%00", b"..", b"\n", b"a" * 10_000, "ｘ".encode(), b"'--"):
            sent = operators if room == b"vendors" else headers
            assert send(counter, "GET", b"/api/v1/" + room + b"/" + last, b"", sent, b"") in (404, 422), (room, last)


def test_a_text_that_postgresql_can_not_keep_is_refused(counter: Counter) -> None:
    answer = vendor_api(counter).post("/api/v1/webhooks", {"url": "https://shop.example.com/\x00"})
    assert answer.status == 422


@pytest.mark.parametrize("text", ["\x00", "\ud800", "x" * 60_000, "\u202e", "'; DROP TABLE orders; --", "%s %(a)s"])
def test_the_bot_may_pass_on_any_text_that_a_customer_wrote(counter: Counter, text: str) -> None:
    counter.put("milk")
    who = {"address": AMINA, "name": text[:200]}
    bodies: dict[str, dict[str, Any]] = {
        "/v1/cart/lines": {"customer": who, "item_id": text, "quantity": 1},
        "/v1/cart/lines/remove": {"customer": who, "line_no": 10**30},
        "/v1/orders/cancel": {"customer": who, "code": text},
        "/v1/orders/pay": {"customer": who, "code": text, "payer_msisdn": text},
        "/v1/cart/confirm": {"customer": {"address": text[:180]}},
    }
    for path, body in bodies.items():
        assert counter.post(path, body).status < 500, path
    for path, name in (("/v1/cart", "customer"), ("/v1/catalog/items", "query"), ("/v1/shops", "word")):
        query = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")[:300]
        assert counter.get(path, **{name: query}).status < 500, path
