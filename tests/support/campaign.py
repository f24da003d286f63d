"""Requests of every shape that the document allows and of many that it forbids, sent by the bot, a shop's software, an
operator and nobody; what comes back must be what the document says."""

import json
import zlib
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from io import BytesIO
from typing import Any, cast
from urllib.parse import quote

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis import checks as general
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks as described

from kit.settings import DEV_INTERNAL_KEY
from kit.signing import KeyRing, sign_headers
from tests.support.counter import AMINA, BOT_SECRET, MAMA, Counter

CHECKS: list[Any] = [
    general.not_a_server_error,
    *(
        getattr(described, name)
        for name in (
            "status_code_conformance",
            "content_type_conformance",
            "response_schema_conformance",
            "response_headers_conformance",
        )
    ),
]

FEW = 2
"""Requests of each kind for an operation that is not for whoever asks: they get no further than the door."""

UNHEALTHY = [
    HealthCheck.too_slow,
    HealthCheck.filter_too_much,
    HealthCheck.data_too_large,
    HealthCheck.large_base_example,
]

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class Persona(StrEnum):
    """Who asks. Each is let in by what is put onto the request on its way to the router."""

    BOT = "bot"
    VENDOR = "vendor"
    OPERATOR = "operator"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Disguise:
    """The router, as this persona reaches it."""

    counter: Counter
    persona: Persona
    token: str = ""

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ["REMOTE_ADDR"] = "127.0.0.1"
        match self.persona:
            case Persona.BOT:
                self._for_mama(environ)
                self._sign(environ)
            case Persona.VENDOR:
                environ.pop("HTTP_X_VENDOR_ID", None)
                environ["HTTP_AUTHORIZATION"] = f"Bearer {self.token}"
            case Persona.OPERATOR:
                self._for_mama(environ)
                environ.pop("HTTP_AUTHORIZATION", None)
                environ["HTTP_X_INTERNAL_KEY"] = DEV_INTERNAL_KEY
            case Persona.NOBODY:
                pass
        return self.counter.service.app(environ, start_response)

    def _for_mama(self, environ: Environ) -> None:
        """Most requests are for a shop that exists."""
        claimed = environ.get("HTTP_X_VENDOR_ID")
        is_left = claimed is not None and zlib.crc32(str(claimed).encode(errors="replace")) % 4 == 0
        if not is_left and "/vendors/" not in environ["PATH_INFO"]:
            environ["HTTP_X_VENDOR_ID"] = MAMA

    def _sign(self, environ: Environ) -> None:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        environ["wsgi.input"] = BytesIO(body)
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        query = environ.get("QUERY_STRING", "")
        headers = sign_headers(
            KeyRing.parse(BOT_SECRET),
            self.counter.clock.now(),
            environ["REQUEST_METHOD"],
            f"{path}?{query}" if query else path,
            body,
            vendor=environ.get("HTTP_X_VENDOR_ID"),
            idempotency_key=environ.get("HTTP_IDEMPOTENCY_KEY"),
        )
        environ.update({f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()})


@dataclass(slots=True)
class Campaign:
    """What was asked and how it was answered. `known` are ids and words of things that are there."""

    schema: Any
    persona: Persona
    known: Mapping[str, str]
    examples: int
    """Requests of each kind for each operation that is for this persona."""
    seed: int = 0
    statuses: Tally[int] = field(default_factory=Tally[int])
    failures: list[str] = field(default_factory=list[str])
    """What was not as described, each with a command line that repeats it; the first of each operation and kind."""

    @classmethod
    def of(cls, disguise: Disguise, known: Mapping[str, str], examples: int, *, seed: int = 0) -> "Campaign":
        schema = schemathesis.openapi.from_wsgi("/openapi.json", disguise)
        return cls(schema, disguise.persona, known, examples, seed)

    def run(self) -> None:
        for result in self.schema.get_all_operations():
            operation = result.ok()
            for mode in GenerationMode:
                try:
                    self._ask(operation, mode)
                except Unsatisfiable:
                    assert mode is GenerationMode.NEGATIVE  # whoever may send nothing can send nothing wrong
                except FailureGroup as found:
                    self.failures.append(f"{operation.label}: {found}")

    def _ask(self, operation: Any, mode: GenerationMode) -> None:
        is_for_them = self.persona in operation.definition.raw["x-callers"]

        @seed(self.seed)
        @settings(
            max_examples=self.examples if is_for_them else FEW,
            deadline=None,
            database=None,
            phases=(Phase.generate,),  # what fails is shown as it was sent: shrinking would take minutes
            suppress_health_check=UNHEALTHY,
        )
        @given(case=operation.as_strategy(mode), choices=st.integers(0, 15))
        def ask(case: Any, choices: int) -> None:
            self._make_at_home(case, choices)
            response = case.call()
            self.statuses[response.status_code] += 1
            case.validate_response(response, checks=CHECKS)

        ask()

    def _make_at_home(self, case: Any, choices: int) -> None:
        """Most ids that are made up lead nowhere: `choices` says which are replaced by ids of things that are there."""
        parameters = cast(dict[str, Any] | None, case.path_parameters)
        if parameters and choices & 1:
            for name in parameters:
                if name in self.known:
                    parameters[name] = quote(self.known[name], safe="")
        for place, bit in ((case.body, 2), (case.query, 4)):
            if isinstance(place, dict) and choices & bit:
                _replace_known(cast(dict[str, Any], place), self.known)


def _replace_known(values: dict[str, Any], known: Mapping[str, str]) -> None:
    for name in list(values):
        if name == "customer":
            values[name] = {"address": AMINA} if isinstance(values[name], dict) else AMINA
        elif name in known and isinstance(values[name], str):
            values[name] = known[name]
        elif name == "quantity":
            values[name] = 1


def as_text(tally: Mapping[int, int]) -> str:
    return json.dumps({str(status): tally[status] for status in sorted(tally)})
