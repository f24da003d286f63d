"""The reference says what the router does: a valid document of every operation, and a page that needs nothing else."""

import re
import subprocess
import sys
from typing import Any

import pytest
from openapi_spec_validator import validate

from contracts.errors import ErrorCode
from router.operations import Audience, operation_of
from router.reference.codes import ADVICE
from router.reference.document import operations_of
from tests.support.counter import Counter


@pytest.fixture
def document(quick_counter: Counter) -> dict[str, Any]:
    answer = quick_counter.send_unsigned("GET", "/openapi.json", headers={})
    assert answer.status == 200
    return answer.body


def described(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Operations by `METHOD /path`."""
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def problems(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, list[str]]:
    """Codes by status."""
    found: dict[str, list[str]] = {}
    for status, response in operation["responses"].items():
        if status >= "4":
            whole = document["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
            schema = whole["content"]["application/problem+json"]["schema"]
            found[status] = schema["allOf"][1]["properties"]["code"]["enum"]
    return found


def test_the_document_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    validate(document)


def test_every_declared_operation_is_in_it_once(quick_counter: Counter, document: dict[str, Any]) -> None:
    app = quick_counter.service.app
    served = {(each.method, each.path.replace("<", "{").replace(">", "}")): each.name for each in operations_of(app)}
    assert {tuple(which.split()): each["operationId"] for which, each in described(document).items()} == served
    undeclared = {rule.rule for rule in app.url_map.iter_rules() if not operation_of(app.view_functions[rule.endpoint])}
    assert undeclared <= {"/health", "/ready", "/metrics"}


def test_what_our_own_processes_call_is_marked_internal(quick_counter: Counter, document: dict[str, Any]) -> None:
    ours = {Audience.BOT, Audience.PAYMENT_ADAPTER}
    internal = {op.name for op in operations_of(quick_counter.service.app) if op.callers <= ours}
    marked = {op["operationId"] for op in described(document).values() if op["tags"] == ["internal"]}
    assert marked == internal
    assert "orders.pay" in marked
    assert "vendor.orders.list" not in marked


def test_a_command_shows_its_idempotency_key_its_refusals_and_its_security(document: dict[str, Any]) -> None:
    create = described(document)["POST /api/v1/orders"]
    refs = [parameter["$ref"].rsplit("/", 1)[1] for parameter in create["parameters"]]
    assert refs == ["ShopClaimed", "IdempotencyKey"]
    assert {"apiKey": []} in create["security"]
    refused = problems(document, create)
    assert set(refused) == {"400", "401", "403", "404", "409", "413", "415", "422", "429", "500", "503"}
    assert refused["409"] == ["idempotency_in_progress"]
    assert set(refused["422"]) == {"amount_invalid", "idempotency_key_reused", "invalid_request"}
    assert create["x-scope"] == "orders:write"
    assert create["x-capabilities"] == ["commerce.orders"]
    assert "idempotent-replayed" in create["responses"]["201"]["headers"]


def test_what_says_come_back_says_when(document: dict[str, Any]) -> None:
    for name, response in document["components"]["responses"].items():
        assert ("retry-after" in response.get("headers", {})) == name.startswith(("409", "429", "503")), name


def test_a_bot_s_operation_is_signed_for_a_shop(document: dict[str, Any]) -> None:
    pay = described(document)["POST /v1/orders/pay"]
    assert pay["security"] == [{"botKeyId": [], "botTime": [], "botSignature": []}]
    refs = [parameter["$ref"].rsplit("/", 1)[1] for parameter in pay["parameters"]]
    assert refs == ["ShopNamed", "IdempotencyKeyNeeded"]


def test_a_list_shows_its_cursor_and_limits(document: dict[str, Any]) -> None:
    listed = described(document)["GET /api/v1/orders"]
    by_name = {each["name"]: each for each in listed["parameters"] if "name" in each}
    assert by_name["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}
    assert by_name["cursor"]["schema"] == {"type": "string", "maxLength": 400}
    assert by_name["since"]["schema"] == {"type": "string", "format": "date-time"}
    assert "null" not in str([each["schema"] for each in by_name.values()])


def test_sentences_under_fields_are_descriptions(document: dict[str, Any]) -> None:
    order = document["components"]["schemas"]["VendorOrder"]["properties"]
    assert order["code"]["description"] == "What the customer reads and types."
    view = document["components"]["schemas"]["OrderView"]["properties"]
    assert view["receipt"]["description"].startswith("The provider's receipt number once PAID")


def test_every_error_code_says_what_it_means_and_what_to_do() -> None:
    assert set(ADVICE) == set(ErrorCode)
    assert [code for code, advice in ADVICE.items() if not advice.meaning or not advice.what_to_do] == []


def test_every_schema_is_used(document: dict[str, Any]) -> None:
    text = str(document)
    unused = [name for name in document["components"]["schemas"] if f"#/components/schemas/{name}'" not in text]
    assert unused == []


def test_the_page_shows_every_operation_and_code_and_runs_nothing(
    quick_counter: Counter, document: dict[str, Any]
) -> None:
    response = quick_counter.service.app.test_client().get("/docs")
    assert (response.status_code, response.mimetype) == (200, "text/html")
    html = response.text
    assert [op["operationId"] for op in described(document).values() if f'id="{op["operationId"]}"' not in html] == []
    assert [each["code"] for each in document["x-error-codes"] if f'id="error-{each["code"]}"' not in html] == []
    assert re.findall(r"<script|\son\w+=|\sstyle=|javascript:", html) == []
    assert re.findall(r'(?:src|href)="(?!#|/openapi\.json")[^"]*"', html) == []
    assert '<meta name="viewport" content="width=device-width' in html
    policy = response.headers["content-security-policy"]
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]+'; base-uri 'none'; form-action 'none'; "
        r"frame-ancestors 'none'",
        policy,
    )


@pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
def test_what_was_read_already_is_not_sent_again(quick_counter: Counter, path: str) -> None:
    client = quick_counter.service.app.test_client()
    first = client.get(path)
    again = client.get(path, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_no_process_pays_for_a_document_that_nobody_asked_for() -> None:
    script = "import sys, router.app; sys.exit('apispec' in sys.modules or 'router.reference.document' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], timeout=60, check=False).returncode == 0


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("DELETE", "/api/v1/orders", 405, "method_not_allowed"),
        ("GET", "/", 404, "not_found"),
    ],
)
def test_what_is_not_served_is_a_problem_too(
    quick_counter: Counter, method: str, path: str, status: int, code: str
) -> None:
    answer = quick_counter.send_unsigned(method, path, headers={})
    assert (answer.status, answer.code) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    if status == 405:
        assert "GET" in answer.headers["allow"]
