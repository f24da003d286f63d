"""The x-signature of ticket webhooks: HMAC-SHA256 with the merchant's API key.

e-Kwanza's partner document (v2.7) names what is signed and not how the result is written down. Most integrators compare
lower-case hexadecimal, one of them whatever its case, and one SDK assumes base64: all three can be had here."""

import base64
import hashlib
import hmac
from enum import Enum, auto


class Encoding(Enum):
    HEX = auto()
    UPPER_HEX = auto()
    BASE64 = auto()


def sign(api_key: str, code: str, operation_code: str, registration_number: str, notification_token: str) -> bytes:
    message = f"{code}{operation_code}{registration_number}{notification_token}"
    return hmac.new(api_key.encode(), message.encode(), hashlib.sha256).digest()


def written(digest: bytes, encoding: Encoding) -> str:
    match encoding:
        case Encoding.HEX:
            return digest.hex()
        case Encoding.UPPER_HEX:
            return digest.hex().upper()
        case Encoding.BASE64:
            return base64.b64encode(digest).decode()
