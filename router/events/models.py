"""The outbox of an ops database: an event is a row of the transaction that caused it."""

from kit.outbox import outbox_table
from router.databases import ops_metadata

outbox = outbox_table(ops_metadata)
