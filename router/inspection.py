"""Looks into a database before a vendor is sent there: can it be reached, as whom, how far is it migrated.

Says what to do in sentences of its own. What the server said is not repeated: it may be anybody's server."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

from pydantic import BaseModel
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from kit.db import Database, Tx
from kit.hosts import HostRefused
from router.dedicated import CONNECT_WITHIN_S, connect_patiently
from router.targets import Access, DbTarget, TargetError


class TargetReport(BaseModel):
    """What was found. Nothing was changed. Fields that could not be looked at keep their first values."""

    is_usable: bool = False
    """A vendor could be served from it now."""
    is_reachable: bool = False
    is_let_in: bool = False
    """The user exists, and the password is right."""
    revision: str | None = None
    """Of the ops lineage; none where it was never migrated."""
    newest_revision: str | None = None
    can_write: bool = False
    is_superuser: bool = False
    """Superusers pass every policy: the vendor's rows would not be protected from our own mistakes."""
    what_to_do: list[str] = []


def inspect_target(
    target: DbTarget, access: Access, *, vendor_id: str, newest_revision: str | None = None
) -> TargetReport:
    """Connect as the vendor's requests would, and look. Raises nothing that the target or its server may cause.

    Takes at most about 15 s, with a server that lets us in and then says nothing."""
    report = TargetReport(newest_revision=newest_revision)
    try:
        url = access.url(target, vendor_id)
    except TargetError as error:
        report.what_to_do.append(f"Correct {error}.")
        return report
    with closing(_opened(url.render_as_string(hide_password=False), target, access)) as database:
        try:
            with database.write() as tx:
                _look(tx, report)
        except (DBAPIError, HostRefused) as error:
            _explain(error, report)
            return report
    _advise(report)
    return report


def _opened(url: str, target: DbTarget, access: Access) -> Database:
    database = Database(url, pool_size=1, overflow=0, connect_timeout_s=CONNECT_WITHIN_S)

    def connect(_dialect: Any, _entry: Any, arguments: list[Any], parameters: dict[str, Any]) -> Any:
        return connect_patiently(access, target, arguments, parameters) if database.is_postgres else None

    event.listen(database.engine, "do_connect", connect)
    return database


_MAY_WRITE_ORDERS = text("SELECT has_table_privilege('orders', 'INSERT')")
_MAY_MAKE_TABLES = text("SELECT has_schema_privilege(current_schema(), 'CREATE')")


def _look(tx: Tx, report: TargetReport) -> None:
    report.is_reachable = report.is_let_in = True
    if not tx.is_postgres:
        report.can_write = True  # it was begun to write
        is_migrated = tx.execute(text("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'")).first() is not None
    else:
        role = tx.execute(text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"))
        report.is_superuser = role.scalar_one()
        is_migrated = tx.execute(text("SELECT to_regclass('alembic_version') IS NOT NULL")).scalar_one()
        is_read_only = tx.execute(text("SHOW transaction_read_only")).scalar_one() == "on"
        has_orders = tx.execute(text("SELECT to_regclass('orders') IS NOT NULL")).scalar_one()
        may_write = tx.execute(_MAY_WRITE_ORDERS if has_orders else _MAY_MAKE_TABLES).scalar_one()
        report.can_write = may_write and not is_read_only
    if is_migrated:
        report.revision = tx.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _advise(report: TargetReport) -> None:
    say = report.what_to_do.append
    if report.is_superuser:
        say("Give a user that is no superuser and has no BYPASSRLS: policies would not bind this one.")
    if not report.can_write:
        say("Let this user write: it may not, or the server is read-only (a standby?).")
    is_newest = report.newest_revision is None or report.revision == report.newest_revision
    if report.revision is None:
        say("Prepare it: DATABASE_URL=… dukani migrate --env tenant.")
    elif not is_newest:
        steps = f"from {report.revision} to {report.newest_revision}"
        say(f"Migrate it {steps}: DATABASE_URL=… dukani migrate --env tenant.")
    report.is_usable = report.revision is not None and is_newest and report.can_write and not report.is_superuser


def _explain(error: Exception, report: TargetReport) -> None:
    if isinstance(error, HostRefused):
        report.what_to_do.append(f"Name another host: {error}.")
        return
    cause = error.orig if isinstance(error, DBAPIError) else error
    said = str(cause)
    if getattr(cause, "sqlstate", None) == "42501":
        report.what_to_do.append("Let this user read alembic_version and the tables beside it (GRANT).")
        return
    # libpq passes a server's refusal to let somebody in on as text alone.
    report.is_reachable = report.is_reachable or "FATAL:" in said
    for matches, advice in _ADVICE:
        if matches(said):
            report.what_to_do.append(advice)
            return
    if hasattr(cause, "sqlstate") and not report.is_reachable:
        report.what_to_do.append(
            "Check host and port, and that the server lets this machine in: nothing answers there."
        )
    else:
        report.what_to_do.append("Look into the server's log: it answered, but could not be used.")


def _has(*words: str) -> Callable[[str], bool]:
    return lambda said: any(word in said for word in words)


_MEND_ENCRYPTION = """Mend the encryption: the server needs TLS with a certificate that its name and our roots prove
(PGSSLROOTCERT), and SCRAM-SHA-256 passwords.""".replace("\n", " ")
_ADVICE: tuple[tuple[Callable[[str], bool], str], ...] = (
    (_has("password authentication failed", "no password supplied"), "Correct the user or the password."),
    (lambda said: "role" in said and "does not exist" in said, "Correct the user: the server has none of that name."),
    (
        lambda said: "database" in said and "does not exist" in said,
        "Make the database first: the server has none of that name.",
    ),
    (_has("pg_hba.conf"), "Let this machine in: the server's pg_hba.conf does not."),
    (_has("certificate", "SSL", "channel binding", "authentication method"), _MEND_ENCRYPTION),
    (_has("too many clients", "remaining connection slots"), "Free connections: the server has none left."),
    (_has("unable to open database file"), "Make the file first: DATABASE_URL=… dukani migrate --env tenant."),
    (_has("file is not a database"), "Name another file: this one is not a database."),
)
