"""Pictures and documents that go with messages, kept while Twilio may fetch them."""

import sqlalchemy as sa
from alembic import op

from kit.columns import Code, JsonDoc, UtcTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("messages", sa.Column("media", Code))
    op.create_table(
        "media",
        sa.Column("token", Code, nullable=False),
        sa.Column("kind", Code, nullable=False),
        sa.Column("content", sa.LargeBinary),
        sa.Column("paper", JsonDoc),
        sa.Column("expires_at", UtcTime, nullable=False),
        sa.PrimaryKeyConstraint("token", name="media_pkey"),
        sa.CheckConstraint("kind IN ('png', 'jpg', 'pdf')", name="media_kind_check"),
        sa.CheckConstraint("(content IS NULL) <> (paper IS NULL)", name="media_content_check"),
        sqlite_strict=True,
    )
    op.create_index("media_expired", "media", ["expires_at"])
