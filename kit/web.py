"""The shell around every process's routes: size limits, JSON in and out, problem+json, health, readiness, metrics."""

import hmac
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from ipaddress import ip_address
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar, cast

import structlog
from flask import Flask, Response, current_app, request
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from contracts.errors import ErrorCode, FieldError, ProblemBody
from kit.db import is_lock_timeout
from kit.metrics import figures, request_answered
from kit.problems import Problem
from kit.signing import IDEMPOTENCY_HEADER

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_log = structlog.get_logger()

M = TypeVar("M", bound=BaseModel)

MAX_BODY_BYTES = 64 * 1024

_SECURITY_HEADERS = (
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
)

FORWARDING_HEADERS = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
"""A request with one of these came through somebody: its peer is not who asks."""

DRAINING = "DUKANI_DRAINING"
"""Key in an application's config: a function that says whether its process was told to stop."""

OWN_PATHS = frozenset({"/health", "/ready", "/metrics"})
"""What every process answers about itself; not counted among its requests."""

_BEGAN = "dukani.began"

_STATUS_CODES = {
    400: ErrorCode.INVALID_REQUEST,
    404: ErrorCode.NOT_FOUND,
    405: ErrorCode.METHOD_NOT_ALLOWED,
    413: ErrorCode.BODY_TOO_LARGE,
    415: ErrorCode.INVALID_REQUEST,
}


def make_app(import_name: str, *, max_body_bytes: int = MAX_BODY_BYTES) -> Flask:
    """A Flask application whose errors are problem+json and which answers `GET /health` while it is alive."""
    app = _App(import_name, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = max_body_bytes
    app.config["MAX_FORM_MEMORY_SIZE"] = max_body_bytes
    app.config["MAX_FORM_PARTS"] = 200
    app.register_error_handler(Problem, _answer_problem)
    app.register_error_handler(HTTPException, _answer_http_exception)
    app.register_error_handler(DBAPIError, _answer_database_error)
    app.register_error_handler(PoolTimeout, _answer_pool_timeout)
    app.register_error_handler(TimeoutError, _answer_pool_timeout)  # the one writer of SQLite
    app.register_error_handler(Exception, _answer_unexpected)
    app.before_request(_check_address)
    app.after_request(_harden)
    app.after_request(_count)
    app.add_url_rule("/health", "health", lambda: answer({"status": "alive"}))
    return app


class _App(Flask):
    def wsgi_app(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        environ[_BEGAN] = perf_counter()
        return super().wsgi_app(environ, start_response)


def add_readiness(app: Flask, checks: Mapping[str, Callable[[], None]]) -> None:
    """`GET /ready`: 200 once every check passes (none raises), else 503 that names those which did not. A process that
    was told to stop is not ready, whatever it still answers."""

    def ready() -> Response:
        is_draining = cast(Callable[[], bool] | None, current_app.config.get(DRAINING))
        if is_draining is not None and is_draining():
            raise Problem(503, ErrorCode.UNAVAILABLE, "not ready: stopping", retry_after_s=1)
        failing: list[str] = []
        for name, check in checks.items():
            try:
                check()
            except Exception as error:
                _log.warning("not ready", check=name, error=type(error).__name__)
                failing.append(name)
        if failing:
            raise Problem(503, ErrorCode.UNAVAILABLE, f"not ready: {', '.join(failing)}", retry_after_s=1)
        return answer({"status": "ready"})

    app.add_url_rule("/ready", "ready", ready)


def add_metrics(app: Flask, token: str | None) -> None:
    """`GET /metrics`, for a peer on this machine that speaks for itself, or for who holds the token."""

    def metrics() -> Response:
        given = request.headers.get("authorization", "").encode()
        has_token = token is not None and hmac.compare_digest(given, f"Bearer {token}".encode())
        if not has_token and not is_asked_from_here():
            detail = "metrics are for this machine itself, or for Authorization: Bearer with DUKANI_METRICS_TOKEN"
            raise Problem(403, ErrorCode.FORBIDDEN, detail)
        text, content_type = figures.text()
        return Response(text, content_type=content_type)

    app.add_url_rule("/metrics", "metrics", metrics)


def answer_only(app: Flask, paths: Collection[str]) -> None:
    """Every other path is 404, as if it did not exist."""

    def refuse_others() -> None:
        if request.path not in paths:
            raise Problem(404, ErrorCode.NOT_FOUND, "this process only works; it answers nothing but itself")

    app.before_request_funcs.setdefault(None, []).insert(0, refuse_others)


def is_asked_from_here() -> bool:
    """Whether the current request comes from this machine itself, not through a proxy on it."""
    try:
        is_near = request.remote_addr is not None and ip_address(request.remote_addr).is_loopback
    except ValueError:
        return False
    return is_near and not any(name in request.headers for name in FORWARDING_HEADERS)


def read_body(model: type[M]) -> M:
    """The current request's JSON body. Raises Problem 413, 415, 400 (not JSON) or 422 (with `errors` by field)."""
    raw = request.get_data(cache=True)
    if request.mimetype != "application/json":
        raise Problem(415, ErrorCode.INVALID_REQUEST, "send the body as application/json")
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise _invalid(error, "the body") from error


def read_query(model: type[M]) -> M:
    """The current request's query string. Raises Problem 422."""
    given = request.args.to_dict()
    for name, value in given.items():
        if "\x00" in value:  # no filter can mean it, and PostgreSQL takes no such text
            errors = [FieldError(field=name.replace("\x00", ""), problem="holds a character that is none")]
            raise Problem(422, ErrorCode.INVALID_REQUEST, "the query holds a NUL character", errors=errors)
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise _invalid(error, "the query") from error


def require_idempotency_key() -> str:
    """The `Idempotency-Key` header: 1 to 200 printable ASCII characters. Raises Problem 400."""
    key = request.headers.get(IDEMPOTENCY_HEADER, "")
    if not 1 <= len(key) <= 200 or not (key.isascii() and key.isprintable()):
        raise Problem(
            400, ErrorCode.IDEMPOTENCY_KEY_MISSING, "send an Idempotency-Key header of 1 to 200 printable characters"
        )
    return key


def answer(
    body: BaseModel | Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON response."""
    content = body.model_dump_json() if isinstance(body, BaseModel) else json.dumps(body, separators=(",", ":"))
    return Response(content, status, headers=dict(headers or {}), mimetype="application/json")


def _invalid(error: ValidationError, what: str) -> Problem:
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    if any(problem["type"] == "json_invalid" for problem in problems):
        return Problem(400, ErrorCode.INVALID_REQUEST, f"{what} is not valid JSON")
    fields = [FieldError(field=".".join(str(at) for at in p["loc"]), problem=p["msg"]) for p in problems[:20]]
    named = ", ".join(f.field or what for f in fields)
    return Problem(422, ErrorCode.INVALID_REQUEST, f"{what} can't be used as it is; see errors: {named}", errors=fields)


def _problem_response(body: ProblemBody, retry_after_s: int | None = None) -> Response:
    response = Response(body.model_dump_json(), body.status, mimetype="application/problem+json")
    if retry_after_s is not None:
        response.headers["retry-after"] = str(retry_after_s)
    return response


def _answer_problem(problem: Problem) -> Response:
    return _problem_response(problem.body(), problem.retry_after_s)


def _answer_http_exception(error: HTTPException) -> Response:
    status = error.code or 500
    code = _STATUS_CODES.get(status, ErrorCode.INVALID_REQUEST if status < 500 else ErrorCode.INTERNAL)
    response = _problem_response(Problem(status, code, error.description or "").body())
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after"):
            response.headers[name] = value
    return response


def _check_address() -> None:
    """Raises Problem 400 for a query that is no text: Flask would fail at it later."""
    query = request.query_string
    if not query.isascii():
        try:
            query.decode()
        except UnicodeDecodeError as error:
            raise Problem(400, ErrorCode.INVALID_REQUEST, "the query is not UTF-8") from error


def _answer_database_error(error: DBAPIError) -> Response:
    if isinstance(error, DataError) and "NUL" in str(error.orig):
        # The one text that JSON can carry and PostgreSQL can't keep. Whoever sent it can mend it.
        return _answer_problem(Problem(422, ErrorCode.INVALID_REQUEST, "a text holds the character NUL (\\u0000)"))
    if is_lock_timeout(error):
        problem = Problem(503, ErrorCode.UNAVAILABLE, "too many at once; try again in a moment", retry_after_s=1)
        return _answer_problem(problem)
    if isinstance(error, (OperationalError, InterfaceError)):
        _log.error("database unavailable", error=type(error.orig).__name__)
        return _answer_problem(Problem(503, ErrorCode.UNAVAILABLE, "the database can't be reached", retry_after_s=2))
    return _answer_unexpected(error)


def _answer_pool_timeout(_error: PoolTimeout | TimeoutError) -> Response:
    problem = Problem(503, ErrorCode.UNAVAILABLE, "every database connection is busy; try again", retry_after_s=1)
    return _answer_problem(problem)


def _answer_unexpected(error: Exception) -> Response:
    _log.error("unexpected error", path=request.url_rule and request.url_rule.rule, exc_info=error)
    return _answer_problem(Problem(500, ErrorCode.INTERNAL, "something went wrong here; it has been recorded"))


def _count(response: Response) -> Response:
    rule = request.url_rule
    route = rule.rule if rule is not None else "(none)"
    began = request.environ.get(_BEGAN)
    if route not in OWN_PATHS and began is not None:
        # A method is the caller's own text where no route knows it.
        method = request.method if rule is not None else "(any)"
        request_answered(method, route, response.status_code, perf_counter() - began)
    return response


def _harden(response: Response) -> Response:
    for name, value in _SECURITY_HEADERS:
        response.headers.setdefault(name, value)
    return response
