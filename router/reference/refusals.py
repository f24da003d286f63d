"""What an operation may refuse with: what it declares, and what admission, limits and reading the request add to it."""

from collections.abc import Iterator

from contracts.errors import ErrorCode
from router.operations import Audience, Operation

_PEOPLE = {Audience.VENDOR, Audience.OPERATOR}


def refusals(operation: Operation) -> dict[int, list[ErrorCode]]:
    """The codes by status, both sorted."""
    found: dict[int, set[ErrorCode]] = {}
    for status, code in (*operation.problems, *_of_everything(operation), *_of_admission(operation)):
        found.setdefault(status, set()).add(code)
    return {status: sorted(found[status]) for status in sorted(found)}


def _of_everything(operation: Operation) -> Iterator[tuple[int, ErrorCode]]:
    yield 400, ErrorCode.INVALID_REQUEST
    yield 413, ErrorCode.BODY_TOO_LARGE
    yield 500, ErrorCode.INTERNAL
    yield 503, ErrorCode.UNAVAILABLE
    if operation.parameters:
        yield 404, ErrorCode.NOT_FOUND
    if operation.body is not None:
        yield 415, ErrorCode.INVALID_REQUEST
    if operation.body is not None or operation.query is not None:
        yield 422, ErrorCode.INVALID_REQUEST
    if operation.is_command and Audience.PAYMENT_ADAPTER not in operation.callers:
        yield 400, ErrorCode.IDEMPOTENCY_KEY_MISSING
        yield 409, ErrorCode.IDEMPOTENCY_IN_PROGRESS
        yield 422, ErrorCode.IDEMPOTENCY_KEY_REUSED


def _of_admission(operation: Operation) -> Iterator[tuple[int, ErrorCode]]:
    callers = operation.callers
    if Audience.ANYONE in callers:
        return
    yield 401, ErrorCode.UNAUTHENTICATED
    if Audience.PAYMENT_ADAPTER in callers:
        return
    yield 429, ErrorCode.TOO_MANY_REQUESTS
    if callers & _PEOPLE:
        yield 403, ErrorCode.FORBIDDEN
        yield 403, ErrorCode.SCOPE_MISSING
    if operation.of_shop:
        yield 403, ErrorCode.FORBIDDEN
        yield 404, ErrorCode.SHOP_UNKNOWN
        yield 403, ErrorCode.VENDOR_MISMATCH
    if operation.needs:
        yield 403, ErrorCode.CAPABILITY_MISSING
