"""The control API of money that is paid by hand, and of what merchants set up at their providers.

Real merchants register their webhook at e-Kwanza's portal; here POST /sim/ekwanza/merchants does it."""

import json
from dataclasses import asdict, fields

from flask import Blueprint, Response

from simulators import state, wire
from simulators.control import refuse_strangers
from simulators.daraja import hand_payments, orders, reading
from simulators.daraja.hand_payments import HandKind, NoMoney
from simulators.daraja.rest_by_hand import MOST_BILL_REFERENCE
from simulators.ekwanza import charges, merchants
from simulators.ekwanza.book import UnknownCharge
from simulators.ekwanza.charges import NotPayable
from simulators.ekwanza.merchants import BadMerchant, Merchant
from simulators.jobs import Jobs
from simulators.problems import JsonObject, Problem, json_body
from simulators.state import Directory
from simulators.store import Store

_SECRETS = frozenset({"api_key", "client_secret", "notification_token"})


def create_blueprint(store: Store, jobs: Jobs, directory: Directory) -> Blueprint:
    blueprint = Blueprint("sim_money", __name__, url_prefix="/sim")
    control = _MoneyControl(store, jobs, directory)
    blueprint.before_request(refuse_strangers)
    routes = (
        ("/references/<charge_id>", "POST", control.pay_reference),
        ("/till", "POST", control.pay_till),
        ("/daraja/by_hand", "GET", control.hand_payments),
        ("/ekwanza/merchants", "GET", control.list_merchants),
        ("/ekwanza/merchants", "POST", control.register_merchant),
        ("/ekwanza/charges", "GET", control.ekwanza_charges),
    )
    for path, method, view in routes:
        blueprint.add_url_rule(path, f"{method} {path}".replace(".", "_"), view, methods=[method])
    return blueprint


class _MoneyControl:
    def __init__(self, store: Store, jobs: Jobs, directory: Directory) -> None:
        self._store = store
        self._jobs = jobs
        self._directory = directory

    def pay_reference(self, charge_id: str) -> Response:
        """`{action: "pay", payer, amount_minor}` by a person, of whom and with what else than was asked may be left
        out; `{action: "cancel"}` by the merchant."""
        body = json_body()
        action, payer, amount_minor = body.get("action"), body.get("payer"), body.get("amount_minor")
        if not isinstance(payer, str | None):
            raise Problem(400, "bad_payer", "payer: expected a number from GET /sim/state, or null")
        if amount_minor is not None and (type(amount_minor) is not int or not 1 <= amount_minor <= charges.MOST_MINOR):
            raise Problem(400, "bad_amount", f"amount_minor: expected whole cêntimos from 1 to {charges.MOST_MINOR}")
        try:
            with self._store.transaction() as tx:
                if action == "pay":
                    charge = charges.pay_by_hand(tx, self._jobs, charge_id, payer, amount_minor)
                elif action == "cancel":
                    charge = charges.cancel_by_hand(tx, charge_id)
                else:
                    raise Problem(400, "bad_action", "action: expected pay or cancel")
                return _json(state.reference(tx, charge, self._directory))
        except UnknownCharge:
            raise Problem(404, "unknown_reference", "there is no reference or ticket with that id") from None
        except NotPayable as error:
            raise Problem(409, "not_payable", str(error)) from error

    def pay_till(self) -> Response:
        """`{shortcode, account_reference, amount_whole, payer}`: a person pays a paybill (with an account number) or a
        till (without one), unasked."""
        body = json_body()
        shortcode, payer = body.get("shortcode"), body.get("payer")
        reference, amount_whole = body.get("account_reference") or "", body.get("amount_whole")
        if not isinstance(shortcode, str) or not reading.SHORTCODE.fullmatch(shortcode):
            raise Problem(400, "bad_shortcode", "shortcode: expected a paybill or till number of 5 to 7 digits")
        if not isinstance(payer, str) or not reading.MSISDN.fullmatch(payer):
            raise Problem(400, "bad_payer", "payer: expected 12 digits that start with 2547 or 2541")
        if not isinstance(reference, str) or len(reference) > MOST_BILL_REFERENCE or not reference.isprintable():
            raise Problem(400, "bad_reference", f"account_reference: expected at most {MOST_BILL_REFERENCE} characters")
        if type(amount_whole) is not int or not 1 <= amount_whole <= reading.MOST_AMOUNT_WHOLE:
            raise Problem(400, "bad_amount", f"amount_whole: expected 1 to {reading.MOST_AMOUNT_WHOLE} shillings")
        kind = HandKind.PAYBILL if reference else HandKind.TILL
        try:
            with self._store.transaction() as tx:
                payment = hand_payments.pay(tx, self._jobs, shortcode, kind, payer, amount_whole, reference)
                return _json(state.hand_payment(tx, payment), 201)
        except NoMoney as error:
            raise Problem(409, "no_money", str(error)) from error

    def hand_payments(self) -> Response:
        """Payments by hand, the registered addresses, and what reversals and status questions came to."""
        with self._store.transaction() as tx:
            return _json(
                {
                    "payments": [state.hand_payment(tx, one) for one in hand_payments.all_of_them(tx)],
                    "addresses": [asdict(one) for one in hand_payments.all_addresses(tx)],
                    "orders": [state.order(tx, one) for one in orders.all_of_them(tx)],
                }
            )

    def list_merchants(self) -> Response:
        with self._store.transaction() as tx:
            return _json({"merchants": [_shown(one) for one in merchants.all_of_them(tx)]})

    def register_merchant(self) -> Response:
        """What is named is set, what is not named stays: the same again changes nothing."""
        try:
            with self._store.transaction() as tx:
                return _json(_shown(merchants.register(tx, json_body())))
        except BadMerchant as error:
            raise Problem(400, "bad_merchant", str(error)) from error

    def ekwanza_charges(self) -> Response:
        with self._store.transaction() as tx:
            listed = state.all_ekwanza_charges(tx)
            return _json({"charges": listed, "requests": wire.received(tx, "ekwanza")})


def _shown(merchant: Merchant) -> JsonObject:
    """Secrets only as whether they are set."""
    shown: JsonObject = {}
    for field in fields(Merchant):
        value: object = getattr(merchant, field.name)
        shown[field.name] = value is not None if field.name in _SECRETS else value
    return shown


def _json(body: JsonObject, http_status: int = 200) -> Response:
    return Response(json.dumps(body), http_status, content_type="application/json")
