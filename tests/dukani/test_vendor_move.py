"""`dukani vendor move` and `dukani vendor purge` on a real shop's files, killed at every step."""

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from contracts.ids import VendorId
from dukani.prepare import LINEAGES, migrate_all
from kit.db import Database, Scope, VendorMoved
from kit.settings import load_settings
from router.moving.service import Step
from router.stock.models import stock
from router.vendors.homes import home_of
from router.vendors.models import vendors
from tests.support.processes import ROOT

MAMA = VendorId("vendor-mama")
TARGET = json.dumps({"type": "sqlite", "database": "own/mama.sqlite"})
BEFORE_THE_FENCE = (Step.BEGUN, Step.COPIED, Step.ALONE, Step.COMPARED)
ROWS = 30


class Premises:
    """Mama's shop in the shared files, and room for a file of her own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = load_settings({"DUKANI_DATA_DIR": str(folder / "var")}, dotenv=None)
        self.settings.data_dir.mkdir()
        migrate_all(self.settings, LINEAGES, lambda line: None)
        with closing(Database(self.settings.platform_database_url)) as platform, platform.write() as tx:
            tx.execute(insert(vendors).values(id=MAMA, name="Mama Njeri", word="mama"))
        with closing(Database(self.settings.ops_database_url)) as ops, ops.write(Scope(MAMA)) as tx:
            for number in range(ROWS):
                tx.execute(insert(stock).values(vendor_id=MAMA, item_id=f"item-{number:02}", on_hand=number))

    @property
    def own(self) -> str:
        return f"sqlite:///{self.settings.data_dir}/own/mama.sqlite"

    def items(self, url: str) -> int:
        with closing(Database(url)) as database, database.read(Scope(MAMA)) as tx:
            return len(tx.execute(select(stock.c.item_id).where(stock.c.vendor_id == MAMA)).all())

    def is_written(self, url: str) -> bool:
        try:
            with closing(Database(url)) as database, database.write(Scope(MAMA)):
                return True
        except VendorMoved:
            return False

    def is_shared(self) -> bool:
        with closing(Database(self.settings.platform_database_url)) as platform, platform.read() as tx:
            home = home_of(tx, MAMA)
        assert home is not None
        return home.is_shared

    def dukani(self, *arguments: str, says: str = "") -> tuple[int, str]:
        """Exit code and everything that was printed; `says` is typed."""
        ran = self._run("dukani", *arguments, says=says)
        return ran.returncode, ran.stdout + ran.stderr

    def kill_at(self, step: Step) -> None:
        assert self._run("tests.support.mover", MAMA, step, TARGET).returncode == -signal.SIGKILL

    def _run(self, module: str, *arguments: str, says: str = "") -> subprocess.CompletedProcess[str]:
        environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DUKANI_DATA_DIR": str(self.folder / "var")}
        return subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=self.folder,
            env=environ,
            input=says,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )


@pytest.fixture
def premises(tmp_path: Path) -> Premises:
    return Premises(tmp_path)


def test_a_vendor_is_moved_by_its_word_and_purged_by_its_id(premises: Premises) -> None:
    code, printed = premises.dukani("vendor", "move", "mama", "--to", "dedicated", "--target", "-", says=TARGET)
    assert code == 0, printed
    assert f"stock: {ROWS} rows, equal" in printed
    assert "dukani vendor purge vendor-mama" in printed
    assert not premises.is_shared()
    assert premises.items(premises.own) == ROWS
    assert not premises.is_written(premises.settings.ops_database_url)

    code, printed = premises.dukani("vendor", "purge", "mama", says="mama\n")
    assert code == 1
    assert "nothing was deleted" in printed
    assert premises.items(premises.settings.ops_database_url) == ROWS
    code, printed = premises.dukani("vendor", "purge", "mama", says=f"{MAMA}\n")
    assert code == 0, printed
    assert premises.items(premises.settings.ops_database_url) == 0
    assert premises.items(premises.own) == ROWS


@pytest.mark.parametrize("step", list(Step))
def test_a_move_killed_at_any_step_is_finished_by_the_same_command(premises: Premises, step: Step) -> None:
    premises.kill_at(step)
    shared = premises.settings.ops_database_url
    homes = [
        url for url, is_home in ((shared, premises.is_shared()), (premises.own, not premises.is_shared())) if is_home
    ]
    assert [premises.is_written(home) for home in homes] == [step in (*BEFORE_THE_FENCE, Step.SWITCHED)]
    if step is not Step.SWITCHED:
        (premises.folder / "target.json").write_text(TARGET)
        code, printed = premises.dukani("vendor", "move", MAMA, "--to", "dedicated", "--target", "target.json")
        assert code == 0, printed
    assert not premises.is_shared()
    assert premises.items(premises.own) == ROWS
    assert premises.is_written(premises.own)
    assert not premises.is_written(shared)


@pytest.mark.parametrize("step", [Step.COMPARED, Step.FENCED, Step.ARRIVED])
def test_a_move_killed_before_the_switch_is_abandoned(premises: Premises, step: Step) -> None:
    premises.kill_at(step)
    code, printed = premises.dukani("vendor", "move", "mama", "--abandon")
    assert code == 0, printed
    assert premises.is_shared()
    assert premises.is_written(premises.settings.ops_database_url)
    assert premises.items(premises.settings.ops_database_url) == ROWS
    assert premises.items(premises.own) == 0


@pytest.mark.parametrize(
    ("arguments", "typed", "said"),
    [
        (["move", "nobody", "--to", "dedicated", "--target", "-"], TARGET, "no vendor with the id or the word"),
        (["move", "mama", "--to", "dedicated", "--target", "-"], "{", "db_target"),
        (["move", "mama", "--to", "dedicated", "--target", "-"], '{"type": "sqlite", "database": "../x"}', "inside"),
        (["move", "mama"], "", "say where to"),
        (["move", "mama", "--abandon"], "", "no move of this vendor is under way"),
        (["purge", "mama"], f"{MAMA}\n", "there is nothing to purge"),
    ],
)
def test_what_cant_be_done_is_a_sentence_and_exit_1(
    premises: Premises, arguments: list[str], typed: str, said: str
) -> None:
    code, printed = premises.dukani("vendor", *arguments, says=typed)
    assert code == 1
    assert said in printed
    assert "Traceback" not in printed
    assert premises.is_written(premises.settings.ops_database_url)


def test_a_target_where_another_vendor_lives_is_refused(premises: Premises) -> None:
    with closing(Database(premises.settings.platform_database_url)) as platform, platform.write() as tx:
        row = {"id": "vendor-baba", "name": "Baba", "isolation_level": "dedicated_db", "db_target": json.loads(TARGET)}
        tx.execute(insert(vendors).values(**row))
    code, printed = premises.dukani("vendor", "move", "mama", "--to", "dedicated", "--target", "-", says=TARGET)
    assert code == 1
    assert "vendor-baba lives in that database" in printed


def test_what_goes_together_is_asked_for_together(premises: Premises) -> None:
    for arguments in (("--to", "dedicated"), ("--target", "-"), ("--abandon", "--to", "dedicated")):
        code, printed = premises.dukani("vendor", "move", "mama", *arguments)
        assert code == 2
        assert "Usage:" in printed
