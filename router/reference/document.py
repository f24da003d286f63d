"""The OpenAPI 3.1 document, made from the declared operations and their models. Imported when it is first asked for."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from apispec import APISpec
from flask import Flask

from contracts.errors import ErrorCode, ProblemBody
from kit.idempotency import REPLAYED_HEADER
from kit.signing import IDEMPOTENCY_HEADER, KEY_HEADER, SIGNATURE_HEADER, TIME_HEADER, VENDOR_HEADER
from router.edge import INTERNAL_KEY_HEADER
from router.operations import BY_BOT, Audience, Operation, operation_of
from router.reference.codes import advice_on
from router.reference.curl import curl
from router.reference.examples import EXAMPLES
from router.reference.refusals import refusals
from router.reference.schemas import Model, Schema, Schemas

VERSION = "1"
INTERNAL = "internal"

_INTRODUCTION = """\
Every request of a shop carries `Authorization: Bearer <API key>`; the key says which shop it is. Amounts are integers
in minor units (3000 is KES 30), times are UTC.

Every POST takes an `Idempotency-Key`: the same key and body again gets the first answer, with
`idempotent-replayed: true`, and does nothing; the same key with another body is refused. So whatever got no answer can
be sent again.

Lists are read page by page: pass `next_cursor` as `cursor` until it is null. Errors are `application/problem+json` with
a stable `code`. Operations tagged *internal* are for Dukani's own processes, which sign their requests.
"""

_TAGS = {
    "orders": "What customers ordered.",
    "payments": "What was paid, what was not, and what needs a decision.",
    "catalogue": "What the shop sells, and what is left of it.",
    "delivery": "Where the shop delivers, and for what fee.",
    "vouchers": "What takes something off an order.",
    "shop": "The shop itself, and what it may do.",
    "conversations": "What was said in the chat, who answers, and who of the shop is told.",
    "keys": "API keys: who may ask.",
    "usage": "What was counted for the bill.",
    "webhooks": "Where events are sent.",
    "events": "What happened, in order.",
    "vendors": "For operators: opening and running shops.",
    "reference": "This document.",
    INTERNAL: "For Dukani's own processes. Signed; not for shops.",
    "development": "On a developer's machine alone.",
}

_SCHEMES: dict[str, Schema] = {
    "apiKey": {"type": "http", "scheme": "bearer", "description": "An API key of a shop, or of the platform."},
    "developmentKey": {
        "type": "apiKey",
        "in": "header",
        "name": INTERNAL_KEY_HEADER,
        "description": "On this machine, in local mode: acts as the operator.",
    },
    "botKeyId": {"type": "apiKey", "in": "header", "name": KEY_HEADER, "description": "Which key signed."},
    "botTime": {"type": "apiKey", "in": "header", "name": TIME_HEADER, "description": "When, in seconds."},
    "botSignature": {
        "type": "apiKey",
        "in": "header",
        "name": SIGNATURE_HEADER,
        "description": "HMAC-SHA256 over method, path, query, body, x-vendor-id and Idempotency-Key.",
    },
    "eventId": {"type": "apiKey", "in": "header", "name": "webhook-id", "description": "Standard Webhooks."},
    "eventTime": {"type": "apiKey", "in": "header", "name": "webhook-timestamp", "description": "Standard Webhooks."},
    "eventSignature": {
        "type": "apiKey",
        "in": "header",
        "name": "webhook-signature",
        "description": "Standard Webhooks.",
    },
}
_SHOP_ID = {"type": "string", "minLength": 1, "maxLength": 100}
_PARAMETERS: dict[str, Schema] = {
    "ShopNamed": {
        "name": VENDOR_HEADER,
        "in": "header",
        "required": True,
        "schema": _SHOP_ID,
        "description": "The shop that is meant.",
    },
    "ShopClaimed": {
        "name": VENDOR_HEADER,
        "in": "header",
        "required": False,
        "schema": _SHOP_ID,
        "description": "Operators name the shop here. A shop's own key needs none, and refuses another's.",
    },
    "IdempotencyKey": {
        "name": IDEMPOTENCY_HEADER,
        "in": "header",
        "required": False,
        "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[ -~]+$"},
        "description": "Makes it safe to send this again: new for every new thing, the same for every repeat.",
    },
}
_PARAMETERS["IdempotencyKeyNeeded"] = {**_PARAMETERS["IdempotencyKey"], "required": True}

_SECONDS = {"schema": {"type": "integer", "minimum": 0}, "description": "Seconds to wait before asking again."}
_REPLAYED = {"schema": {"type": "string", "enum": ["true"]}, "description": "On a repeat: nothing was done again."}


def operations_of(app: Flask) -> list[Operation]:
    """What the app serves and declares, by path and method."""
    served = (operation_of(app.view_functions[rule.endpoint]) for rule in app.url_map.iter_rules())
    return sorted((each for each in served if each is not None), key=lambda each: (each.path, each.method))


def document(operations: Sequence[Operation], *, is_local: bool) -> dict[str, Any]:
    """The whole document, as plain values."""
    schemas = _schemas(operations)
    tags = {name for operation in operations for name in tags_of(operation)}
    spec = APISpec(
        "Dukani",
        VERSION,
        "3.1.0",
        info={"description": _INTRODUCTION},
        servers=[{"url": "/", "description": "Where this document was read"}],
        tags=[{"name": name, "description": means} for name, means in _TAGS.items() if name in tags],
    )
    described = [_Described(operation, schemas, spec, is_local=is_local) for operation in operations]
    for each in described:
        spec.path(path=_template(each.operation.path), operations={each.operation.method.lower(): each.made()})
    for name, scheme in _SCHEMES.items():
        if any(name in way for each in described for way in each.security):
            spec.components.security_scheme(name, scheme)
    needed = {name for each in described for name in each.parameters}
    for name, parameter in _PARAMETERS.items():
        if name in needed:
            spec.components.parameter(name, "header", {k: v for k, v in parameter.items() if k != "in"})
    whole = spec.to_dict()
    whole["x-error-codes"] = [
        {"code": code.value, "meaning": advice_on(code).meaning, "what_to_do": advice_on(code).what_to_do}
        for code in sorted({code for each in operations for codes in refusals(each).values() for code in codes})
    ]
    used = schemas.used_by(whole)
    whole["components"]["schemas"] = {name: schemas.definitions[name] for name in sorted(used)}
    return whole


def tags_of(operation: Operation) -> list[str]:
    if operation.callers <= {Audience.BOT, Audience.PAYMENT_ADAPTER}:
        return [INTERNAL]
    return [operation.tag or "reference"]


def _schemas(operations: Iterable[Operation]) -> Schemas:
    sent: list[Model] = []
    answered: list[Model] = [ProblemBody]
    for operation in operations:
        sent += [model for model in (operation.body, operation.query) if model is not None]
        answered += answers_of(operation)
    return Schemas(dict.fromkeys(sent), dict.fromkeys(answered))


def answers_of(operation: Operation) -> list[Model]:
    return [model for model in (operation.answer, *operation.other_answers) if model is not None]


def _template(path: str) -> str:
    """`/orders/<order_id>` as `/orders/{order_id}`."""
    return re.sub(r"<(?:[a-z]+:)?([a-z_]+)>", r"{\1}", path)


class _Described:
    """One operation on its way into the document; what several share goes into the components."""

    def __init__(self, operation: Operation, schemas: Schemas, spec: APISpec, *, is_local: bool) -> None:
        self.operation = operation
        self.security = _security(operation.callers, is_local=is_local)
        self.parameters = _shared_parameters(operation)
        self._schemas = schemas
        self._spec = spec

    def made(self) -> Schema:
        operation = self.operation
        made: Schema = {
            "operationId": operation.name,
            "summary": operation.summary,
            "description": _description(operation),
            "tags": tags_of(operation),
            "security": self.security,
            "parameters": [
                *self.parameters,  # by name: the builder refers to the components
                *self._path_parameters(),
                *self._query_parameters(),
            ],
            "responses": {str(operation.status): self._answer(), **self._problems()},
            "x-callers": sorted(operation.callers),
        }
        if operation.body is not None:
            made["requestBody"] = self._body(operation.body)
        if operation.scope is not None:
            made["x-scope"] = operation.scope.value
        if operation.needs:
            made["x-capabilities"] = [capability.value for capability in operation.needs]
        if operation.name in EXAMPLES:
            made["x-codeSamples"] = [{"lang": "curl", "source": curl(operation, EXAMPLES[operation.name])}]
        return made

    def _path_parameters(self) -> list[Schema]:
        example = EXAMPLES.get(self.operation.name)
        found: list[Schema] = []
        for name in re.findall(r"<(?:[a-z]+:)?([a-z_]+)>", self.operation.path):
            parameter: Schema = {
                "name": name,
                "in": "path",
                "required": True,
                "schema": {"type": "string", "minLength": 1},
                "description": self.operation.parameters.get(name, ""),
            }
            if example is not None:
                parameter["example"] = example.path[name]
            found.append(parameter)
        return found

    def _query_parameters(self) -> list[Schema]:
        if self.operation.query is None:
            return []
        schema = self._schemas.whole(self._schemas.sent(self.operation.query))
        example = EXAMPLES.get(self.operation.name)
        found: list[Schema] = []
        for name, part in schema.get("properties", {}).items():
            values = {key: value for key, value in _given(part).items() if key not in ("description", "examples")}
            parameter: Schema = {
                "name": name,
                "in": "query",
                "required": name in schema.get("required", ()),
                "schema": values,
                "description": part.get("description", ""),
            }
            if example is not None and name in example.query:
                parameter["example"] = _as_its_type(example.query[name], values)
            found.append(parameter)
        return found

    def _body(self, model: Model) -> Schema:
        content: Schema = {"schema": self._schemas.sent(model)}
        example = EXAMPLES.get(self.operation.name)
        if example is not None and example.body is not None:
            content["example"] = dict(example.body)
        return {"required": True, "content": {"application/json": content}}

    def _answer(self) -> Schema:
        shapes = [self._schemas.answered(model) for model in answers_of(self.operation)]
        schema: Schema = {"anyOf": shapes} if len(shapes) > 1 else shapes[0] if shapes else {"type": "object"}
        content: Schema = {"application/json": {"schema": schema}}
        if self.operation.media_type != "application/json":
            content = {self.operation.media_type: {"schema": {"type": "string"}}}
        example = EXAMPLES.get(self.operation.name)
        if example is not None and example.answer is not None:
            content["application/json"]["example"] = dict(example.answer)
        response: Schema = {"description": self.operation.summary, "content": content}
        if self.operation.is_command:
            response["headers"] = {REPLAYED_HEADER: _REPLAYED}
        return response

    def _problems(self) -> dict[str, Schema]:
        return {str(status): self._problem(status, codes) for status, codes in refusals(self.operation).items()}

    def _problem(self, status: int, codes: Sequence[ErrorCode]) -> Schema:
        name = f"{status}.{'.'.join(codes)}"
        if name not in self._spec.components.responses:
            self._spec.components.response(name, _problem_response(self._schemas, status, codes))
        return {"$ref": f"#/components/responses/{name}"}


def _problem_response(schemas: Schemas, status: int, codes: Sequence[ErrorCode]) -> Schema:
    means = "\n".join(f"- `{code.value}`: {advice_on(code).meaning} {advice_on(code).what_to_do}" for code in codes)
    narrowed = {"properties": {"status": {"const": status}, "code": {"enum": [code.value for code in codes]}}}
    response: Schema = {
        "description": means,
        "content": {"application/problem+json": {"schema": {"allOf": [schemas.answered(ProblemBody), narrowed]}}},
    }
    if status in (409, 429, 503):
        response["headers"] = {"retry-after": _SECONDS}
    return response


def _description(operation: Operation) -> str:
    needs = [f"the capability `{capability.value}`" for capability in operation.needs]
    needs += [] if operation.scope is None else [f"an API key with the scope `{operation.scope.value}`"]
    wants = f"Needs {' and '.join(needs)}." if needs else ""
    return "\n\n".join(part for part in (operation.description, wants) if part)


def _security(callers: frozenset[Audience], *, is_local: bool) -> list[dict[str, list[str]]]:
    """Ways to be let in, any of which will do."""
    ways: list[dict[str, list[str]]] = []
    if callers & {Audience.VENDOR, Audience.OPERATOR}:
        ways.append({"apiKey": []})
    if Audience.OPERATOR in callers and is_local:
        ways.append({"developmentKey": []})
    if Audience.BOT in callers:
        ways.append({"botKeyId": [], "botTime": [], "botSignature": []})
    if Audience.PAYMENT_ADAPTER in callers:
        ways.append({"eventId": [], "eventTime": [], "eventSignature": []})
    return ways


def _shared_parameters(operation: Operation) -> list[str]:
    is_bots_alone = operation.callers == BY_BOT
    names: list[str] = []
    if operation.of_shop and "<vendor_id>" not in operation.path:
        names.append("ShopNamed" if Audience.VENDOR not in operation.callers else "ShopClaimed")
    if operation.is_command and Audience.PAYMENT_ADAPTER not in operation.callers:
        names.append("IdempotencyKeyNeeded" if is_bots_alone else "IdempotencyKey")
    return names


def _given(schema: Schema) -> Schema:
    """What the parameter looks like when it is there: null is for leaving it out."""
    rest = {key: value for key, value in schema.items() if key != "anyOf" and (key, value) != ("default", None)}
    kept = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    return {**kept[0], **rest} if len(kept) == 1 else {**({"anyOf": kept} if kept else {}), **rest}


def _as_its_type(text: str, schema: Schema) -> object:
    match schema.get("type"):
        case "integer":
            return int(text)
        case "boolean":
            return text == "true"
        case _:
            return text
