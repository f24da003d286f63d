"""What a vendor's `db_target` says, whether this installation may follow it, and the address that it leads to.

It is written by whoever registers a shop, so it is not trusted: it names no secret but the shop's own, and on a
production machine no host that could not be a database. See docs/decisions/0010-dedicated-databases.md."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv6Address
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import URL

from contracts.errors import FieldError
from kit.hosts import HostRefused, LookUp, addresses_of, is_loopback, literal, look_up, refusal
from kit.secret_refs import Scheme, SecretRef, SecretRefError, SecretStore, is_surely_of, parse_ref
from kit.settings import Settings

_HOST_NAME = re.compile(r"(?=.{1,253}\Z)(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
_SOCKET_FOLDER = re.compile(r"/[A-Za-z0-9._/-]{0,99}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_$@.-]{0,62}")
"""Of a database or a role. libpq would read more out of a name with = or :// in it."""

_SECURE = ("verify-full", "verify-ca")


class TargetError(ValueError):
    """A db_target can't be used. The text names the field and says what to do; it holds no secret."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("; ".join(f"db_target.{error.field}: {error.problem}" for error in errors))
        self.errors = errors


class TargetType(StrEnum):
    POSTGRES = "postgres"
    SQLITE = "sqlite"


SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]


class DbTarget(BaseModel):
    """`database` of SQLite is a path inside the data folder."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    type: TargetType
    host: str = ""
    port: Annotated[int, Field(ge=1, le=65535)] = 5432
    database: Annotated[str, Field(min_length=1, max_length=400)]
    user: str = ""
    password_secret_ref: Annotated[
        str | None,
        Field(
            repr=False,
            validation_alias=AliasChoices("passwordSecretRef", "password_secret_ref"),
            serialization_alias="passwordSecretRef",
        ),
    ] = None
    sslmode: SslMode | None = None

    @field_validator("type", mode="before")
    @classmethod
    def _also_by_its_full_name(cls, value: Any) -> Any:
        return "postgres" if value == "postgresql" else value

    @field_validator("host")
    @classmethod
    def _is_a_host(cls, value: str) -> str:
        if value and not (literal(value) or _HOST_NAME.fullmatch(value) or _SOCKET_FOLDER.fullmatch(value)):
            raise _says("expected one host name, one IP address, or the folder of a socket")
        return value

    @field_validator("password_secret_ref")
    @classmethod
    def _is_a_reference(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                parse_ref(value)
            except SecretRefError as error:
                raise _says(str(error)) from None
        return value

    @property
    def secret_ref(self) -> SecretRef | None:
        return None if self.password_secret_ref is None else parse_ref(self.password_secret_ref)

    @property
    def is_near(self) -> bool:
        """Whether it is written out that the database is on this machine. A name that merely leads here is not."""
        if self.type is TargetType.SQLITE or self.host.startswith("/") or self.host == "localhost":
            return True
        address = literal(self.host)
        return address is not None and is_loopback(address)

    def stored(self) -> dict[str, Any]:
        """As `vendors.db_target` keeps it."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)


@dataclass(frozen=True, slots=True)
class Shared:
    """A vendor lives in the shared database."""


@dataclass(frozen=True, slots=True)
class Dedicated:
    """A vendor lives in a database of its own."""

    target: DbTarget


@dataclass(frozen=True, slots=True)
class Unusable:
    """A vendor should have a database of its own, but what is written about it can't be read."""

    why: str


Location = Shared | Dedicated | Unusable


def parse_target(raw: str | Mapping[str, Any] | None) -> DbTarget:
    """From the text or the document in `vendors.db_target`. Raises TargetError."""
    if raw is None or raw in ("", "null"):
        raise TargetError([FieldError(field="type", problem="there is no db_target; a dedicated vendor needs one")])
    try:
        target = DbTarget.model_validate_json(raw) if isinstance(raw, str) else DbTarget.model_validate(raw)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise TargetError(
            [FieldError(field=".".join(str(at) for at in each["loc"]) or "json", problem=each["msg"]) for each in found]
        ) from None
    _check_completeness(target)
    return target


def _check_completeness(target: DbTarget) -> None:
    problems = _Problems()
    if target.type is TargetType.POSTGRES:
        for name, value in (("database", target.database), ("user", target.user)):
            if not _NAME.fullmatch(value):
                problems.add(name, "expected the name of one, in letters, digits, _, $, @, . and -")
        if not target.host:
            problems.add("host", "say on which host the database is")
    problems.complain()


def check_target(target: DbTarget, settings: Settings, *, vendor_id: str, via_api: bool) -> None:
    """Whether this installation would follow such a target. Asks no other machine and resolves no secret.

    `via_api`: written by somebody who need not be trusted with this machine. Raises TargetError."""
    problems = _Problems()
    ref = target.secret_ref
    if target.type is TargetType.SQLITE:
        _check_file(target, settings, problems)
    else:
        _check_host(target, settings, problems, via_api=via_api)
        if ref is None and not settings.is_local:
            problems.add("passwordSecretRef", "say where the password is kept: env:NAME or file:name")
        if not (settings.is_local or target.is_near or target.sslmode in (None, *_SECURE)):
            problems.add("sslmode", f"in production only {' or '.join(_SECURE)}, or leave it out")
    if ref is not None:
        _check_reference(ref, target, settings, problems, vendor_id=vendor_id, via_api=via_api)
    problems.complain()


def _check_file(target: DbTarget, settings: Settings, problems: "_Problems") -> None:
    if not settings.is_local:
        problems.add("type", "sqlite is for local mode; in production a dedicated database is a postgres")
    elif not _file_of(target, settings.data_dir).is_relative_to(settings.data_dir.resolve()):
        problems.add("database", f"expected a path inside {settings.data_dir}")


def _check_host(target: DbTarget, settings: Settings, problems: "_Problems", *, via_api: bool) -> None:
    if settings.is_local:
        return
    address = literal(target.host)
    reason = None if address is None else refusal(address)
    if reason is not None:
        problems.add("host", reason)
    elif via_api and target.is_near:
        problems.add("host", "a database on this very machine is registered from this machine's command line")


def _check_reference(
    ref: SecretRef, target: DbTarget, settings: Settings, problems: "_Problems", *, vendor_id: str, via_api: bool
) -> None:
    where = "passwordSecretRef"
    if ref.scheme is Scheme.PLAIN:
        if via_api:
            problems.add(where, "a password is not sent here; put it into a file or a variable, and name that")
        elif not (settings.is_local and target.is_near):
            problems.add(where, "plain: is for local mode and a database on this machine; use env:NAME or file:name")
    elif via_api and not is_surely_of(ref, vendor_id):
        problems.add(where, f"name what is surely this vendor's own: {own_reference(ref.scheme, vendor_id)}")


def own_reference(scheme: Scheme, vendor_id: str) -> str:
    """A reference of that kind which nobody but this vendor can be meant by."""
    if scheme is Scheme.FILE:
        return f"file:{vendor_id}.password"
    from_id = re.sub(r"[^A-Z0-9]", "_", vendor_id.upper())
    return f"env:DUKANI_TENANT_{from_id}_PASSWORD"


@dataclass(frozen=True, slots=True)
class Access:
    """How this process reaches vendors' own databases."""

    settings: Settings
    secrets: SecretStore
    look_up: LookUp = look_up
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    @classmethod
    def of(cls, settings: Settings, environ: Mapping[str, str] | None = None) -> "Access":
        environ = os.environ if environ is None else environ
        return cls(settings, SecretStore(settings.tenant_secrets_dir, environ), environ=environ)

    def password(self, target: DbTarget, vendor_id: str) -> SecretStr | None:
        """Raises TargetError: also for a target that may not be followed here, before any secret is looked at."""
        check_target(target, self.settings, vendor_id=vendor_id, via_api=False)
        ref = target.secret_ref
        if ref is None:
            return None
        try:
            return self.secrets.resolve(ref, vendor_id)
        except SecretRefError as error:
            raise TargetError([FieldError(field="passwordSecretRef", problem=str(error))]) from error

    def url(self, target: DbTarget, vendor_id: str) -> URL:
        """For `kit.db.Database`, password included. The host is looked up, so that a migration which opens it within
        moments goes to the address that was checked. Raises TargetError."""
        password = self.password(target, vendor_id)
        url = self.url_without_address(target, password)
        try:
            return url.update_query_dict(self.checked_address(target))
        except HostRefused as error:
            raise TargetError([FieldError(field="host", problem=str(error))]) from error

    def url_without_address(self, target: DbTarget, password: SecretStr | None) -> URL:
        if target.type is TargetType.SQLITE:
            # mode=rw: one that is not there is an error, not a new and empty shop.
            path = _file_of(target, self.settings.data_dir)
            return URL.create("sqlite", database=f"file:{_quoted(path)}", query={"mode": "rw", "uri": "true"})
        on_socket = target.host.startswith("/")
        query = {
            # Our own environment and home folder hold what is not for a tenant's server to ask for.
            "passfile": "/dev/null/none",  # cannot exist; libpq warns of one that is no plain file
            "gssencmode": "disable",
            "sslcertmode": "disable",
            "keepalives": "1",
            "keepalives_idle": "5",
            "keepalives_interval": "2",
            "keepalives_count": "3",
            "tcp_user_timeout": "8000",  # milliseconds
            **self._transport(target),
        }
        if on_socket:
            query["host"] = target.host
        return URL.create(
            "postgresql+psycopg",
            username=target.user,
            password=None if password is None else password.get_secret_value(),
            host=None if on_socket else target.host,
            port=target.port,
            database=target.database,
            query=query,
        )

    def _transport(self, target: DbTarget) -> dict[str, str]:
        if target.is_near or self.settings.is_local:
            return {} if target.sslmode is None else {"sslmode": target.sslmode}
        sslmode = target.sslmode or "verify-full"
        # Binding proves that the server knows the password too: nobody between, and no server of somebody's own.
        secure = {"sslmode": sslmode, "channel_binding": "require", "require_auth": "scram-sha-256"}
        has_roots = "PGSSLROOTCERT" in self.environ or Path("~/.postgresql/root.crt").expanduser().exists()
        if sslmode == "verify-full" and not has_roots:
            secure["sslrootcert"] = "system"
        return secure

    def checked_address(self, target: DbTarget) -> dict[str, str]:
        """`{"hostaddr": …}` for one connection, where a name could lead astray. Raises HostRefused."""
        if self.settings.is_local or target.is_near:
            return {}
        written = literal(target.host)
        addresses = [written] if written else addresses_of(target.host, target.port, via=self.look_up)
        for address in addresses:
            if is_loopback(address):
                raise HostRefused(f"{target.host} leads to this machine itself")
            reason = refusal(address)
            if reason is not None:
                raise HostRefused(f"{target.host} can't be a database: {reason}")
        # All were checked; the first is taken, as the system sorted them. IPv6 only where there is nothing else.
        chosen = next((each for each in addresses if not isinstance(each, IPv6Address)), addresses[0])
        return {"hostaddr": str(chosen)}


class _Problems:
    def __init__(self) -> None:
        self._found: list[FieldError] = []

    def add(self, where: str, problem: str) -> None:
        self._found.append(FieldError(field=where, problem=problem))

    def complain(self) -> None:
        if self._found:
            raise TargetError(self._found)


def _file_of(target: DbTarget, data_dir: Path) -> Path:
    return (data_dir / target.database).resolve()


def _quoted(path: Path) -> str:
    """As the path of an SQLite URI."""
    return str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _says(problem: str) -> PydanticCustomError:
    return PydanticCustomError("target", problem)  # pyright: ignore[reportArgumentType]  # made of constants alone
