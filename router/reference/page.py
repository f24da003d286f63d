"""The reference as one page of HTML: no script, nothing from elsewhere, readable on a phone."""

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import render_template
from markupsafe import Markup, escape

from router.reference.schemas import REF, Schema

_METHODS = ("get", "post", "put", "patch", "delete")
_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Row:
    """One field or parameter. `depth` is how far inside others it stands."""

    name: str
    kind: str
    required: bool
    description: str
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    html: str
    policy: str
    """The Content-Security-Policy that lets this page show itself and do nothing else."""


def rendered(document: Mapping[str, Any]) -> Page:
    """The page of this document. Needs an application's context, for its templates."""
    reader = _Reader(document)
    html = render_template(
        "reference.html", document=document, groups=list(reader.groups()), prose=_prose, codes=document["x-error-codes"]
    )
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return Page(html, policy)


def _prose(text: str) -> Markup:
    """Paragraphs, `code`, *emphasis* and lists: all the Markdown that the document's own sentences use."""
    blocks = [" ".join(block.split("\n")) for block in str(escape(text)).strip().split("\n\n")]
    inline = [re.sub(r"\*([^*]+)\*", r"<em>\1</em>", re.sub(r"`([^`]+)`", r"<code>\1</code>", each)) for each in blocks]
    return Markup("".join(f"<p>{each}</p>" for each in inline if each))  # noqa: S704  # escaped above


class _Reader:
    """Looks a document up for what the page shows."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._components: Mapping[str, Any] = document["components"]

    def groups(self) -> Iterator[dict[str, Any]]:
        """Tags in their order, each with its operations."""
        for tag in self._document["tags"]:
            operations = [each for each in self._operations() if tag["name"] in each["tags"]]
            yield {"name": tag["name"], "means": tag["description"], "operations": operations}

    def _operations(self) -> Iterator[dict[str, Any]]:
        for path, methods in self._document["paths"].items():
            for method in _METHODS:
                if method in methods:
                    yield self._shown(path, method, methods[method])

    def _shown(self, path: str, method: str, operation: Schema) -> dict[str, Any]:
        answers = {status: self._whole(each) for status, each in operation["responses"].items()}
        success = next(each for status, each in answers.items() if status < "4")
        body = operation.get("requestBody")
        return {
            **operation,
            "path": path,
            "method": method.upper(),
            "samples": operation.get("x-codeSamples", []),
            "parameter_rows": [self._parameter(self._whole(each)) for each in operation["parameters"]],
            "body_rows": [] if body is None else list(self._rows(_schema_of(body))),
            "answer_status": next(status for status in answers if status < "4"),
            "answer_rows": list(self._rows(_schema_of(success))),
            "refusals": {
                status: _schema_of(each)["allOf"][1]["properties"]["code"]["enum"]
                for status, each in answers.items()
                if status >= "4"
            },
        }

    def _whole(self, part: Schema) -> Schema:
        ref = part.get("$ref")
        if not isinstance(ref, str):
            return part
        found: Any = self._document
        for step in ref.removeprefix("#/").split("/"):
            found = found[step]
        return found

    def _parameter(self, parameter: Schema) -> Row:
        kind = f"{parameter['in']}, {self._kind(parameter['schema'])}"
        return Row(parameter["name"], kind, parameter["required"], parameter.get("description", ""))

    def _rows(self, schema: Schema, depth: int = 0) -> Iterator[Row]:
        if depth > _DEEPEST:
            return
        for choice in schema.get("anyOf", [schema]):
            whole = self._whole(choice)
            required = whole.get("required", [])
            for name, part in whole.get("properties", {}).items():
                yield Row(name, self._kind(part), name in required, part.get("description", ""), depth)
                for inner in _inside(part):
                    yield from self._rows(inner, depth + 1)

    def _kind(self, part: Schema) -> str:
        if "anyOf" in part:
            return " or ".join(dict.fromkeys(self._kind(each) for each in part["anyOf"]))
        ref = part.get("$ref")
        if isinstance(ref, str):
            whole = self._whole(part)
            return self._kind(whole) if "enum" in whole else ref.removeprefix(REF).rsplit("__", 1)[-1]
        if "enum" in part or "const" in part:
            return " | ".join(str(each) for each in part.get("enum", [part.get("const")]))
        if part.get("type") == "array":
            return f"list of {self._kind(part.get('items', {}))}"
        bounds = [f"{word} {part[key]}" for key, word in _BOUNDS if key in part]
        return " ".join([part.get("format") or part.get("type") or "any", *bounds])


_BOUNDS = (("minimum", "≥"), ("maximum", "≤"), ("minLength", "length ≥"), ("maxLength", "length ≤"))


def _inside(part: Schema) -> Iterator[Schema]:
    """What has fields of its own in a field."""
    if "items" in part:
        yield part["items"]
    elif "$ref" in part:
        yield part
    for each in part.get("anyOf", ()):
        if "$ref" in each:
            yield each


def _schema_of(part: Schema) -> Schema:
    (content,) = part["content"].values()
    return content["schema"]
