"""A provider's settings as a test wants them, and the page in which they are entered without a browser."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from contracts.credentials import TICKET_LIFETIME, CredentialTicket
from contracts.ids import new_id
from contracts.states import Rail
from kit.clock import FixedClock
from kit.db import Database
from kit.signing import KeyRing
from kit.tickets import sign_ticket
from kit.web import make_app
from payment_adapter.providers.base import Finding, Setting
from payment_adapter.settings_page.book import SettingsBook
from payment_adapter.settings_page.routes import settings_routes
from payment_adapter.vault.envelope import MasterKeys
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials, Vault

TICKETS = KeyRing.parse("1:" + "t" * 32)
PUBLIC_URL = "http://127.0.0.1:3040"
VENDOR = "vendor-mama"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----"


@dataclass(slots=True)
class ScriptedHolder:
    """Two secrets that its rail needs, and three settings that it can do without."""

    name: str = "mpesa"
    rail: Rail = Rail.MPESA_STK
    findings: list[Finding] | Exception = field(default_factory=lambda: [Finding("key", True, "a token was given")])
    tried: list[Credentials] = field(default_factory=list[Credentials])

    @property
    def rails(self) -> frozenset[Rail]:
        return frozenset({self.rail})

    @property
    def settings(self) -> tuple[Setting, ...]:
        needed = frozenset({self.rail})
        return (
            Setting("key", "Consumer key", True, needed, "Under My Apps."),
            Setting("passkey", "Passkey", True, needed, "In the mail of going live."),
            Setting("kind", "Kind", False, frozenset(), "What it is.", ("paybill", "till")),
            Setting("operator", "Operator", False, frozenset(), "For refunds."),
            Setting(
                "certificate", "Certificate", False, frozenset(), "For refunds: the whole text.", is_multiline=True
            ),
        )

    def missing(self, fields: Mapping[str, Secret]) -> Mapping[Rail, list[str]]:
        return {self.rail: [name for name in ("key", "passkey") if name not in fields]}

    def try_out(self, credentials: Credentials) -> list[Finding]:
        self.tried.append(credentials)
        if isinstance(self.findings, Exception):
            raise self.findings
        return self.findings


@dataclass(slots=True)
class SettingsDesk:
    """The page over a payments database."""

    db: Database
    clock: FixedClock
    public_url: str = PUBLIC_URL
    master: str = "5e" * 32
    mpesa: ScriptedHolder = field(default_factory=ScriptedHolder)
    ekwanza: ScriptedHolder = field(default_factory=lambda: ScriptedHolder("ekwanza", Rail.GPO))
    vault: Vault = field(init=False)
    book: SettingsBook = field(init=False)
    app: Any = field(init=False)

    def __post_init__(self) -> None:
        self.vault = Vault(MasterKeys.parse(self.master))
        self.book = SettingsBook(self.vault, (self.mpesa, self.ekwanza), self.clock)
        self.app = make_app("payment_adapter")
        self.app.register_blueprint(settings_routes(self.db, self.book, TICKETS, self.clock, self.public_url))

    def ticket(self, ring: KeyRing = TICKETS, **changes: Any) -> str:
        return sign_ticket(ring, self.claims(**changes))

    def claims(self, **changes: Any) -> CredentialTicket:
        now = self.clock.now()
        wanted: dict[str, Any] = {
            "ticket_id": new_id(now),
            "vendor_id": VENDOR,
            "vendor_name": "Mama Njeri",
            "rails": [Rail.MPESA_STK],
            "asked_by": "key:abc",
            "issued_at": now,
            "expires_at": now + TICKET_LIFETIME,
        }
        return CredentialTicket(**{**wanted, **changes})

    def change(self, vendor_id: str = VENDOR, provider: str = "mpesa", **given: str) -> None:
        with self.db.write() as tx:
            secrets = {name: Secret(value) for name, value in given.items()}
            self.book.change(tx, vendor_id, provider, secrets, by="a test")

    def fields(self, vendor_id: str = VENDOR, provider: str = "mpesa", as_of: datetime | None = None) -> dict[str, str]:
        with self.db.read() as tx:
            found = self.vault.load(tx, vendor_id, provider, as_of=as_of)
        return {} if found is None else {name: value.reveal() for name, value in found.fields.items()}

    def versions(self) -> list[int]:
        with self.db.read() as tx:
            return [each.version for each in self.vault.stored(tx, VENDOR, "mpesa", only_newest=False)]

    def visitor(self, **changes: Any) -> "Visitor":
        """A browser in which a new ticket was opened."""
        client = self.app.test_client()
        address = f"/settings/{self.ticket(**changes)}"
        assert client.get(address).status_code == 200
        opened = client.post(address)
        assert (opened.status_code, opened.headers["location"]) == (303, "/settings")
        return Visitor(client)

    def pass_time(self, step: timedelta) -> None:
        self.clock.advance(step)


@dataclass(slots=True)
class Visitor:
    client: FlaskClient

    def look(self) -> str:
        shown = self.client.get("/settings")
        assert shown.status_code == 200, shown.text
        return shown.text

    @property
    def token(self) -> str:
        return self.look().partition('name="token" value="')[2].partition('"')[0]

    def send(self, action: str = "save", provider: str = "mpesa", **fields: Any) -> TestResponse:
        """As the form does it."""
        return self.raw({"token": self.token, "provider": provider, "action": action, **fields})

    def raw(self, form: Mapping[str, Any], **headers: str) -> TestResponse:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post("/settings", data=dict(form), headers=sent)
