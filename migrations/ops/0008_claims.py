"""Who says that money which was set aside is theirs."""

from alembic import op
from sqlalchemy import Column

from kit.columns import Code, UtcTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("payment_exceptions", Column("claimed_by", Code))
    op.add_column("payment_exceptions", Column("claimed_at", UtcTime))
