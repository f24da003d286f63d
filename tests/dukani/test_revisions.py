"""A running version goes on with a database that was only expanded; a revision that takes away says so in its name."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from dukani.prepare import LINEAGES
from dukani.revisions import Fit, fit, newest_in, parse
from tests.house.migrations import breaches
from tests.support.processes import ROOT


def revisions(lineage: str) -> list[tuple[Path, ModuleType]]:
    found: list[tuple[Path, ModuleType]] = []
    for path in sorted((ROOT / "migrations" / lineage).glob("[0-9]*.py")):
        spec = importlib.util.spec_from_file_location(f"revision_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found.append((path, module))
    return found


@pytest.mark.parametrize(
    ("found", "known", "expected"),
    [
        (None, "0001", Fit.BEHIND),
        ("0006", "0007", Fit.BEHIND),
        ("0007", "0007", Fit.CURRENT),
        ("0008", "0007", Fit.EXPANDED),
        ("0008-c1", "0007", Fit.CONTRACTED),
        ("0009-c1", "0007", Fit.CONTRACTED),
        ("0009-c1", "0008-c1", Fit.EXPANDED),
        ("0010-c2", "0009-c1", Fit.CONTRACTED),
        ("0006", "0008-c1", Fit.BEHIND),
        ("8f3a21", "0007", Fit.FOREIGN),
    ],
)
def test_a_version_can_work_with_its_own_tables_and_with_expanded_ones(
    found: str | None, known: str, expected: Fit
) -> None:
    assert fit(found, known) is expected
    assert fit(found, known).is_usable == (expected in (Fit.CURRENT, Fit.EXPANDED))


@pytest.mark.parametrize("name", ["7", "0007-c0", "0007-c", "0007-c01", "00007", "0007 ", "latest", ""])
def test_what_is_no_revision_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no revision"):
        parse(name)


def test_the_newest_revision_is_told_by_number(tmp_path: Path) -> None:
    for name in ("0009_a.py", "0010-c1_b.py", "0002_c.py", "readme.py"):
        (tmp_path / name).touch()
    assert newest_in(tmp_path) == "0010-c1"


@pytest.mark.parametrize("lineage", LINEAGES)
def test_a_files_name_is_its_revision_and_says_how_often_something_was_taken_away(lineage: str) -> None:
    before, contractions = None, 0
    for path, module in revisions(lineage):
        is_contracting = getattr(module, "phase", "expand") == "contract"
        contractions += is_contracting
        assert path.name.partition("_")[0] == module.revision, path.name
        assert parse(module.revision).contractions == contractions, path.name
        assert module.down_revision == before, f"{path.name} does not follow the revision before it"
        before = module.revision


@pytest.mark.parametrize("lineage", LINEAGES)
def test_what_old_processes_may_still_need_is_taken_away_only_by_revisions_that_say_so(lineage: str) -> None:
    found = [
        breach
        for path, module in revisions(lineage)
        if getattr(module, "phase", "expand") != "contract"
        for breach in breaches(path.name, path.read_text())
    ]
    assert found == []
