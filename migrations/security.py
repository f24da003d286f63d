"""Row-level security and append-only tables, for the migrations of ops databases.

A migration that makes a table with a vendor column calls, right after `op.create_table` and its indexes:

    protect("refunds")                       # every such table; a house test fails one without it
    relay_may("refunds", select=["vendor_id", "id", "due_at"], update=["lease_owner", "lease_until"])
                                             # only if a loop looks across vendors: name columns, never bodies or
                                             # phone numbers, and never a column that is personal
    append_only("refund_entries")            # only for tables that are a history

On PostgreSQL `protect` makes rows visible, and writable, in the scope of their vendor alone (`kit.db.Scope`), even for
the owner of the table; without a scope there are no rows. `dukani_inspect` reads everything. On SQLite it does
nothing: there every statement names the vendor in its WHERE, which it does on PostgreSQL as well.

Later migrations that change rows of protected tables run as the owner, who sees none either: wrap them in
`unprotected(table)`."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from alembic import op
from sqlalchemy import inspect, text

RELAY = "dukani_relay"
"""Sees of every vendor's rows the columns that say what is due, and may lease them. Nobody logs in as it."""
INSPECT = "dukani_inspect"
"""Reads everything, changes nothing. For people: granted to a login of theirs."""

_IS_RELAY = f"current_user = '{RELAY}'"
# Only while the role is taken. A policy holds for members who inherit, too, and before PostgreSQL 16 nobody could be
# let take a role without inheriting from it.
_IN_SCOPE = "NULLIF(current_setting('app.vendor_id', true), '')"


def protect(table: str, vendor_column: str = "vendor_id") -> None:
    """Show rows of `table` to their vendor's own transactions alone."""
    if not _on_postgresql():
        return
    is_own = f"{vendor_column} = {_IN_SCOPE}"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY {table}_of_vendor ON {table} USING ({is_own}) WITH CHECK ({is_own})")
    if _there_is(INSPECT):
        op.execute(f"CREATE POLICY {table}_inspect ON {table} FOR SELECT TO {INSPECT} USING (true)")
        grant_to_inspect(table)


def relay_may(table: str, select: Sequence[str], update: Sequence[str] = ()) -> None:
    """Let the relay's role read these columns of every vendor's rows, and change those.

    To lock rows (`FOR UPDATE SKIP LOCKED`) it needs at least one column that it may change. Where the role does not
    exist (a dedicated database), nothing is granted: there a loop takes the scope of the one vendor."""
    if not _on_postgresql() or not _there_is(RELAY):
        return
    op.execute(f"CREATE POLICY {table}_relay_reads ON {table} FOR SELECT TO {RELAY} USING ({_IS_RELAY})")
    op.execute(f"GRANT SELECT ({', '.join(select)}) ON {table} TO {RELAY}")
    if update:
        op.execute(f"CREATE POLICY {table}_relay_writes ON {table} FOR UPDATE TO {RELAY} USING ({_IS_RELAY})")
        op.execute(f"GRANT UPDATE ({', '.join(update)}) ON {table} TO {RELAY}")


def grant_to_inspect(name: str) -> None:
    """Let people read this table or view. `protect` has done so already for what it protects."""
    if _on_postgresql() and _there_is(INSPECT):
        op.execute(f"GRANT SELECT ON {name} TO {INSPECT}")


def append_only(table: str, why: str = "") -> None:
    """Refuse UPDATE, DELETE and TRUNCATE of `table`, whoever tries. `why` is what they are told; no quotes in it.

    In an ops database the rows of a vendor that has left it (`vendor_fences`) may be purged: they live elsewhere."""
    message = why or f"{table} is append-only"
    if not _on_postgresql():
        is_kept = "WHEN NOT EXISTS (SELECT 1 FROM vendor_fences f WHERE f.vendor_id = OLD.vendor_id)"
        for verb in ("update", "delete"):
            unless = f" {is_kept}" if verb == "delete" and inspect(op.get_bind()).has_table("vendor_fences") else ""
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table}{unless} "
                f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
            )
        return
    refusal_function()
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION refuse_change('{message}')"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('{message}')"
    )


def refusal_function() -> None:
    """Make `refuse_change(text)`, which triggers on PostgreSQL call. Harmless to repeat."""
    op.execute(
        """
        CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            -- Only who purges says so, and only of a vendor whose rows live elsewhere by now is that heard.
            IF TG_OP = 'DELETE' AND current_setting('dukani.purging', true) <> '' THEN
                IF to_jsonb(OLD) ->> 'vendor_id' = current_setting('dukani.purging')
                   AND EXISTS (SELECT 1 FROM vendor_fences f WHERE f.vendor_id = current_setting('dukani.purging'))
                THEN
                    RETURN OLD;
                END IF;
            END IF;
            RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'restrict_violation';
        END
        $$
        """
    )


@contextmanager
def unprotected(table: str) -> Generator[None]:
    """Let the owner see and change every row of `table` meanwhile: for a migration that changes data."""
    if _on_postgresql():
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    yield
    if _on_postgresql():
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def _on_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _there_is(role: str) -> bool:
    found = op.get_bind().execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role})
    return found.first() is not None
