"""AppyPay's sign-in: Azure AD, version 1, client credentials with a `resource`.

The documentation sends the form with GET, every integrator with POST: POST it is, and GET where that is not allowed."""

import re
from collections.abc import Mapping
from datetime import timedelta

from contracts.states import FailureReason
from kit.clock import Clock
from payment_adapter.providers.base import Failure
from payment_adapter.providers.ekwanza import reading
from payment_adapter.providers.ekwanza.answers import throttled
from payment_adapter.providers.ekwanza.credentials import EkwanzaCredentials, Environment, Hosts
from payment_adapter.providers.token_cache import NoToken, Owner, TokenCache, lifetime_of
from payment_adapter.providers.wire import Http, NoReply, NotSent, Reply
from payment_adapter.vault.secret import Secret

_TIMEOUT_S = 20.0
_METHOD_NOT_ALLOWED = 405
_AZURE_CODE = re.compile(r"AADSTS[0-9]{3,10}")

_RESOURCE_CODES = frozenset({"AADSTS500011", "AADSTS50001"})
_CLIENT_ID_CODES = frozenset({"AADSTS700016", "AADSTS70001", "AADSTS90002"})


class Tokens:
    """Thread-safe."""

    def __init__(self, http: Http, hosts: Mapping[Environment, Hosts], clock: Clock) -> None:
        self._http = http
        self._hosts = hosts
        self._cache = TokenCache(clock)

    def get(self, owner: Owner, ekwanza: EkwanzaCredentials) -> Secret:
        """A token with at least a minute left. Raises NoToken."""
        return self._cache.get(owner, lambda: self.fetch(ekwanza))

    def drop(self, owner: Owner, token: Secret) -> None:
        """The gateway did not take this token."""
        self._cache.drop(owner, token)

    def fetch(self, ekwanza: EkwanzaCredentials) -> tuple[Secret, timedelta]:
        """A new token and how long it lives. Raises NoToken."""
        try:
            reply = self._ask("POST", ekwanza)
            if reply.status == _METHOD_NOT_ALLOWED:
                reply = self._ask("GET", ekwanza)
        except (NotSent, NoReply) as error:
            raise NoToken(Failure(FailureReason.NOT_SENT, True, "token", f"no token: {error}")) from None
        body = reply.json_object() or {}
        if reply.status in (400, 401, 403):
            raise NoToken(_refusal(reply.status, reading.text(body, "error") or "", body.get("error_description")))
        if reply.is_throttled:
            raise NoToken(throttled(reply, "AppyPay's sign-in turns requests away"))
        token = body.get("access_token")
        if reply.status != 200 or not isinstance(token, str) or not token:
            raise NoToken(Failure(FailureReason.NOT_SENT, True, str(reply.status), "AppyPay's sign-in gave no token"))
        return Secret(token), lifetime_of(body.get("expires_in"))

    def _ask(self, method: str, ekwanza: EkwanzaCredentials) -> Reply:
        return self._http.send(
            method,
            self._hosts[ekwanza.environment].token,
            is_repeatable=True,
            form={
                "grant_type": "client_credentials",
                "client_id": ekwanza.reveal("client_id"),
                "client_secret": ekwanza.reveal("client_secret"),
                "resource": ekwanza.resource,
            },
            read_timeout_s=_TIMEOUT_S,
        )


def _refusal(status: int, error: str, description: object) -> Failure:
    """Of Azure's description only its code is kept: the rest may hold the client id."""
    found = _AZURE_CODE.search(description) if isinstance(description, str) else None
    code = found[0] if found is not None else error or str(status)
    if code in _RESOURCE_CODES or error == "invalid_resource":
        wrong = "the resource (or the environment that it belongs to)"
    elif code in _CLIENT_ID_CODES:
        wrong = "the client id (or the environment that it belongs to)"
    else:
        wrong = "the client id or the client secret"
    return Failure(FailureReason.SHOP_SETUP, False, code, f"AppyPay's sign-in refuses {wrong}")


def setting_behind(code: str) -> str:
    """Which setting a refusal with this code is about."""
    if code in _RESOURCE_CODES or code == "invalid_resource":
        return "resource"
    return "client_id" if code in _CLIENT_ID_CODES else "client_secret"
