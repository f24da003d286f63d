"""`dukani catalog` and `dukani shop`: straight in the databases, no router running."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from dukani.cli import dukani
from dukani.drawings import drawing
from kit.db import Database
from router.catalog.models import catalog_items
from router.catalog.service import Catalogue
from router.stock.models import stock
from tests.support.databases import NewDatabase, as_owner

Run = Callable[..., Result]

CSV = """sku,name,price,category,keywords,stock,active
M-1,Fresh milk,65,Dairy,maziwa;leite,48,
M-2,"Yoghurt, plain",120.00,Dairy,mtindi,,yes
M-3,Cheese,1450.50,Dairy,,5,
,Nameless,10,,,,
M-4,Salt,forty,,,,
M-1,Milk again,70,,,,
M-5,Bread,70,Bakery,mkate,few,
"""


@pytest.fixture
def platform(sqlite_database: NewDatabase) -> Database:
    return sqlite_database("platform")


@pytest.fixture
def ops(sqlite_database: NewDatabase) -> Database:
    return sqlite_database("ops")


@pytest.fixture
def run(platform: Database, ops: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    environ = {
        "DUKANI_DATA_DIR": str(tmp_path / "var"),
        "PLATFORM_DATABASE_URL": platform.engine.url.render_as_string(hide_password=False),
        "OPS_DATABASE_URL": ops.engine.url.render_as_string(hide_password=False),
    }

    def invoke(*words: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(dukani, words, input=stdin, env=environ)

    assert invoke("vendor", "create", "Mama Njeri", "--id", "mama-1").exit_code == 0
    return invoke


def test_a_file_is_imported_line_by_line_and_twice_is_once(
    run: Run, platform: Database, ops: Database, tmp_path: Path
) -> None:
    file = tmp_path / "items.csv"
    file.write_text(CSV, encoding="utf-8-sig")
    first, second = run("catalog", "import", "mama", str(file)), run("catalog", "import", "mama", str(file))
    assert (first.exit_code, second.exit_code) == (1, 1)
    assert "2 added, 0 changed, 0 unchanged" in first.output
    assert "0 added, 0 changed, 2 unchanged" in second.output
    for said in (
        "line 4: price '1450.50': shillings are whole",
        "line 5: sku: ",
        "line 6: price 'forty'",
        "line 7: M-1 stands in line 2 already",
        "line 8: stock 'few'",
    ):
        assert said in first.output
    with platform.read() as tx:
        rows = {row.sku: row for row in tx.execute(select(catalog_items))}
    assert {sku: row.price_minor for sku, row in rows.items()} == {"M-1": 6500, "M-2": 12000}
    assert (rows["M-1"].tracks_stock, rows["M-2"].tracks_stock, rows["M-2"].name) == (True, False, "Yoghurt, plain")
    with as_owner(ops) as tx:
        assert [row.on_hand for row in tx.execute(select(stock))] == [48]
    found = Catalogue(platform).page("mama-1", "KES", query="maziwa", category_id=None, after=0, limit=9)  # pyright: ignore[reportArgumentType] # plain texts are what those types are
    assert [item.name for item in found.items] == ["Fresh milk"]


def test_a_file_without_its_columns_is_refused_as_a_whole(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "items.csv"
    file.write_text("sku,title\nM-1,Milk\n")
    result = run("catalog", "import", "mama", str(file))
    assert result.exit_code == 1
    assert "lacks name, price" in result.output
    assert "'title'" in result.output


def test_a_picture_is_shown_if_it_is_one(run: Run, tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("sku;name;price\nM-1;Milk;65\n")
    assert run("catalog", "import", "mama", "items.csv").exit_code == 0
    (tmp_path / "milk.png").write_bytes(drawing("milk"))
    assert "image/png, 240 by 240 pixels" in run("catalog", "picture", "mama", "M-1", "milk.png").output
    assert run("catalog", "picture", "mama", "M-9", "milk.png").exit_code == 1
    refused = run("catalog", "picture", "mama", "M-1", "items.csv")
    assert (refused.exit_code, "neither a PNG nor a JPEG" in refused.output) == (1, True)
    assert "Dairy" in run("catalog", "categories", "mama", "Dairy", "Bakery").output


def test_zones_hours_and_vouchers_are_kept(run: Run) -> None:
    made = run("shop", "zone", "mama", "Kilimani", "150", "--at", "-1.2921", "36.7856", "--radius", "3000")
    assert made.exit_code == 0, made.output
    zone_id = made.output.partition("(")[2].partition(")")[0]
    assert "15000" in run("shop", "zones", "mama").output
    assert run("shop", "remove-zone", "mama", zone_id).exit_code == 0
    assert run("shop", "remove-zone", "mama", zone_id).exit_code == 1
    assert run("shop", "zone", "mama", "Kilimani", "150", "--radius", "3000").exit_code == 1
    week = json.dumps({"week": {"mon": ["08:00-20:00"]}})
    assert "08:00-20:00" in run("shop", "hours", "mama", "--set", "-", stdin=week).output
    wrong = run("shop", "hours", "mama", "--set", "-", stdin='{"week": {"mon": ["8-20"]}}')
    assert (wrong.exit_code, "08:00-20:00" in wrong.output) == (1, True)
    assert "always open" in run("shop", "hours", "mama", "--always").output
    voucher = run("shop", "voucher", "mama", "karibu10", "--percent", "10", "--minimum", "500")
    assert "KARIBU10" in voucher.output
    assert run("shop", "voucher", "mama", "KARIBU10", "--percent", "10").exit_code == 1
    voucher_id = voucher.output.partition("(")[2].partition(")")[0]
    assert run("shop", "withdraw", "mama", voucher_id).exit_code == 0
    assert "withdrawn" in run("shop", "vouchers", "mama").output
