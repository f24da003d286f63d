"""Daraja's identifiers and times, in the shapes seen on the wire."""

import secrets
import string
from datetime import datetime

from simulators.moments import EAT, moment_of

_RECEIPT_ALPHABET = string.ascii_uppercase + string.digits


def checkout_request_id(now_us: int, msisdn: str) -> str:
    """`ws_CO_`, the time in East Africa, one to three digits, and the payer's last nine: personal data."""
    return f"ws_CO_{_eat(now_us):%d%m%Y%H%M%S}{secrets.randbelow(1000)}{msisdn[-9:]}"


def request_id() -> str:
    """`8fc3-415b-ba79-04f852fc58507383726`: also the shape of MerchantRequestID and of an error's requestId."""
    blocks = "-".join(secrets.token_hex(2) for _ in range(3))
    return f"{blocks}-{secrets.token_hex(6)}{secrets.randbelow(9_000_000) + 1_000_000}"


def receipt() -> str:
    """Ten capitals and digits, beginning with a letter; one of them is a digit, so that it is never a word."""
    rest = "".join(secrets.choice(_RECEIPT_ALPHABET) for _ in range(8))
    return secrets.choice(string.ascii_uppercase) + rest + secrets.choice(string.digits)


def transaction_date(at_us: int) -> int:
    """`20261121123000`, in East Africa, as an integer."""
    return int(f"{_eat(at_us):%Y%m%d%H%M%S}")


def access_token() -> str:
    """28 characters, as in the portal's sample."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(28))


def _eat(at_us: int) -> datetime:
    return moment_of(at_us).astimezone(EAT)
