"""Who reverses in the shop's name: an operator of its M-Pesa account, proven by an encrypted password.

Daraja wants the password encrypted with a certificate that Safaricom gives out, one for the sandbox and one for
production. A shop gives both, or the finished credential as the developer portal makes it. Such a password lives for
90 days."""

import base64
import binascii
from dataclasses import dataclass
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from payment_adapter.providers.daraja.credentials import CredentialsUnusable
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials

NAME = "initiator_name"
PASSWORD = "initiator_password"  # noqa: S105 - the name of a setting
CERTIFICATE = "certificate"
CREDENTIAL = "security_credential"

SETTINGS = (NAME, PASSWORD, CERTIFICATE, CREDENTIAL)

_SHORTEST_CREDENTIAL_BYTES = 128  # what RSA with 1024 bits gives; Safaricom's key has 2048
_CERTIFICATE_HEAD = "-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True, slots=True)
class Initiator:
    name: str
    security_credential: Secret
    """base64 of the password, encrypted with RSA by PKCS#1 v1.5."""

    @classmethod
    def of(cls, credentials: Credentials) -> Self:
        """Raises CredentialsUnusable, which names the setting and never its value."""

        def text(name: str) -> str:
            value = credentials.fields.get(name)
            return "" if value is None else value.reveal().strip()

        if not text(NAME):
            raise CredentialsUnusable(f"{NAME} is missing")
        if text(CREDENTIAL):
            return cls(text(NAME), Secret(_checked(text(CREDENTIAL))))
        for name in (PASSWORD, CERTIFICATE):
            if not text(name):
                raise CredentialsUnusable(f"{name} is missing (or give {CREDENTIAL} instead)")
        return cls(text(NAME), encrypted(Secret(text(PASSWORD)), text(CERTIFICATE)))


def encrypted(password: Secret, certificate: str) -> Secret:
    """The security credential of this password; another one each time, since the padding is random.

    Raises CredentialsUnusable for what is no certificate with an RSA key."""
    key = _public_key(certificate)
    plain = password.reveal().encode()
    if len(plain) > key.key_size // 8 - 11:  # what PKCS#1 v1.5 leaves room for
        raise CredentialsUnusable(f"{PASSWORD} is too long")
    return Secret(base64.b64encode(key.encrypt(plain, padding.PKCS1v15())).decode())


def _public_key(certificate: str) -> rsa.RSAPublicKey:
    pem = certificate.replace("\\n", "\n").encode()  # as it stands in a one-line setting
    try:
        is_certificate = _CERTIFICATE_HEAD.encode() in pem
        key = x509.load_pem_x509_certificate(pem).public_key() if is_certificate else load_pem_public_key(pem)
    except ValueError as error:
        raise CredentialsUnusable(
            f"{CERTIFICATE} can't be read: paste Safaricom's whole file, from {_CERTIFICATE_HEAD} to the end"
        ) from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise CredentialsUnusable(f"{CERTIFICATE} holds no RSA key, so it is not Safaricom's")
    return key


def _checked(credential: str) -> str:
    joined = "".join(credential.split())
    try:
        is_one = len(base64.b64decode(joined, validate=True)) >= _SHORTEST_CREDENTIAL_BYTES
    except (ValueError, binascii.Error):
        is_one = False
    if not is_one:
        raise CredentialsUnusable(
            f"{CREDENTIAL} is no encrypted password: copy the long text that the developer portal makes of it"
        )
    return joined
