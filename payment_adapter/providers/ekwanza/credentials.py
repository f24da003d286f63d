"""What a vendor's e-Kwanza settings consist of, which rails they are complete for, and where each environment answers.

Hosts are from AppyPay's documentation and from integrators (e-Kwanza publishes none): for e-Kwanza itself sources name
both ekz-partnersapi.e-kwanza.ao and partnersapi.e-kwanza.ao, so every host can be set for the process."""

import re
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from contracts.states import Rail
from kit.settings import Settings
from payment_adapter.providers.base import Setting
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials

PROVIDER = "ekwanza"
"""As it stands in the vault."""

GATEWAY_RAILS = frozenset({Rail.GPO, Rail.EMIS_REF})
RAILS = GATEWAY_RAILS | {Rail.TICKET}


class Environment(StrEnum):
    SANDBOX = "sandbox"
    PRODUCTION = "production"


class SignatureEncoding(StrEnum):
    """How a ticket callback's signature is written. Integrators agree on hex but for one, who assumes base64."""

    HEX = "hex"
    BASE64 = "base64"


@dataclass(frozen=True, slots=True)
class Hosts:
    """No trailing slash. `gateway` is the part before `/v2.0`; `token` is the whole address."""

    gateway: str
    token: str
    native: str


_HOSTS = {
    Environment.SANDBOX: Hosts(
        "https://gwy-api-tst.appypay.co.ao",
        "https://login.microsoftonline.com/appypaydev.onmicrosoft.com/oauth2/token",
        "https://ekz-partnersapi-qa.e-kwanza.ao",
    ),
    Environment.PRODUCTION: Hosts(
        "https://gwy-api.appypay.co.ao",
        "https://login.microsoftonline.com/auth.appypay.co.ao/oauth2/token",
        "https://ekz-partnersapi.e-kwanza.ao",
    ),
}

_RESOURCES = {
    # The value in AppyPay's documentation, and the one that its integrators ship for production.
    Environment.SANDBOX: "2aed7612-de64-46b5-9e59-1f48f8902d14",
    Environment.PRODUCTION: "bee57785-7a19-4f1c-9c8d-aa03f2f0e333",
}


def hosts_by_environment(settings: Settings) -> Mapping[Environment, Hosts]:
    """Where each environment answers; what is set for the process (in local mode: the simulators) holds for both."""
    return {
        environment: Hosts(
            (settings.ekwanza_gateway_base_url or hosts.gateway).removesuffix("/v2.0"),
            settings.ekwanza_token_url or hosts.token,
            settings.ekwanza_native_base_url or hosts.native,
        )
        for environment, hosts in _HOSTS.items()
    }


_GUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_TEXT = r"[!-~]{1,300}"
_LOOKS: Mapping[str, str] = {
    "environment": "|".join(Environment),
    "client_id": _TEXT,
    "client_secret": _TEXT,
    "resource": rf"{_GUID}|https://[!-~]{{1,200}}",
    "merchant_account": r"[0-9A-Za-z-]{1,40}",
    "api_key": _TEXT,
    "payment_method_gpo": rf"(?:GPO_)?{_GUID}",
    "payment_method_ref": rf"(?:REF_)?{_GUID}",
    "notification_token": r"[0-9A-Za-z._~-]{1,200}",
    "company_registration": r"[ -~]{1,100}",
    "signature_encoding": "|".join(SignatureEncoding),
}

SETTINGS = (
    Setting(
        "environment",
        "Environment",
        False,
        RAILS,
        "Which of e-Kwanza's two worlds the rest is from.",
        tuple(Environment),
        is_account=True,
    ),
    Setting("client_id", "AppyPay client id", True, GATEWAY_RAILS, "AppyPay's portal, under the application."),
    Setting("client_secret", "AppyPay client secret", True, GATEWAY_RAILS, "Shown once, when the application is made."),
    Setting(
        "resource",
        "AppyPay resource",
        False,
        frozenset(),
        "A GUID. Leave it empty for the environment's usual one; sign-in says AADSTS500011 when it is the wrong one.",
    ),
    Setting(
        "merchant_account",
        "e-Kwanza account number",
        False,
        GATEWAY_RAILS,
        "“Nº conta” of the profile.",
        is_account=True,
    ),
    Setting("api_key", "e-Kwanza API key", True, RAILS, "The merchant's profile; ticket callbacks are signed with it."),
    Setting(
        "payment_method_gpo",
        "Payment method for Multicaixa Express",
        False,
        frozenset({Rail.GPO}),
        "The application's GUID, with or without GPO_ before it.",
    ),
    Setting(
        "payment_method_ref",
        "Payment method for references",
        False,
        frozenset({Rail.EMIS_REF}),
        "The application's GUID, with or without REF_ before it.",
    ),
    Setting("notification_token", "Notification token", True, frozenset({Rail.TICKET}), "The merchant's profile."),
    Setting(
        "company_registration",
        "Company registration number",
        False,
        frozenset({Rail.TICKET}),
        "“Nº de registo da empresa” of the profile, as it is written there: it is part of what is signed.",
        is_account=True,
    ),
    Setting(
        "signature_encoding",
        "Encoding of signatures",
        False,
        frozenset(),
        "Hex, unless e-Kwanza told you base64.",
        tuple(SignatureEncoding),
    ),
)

_OPTIONAL_OF: Mapping[str, frozenset[Rail]] = {
    "resource": GATEWAY_RAILS,
    "signature_encoding": frozenset({Rail.TICKET}),
}
"""What may be left out, and which rails it spoils when it is malformed."""


def missing(fields: Mapping[str, Secret]) -> dict[Rail, list[str]]:
    """By rail, the settings that are missing or malformed, in the order in which they are asked for."""
    found: dict[Rail, list[str]] = {rail: [] for rail in Rail if rail in RAILS}
    for setting in SETTINGS:
        value = fields.get(setting.name)
        is_given = value is not None and value.reveal().strip() != ""
        is_good = value is not None and is_well_formed(setting.name, value)
        concerned = setting.rails or (_OPTIONAL_OF[setting.name] if is_given else frozenset[Rail]())
        for rail in concerned if not is_good else ():
            found[rail].append(setting.name)
    return found


def is_well_formed(name: str, value: Secret) -> bool:
    return re.fullmatch(_LOOKS[name], value.reveal()) is not None


class CredentialsUnusable(ValueError):
    """The vendor's set lacks a field or holds one that can't be right. The text names the field, never its value."""


@dataclass(frozen=True, slots=True)
class EkwanzaCredentials:
    """The fields that one rail needs are there and well formed; of the others nothing is known."""

    fields: Mapping[str, Secret]
    environment: Environment

    @classmethod
    def of(cls, credentials: Credentials, rail: Rail) -> "EkwanzaCredentials":
        """Raises CredentialsUnusable."""
        lacking = missing(credentials.fields)[rail]
        if lacking:
            raise CredentialsUnusable(f"missing or malformed: {', '.join(lacking)}")
        return cls(credentials.fields, Environment(credentials.fields["environment"].reveal()))

    def reveal(self, name: str) -> str:
        return self.fields[name].reveal()

    @property
    def resource(self) -> str:
        given = self.fields.get("resource")
        return given.reveal() if given is not None and given.reveal() else _RESOURCES[self.environment]

    def payment_method(self, rail: Rail) -> str:
        """With its prefix, which the portal leaves out and the gateway wants."""
        prefix, name = ("GPO_", "payment_method_gpo") if rail is Rail.GPO else ("REF_", "payment_method_ref")
        return prefix + self.reveal(name).removeprefix(prefix)


_ENVIRONMENT = {
    "environment": ("EKWANZA_ENV",),
    "client_id": ("EKWANZA_CLIENT_ID",),
    "client_secret": ("EKWANZA_CLIENT_SECRET",),
    "resource": ("EKWANZA_RESOURCE",),
    "merchant_account": ("EKWANZA_MERCHANT_ACCOUNT",),
    "api_key": ("EKWANZA_API_KEY",),
    "payment_method_gpo": ("EKWANZA_PAYMENT_METHOD_GPO",),
    # EMIS references go by both names.
    "payment_method_ref": ("EKWANZA_PAYMENT_METHOD_REF", "EKWANZA_PAYMENT_METHOD_GPR"),
    "notification_token": ("EKWANZA_NOTIFICATION_TOKEN",),
    "company_registration": ("EKWANZA_COMPANY_REGISTRATION",),
    "signature_encoding": ("EKWANZA_SIGNATURE_ENCODING",),
}
ENVIRONMENT_NAMES = tuple(name for names in _ENVIRONMENT.values() for name in names)


def from_environment(settings: Settings) -> dict[str, Secret] | None:
    """What EKWANZA_* says, for one vendor that the caller names, or None where nothing but perhaps the environment is
    set. It may be complete for some rails only; without EKWANZA_ENV it is the sandbox's."""
    given: dict[str, Secret] = {}
    for field, names in _ENVIRONMENT.items():
        value = next((value for value in map(settings.optional_secret, names) if value), None)
        if value is not None:
            given[field] = Secret(value.strip())
    if not given.keys() - {"environment"}:
        return None
    return {"environment": Secret(Environment.SANDBOX), **given}


def invented(merchant_account: str | None = None) -> dict[str, Secret]:
    """A set that only the simulator accepts, complete for every rail."""
    account = merchant_account or f"{secrets.randbelow(10**8):08d}"
    fields: Mapping[str, str] = {
        "environment": Environment.SANDBOX,
        "client_id": str(uuid.uuid4()),
        "client_secret": secrets.token_urlsafe(30),
        "merchant_account": account,
        "api_key": str(uuid.uuid4()),
        "payment_method_gpo": str(uuid.uuid4()),
        "payment_method_ref": str(uuid.uuid4()),
        "notification_token": "".join(secrets.choice("ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(14)),
        "company_registration": f"{account[:4]}-26/261121",
        "signature_encoding": SignatureEncoding.HEX,
    }
    return {name: Secret(value) for name, value in fields.items()}
