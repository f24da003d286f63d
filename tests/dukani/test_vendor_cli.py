"""`dukani vendor` and `dukani key`: straight in the platform database, no router running."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dukani.cli import dukani
from dukani.migrate import migrate
from dukani.prepare import CannotStart
from kit.clock import SystemClock
from kit.db import Database
from router.operations import KeyScope
from router.vendors.keys import ApiKeys
from router.vendors.service import Directory
from tests.support.databases import NewDatabase

Run = Callable[..., Result]


@pytest.fixture
def platform(new_database: NewDatabase) -> Database:
    return new_database("platform")


@pytest.fixture
def run(platform: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    environ = {
        "DUKANI_DATA_DIR": str(tmp_path / "var"),
        "PLATFORM_DATABASE_URL": platform.engine.url.render_as_string(hide_password=False),
    }

    def invoke(*words: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(dukani, words, input=stdin, env=environ)

    return invoke


def read(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_shop_is_opened_listed_shown_and_serves(run: Run, platform: Database) -> None:
    shop = read(run("vendor", "create", "Mama Njeri", "--id", "mama-1", "--zone", "Africa/Luanda", "--json"))
    assert (shop["id"], shop["word"], shop["timezone"], shop["status"]) == ("mama-1", "mama", "Africa/Luanda", "active")
    assert [each["id"] for each in read(run("vendor", "list", "--json"))["vendors"]] == ["mama-1"]
    assert read(run("vendor", "show", "MAMA", "--json")) == shop
    assert Directory(platform).permit("mama-1").name == "Mama Njeri"


def test_people_get_tables_that_hold_whole_names_and_ids(run: Run) -> None:
    name = "The Very Long Name of a Shop That Sells Everything [bold]and[/bold] More"
    shop = read(run("vendor", "create", name, "--json"))
    assert shop["word"] == "very"
    listed = run("vendor", "list")
    assert listed.exit_code == 0
    assert name in listed.output
    assert shop["id"] in listed.output
    shown = run("vendor", "show", shop["word"]).output
    assert "commerce.orders" in shown
    assert "customers fill a cart and confirm orders" in shown
    assert "command line" in shown


def test_what_can_be_changed_is_changed(run: Run, platform: Database) -> None:
    run("vendor", "create", "Mama", "--word", "mama")
    assert read(run("vendor", "rename", "mama", "Njeri & Daughters", "--json"))["name"] == "Njeri & Daughters"
    words = ("--word", "njeri", "--locale", "sw", "--billing-day", "15", "--paybill", "174379")
    changed = read(run("vendor", "change", "mama", *words, "--json"))
    assert (changed["word"], changed["locale"], changed["billing_anchor_day"]) == ("njeri", "sw", 15)
    assert (changed["paybill"], changed["till"]) == ("174379", None)
    assert read(run("vendor", "suspend", "njeri", "--json"))["status"] == "suspended"
    assert read(run("vendor", "list", "--status", "suspended", "--json"))["vendors"][0]["word"] == "njeri"
    assert read(run("vendor", "resume", "njeri", "--json"))["status"] == "active"
    run("vendor", "enable", "njeri", "payments.mpesa_stk", "chat.handover")
    assert "5 seconds" in run("vendor", "disable", "njeri", "commerce.orders").output
    vendor = Directory(platform).known(changed["id"])
    assert vendor.capabilities == {"commerce.catalog", "payments.mpesa_stk", "chat.handover"}


def test_limits_are_set_and_given_back(run: Run) -> None:
    run("vendor", "create", "Mama")
    usual = read(run("vendor", "limits", "mama", "--json"))
    own = read(run("vendor", "limits", "mama", "--bot", "50", "--key", "7", "--json"))
    assert own == {**usual, "bot_per_minute": 50, "key_per_minute": 7}
    assert read(run("vendor", "limits", "mama", "--bot", "default", "--json")) == {**usual, "key_per_minute": 7}
    assert "7" in run("vendor", "limits", "mama").output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("vendor", "create", "X", "--word", "stop"), "means something else in a chat"),
        (("vendor", "create", "X", "--zone", "Mars"), "Africa/Nairobi"),
        (("vendor", "create", "X", "--word", "mama"), "choose another word"),
        (("vendor", "create", "X", "--id", "mama-1"), "already"),
        (("vendor", "create", "X", "--currency", "usd"), "currency"),
        (("vendor", "create", "X", "--capability", "flying"), "capabilities"),
        (("vendor", "show", "nobody"), "dukani vendor list"),
        (("vendor", "enable", "mama", "flying"), "commerce.orders"),
        (("vendor", "change", "mama"), "say what is to change"),
        (("vendor", "limits", "mama", "--bot", "lots"), "bot_per_minute"),
        (("vendor", "limits", "mama", "--bot", "0"), "bot_per_minute"),
        (("key", "create", "--vendor", "nobody", "--scopes", "shop:read"), "dukani vendor list"),
        (("key", "create", "--vendor", "mama"), "orders:read"),
        (("key", "create", "--vendor", "mama", "--scopes", "flying"), "there is no scope 'flying'"),
        (("key", "create", "--vendor", "mama", "--scopes", "platform"), "a key of a shop is good for"),
        (("key", "create", "--vendor", "mama", "--platform"), "Say whose"),
        (
            (
                "key",
                "create",
            ),
            "Say whose",
        ),
        (("key", "create", "--platform", "--expires", "soon"), "90d"),
        (("key", "create", "--platform", "--expires", "0d"), "90d"),
        (("key", "revoke", "nothing"), "no key with this id"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_sentence(run: Run, words: tuple[str, ...], says: str) -> None:
    run("vendor", "create", "Mama", "--id", "mama-1")
    result = run(*words)
    assert result.exit_code in (1, 2)
    assert says.lower() in result.output.lower()
    assert "Traceback" not in result.output
    assert len(read(run("vendor", "list", "--json"))["vendors"]) == 1


def test_a_key_opens_the_shop_until_it_is_revoked(run: Run, platform: Database) -> None:
    run("vendor", "create", "Mama", "--id", "mama-1")
    made = run("key", "create", "--vendor", "mama", "--scopes", "orders:read, shop:write", "--expires", "90d")
    token = made.stdout.strip()
    assert "only time" in made.stderr
    caller = ApiKeys(platform).holder(token, SystemClock().now())
    assert caller is not None
    assert (caller.vendor_id, caller.scopes) == ("mama-1", {KeyScope.ORDERS_READ, KeyScope.SHOP_WRITE})
    assert caller.expires_at is not None
    listed = run("key", "list", "--vendor", "mama").output
    key_id = token.split("_")[1]
    assert key_id in listed
    assert token not in listed
    assert "revoked" in run("key", "revoke", key_id).output
    assert ApiKeys(platform).holder(token, SystemClock().now()) is None
    assert read(run("key", "list", "--vendor", "mama", "--json"))["keys"][0]["status"] == "revoked"


def test_a_key_of_the_platform_is_made_without_scopes(run: Run, platform: Database) -> None:
    made = read(run("key", "create", "--platform", "--json"))
    assert (made["vendor_id"], made["scopes"], made["expires_at"]) == (None, ["platform"], None)
    caller = ApiKeys(platform).holder(made["token"], SystemClock().now())
    assert caller is not None
    assert caller.audience == "operator"
    assert [key["id"] for key in read(run("key", "list", "--platform", "--json"))["keys"]] == [made["id"]]


def test_a_shop_with_its_own_database_is_opened_once_that_lets_us_in(run: Run, tmp_path: Path) -> None:
    target = json.dumps({"type": "sqlite", "database": "own.sqlite"})
    refused = run("vendor", "create", "Own House", "--target", "-", stdin=target)
    assert refused.exit_code == 1
    assert "was tried" in refused.output
    assert read(run("vendor", "list", "--json"))["vendors"] == []
    (tmp_path / "var").mkdir(exist_ok=True)
    migrate("ops", f"sqlite:///{tmp_path / 'var' / 'own.sqlite'}")
    opened = read(run("vendor", "create", "Own House", "--target", "-", "--json", stdin=target))
    assert opened["isolation_level"] == "dedicated_db"
    assert "own.sqlite" not in json.dumps(opened)


@pytest.mark.parametrize("words", [("vendor", "list"), ("key", "list", "--platform"), ("vendor", "create", "X")])
def test_a_database_that_was_not_migrated_is_told_from_one_that_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(dukani, words, env={"PLATFORM_DATABASE_URL": f"sqlite:///{tmp_path / 'empty.sqlite'}"})
    assert isinstance(result.exception, CannotStart)
    assert "dukani migrate --env platform" in str(result.exception)
