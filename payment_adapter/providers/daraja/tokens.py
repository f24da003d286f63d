"""Daraja's OAuth tokens, for basic authentication with the consumer key and secret."""

from datetime import timedelta

from contracts.states import FailureReason
from kit.clock import Clock
from payment_adapter.providers.base import Failure
from payment_adapter.providers.daraja.answers import busy_for_s
from payment_adapter.providers.daraja.credentials import DarajaCredentials
from payment_adapter.providers.daraja.wire import NoReply, NotSent, Wire
from payment_adapter.providers.token_cache import NoToken, Owner, TokenCache, lifetime_of
from payment_adapter.vault.secret import Secret

__all__ = ["NoToken", "Owner", "Tokens"]

PATH = "/oauth/v1/generate?grant_type=client_credentials"


class Tokens:
    """Thread-safe."""

    def __init__(self, wire: Wire, clock: Clock) -> None:
        self._wire = wire
        self._cache = TokenCache(clock)

    def get(self, owner: Owner, credentials: DarajaCredentials) -> Secret:
        """A token with at least a minute left. Raises NoToken."""
        return self._cache.get(owner, lambda: self._fetch(credentials))

    def drop(self, owner: Owner, token: Secret) -> None:
        """Daraja did not take this token."""
        self._cache.drop(owner, token)

    def forget(self, owner: Owner) -> None:
        """Keep no token of this set."""
        self._cache.forget(owner)

    def _fetch(self, credentials: DarajaCredentials) -> tuple[Secret, timedelta]:
        try:
            reply = self._wire.get(
                PATH, user=credentials.consumer_key.reveal(), password=credentials.consumer_secret.reveal()
            )
        except (NotSent, NoReply) as error:
            raise NoToken(Failure(FailureReason.NOT_SENT, True, "token", f"no token: {error}")) from None
        if reply.status in (400, 401, 403) and busy_for_s(reply) is None:
            # Wrong keys: 400 with an empty body on the production host (seen on the wire, August 2026), or
            # 400.008.01; other catalogues say 401.
            raise NoToken(
                Failure(FailureReason.SHOP_SETUP, False, str(reply.status), "Daraja refuses the consumer key")
            )
        wait_s = busy_for_s(reply)
        if wait_s is not None:
            code, detail = str(reply.status), "Daraja is busy"
            raise NoToken(Failure(FailureReason.BUSY, True, code, detail, retry_after_s=wait_s, is_throttled=True))
        body = reply.json_object() or {}
        token = body.get("access_token")
        if reply.status != 200 or not isinstance(token, str) or not token:
            raise NoToken(Failure(FailureReason.NOT_SENT, True, str(reply.status), "Daraja gave no token"))
        return Secret(token), lifetime_of(body.get("expires_in"))
