"""What all of Daraja's endpoints share: bearer tokens, bodies, refusals in Daraja's shape, a gateway that is busy."""

import json

from flask import Response, request

from simulators import faults, slow, wire
from simulators.daraja import identifiers
from simulators.fault_names import Fault
from simulators.problems import JsonObject, NotAnObject, parse_object
from simulators.store import Store

_SECRETS = frozenset({"Password", "SecurityCredential"})


class DarajaError(Exception):
    """Refused in Daraja's shape. Nothing was done."""

    def __init__(self, http_status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.code = code
        self.message = message

    def response(self) -> Response:
        body: JsonObject = {
            "requestId": identifiers.request_id(),
            "errorCode": self.code,
            "errorMessage": self.message,
        }
        return answer(body, self.http_status)


class SpikeArrest(Exception):
    """The gateway (Apigee) refuses in its own words before Daraja sees the request."""

    @staticmethod
    def response() -> Response:
        fault = {
            "faultstring": "Spike arrest violation. Allowed rate : 5ps",
            "detail": {"errorcode": "policies.ratelimit.SpikeArrestViolation"},
        }
        return answer({"fault": fault}, 429)


def not_found() -> DarajaError:
    return DarajaError(404, "404.001.01", "Resource not found")


def not_allowed() -> DarajaError:
    return DarajaError(405, "405.001", "Method Not Allowed")


def invalid(field: str) -> DarajaError:
    return DarajaError(400, "400.002.02", f"Bad Request - Invalid {field}")


def answer(body: JsonObject, http_status: int = 200) -> Response:
    return Response(json.dumps(body), http_status, content_type="application/json")


def body() -> JsonObject:
    """Raises DarajaError."""
    if request.mimetype != "application/json":
        raise invalid("Content-Type")
    try:
        return parse_object(request.get_data())
    except NotAnObject as error:
        raise DarajaError(400, "400.002.05", "Invalid Request Payload") from error


class Edge:
    def __init__(self, store: Store) -> None:
        self._store = store

    def admit(self, refusal: DarajaError) -> None:
        """Let a request with a living token pass, in Daraja's time. Each endpoint words a dead token in its own way:
        `refusal`. Raises DarajaError, SpikeArrest."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise DarajaError(404, "404.001.04", "Invalid Authentication Header")
        with self._store.transaction() as tx:
            is_good = (
                tx.row("SELECT 1 FROM tokens WHERE token = ? AND expires_us > ?", token.strip(), tx.now_us) is not None
            )
            if is_good and faults.takes(tx, Fault.TOKEN_DEAD):
                tx.run("DELETE FROM tokens WHERE token = ?", token.strip())
                is_good = False
        if not is_good:
            raise refusal
        slow.wait(self._store, Fault.DARAJA_DELAY_S)
        with self._store.transaction() as tx:
            is_arrested = faults.takes(tx, Fault.SPIKE_ARREST)
            is_over_quota = not is_arrested and faults.takes(tx, Fault.QUOTA)
        if is_arrested:
            raise SpikeArrest
        if is_over_quota:
            raise DarajaError(500, "500.003.03", "Quota Violation")

    def remember(self, response: Response) -> Response:
        """What came in, without what is secret in it: a password holds the passkey."""
        if request.method == "POST":
            try:
                given = parse_object(request.get_data())
            except NotAnObject:
                given = JsonObject()
            kept = {name: value for name, value in given.items() if name not in _SECRETS}
            with self._store.transaction() as tx:
                wire.remember(tx, "daraja", request.path, kept, response.status_code)
        return response
