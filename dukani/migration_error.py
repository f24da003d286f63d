"""What goes wrong when a database is brought up to date."""


class MigrationError(RuntimeError):
    """A database could not be brought up to date. It is as it was before; the text says what to do."""


class Unreachable(MigrationError):
    """There was no talking to the database at all: says nothing about the migration."""
