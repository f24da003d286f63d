"""Messages that are read together: which one they belong to."""

import sqlalchemy as sa
from alembic import op

from kit.columns import BigInt

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("inbox", sa.Column("burst", BigInt))
