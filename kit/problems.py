"""Raising an error that a caller can act on; `kit.web` turns it into problem+json."""

from typing import Any

from contracts.errors import ErrorCode, FieldError, ProblemBody

_TITLES: dict[int, str] = {
    400: "Bad request",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    410: "Gone",
    413: "Too large",
    422: "Not acceptable as it is",
    429: "Too many",
    500: "Our mistake",
    503: "Not available now",
}


class Problem(Exception):
    """A refusal with a stable code. Rolls back the transaction it is raised in: nothing has changed."""

    def __init__(
        self,
        status: int,
        code: ErrorCode,
        detail: str,
        *,
        errors: list[FieldError] | None = None,
        retry_after_s: int | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors or []
        self.retry_after_s = retry_after_s
        self.extra = extra

    def body(self) -> ProblemBody:
        return ProblemBody(
            title=_TITLES.get(self.status, "Error"),
            status=self.status,
            code=self.code,
            detail=self.detail,
            errors=self.errors,
            **self.extra,
        )
