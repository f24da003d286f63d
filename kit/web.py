"""The shell around every process's routes: size limits, JSON in and out, problem+json, health and readiness."""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import structlog
from flask import Flask, Response, request
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from contracts.errors import ErrorCode, FieldError, ProblemBody
from kit.db import is_lock_timeout
from kit.problems import Problem
from kit.signing import IDEMPOTENCY_HEADER

_log = structlog.get_logger()

M = TypeVar("M", bound=BaseModel)

MAX_BODY_BYTES = 64 * 1024

_SECURITY_HEADERS = (
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
)

_STATUS_CODES = {
    400: ErrorCode.INVALID_REQUEST,
    404: ErrorCode.NOT_FOUND,
    405: ErrorCode.METHOD_NOT_ALLOWED,
    413: ErrorCode.BODY_TOO_LARGE,
    415: ErrorCode.INVALID_REQUEST,
}


def make_app(import_name: str, *, max_body_bytes: int = MAX_BODY_BYTES) -> Flask:
    """A Flask application whose errors are problem+json and which answers `GET /health` while it is alive."""
    app = Flask(import_name, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = max_body_bytes
    app.config["MAX_FORM_MEMORY_SIZE"] = max_body_bytes
    app.config["MAX_FORM_PARTS"] = 200
    app.register_error_handler(Problem, _answer_problem)
    app.register_error_handler(HTTPException, _answer_http_exception)
    app.register_error_handler(DBAPIError, _answer_database_error)
    app.register_error_handler(PoolTimeout, _answer_pool_timeout)
    app.register_error_handler(Exception, _answer_unexpected)
    app.after_request(_harden)
    app.add_url_rule("/health", "health", lambda: answer({"status": "alive"}))
    return app


def add_readiness(app: Flask, checks: Mapping[str, Callable[[], None]]) -> None:
    """`GET /ready`: 200 once every check passes (none raises), else 503 that names those which did not."""

    def ready() -> Response:
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
    try:
        return model.model_validate(request.args.to_dict())
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


def _answer_database_error(error: DBAPIError) -> Response:
    if is_lock_timeout(error):
        problem = Problem(503, ErrorCode.UNAVAILABLE, "too many at once; try again in a moment", retry_after_s=1)
        return _answer_problem(problem)
    if isinstance(error, (OperationalError, InterfaceError)):
        _log.error("database unavailable", error=type(error.orig).__name__)
        return _answer_problem(Problem(503, ErrorCode.UNAVAILABLE, "the database can't be reached", retry_after_s=2))
    return _answer_unexpected(error)


def _answer_pool_timeout(_error: PoolTimeout) -> Response:
    problem = Problem(503, ErrorCode.UNAVAILABLE, "every database connection is busy; try again", retry_after_s=1)
    return _answer_problem(problem)


def _answer_unexpected(error: Exception) -> Response:
    _log.error("unexpected error", path=request.url_rule and request.url_rule.rule, exc_info=error)
    return _answer_problem(Problem(500, ErrorCode.INTERNAL, "something went wrong here; it has been recorded"))


def _harden(response: Response) -> Response:
    for name, value in _SECURITY_HEADERS:
        response.headers.setdefault(name, value)
    return response
