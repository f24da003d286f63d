"""`GET /openapi.json` and `GET /docs`: made when they are first asked for, then kept."""

import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, current_app, request

from router.edge import Call, Edge, Routes
from router.operations import Audience, Operation

_ANYONE = frozenset({Audience.ANYONE})

DOCUMENT = Operation(
    "reference.document",
    "GET",
    "/openapi.json",
    "This API as an OpenAPI document",
    _ANYONE,
    of_shop=False,
    tag="reference",
)
PAGE = Operation(
    "reference.page",
    "GET",
    "/docs",
    "This API as a page to read",
    _ANYONE,
    of_shop=False,
    media_type="text/html",
    tag="reference",
)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A text that stays as it is while the process lives."""

    text: bytes
    mimetype: str
    headers: Mapping[str, str]

    def response(self) -> Response:
        response = Response(self.text, mimetype=self.mimetype, headers=dict(self.headers))
        response.set_etag(hashlib.sha256(self.text).hexdigest()[:32])
        response.headers["cache-control"] = "no-cache"  # kept by browsers, and asked about
        response.make_conditional(request)
        return response


class _Reference:
    """Both texts of one application. The libraries that make them are imported with the first question."""

    def __init__(self, *, is_local: bool) -> None:
        self._is_local = is_local
        self._lock = threading.Lock()
        self._document: dict[str, Any] | None = None
        self._kept: dict[str, _Kept] = {}

    def openapi(self) -> _Kept:
        return self._once("openapi", lambda: _Kept(json.dumps(self._made()).encode(), "application/json", {}))

    def page(self) -> _Kept:
        return self._once("page", self._page)

    def _page(self) -> _Kept:
        from router.reference.page import rendered  # noqa: PLC0415  # most processes are never asked

        page = rendered(self._made())
        return _Kept(page.html.encode(), "text/html", {"content-security-policy": page.policy})

    def _made(self) -> dict[str, Any]:
        from router.reference.document import document, operations_of  # noqa: PLC0415  # most processes are never asked

        if self._document is None:
            self._document = document(operations_of(current_app), is_local=self._is_local)
        return self._document

    def _once(self, name: str, make: Callable[[], _Kept]) -> _Kept:
        with self._lock:
            if name not in self._kept:
                self._kept[name] = make()
            return self._kept[name]


def reference_routes(edge: Edge) -> Blueprint:
    routes = Routes(edge, "reference")
    routes.blueprint.template_folder = str(Path(__file__).with_name("templates"))
    reference = _Reference(is_local=edge.is_local)

    @routes.add(DOCUMENT)
    def openapi(_call: Call) -> Response:
        return reference.openapi().response()

    @routes.add(PAGE)
    def page(_call: Call) -> Response:
        return reference.page().response()

    return routes.blueprint
