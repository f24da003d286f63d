"""Pictures that go with messages, kept while Twilio may fetch them."""

import sqlalchemy as sa
from alembic import op

from kit.columns import Code, UtcTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("messages", sa.Column("picture", Code))
    op.create_table(
        "pictures",
        sa.Column("token", Code, nullable=False),
        sa.Column("png", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", UtcTime, nullable=False),
        sa.PrimaryKeyConstraint("token", name="pictures_pkey"),
        sqlite_strict=True,
    )
    op.create_index("pictures_expired", "pictures", ["expires_at"])
