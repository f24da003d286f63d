"""Tries a vendor's e-Kwanza settings: a live token and a look-up at AppyPay, a ticket that can't be at e-Kwanza.

What only a payment could prove (the payment methods, the API key, the company's number) is checked in form alone."""

from collections.abc import Mapping

from contracts.states import FailureReason, Rail
from payment_adapter.providers.base import Finding
from payment_adapter.providers.ekwanza.credentials import (
    GATEWAY_RAILS,
    RAILS,
    SETTINGS,
    CredentialsUnusable,
    EkwanzaCredentials,
    is_well_formed,
    missing,
)
from payment_adapter.providers.ekwanza.gateway import Gateway
from payment_adapter.providers.ekwanza.native import Native
from payment_adapter.providers.ekwanza.tokens import setting_behind
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials

_OF_RAIL = {"payment_method_gpo": Rail.GPO, "payment_method_ref": Rail.EMIS_REF, "notification_token": Rail.TICKET}
_OF_GATEWAY = ("client_id", "client_secret")


def try_out(credentials: Credentials, gateway: Gateway, native: Native) -> list[Finding]:
    """Blocks for the providers' timeouts. A rail that the vendor has begun to set up and not finished is said to lack
    what it lacks; one that was never begun is left alone."""
    findings = _lacking(credentials.fields)
    of_gateway = _usable(credentials, Rail.GPO) or _usable(credentials, Rail.EMIS_REF)
    if of_gateway is not None:
        failure = gateway.probe(of_gateway)
        if failure is None:
            findings.append(Finding("client_secret", True, "AppyPay gave a live token and answered a look-up"))
        else:
            is_setup = failure.reason is FailureReason.SHOP_SETUP
            setting = "resource" if failure.code == "401" else setting_behind(failure.code)
            says = f"{failure.detail} ({failure.code})" if is_setup else f"not proven: {failure.detail}"
            findings.append(Finding(setting, False, says))
    of_tickets = _usable(credentials, Rail.TICKET)
    if of_tickets is not None:
        failure = native.probe(of_tickets)
        says = "e-Kwanza knows the notification token" if failure is None else failure.detail
        findings.append(Finding("notification_token", failure is None, says))
    return findings


def _lacking(fields: Mapping[str, Secret]) -> list[Finding]:
    given = {name for name, value in fields.items() if value.reveal()}
    begun = {rail for name, rail in _OF_RAIL.items() if name in given}
    if not begun & GATEWAY_RAILS and given.intersection(_OF_GATEWAY):
        begun |= GATEWAY_RAILS
    begun = begun or set(RAILS)
    wanted = {name for rail, names in missing(fields).items() if rail in begun for name in names}
    return [
        Finding(setting.name, False, _says(setting.name, fields.get(setting.name), setting.hint))
        for setting in SETTINGS
        if setting.name in wanted
    ]


def _says(name: str, value: Secret | None, hint: str) -> str:
    is_there = value is not None and value.reveal() != "" and not is_well_formed(name, value)
    return f"{'does not look right' if is_there else 'is missing'}. {hint}"


def _usable(credentials: Credentials, rail: Rail) -> EkwanzaCredentials | None:
    try:
        return EkwanzaCredentials.of(credentials, rail)
    except CredentialsUnusable:
        return None
