"""Settings: read once from the environment and an optional `.env`, validated at start, each error naming its variable.

Secrets are not fields: a process asks for one by name when it builds what needs it (`settings.secret`), so the bot
never loads the vault's key. In local mode a missing secret is generated into `<data>/keys/`, one 0600 file each;
in production it must be set."""

import os
import re
import secrets as randomness
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values

from kit.clock import Clock, SharedClock, SystemClock


class Environment(StrEnum):
    LOCAL = "local"
    PRODUCTION = "production"


class SettingsError(ValueError):
    """A setting is missing or unusable. The text names the variable and says what to do; each line is one problem."""


DEV_INTERNAL_KEY = "dev-internal-secret"
"""A development key, good only in local mode from a loopback peer. It opens nothing in production."""

DEFAULT_WHATSAPP_FROM = "whatsapp:+14155238886"  # Twilio's public sandbox number
DEV_ACCOUNT_SID = "ACdec0dec0dec0dec0dec0dec0dec0dec0"  # a development account, made up


@dataclass(frozen=True, slots=True)
class Settings:
    """What every process may know. URLs have no trailing slash; `twilio_api_base_url` and `daraja_base_url` are the
    providers' own hosts in production and the simulators' in local mode unless set."""

    environment: Environment
    data_dir: Path
    bot_port: int
    router_port: int
    adapter_port: int
    simulators_port: int
    simulators_on: bool
    bot_public_url: str
    adapter_public_url: str
    router_url: str
    """Where the other processes reach the router; `adapter_url` and `bot_url` likewise. Loopback unless set."""
    adapter_url: str
    bot_url: str
    twilio_account_sid: str
    twilio_whatsapp_from: str
    twilio_api_base_url: str
    twilio_content_base_url: str
    messages_per_second: int
    customer_pace_s: int
    """One message to a customer in so many seconds is what lasts, 0: no bound; the other is of one number of ours."""
    daraja_base_url: str
    ekwanza_gateway_base_url: str | None
    """AppyPay, without its `/v2.0`. None, as for the other two: the provider's own host of the vendor's environment."""
    ekwanza_token_url: str | None
    ekwanza_native_base_url: str | None
    platform_database_url: str
    ops_database_url: str
    conversations_database_url: str
    payments_database_url: str
    migration_urls: Mapping[str, str]
    """By lineage (`platform`, `ops` …): the URL of the role that owns the tables; the database's own URL unless set."""
    redis_url: str | None
    listen_host: str
    """The address that every process listens on: loopback unless `DUKANI_LISTEN` says otherwise."""
    tenant_secrets_dir: Path
    """The one folder that a `file:` reference of a dedicated database may name."""
    dedicated_connections: int
    """At most so many connections of one process to all dedicated databases together."""
    adapter_processes: int
    """How many there are of the payment adapter, workers counted: they share what a provider is asked at once."""
    logs_are_json: bool
    """One JSON object a line, for machines; else lines for a person."""
    hold_minutes: int
    """How long stock stays held for a confirmed order."""
    reminder_minutes: tuple[int, int]
    """After how long a cart that was left behind is spoken of, and an order that is not paid; 0: never."""
    confirm_callbacks: Mapping[str, str]
    """By payment provider, when an unsigned callback about money counts only after the provider was asked: `never`,
    `odd` (when it names another amount than was asked) or `always`."""
    _secrets: Mapping[str, str] = field(repr=False)
    _may_ask_for: frozenset[str] | None = None

    @property
    def is_local(self) -> bool:
        return self.environment is Environment.LOCAL

    def secret(self, name: str) -> str:
        """The secret of that name, or what is in the file that it names as `file:/path`. Local mode generates a missing
        one; production raises SettingsError."""
        path = self.secret_file(name)
        value = self._secrets.get(name, "") if path is None else _text_of(name, path)
        if not value:
            raise SettingsError(f"{name} is not set; in production every secret must be given")
        if not self.is_local and DEV_INTERNAL_KEY in value:
            raise SettingsError(f"{name}: a development key can't be used in production; set one of your own")
        return value

    def secret_file(self, name: str) -> Path | None:
        """The file that holds the secret of that name: the one named as `file:/path` or, in local mode, the one that
        was generated. None for a secret that is given in the environment itself. Raises SettingsError."""
        self._check_asking(name)
        value = self._secrets.get(name)
        if value is None:
            return self._development_secret(name) if self.is_local else None
        if not value.startswith(_FILE_PREFIX):
            return None
        path = Path(value.removeprefix(_FILE_PREFIX))
        if not path.is_absolute():
            raise SettingsError(f"{name}: name the file by its whole path, such as file:/etc/dukani/keys/{name}")
        return path

    def optional_secret(self, name: str) -> str | None:
        self._check_asking(name)
        return self._secrets.get(name) or None

    def narrowed_to(self, names: Collection[str]) -> "Settings":
        """The same settings for a process that needs these secrets: it holds no other and can't ask for one."""
        kept = {name: value for name, value in self._secrets.items() if name in names}
        return replace(self, _secrets=kept, _may_ask_for=frozenset(names))

    def _check_asking(self, name: str) -> None:
        if self._may_ask_for is not None and name not in self._may_ask_for:
            raise SettingsError(f"{name}: this process has no business with it")

    def clock(self) -> Clock:
        return SharedClock(self.data_dir / "clock") if self.is_local else SystemClock()

    def _development_secret(self, name: str) -> Path:
        path = self.data_dir / "keys" / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Written beside and linked into place, so that two processes starting together agree on one value.
        draft = path.with_name(f".{name}.{os.getpid()}.{randomness.token_hex(4)}")
        if not path.exists():
            draft.touch(mode=0o600)
            draft.write_text(randomness.token_hex(32))
            try:
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path


SECRET_NAMES = (
    "TWILIO_AUTH_TOKEN",
    "DUKANI_KEY_BOT_ROUTER",
    "DUKANI_KEY_BOT_ADAPTER",
    "DUKANI_KEY_ROUTER_ADAPTER",
    "DUKANI_KEY_GRANT",
    "DUKANI_KEY_EVENTS_ADAPTER_ROUTER",
    "DUKANI_KEY_EVENTS_ROUTER_BOT",
    "DUKANI_KEY_WEBHOOKS",
    "DUKANI_METRICS_TOKEN",
    "DUKANI_VAULT_KEY",
    "DARAJA_CONSUMER_KEY",
    "DARAJA_CONSUMER_SECRET",
    "DARAJA_SHORTCODE",
    "DARAJA_PASSKEY",
    "EKWANZA_ENV",
    "EKWANZA_CLIENT_ID",
    "EKWANZA_CLIENT_SECRET",
    "EKWANZA_RESOURCE",
    "EKWANZA_MERCHANT_ACCOUNT",
    "EKWANZA_API_KEY",
    "EKWANZA_PAYMENT_METHOD_GPO",
    "EKWANZA_PAYMENT_METHOD_REF",
    "EKWANZA_PAYMENT_METHOD_GPR",
    "EKWANZA_NOTIFICATION_TOKEN",
    "EKWANZA_COMPANY_REGISTRATION",
    "EKWANZA_SIGNATURE_ENCODING",
)


_FILE_PREFIX = "file:"


def _text_of(name: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise SettingsError(f"{name}: the file {path} can't be read ({type(error).__name__})") from error


class _Reader:
    """Collects every problem before it complains, so that one start shows all of them."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values
        self.problems: list[str] = []

    def text(self, name: str, default: str) -> str:
        return (self.values.get(name) or "").strip() or default

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        raw = self.text(name, str(default))
        if not re.fullmatch(r"[0-9]{1,9}", raw) or not low <= int(raw) <= high:
            self.problems.append(f"{name}={raw!r}: expected a whole number from {low} to {high}")
            return default
        return int(raw)

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        raw = self.text(name, default).lower()
        if raw not in allowed:
            self.problems.append(f"{name}={raw!r}: expected one of {', '.join(allowed)}")
            return default
        return raw

    def base_url(self, name: str, default: str) -> str:
        raw = self.text(name, default).rstrip("/")
        if not _is_base_url(raw):
            self.problems.append(f"{name}={raw!r}: expected an address such as https://shop.example.com")
            return default
        return raw

    def twilio_url(self, host: str, simulators: str | None, path: str) -> str:
        default = f"{simulators}{path}" if simulators else f"https://{host}.twilio.com"
        return self.base_url(f"TWILIO_{host.upper()}_BASE_URL", default)

    def ekwanza_url(self, what: str, simulators: str | None, place: str) -> str | None:
        name = f"EKWANZA_{what}_URL"
        default = "" if simulators is None else f"{simulators}/ekwanza/{place}"
        return self.base_url(name, default) if default or self.text(name, "") else None

    def ports(self) -> list[int]:
        usual = {"BOT": 3020, "ROUTER": 3030, "ADAPTER": 3040, "SIMULATORS": 3050}
        return [self.integer(f"DUKANI_{name}_PORT", port, 1, 65535) for name, port in usual.items()]

    def reminder_minutes(self) -> tuple[int, int]:
        cart = self.integer("DUKANI_CART_REMINDER_MINUTES", 180, 0, 20 * 60)
        return cart, self.integer("DUKANI_UNPAID_REMINDER_MINUTES", 60, 0, 20 * 60)

    def database_url(self, name: str, default: str) -> str:
        raw = self.text(name, default)
        for prefix in ("postgres://", "postgresql://", "postgresql+psycopg://"):
            if raw.startswith(prefix):
                return "postgresql+psycopg://" + raw.removeprefix(prefix)
        if raw.startswith("sqlite:///"):
            return raw
        scheme = raw.split(":", 1)[0]  # never the whole value: it may hold a password
        self.problems.append(f"{name} starts with {scheme!r}: expected postgresql://… or sqlite:///path")
        return default


def _is_base_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        has_place = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False
    return has_place and not parts.query and not parts.fragment


def tenant_database_url(environ: Mapping[str, str] | None = None, dotenv: Path | None = Path(".env")) -> str:
    """`DATABASE_URL`: all that preparing a dedicated database needs to know. Raises SettingsError."""
    reader = _Reader(_values(environ, dotenv))
    if not reader.text("DATABASE_URL", ""):
        raise SettingsError("DATABASE_URL is not set: give the dedicated database's, postgresql://… or sqlite:///path")
    url = reader.database_url("DATABASE_URL", "")
    if reader.problems:
        raise SettingsError("\n".join(reader.problems))
    return url


def _values(environ: Mapping[str, str] | None, dotenv: Path | None) -> dict[str, str]:
    values: dict[str, str] = {}
    if dotenv is not None and dotenv.is_file():
        values.update({name: value for name, value in dotenv_values(dotenv).items() if value is not None})
    values.update(os.environ if environ is None else environ)
    return values


def load_settings(environ: Mapping[str, str] | None = None, dotenv: Path | None = Path(".env")) -> Settings:
    """Read and validate. The environment wins over `.env`. Raises SettingsError listing every problem found."""
    values = _values(environ, dotenv)
    reader = _Reader(values)
    environment = Environment(reader.choice("DUKANI_ENV", "local", ("local", "production")))
    is_local = environment is Environment.LOCAL
    data_dir = Path(reader.text("DUKANI_DATA_DIR", "var")).expanduser().absolute()
    bot_port, router_port, adapter_port, simulators_port = reader.ports()
    simulators_on = reader.choice("DUKANI_SIMULATORS", "on" if is_local else "off", ("on", "off")) == "on"
    simulators = f"http://127.0.0.1:{simulators_port}" if simulators_on else None

    urls = {name: _database(reader, name, data_dir) for name in ("platform", "ops", "conversations", "payments")}

    settings = Settings(
        environment=environment,
        data_dir=data_dir,
        bot_port=bot_port,
        router_port=router_port,
        adapter_port=adapter_port,
        simulators_port=simulators_port,
        simulators_on=simulators_on,
        bot_public_url=reader.base_url("DUKANI_BOT_PUBLIC_URL", f"http://127.0.0.1:{bot_port}"),
        adapter_public_url=reader.base_url("DUKANI_ADAPTER_PUBLIC_URL", f"http://127.0.0.1:{adapter_port}"),
        router_url=reader.base_url("DUKANI_ROUTER_URL", f"http://127.0.0.1:{router_port}"),
        adapter_url=reader.base_url("DUKANI_ADAPTER_URL", f"http://127.0.0.1:{adapter_port}"),
        bot_url=reader.base_url("DUKANI_BOT_URL", f"http://127.0.0.1:{bot_port}"),
        twilio_account_sid=reader.text("TWILIO_ACCOUNT_SID", DEV_ACCOUNT_SID if is_local else ""),
        twilio_whatsapp_from=reader.text("TWILIO_WHATSAPP_FROM", DEFAULT_WHATSAPP_FROM if is_local else ""),
        twilio_api_base_url=reader.twilio_url("api", simulators, "/twilio"),
        twilio_content_base_url=reader.twilio_url("content", simulators, "/twilio/content"),
        messages_per_second=reader.integer("WHATSAPP_MESSAGES_PER_SECOND", 10_000 if is_local else 80, 1, 10_000),
        customer_pace_s=reader.integer("WHATSAPP_CUSTOMER_PACE_S", 0 if is_local else 6, 0, 3600),
        daraja_base_url=reader.base_url(
            "DARAJA_BASE_URL", f"{simulators}/daraja" if simulators else "https://sandbox.safaricom.co.ke"
        ),
        ekwanza_gateway_base_url=reader.ekwanza_url("GATEWAY_BASE", simulators, "gateway"),
        ekwanza_token_url=reader.ekwanza_url("TOKEN", simulators, "token"),
        ekwanza_native_base_url=reader.ekwanza_url("NATIVE_BASE", simulators, "native"),
        platform_database_url=urls["platform"],
        ops_database_url=urls["ops"],
        conversations_database_url=urls["conversations"],
        payments_database_url=urls["payments"],
        migration_urls={name: reader.database_url(f"{name.upper()}_MIGRATION_URL", url) for name, url in urls.items()},
        redis_url=reader.text("REDIS_URL", "") or None,
        listen_host=reader.text("DUKANI_LISTEN", "127.0.0.1"),
        tenant_secrets_dir=Path(reader.text("DUKANI_TENANT_SECRETS_DIR", str(data_dir / "tenant-secrets"))).absolute(),
        dedicated_connections=reader.integer("DUKANI_DEDICATED_CONNECTIONS", 60, 2, 10_000),
        adapter_processes=reader.integer("DUKANI_ADAPTER_PROCESSES", 1, 1, 1_000),
        logs_are_json=reader.choice("DUKANI_LOG_FORMAT", "text" if is_local else "json", ("text", "json")) == "json",
        hold_minutes=reader.integer("DUKANI_HOLD_MINUTES", 30, 1, 24 * 60),
        reminder_minutes=reader.reminder_minutes(),
        confirm_callbacks=_confirm_callbacks(reader),
        _secrets={name: values[name].strip() for name in SECRET_NAMES if values.get(name, "").strip()},
    )
    _check_together(reader, settings)
    if reader.problems:
        raise SettingsError("\n".join(reader.problems))
    return settings


def _database(reader: _Reader, name: str, data_dir: Path) -> str:
    return reader.database_url(f"{name.upper()}_DATABASE_URL", f"sqlite:///{data_dir / name}.sqlite")


def _confirm_callbacks(reader: _Reader) -> Mapping[str, str]:
    return {
        provider: reader.choice(f"DUKANI_CONFIRM_{provider.upper()}", "odd", ("never", "odd", "always"))
        for provider in ("mpesa", "ekwanza")
    }


def _check_together(reader: _Reader, settings: Settings) -> None:
    ports = {
        "DUKANI_BOT_PORT": settings.bot_port,
        "DUKANI_ROUTER_PORT": settings.router_port,
        "DUKANI_ADAPTER_PORT": settings.adapter_port,
        "DUKANI_SIMULATORS_PORT": settings.simulators_port,
    }
    taken: dict[int, str] = {}
    for name, port in ports.items():
        if port in taken:
            reader.problems.append(f"{name}={port}: {taken[port]} has the same port; give each process its own")
        taken[port] = name
    databases = {
        "PLATFORM_DATABASE_URL": settings.platform_database_url,
        "OPS_DATABASE_URL": settings.ops_database_url,
        "CONVERSATIONS_DATABASE_URL": settings.conversations_database_url,
        "PAYMENTS_DATABASE_URL": settings.payments_database_url,
    }
    used: dict[str, str] = {}
    for name, url in databases.items():
        if url in used:
            reader.problems.append(f"{name} is the same as {used[url]}; give each a database of its own")
        used[url] = name
    if settings.twilio_whatsapp_from and not settings.twilio_whatsapp_from.startswith("whatsapp:"):
        reader.problems.append(
            f"TWILIO_WHATSAPP_FROM={settings.twilio_whatsapp_from!r}: expected whatsapp:+<number>, as Twilio writes it"
        )
    if settings.redis_url and not settings.redis_url.startswith(("redis://", "rediss://", "unix://")):
        reader.problems.append("REDIS_URL: expected redis://host:port/0")
    if settings.is_local:
        return
    if settings.simulators_on:
        reader.problems.append("DUKANI_SIMULATORS=on: the simulators take no real money; set it to off in production")
    for name, value in (
        ("TWILIO_ACCOUNT_SID", settings.twilio_account_sid),
        ("TWILIO_WHATSAPP_FROM", settings.twilio_whatsapp_from),
    ):
        if not value:
            reader.problems.append(f"{name} is not set; production needs it")
    for name, url in (
        ("DUKANI_BOT_PUBLIC_URL", settings.bot_public_url),
        ("DUKANI_ADAPTER_PUBLIC_URL", settings.adapter_public_url),
    ):
        if not url.startswith("https://"):
            reader.problems.append(f"{name}={url!r}: providers call back over https in production")
