"""OAuth tokens, one per vendor's credentials: fetched once however many ask, renewed a minute early."""

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from contracts.states import FailureReason
from kit.clock import Clock
from payment_adapter.providers.base import Failure
from payment_adapter.providers.daraja.answers import busy_for_s
from payment_adapter.providers.daraja.credentials import DarajaCredentials
from payment_adapter.providers.daraja.wire import NoReply, NotSent, Wire
from payment_adapter.vault.secret import Secret

PATH = "/oauth/v1/generate?grant_type=client_credentials"
MARGIN = timedelta(seconds=60)
_LONGEST = timedelta(hours=1)  # what the documentation promises; a longer claim is not believed


class NoToken(Exception):
    """Daraja gave no token, so nothing else was sent. `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


Owner = tuple[str, int]
"""Whose token: vendor and version of the credentials."""


@dataclass(slots=True)
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    version: int = 0
    token: Secret | None = None
    good_until: datetime | None = None


class Tokens:
    def __init__(self, wire: Wire, clock: Clock) -> None:
        self._wire = wire
        self._clock = clock
        self._slots: dict[str, _Slot] = {}
        self._guard = threading.Lock()

    def get(self, owner: Owner, credentials: DarajaCredentials) -> Secret:
        """A token with at least a minute left. Raises NoToken."""
        vendor_id, version = owner
        slot = self._slot(vendor_id)
        with slot.lock:
            is_good = slot.good_until is not None and self._clock.now() < slot.good_until
            if slot.token is None or slot.version != version or not is_good:
                slot.token, lifetime = self._fetch(credentials)
                slot.version = version
                slot.good_until = self._clock.now() + lifetime - MARGIN
            return slot.token

    def drop(self, owner: Owner, token: Secret) -> None:
        """Daraja did not take this token. Forget it, unless another thread has fetched a newer one already."""
        slot = self._slot(owner[0])
        with slot.lock:
            if slot.token == token:
                slot.token = None

    def forget(self, owner: Owner) -> None:
        """Keep no token of this set."""
        slot = self._slot(owner[0])
        with slot.lock:
            if slot.version == owner[1]:
                slot.token = None

    def _slot(self, vendor_id: str) -> _Slot:
        with self._guard:
            return self._slots.setdefault(vendor_id, _Slot())

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
            busy = Failure(FailureReason.BUSY, True, str(reply.status), "Daraja is busy", retry_after_s=wait_s)
            raise NoToken(busy)
        body = reply.json_object() or {}
        token = body.get("access_token")
        if reply.status != 200 or not isinstance(token, str) or not token:
            raise NoToken(Failure(FailureReason.NOT_SENT, True, str(reply.status), "Daraja gave no token"))
        return Secret(token), _lifetime(body.get("expires_in"))


def _lifetime(expires_in: object) -> timedelta:
    """`expires_in` is a string of seconds on the wire; unreadable, the token is used once."""
    text = str(expires_in)
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        return timedelta(0)
    return min(timedelta(seconds=int(text)), _LONGEST)
