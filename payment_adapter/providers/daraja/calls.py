"""One request to Daraja with a token: fetched where needed, and once more where Daraja does not take it."""

from payment_adapter.providers.daraja.answers import error_of, is_token_error
from payment_adapter.providers.daraja.credentials import DarajaCredentials
from payment_adapter.providers.daraja.tokens import Owner, Tokens
from payment_adapter.providers.daraja.wire import JsonObject, Reply, Wire
from payment_adapter.vault.service import Credentials

QUERY_PATH = "/mpesa/stkpushquery/v1/query"


class Calls:
    """Thread-safe."""

    def __init__(self, wire: Wire, tokens: Tokens) -> None:
        self._wire = wire
        self._tokens = tokens

    def tell(self, path: str, credentials: Credentials, body: JsonObject) -> Reply:
        """POST what must not happen twice. A token that is not taken means that nothing was done, so that once more
        with a fresh one is safe; the second answer is the answer.

        Raises CredentialsUnusable, NoToken, NotSent (all: nothing was done) or NoReply (it may have been)."""
        daraja = DarajaCredentials.of(credentials)
        owner: Owner = (credentials.vendor_id, credentials.version)
        token = self._tokens.get(owner, daraja)
        reply = self._wire.tell(path, token.reveal(), body)
        if not _is_token_refused(reply):
            return reply
        self._tokens.drop(owner, token)
        token = self._tokens.get(owner, daraja)
        reply = self._wire.tell(path, token.reveal(), body)
        if _is_token_refused(reply):
            self._tokens.drop(owner, token)
        return reply

    def forget(self, credentials: Credentials) -> None:
        """Keep no token of this set."""
        self._tokens.forget((credentials.vendor_id, credentials.version))


def _is_token_refused(reply: Reply) -> bool:
    return reply.status != 200 and is_token_error(reply.status, error_of(reply)[0])
