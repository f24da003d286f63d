"""The examples of the reference run: each is sent as it stands there and answered as the document says."""

import json
import shlex
from datetime import timedelta
from typing import Any

import pytest

from router.operations import Audience, Operation
from router.reference.curl import curl, target
from router.reference.document import operations_of
from router.reference.examples import EXAMPLES, SHOP, Example
from tests.support.counter import MAMA, Answer, Counter
from tests.support.one_of_everything import IDS, platform_key
from tests.support.vendor_api import VendorApi, vendor_api

PEOPLE = {Audience.VENDOR, Audience.OPERATOR, Audience.ANYONE}


def operations(counter: Counter) -> dict[str, Operation]:
    """What people call, by name."""
    served = operations_of(counter.service.app)
    return {operation.name: operation for operation in served if operation.callers & PEOPLE}


def test_every_operation_that_people_call_has_an_example_and_nothing_else_has(quick_counter: Counter) -> None:
    assert set(EXAMPLES) == set(operations(quick_counter))


def test_an_example_has_a_body_where_its_operation_takes_one(quick_counter: Counter) -> None:
    for name, operation in operations(quick_counter).items():
        assert (EXAMPLES[name].body is not None) == (operation.body is not None), name


def test_an_example_can_be_pasted_into_a_shell(quick_counter: Counter) -> None:
    for name, operation in operations(quick_counter).items():
        example = EXAMPLES[name]
        words = shlex.split(curl(operation, example).replace("\\\n", " "))
        assert words[:2] == ["curl", "-sS"]
        method = words[words.index("-X") + 1] if "-X" in words else "GET"
        assert (method, f"$DUKANI{target(operation, example)}" in words) == (operation.method, True), name
        if example.body is not None:
            assert json.loads(words[words.index("--data") + 1]) == example.body


def test_an_example_of_an_answer_is_one(quick_counter: Counter) -> None:
    shown = {name: example.answer for name, example in EXAMPLES.items() if example.answer is not None}
    assert set(shown) == {"vendor.orders.list", "vendor.orders.show"}
    for name, answer in shown.items():
        model = operations(quick_counter)[name].answer
        assert model is not None
        assert model.model_validate(answer).model_dump(mode="json") == answer


def _path_of(name: str, counter: Counter, api: VendorApi) -> dict[str, str]:
    """The parameters of the example's path, with ids of things that are there."""
    made: dict[str, str] = {}
    for parameter, value in EXAMPLES[name].path.items():
        make = platform_key if name.startswith("platform_keys.") else IDS.get(parameter)
        made[parameter] = value if make is None else make(counter, api)
    return made


def _send(operation: Operation, example: Example, counter: Counter, api: VendorApi) -> Answer:
    headers = {"content-type": "application/json"} if example.body is not None else {}
    raw = b"" if example.body is None else json.dumps(example.body).encode()
    if Audience.VENDOR in operation.callers:
        return api.raw(operation.method, target(operation, example), raw, headers)
    named = {"x_vendor_id": MAMA} if operation.of_shop else {}
    return counter.operator(operation.method, target(operation, example), example.body, **named)


@pytest.mark.usefixtures("names_are_known")
@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_an_example_is_answered_as_the_document_says(quick_counter: Counter, name: str) -> None:
    assert SHOP == MAMA
    quick_counter.put("milk", on_hand=100)
    api = vendor_api(quick_counter)
    operation = operations(quick_counter)[name]
    path = _path_of(name, quick_counter, api)
    quick_counter.clock.advance(timedelta(seconds=1))
    example = Example(EXAMPLES[name].body, EXAMPLES[name].query, path)
    answer = _send(operation, example, quick_counter, api)
    assert answer.status == operation.status, answer
    assert answer.headers["content-type"].partition(";")[0] == operation.media_type


def test_the_development_routes_are_described_where_they_are_served_alone(in_production: Counter) -> None:
    document: dict[str, Any] = in_production.send_unsigned("GET", "/openapi.json", headers={}).body
    assert [path for path in document["paths"] if path.startswith(("/orders", "/vendors"))] == []
    assert "developmentKey" not in document["components"]["securitySchemes"]
    assert "x-internal-key" not in json.dumps(document)
