"""The token of the gateway AppyPay: client credentials at an Azure-like endpoint, asked by POST or, as its
documentation has it, by GET with a body."""

import json
import secrets
from dataclasses import dataclass

from flask import Blueprint, Response, request

from simulators import faults, slow, wire
from simulators.ekwanza import merchants
from simulators.fault_names import Fault
from simulators.moments import SECOND_US, iso
from simulators.store import Store, Transaction

TOKEN_LIVES_S = 3599
DEFAULT_RESOURCE = "2aed7612-de64-46b5-9e59-1f48f8902d14"

_TOKEN_BYTES = 60


@dataclass(frozen=True, slots=True)
class Refused:
    """As Azure words it."""

    http_status: int
    error: str
    code: str
    """The AADSTS number."""
    text: str

    def response(self, now_us: int) -> Response:
        trace = secrets.token_hex(8)
        body = {
            "error": self.error,
            "error_description": f"AADSTS{self.code}: {self.text}\r\nTrace ID: {trace}\r\nTimestamp: {iso(now_us)}",
            "error_codes": [int(self.code)],
            "timestamp": iso(now_us),
            "trace_id": trace,
        }
        return Response(json.dumps(body), self.http_status, content_type="application/json; charset=utf-8")


def create_blueprint(store: Store) -> Blueprint:
    blueprint = Blueprint("ekwanza_token", __name__)
    blueprint.add_url_rule("/ekwanza/token", "give", _Tokens(store).give, methods=["GET", "POST"])
    return blueprint


class _Tokens:
    def __init__(self, store: Store) -> None:
        self._store = store

    def give(self) -> Response:
        slow.wait(self._store, Fault.EKWANZA_DELAY_S)
        form = request.form
        with self._store.transaction() as tx:
            now_us = tx.now_us
            is_html = faults.takes(tx, Fault.EKWANZA_TOKEN_ERROR_HTML)
            refusal = None if is_html else _refusal(tx)
            kept = {name: value for name, value in form.items() if name != "client_secret"}
            http_status = 503 if is_html else refusal.http_status if refusal else 200
            wire.remember(tx, "ekwanza", request.path, kept, http_status, refusal.error if refusal else None)
            token = secrets.token_urlsafe(_TOKEN_BYTES)
            if refusal is None and not is_html:
                expires_us = now_us + TOKEN_LIVES_S * SECOND_US
                tx.run("DELETE FROM ekwanza_tokens WHERE expires_us <= ?", now_us)
                tx.run("INSERT INTO ekwanza_tokens VALUES (?, ?, ?)", token, form["client_id"], expires_us)
        if is_html:
            return slow.html_error(503, "Service Unavailable")
        if refusal is not None:
            return refusal.response(now_us)
        now_s = now_us // SECOND_US
        # Every number is text, as Azure AD v1 writes it.
        body = {
            "token_type": "Bearer",
            "expires_in": str(TOKEN_LIVES_S),
            "ext_expires_in": str(TOKEN_LIVES_S),
            "expires_on": str(now_s + TOKEN_LIVES_S),
            "not_before": str(now_s),
            "resource": form["resource"],
            "access_token": token,
        }
        return Response(json.dumps(body), 200, content_type="application/json; charset=utf-8")


def client_of(tx: Transaction, token: str) -> str | None:
    """Who that token was given to, while it lives."""
    row = tx.row("SELECT client_id FROM ekwanza_tokens WHERE token = ? AND expires_us > ?", token, tx.now_us)
    return str(row["client_id"]) if row else None


def forget(tx: Transaction, token: str) -> None:
    tx.run("DELETE FROM ekwanza_tokens WHERE token = ?", token)


def _refusal(tx: Transaction) -> Refused | None:
    form = request.form
    for name in ("grant_type", "client_id", "client_secret", "resource"):
        if not form.get(name):
            return Refused(
                400, "invalid_request", "900144", f"The request body must contain the following parameter: '{name}'."
            )
    if form["grant_type"] != "client_credentials":
        return Refused(400, "unsupported_grant_type", "70003", "The app requested an unsupported grant type.")
    registered = merchants.by_client(tx, form["client_id"])
    secret_fits = all(merchants.fits(one.client_secret, form["client_secret"]) for one in registered)
    if not registered:
        secret_fits = merchants.fits(None, form["client_secret"])
    if "wrong" in form["client_id"]:
        return Refused(400, "unauthorized_client", "700016", "Application was not found in the directory.")
    if not secret_fits or faults.takes(tx, Fault.EKWANZA_CREDENTIALS_REFUSED):
        return Refused(401, "invalid_client", "7000215", "Invalid client secret provided.")
    resource_fits = all(merchants.fits(one.resource, form["resource"]) for one in registered)
    if not registered:
        resource_fits = merchants.fits(None, form["resource"])
    if not resource_fits or faults.takes(tx, Fault.EKWANZA_RESOURCE_REFUSED):
        text = "The resource principal was not found in the tenant. It is not installed, or the tenant is another's."
        return Refused(400, "invalid_resource", "500011", text)
    return None
