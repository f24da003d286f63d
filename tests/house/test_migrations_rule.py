"""The rule about migrations notices what older processes would not survive, and lets what only adds pass."""

import pytest

from tests.house.migrations import breaches

REVISION = '''"""Drop nothing: this text may say DROP TABLE."""

def upgrade() -> None:
    {body}

def downgrade() -> None:
    op.drop_table("orders")
'''


def found(body: str) -> list[str]:
    return breaches("0007_x.py", REVISION.format(body=body))


@pytest.mark.parametrize(
    "body",
    [
        'op.drop_table("orders")',
        'op.drop_column("orders", "code")',
        'op.drop_constraint("orders_code_key", "orders")',
        'op.rename_table("orders", "sales")',
        'op.alter_column("orders", "code", new_column_name="reference")',
        'op.alter_column("orders", "code", nullable=False)',
        'op.alter_column("orders", "code", type_=Text())',
        'op.alter_column("orders", "code", server_default=None)',
        'op.add_column("orders", Column("note", Text, nullable=False))',
        'op.create_unique_constraint("k", "orders", ["code"])',
        'op.create_check_constraint("k", "orders", "true")',
        'op.create_index("k", "orders", ["code"], unique=True)',
        'op.execute("ALTER TABLE orders DROP COLUMN code")',
        'op.execute("alter table orders rename column code to reference")',
        'op.execute("ALTER TABLE orders ALTER COLUMN code SET NOT NULL")',
        'op.execute("ALTER TABLE orders ALTER COLUMN code TYPE bigint")',
        'op.execute("ALTER TABLE orders ADD CONSTRAINT k CHECK (true)")',
        'op.execute("DROP VIEW payments")',
        'op.execute("DELETE FROM orders")',
        'op.execute("TRUNCATE orders")',
    ],
)
def test_what_takes_away_is_noticed(body: str) -> None:
    assert len(found(body)) == 1


@pytest.mark.parametrize(
    "body",
    [
        'op.execute("CREATE TRIGGER t AFTER TRUNCATE ON orders FOR EACH STATEMENT EXECUTE FUNCTION f()")',
        'op.create_table("refunds", Column("id", Text, nullable=False))',
        'op.add_column("orders", Column("note", Text))',
        'op.add_column("orders", Column("note", Text, nullable=False, server_default=""))',
        'op.alter_column("orders", "note", nullable=True)',
        'op.create_index("k", "orders", ["code"])',
        'op.create_table("refunds"); op.create_index("k", "refunds", ["code"], unique=True)',
        'op.execute("CREATE OR REPLACE FUNCTION f() RETURNS trigger")',
        'op.execute("DROP TRIGGER t ON orders")',
    ],
)
def test_what_only_adds_passes(body: str) -> None:
    assert found(body) == []
