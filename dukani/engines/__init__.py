"""A PostgreSQL and a Valkey of one's own, started from the binaries of the test requirements: no service, no root."""
