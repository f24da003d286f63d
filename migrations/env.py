"""What Alembic runs for every lineage. The caller (`dukani.migrate`) opens the one transaction that all steps of an
upgrade share, so an upgrade that fails leaves the database as it was."""

from alembic import context

connection = context.config.attributes["connection"]
on_step = context.config.attributes["on_step"]

context.configure(connection=connection, transactional_ddl=True, on_version_apply=on_step)
with context.begin_transaction():
    context.run_migrations()
