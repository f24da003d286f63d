"""PostgreSQL's roles: who owns, who serves, who looks across shops, and what each of them is granted.

The owner runs migrations. The application's role owns nothing; row-level security binds it. `dukani_relay` and
`dukani_inspect` are groups that nobody logs in as: the first sees of every shop's rows a few columns that say what is
due, and the application takes it for one transaction at a time; the second reads everything, for people. Roles belong
to the whole server, so that databases which are migrated at once may make them at once."""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from dukani.migration_error import MigrationError
from migrations.security import INSPECT, RELAY

_NEVER_DELETED = frozenset(
    {
        "fulfilments",
        "orders",
        "payment_event_inbox",
        "payment_exceptions",
        "payment_intents",
        "payment_refunds",
        "payment_requests",
        "provider_transactions",
    }
)
"""Nothing of ours deletes from these, so the application's role may not."""

_PG16 = 160_000

_APPEND_ONLY = text(
    "SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
    "WHERE c.relnamespace = 'public'::regnamespace AND t.tgname = c.relname || '_append_only'"
)
_TABLES = text(
    "SELECT relname, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace "
    "AND relkind IN ('r', 'p', 'v') ORDER BY relname"
)


def make_group_roles(connection: Connection, *, may_lack_them: bool) -> None:
    """Make `dukani_relay` and `dukani_inspect` where they are missing, and let whoever migrates take the first.

    Where that is not allowed: nothing, if the database may lack them (a dedicated one); else raises MigrationError
    with what a superuser must run."""
    if connection.dialect.name != "postgresql":
        return
    for role in (RELAY, INSPECT):
        _try(connection, f"CREATE ROLE {role} NOLOGIN", f"EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}')")
    me, version = _role(connection, None), _version(connection)
    if not (_exists(connection, RELAY) and _exists(connection, INSPECT)):
        if not may_lack_them:
            raise MigrationError(f"this role may not make the roles that loops and people need. {_advice(me, version)}")
        return
    if not may_lack_them or me.may_make_roles:
        _let_take_relay(connection, me, must=not may_lack_them)


def grant_roles(connection: Connection, lineage: str, app_role: str) -> None:
    """Grant `app_role` what the application does in this database, and no more. To be repeated after every upgrade.

    In an ops database it may also take `dukani_relay`. Raises MigrationError where the
    role is missing, or may not be granted that."""
    if connection.dialect.name != "postgresql":
        return
    role = _role(connection, app_role)
    name = role.quoted
    database = connection.execute(text("SELECT quote_ident(current_database())")).scalar_one()
    # Asked first: by default everybody may, and only the database's own owner could grant it.
    if not _holds(connection, "has_database_privilege(:role, current_database(), 'CONNECT')", app_role):
        _run(connection, f"GRANT CONNECT ON DATABASE {database} TO {name}")
    if not _holds(connection, "has_schema_privilege(:role, 'public', 'USAGE')", app_role):
        _run(connection, f"GRANT USAGE ON SCHEMA public TO {name}")
    histories = set(connection.execute(_APPEND_ONLY).scalars())
    for row in connection.execute(_TABLES):
        _run(connection, f"GRANT {_verbs(row.relname, row.relkind, histories)} ON {row.relname} TO {name}")
    _run(connection, f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {name}")
    if lineage == "ops" and _exists(connection, RELAY):
        _let_take_relay(connection, role, must=True)


def _verbs(table: str, kind: str, histories: set[str]) -> str:
    if kind == "v" or table == "alembic_version":
        return "SELECT"
    if table in histories:
        return "SELECT, INSERT"
    return "SELECT, INSERT, UPDATE" if table in _NEVER_DELETED else "SELECT, INSERT, UPDATE, DELETE"


@dataclass(frozen=True, slots=True)
class _Role:
    name: str
    quoted: str
    is_superuser: bool
    may_make_roles: bool


def _role(connection: Connection, name: str | None) -> _Role:
    """That role, or the one which is connected. Raises MigrationError."""
    row = connection.execute(
        text(
            "SELECT rolname, quote_ident(rolname) AS quoted, rolsuper, rolcreaterole "
            "FROM pg_roles WHERE rolname = coalesce(:name, current_user)"
        ),
        {"name": name},
    ).one_or_none()
    if row is None:
        raise MigrationError(
            f"there is no database role {name} for the application: a superuser makes it with "
            f"CREATE ROLE {name} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '…'"
        )
    return _Role(row.rolname, row.quoted, row.rolsuper, row.rolcreaterole)


def _let_take_relay(connection: Connection, role: _Role, *, must: bool) -> None:
    """So that SET LOCAL ROLE works. Its policies hold only while it is taken, inherited or not."""
    if role.is_superuser:
        return  # may take every role
    version = _version(connection)
    name = role.name.replace("'", "''")
    is_set = f"pg_has_role('{name}', '{RELAY}', '{'SET' if version >= _PG16 else 'MEMBER'}')"
    _try(connection, _membership(role, version), is_set)
    if must and not _holds(connection, is_set):
        raise MigrationError(f"the role {role.name} can't be let take {RELAY}. {_advice(role, version)}")


def _advice(role: _Role, version: int) -> str:
    statements = f"CREATE ROLE {RELAY} NOLOGIN; CREATE ROLE {INSPECT} NOLOGIN; {_membership(role, version)};"
    return f"A superuser runs once, leaving out what is there already: {statements} Then migrate again."


def _membership(role: _Role, version: int) -> str:
    return f"GRANT {RELAY} TO {role.quoted}" + (" WITH INHERIT FALSE, SET TRUE" if version >= _PG16 else "")


def _try(connection: Connection, statement: str, unless: str) -> None:
    """Run it unless `unless` holds; not being allowed to, or coming second to another migration, is no error here."""
    _run(
        connection,
        f"DO $do$ BEGIN IF NOT ({unless}) THEN {statement}; END IF; "
        "EXCEPTION WHEN duplicate_object OR unique_violation OR insufficient_privilege OR internal_error THEN NULL; "
        "END $do$",
    )


def _exists(connection: Connection, role: str) -> bool:
    return connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}).first() is not None


def _holds(connection: Connection, condition: str, role: str = "") -> bool:
    return bool(connection.execute(text(f"SELECT {condition}"), {"role": role} if role else {}).scalar_one())


def _version(connection: Connection) -> int:
    return int(connection.execute(text("SHOW server_version_num")).scalar_one())


def _run(connection: Connection, statement: str) -> None:
    connection.exec_driver_sql(statement)
