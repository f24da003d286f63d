"""What a shop fills in to be paid by M-Pesa, what of it is missing, and whether Daraja takes it."""

from collections.abc import Mapping

from contracts.states import FailureReason, Rail
from kit.clock import Clock
from payment_adapter.providers.base import Finding, Setting
from payment_adapter.providers.daraja import initiator
from payment_adapter.providers.daraja.answers import error_of, is_setup_error
from payment_adapter.providers.daraja.calls import QUERY_PATH, Calls
from payment_adapter.providers.daraja.credentials import (
    PROVIDER,
    CredentialsUnusable,
    DarajaCredentials,
    TransactionType,
    fault_of,
    timestamp_of,
)
from payment_adapter.providers.daraja.initiator import Initiator
from payment_adapter.providers.daraja.tokens import NoToken
from payment_adapter.providers.daraja.wire import NoReply, NotSent
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials

_STK = frozenset({Rail.MPESA_STK})
_NO_RAIL: frozenset[Rail] = frozenset()
_NO_PUSH = "ws_CO_000000000000000000"  # a query for a push that never was: harmless, and signed like every push

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "consumer_key",
        "Consumer key",
        is_secret=True,
        rails=_STK,
        hint="Of the shop's app on developer.safaricom.co.ke, under My Apps. A sandbox key works in the sandbox only.",
    ),
    Setting(
        "consumer_secret",
        "Consumer secret",
        is_secret=True,
        rails=_STK,
        hint="Beside the consumer key of the same app.",
    ),
    Setting(
        "shortcode",
        "Short code",
        is_secret=False,
        rails=_STK,
        hint="A paybill's number; of a till, the store (head office) number, not the till's own. Digits only.",
        is_account=True,
    ),
    Setting(
        "passkey",
        "Passkey",
        is_secret=True,
        rails=_STK,
        hint="Safaricom sends it when M-Pesa Express goes live for this short code.",
    ),
    Setting(
        "party_b",
        "Paid to",
        is_secret=False,
        rails=_STK,
        hint="The paybill's number once more; of a till, the till number that customers know.",
    ),
    Setting(
        "transaction_type",
        "Kind",
        is_secret=False,
        rails=_STK,
        hint="CustomerPayBillOnline for a paybill, CustomerBuyGoodsOnline for a till.",
        choices=tuple(kind.value for kind in TransactionType),
    ),
    Setting(
        initiator.NAME,
        "Initiator",
        is_secret=False,
        rails=_NO_RAIL,
        hint="For refunds: the API operator's user name in the M-Pesa organisation portal, with a role that reverses.",
    ),
    Setting(
        initiator.PASSWORD,
        "Initiator's password",
        is_secret=True,
        rails=_NO_RAIL,
        hint="For refunds, with the certificate. It ends after 90 days: set a new one in the portal and here.",
    ),
    Setting(
        initiator.CERTIFICATE,
        "Safaricom's certificate",
        is_secret=False,
        rails=_NO_RAIL,
        hint="For refunds: the whole text of the file from the developer portal; production has another than sandbox.",
        is_multiline=True,
    ),
    Setting(
        initiator.CREDENTIAL,
        "Security credential",
        is_secret=True,
        rails=_NO_RAIL,
        hint="For refunds, instead of password and certificate: the text that the developer portal makes of both.",
    ),
)


def missing(fields: Mapping[str, Secret]) -> Mapping[Rail, list[str]]:
    """The settings without which M-Pesa can't be offered. Those for refunds hold no rail back."""
    needed = [setting.name for setting in SETTINGS if setting.rails]
    return {Rail.MPESA_STK: [name for name in needed if fault_of(name, fields) is not None]}


class Trial:
    """Tries a shop's settings at Daraja: a fresh token, and a query that changes nothing. Blocks for its timeouts."""

    def __init__(self, calls: Calls, clock: Clock) -> None:
        self._calls = calls
        self._clock = clock

    def run(self, credentials: Credentials) -> list[Finding]:
        """One finding a setting, or two settings that only work together. Never raises."""
        needed = [setting.name for setting in SETTINGS if setting.rails]
        faults = {name: fault_of(name, credentials.fields) for name in needed}
        found = [Finding(name, False, f"{fault}: fill it in") for name, fault in faults.items() if fault is not None]
        if not found:
            found = self._asked(credentials)
        return found + _refunds(credentials)

    def _asked(self, credentials: Credentials) -> list[Finding]:
        daraja = DarajaCredentials.of(credentials)
        timestamp = timestamp_of(self._clock.now())
        # Under a version that no set has, so that a token from before is not taken for a proof.
        fresh = Credentials(credentials.vendor_id, PROVIDER, -1, credentials.origin, credentials.fields)
        body = {
            "BusinessShortCode": daraja.shortcode,
            "Password": daraja.password(timestamp),
            "Timestamp": timestamp,
            "CheckoutRequestID": _NO_PUSH,
        }
        try:
            reply = self._calls.tell(QUERY_PATH, fresh, body)
        except NoToken as error:
            return [_refused_token(error)]
        except (NotSent, NoReply) as error:
            return [
                Finding("shortcode", False, f"Daraja gave no answer ({error}), so it is not proven: try again later")
            ]
        finally:
            self._calls.forget(fresh)
        key = Finding("consumer_key", True, "Daraja gave a token for the consumer key and secret")
        _, message = error_of(reply)
        if is_setup_error(message):
            is_unknown = "merchant" in message.lower() and "exist" in message.lower()
            name = "shortcode" if is_unknown else "passkey"
            return [key, Finding(name, False, _SETUP[name])]
        return [
            key,
            Finding("shortcode", True, "Daraja did not object to short code and passkey; a first payment proves them"),
        ]


_SETUP = {
    "shortcode": "Daraja knows no such short code here: of a till give the store (head office) number, and look "
    "whether the key is for the sandbox and the short code for production, or the other way round",
    "passkey": "Daraja says that the passkey does not fit the short code: copy it again from Safaricom's mail of going "
    "live, and look whether it is for this short code",
}


def _refused_token(error: NoToken) -> Finding:
    if error.failure.reason is FailureReason.SHOP_SETUP:
        return Finding(
            "consumer_key",
            False,
            "Daraja refuses the consumer key and secret: copy both again from one app on developer.safaricom.co.ke, "
            "and look whether they are for the sandbox or for production",
        )
    return Finding("consumer_key", False, f"{error.failure.detail}, so nothing is proven: try again later")


def _refunds(credentials: Credentials) -> list[Finding]:
    given = [name for name in initiator.SETTINGS if name in credentials.fields]
    if not given:
        return []
    try:
        Initiator.of(credentials)
    except CredentialsUnusable as error:
        named = next((name for name in initiator.SETTINGS if str(error).startswith(name)), initiator.NAME)
        return [Finding(named, False, f"{error}. Until then nothing can be refunded from here")]
    return [Finding(initiator.NAME, True, "complete for refunds; only a first refund proves the initiator's password")]
