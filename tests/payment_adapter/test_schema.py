"""The tables as the rooms declare them are the tables that the migrations make, on both databases."""

from typing import Any

from sqlalchemy import Engine, inspect

from kit.db import Database
from payment_adapter.callbacks import models as callback_models
from payment_adapter.charges import models as charge_models
from payment_adapter.refunds import models as refund_models
from payment_adapter.schema import metadata
from payment_adapter.settings_page import models as settings_models
from payment_adapter.vault import models as vault_models
from tests.support.databases import NewDatabase

ROOMS = (callback_models, charge_models, refund_models, vault_models, settings_models)


def shape(engine: Engine) -> dict[str, Any]:
    """Columns, keys, constraints and indexes by table, as the database itself tells them."""
    found = inspect(engine)
    tables = [name for name in found.get_table_names() if name != "alembic_version"]
    return {
        table: {
            "columns": {
                column["name"]: (str(column["type"]), column["nullable"], column["default"])
                for column in found.get_columns(table)
            },
            "key": found.get_pk_constraint(table),
            "foreign": sorted(map(repr, found.get_foreign_keys(table))),
            "unique": sorted(map(repr, found.get_unique_constraints(table))),
            "checks": sorted(map(repr, found.get_check_constraints(table))),
            "indexes": sorted(_index(index) for index in found.get_indexes(table)),
        }
        for table in tables
    }


def _index(index: Any) -> tuple[str, ...]:
    options = {name: str(value) for name, value in index.get("dialect_options", {}).items()}
    return (str(index["name"]), repr(index["column_names"]), repr(index["unique"]), repr(options))


def test_the_migrations_make_what_the_models_declare(new_database: NewDatabase) -> None:
    migrated: Database = new_database("payments")
    expected = shape(migrated.engine)
    assert {room.__name__ for room in ROOMS}  # importing the rooms declared their tables
    with migrated.engine.begin() as connection:
        metadata.drop_all(connection)
        metadata.create_all(connection)
    assert shape(migrated.engine) == expected
    assert set(expected) == {
        "vault_data_keys",
        "vault_sets",
        "vault_credentials",
        "charges",
        "callback_addresses",
        "callback_inbox",
        "refunds",
        "refund_totals",
        "refund_addresses",
        "refund_results",
        "settings_sessions",
        "outbox",
    }


def test_every_constraint_has_a_name_and_every_table_is_strict() -> None:
    for table in metadata.sorted_tables:
        assert table.dialect_options["sqlite"]["strict"]
        for constraint in table.constraints:
            if table.name != "outbox":  # whose key the kit declares
                assert constraint.name, (table.name, constraint)
