"""Calls to another of our processes: signed, pooled, with a deadline; either an answer, a refusal, or unreachable."""

from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import urlencode

import structlog
from pydantic import BaseModel, ValidationError

from contracts.errors import ProblemBody
from kit.calls import Answer, Calls, CutOff, NotConnected, TimedOut
from kit.clock import Clock
from kit.signing import KeyRing, sign_headers

_log = structlog.get_logger()

M = TypeVar("M", bound=BaseModel)


class Unreachable(Exception):
    """The other process gave no usable answer. What was asked may have happened: ask again with the same key."""


class Broken(Unreachable):
    """The other process answered 500: it is there, and fails at this request. Asking for ever would not help."""


class Refusal(Exception):
    """The other process understood and said no; `problem` says why."""

    def __init__(self, problem: ProblemBody) -> None:
        super().__init__(f"{problem.status} {problem.code}: {problem.detail}")
        self.problem = problem


class Peer:
    """One of our processes, as another sees it. Thread-safe."""

    def __init__(
        self, base_url: str, ring: KeyRing, clock: Clock, *, timeout_s: float = 5.0, pool_size: int = 8
    ) -> None:
        self._ring = ring
        self._clock = clock
        self._calls = Calls(base_url, keep=pool_size, connect_s=min(2.0, timeout_s), answer_s=timeout_s)

    def get(
        self, model: type[M], path: str, *, vendor: str | None = None, params: Mapping[str, str] | None = None
    ) -> M:
        """Raises Unreachable or Refusal."""
        target = f"{path}?{urlencode(params)}" if params else path
        return self._call(model, "GET", target, b"", vendor, None)

    def post(self, model: type[M], path: str, body: BaseModel, *, vendor: str | None = None, idempotency_key: str) -> M:
        """Raises Unreachable or Refusal."""
        return self._call(model, "POST", path, body.model_dump_json().encode(), vendor, idempotency_key)

    def close(self) -> None:
        self._calls.close()

    def _call(self, model: type[M], method: str, target: str, body: bytes, vendor: str | None, key: str | None) -> M:
        response = self._send(method, target, body, vendor, key)
        if response.status == 500:
            raise Broken(f"{method} {target.partition('?')[0]} answered 500")
        if response.status > 500:
            raise Unreachable(f"{method} {target.partition('?')[0]} answered {response.status}")
        try:
            if response.status >= 400:
                raise Refusal(ProblemBody.model_validate_json(response.body))
            return model.model_validate_json(response.body)
        except ValidationError as error:
            raise Unreachable(f"{method} {target.partition('?')[0]}: the answer can't be read") from error

    def _send(self, method: str, target: str, body: bytes, vendor: str | None, key: str | None) -> Answer:
        headers = sign_headers(self._ring, self._clock.now(), method, target, body, vendor=vendor, idempotency_key=key)
        if method == "POST":
            headers["content-type"] = "application/json"
        try:
            try:
                return self._calls.request(method, target, headers, body)
            except TimedOut:
                raise
            except CutOff:
                # A kept connection that the other side has closed meanwhile. Once more on a fresh one is safe: a GET
                # changes nothing and a POST carries its key.
                self._calls.close()
                return self._calls.request(method, target, headers, body)
        except (NotConnected, CutOff) as error:
            raise Unreachable(f"{method} {target.partition('?')[0]}: {type(error).__name__}") from error
