"""A database is brought to its lineage's newest revision, all of it or nothing."""

from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from dukani import migrate as migration
from dukani.migrate import Step, migrate
from dukani.migration_error import MigrationError
from dukani.prepare import LINEAGES, CannotStart, migrate_all
from kit.db import Database
from kit.settings import load_settings
from tests.support.postgres import Server
from tests.support.processes import ROOT, free_ports

REVISION = '''"""Add {number}."""

from alembic import op
import sqlalchemy as sa

revision = "{number}"
down_revision = {before!r}


def upgrade() -> None:
    op.create_table("t{number}", sa.Column("id", sa.Integer, primary_key=True))
    {after}
'''


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of its own, in a folder whose name has everything that an ini file trips over."""
    root = tmp_path / "a b%c:d"
    (root / "migrations" / "platform").mkdir(parents=True)
    (root / "migrations" / "env.py").write_text((ROOT / "migrations" / "env.py").read_text())
    monkeypatch.setattr(migration, "ROOT", root)
    return root


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.sqlite"
        return
    server: Server = request.getfixturevalue("postgres")
    made = server.create_empty()
    yield made
    server.drop(made)


def revise(root: Path, number: str, before: str | None, after: str = "") -> None:
    path = root / "migrations" / "platform" / f"{number}_more.py"
    path.write_text(REVISION.format(number=number, before=before, after=after))


def tables(url: str) -> set[str]:
    database = Database(url)
    try:
        return set(inspect(database.engine).get_table_names())
    finally:
        database.close()


def test_what_is_missing_is_applied_in_order_and_only_once(root: Path, url: str) -> None:
    revise(root, "0001", None)
    revise(root, "0002", "0001")
    steps: list[Step] = []
    assert migrate("platform", url, steps.append) == 2
    assert steps == [Step("platform", "0001", "Add 0001."), Step("platform", "0002", "Add 0002.")]
    assert migrate("platform", url, steps.append) == 0
    revise(root, "0003", "0002")
    assert migrate("platform", url, steps.append) == 1
    assert tables(url) == {"alembic_version", "t0001", "t0002", "t0003"}


def test_an_upgrade_that_fails_leaves_nothing_behind_and_can_be_run_again(root: Path, url: str) -> None:
    revise(root, "0001", None)
    revise(root, "0002", "0001", after='op.execute("SELECT * FROM nowhere")')
    with pytest.raises(MigrationError, match=r"platform: .*nowhere"):
        migrate("platform", url)
    assert tables(url) <= {"alembic_version"}
    revise(root, "0002", "0001")
    assert migrate("platform", url) == 2


def test_a_database_of_a_newer_version_is_left_alone(root: Path, url: str) -> None:
    revise(root, "0001", None)
    revise(root, "0002", "0001")
    migrate("platform", url)
    (root / "migrations" / "platform" / "0002_more.py").unlink()
    with pytest.raises(MigrationError, match="newer"):
        migrate("platform", url)
    assert "t0002" in tables(url)


def test_a_database_that_cant_be_reached_is_named_without_its_password(root: Path) -> None:
    revise(root, "0001", None)
    (port,) = free_ports(1)
    with pytest.raises(MigrationError, match="PLATFORM_DATABASE_URL") as caught:
        migrate("platform", f"postgresql+psycopg://shop:hunter2@127.0.0.1:{port}/platform")
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_failing_database_does_not_keep_the_others_back(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    values = {"DUKANI_DATA_DIR": str(tmp_path), "OPS_DATABASE_URL": f"postgresql://shop@127.0.0.1:{port}/ops"}
    settings = load_settings(values, dotenv=None)
    with pytest.raises(CannotStart, match="ops"):
        migrate_all(settings, LINEAGES, lambda line: None)
    assert {path.name for path in tmp_path.glob("*.sqlite")} >= {"platform.sqlite", "payments.sqlite"}


@pytest.mark.parametrize("lineage", LINEAGES)
def test_every_lineage_is_one_line_without_branches(lineage: str) -> None:
    script = migration.script_directory(lineage)
    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1


@pytest.mark.parametrize("lineage", LINEAGES)
def test_every_lineage_makes_the_same_tables_on_both_databases(
    lineage: str, sqlite_templates: Callable[[str], Path], postgres: Server
) -> None:
    on_postgres = postgres.create(lineage)
    assert tables(on_postgres) == tables(f"sqlite:///{sqlite_templates(lineage)}")
    postgres.drop(on_postgres)


@pytest.mark.parametrize("lineage", LINEAGES)
def test_every_table_of_sqlite_is_strict(lineage: str, sqlite_templates: Callable[[str], Path]) -> None:
    database = Database(f"sqlite:///{sqlite_templates(lineage)}")
    with database.read() as tx:
        query = "SELECT name FROM pragma_table_list WHERE type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite_%'"
        lax = tx.execute(text(query)).scalars().all()
    database.close()
    assert lax == ["alembic_version"]  # Alembic makes its own
