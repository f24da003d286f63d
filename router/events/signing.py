"""Signing secrets of vendors' endpoints: derived when they are needed, stored nowhere.

A secret is HMAC-SHA256 over the endpoint's id and the secret's version, under a master key of DUKANI_KEY_WEBHOOKS: so
whoever reads the database learns none, and a vendor who rotates gets one that tells nothing of the last."""

import hashlib
import hmac
from base64 import b64encode
from datetime import datetime

from standardwebhooks import Webhook

from kit.signing import KeyRing
from router.events.endpoints import Endpoint


class SecretGone(LookupError):
    """The master key that an endpoint's secret derives from is no longer given to this process."""


class Signatures:
    """Thread-safe. The ring's first key makes new secrets; the others keep those made earlier."""

    def __init__(self, masters: KeyRing) -> None:
        self._masters = masters

    @property
    def key_id(self) -> str:
        """Which master key a secret that is made now derives from."""
        return self._masters.keys[0][0]

    def secret(self, endpoint_id: str, version: int, key_id: str) -> str:
        """`whsec_…`, as Standard Webhooks writes secrets. Raises SecretGone."""
        master = dict(self._masters.keys).get(key_id)
        if master is None:
            raise SecretGone(f"the master key {key_id} of DUKANI_KEY_WEBHOOKS is not known here")
        derived = hmac.new(master, f"{endpoint_id}|{version}".encode(), hashlib.sha256).digest()
        return f"whsec_{b64encode(derived).decode()}"

    def headers(self, endpoint: Endpoint, event_id: str, body: bytes, now: datetime) -> dict[str, str]:
        """The headers of one attempt, signed with the present secret and, after a rotation, with the last one too.

        Raises SecretGone."""
        secrets = [self.secret(endpoint.id, endpoint.secret_version, endpoint.secret_key_id)]
        if endpoint.previous_key_id and endpoint.previous_until and now < endpoint.previous_until:
            try:
                secrets.append(self.secret(endpoint.id, endpoint.secret_version - 1, endpoint.previous_key_id))
            except SecretGone:
                pass  # an operator took the old master key away on purpose
        return {
            "webhook-id": event_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(Webhook(each).sign(event_id, now, body.decode()) for each in secrets),
            "content-type": "application/json",
        }
