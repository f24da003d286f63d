"""Who holds a lease, and how the death of a process is noticed."""

import subprocess
import sys
from pathlib import Path

from kit.owners import Owner


def test_a_living_owner_is_not_gone(tmp_path: Path) -> None:
    one, other = Owner(tmp_path), Owner(tmp_path)
    assert (one.gone(), other.gone()) == ([], [])
    one.close()
    other.close()


def test_a_killed_process_is_gone_until_it_is_forgotten(tmp_path: Path) -> None:
    program = "import os, sys; from pathlib import Path; from kit.owners import Owner; "
    program += "o = Owner(Path(sys.argv[1])); print(o.name, flush=True); os.kill(os.getpid(), 9)"
    died = subprocess.run(
        [sys.executable, "-c", program, tmp_path], check=False, capture_output=True, text=True, timeout=60
    )
    heir = Owner(tmp_path)
    assert heir.gone() == [died.stdout.strip()]
    assert heir.gone() == [died.stdout.strip()]
    heir.forget(died.stdout.strip())
    assert heir.gone() == []
    heir.close()


def test_an_owner_that_leaves_work_behind_leaves_its_name(tmp_path: Path) -> None:
    leaving, tidy, heir = Owner(tmp_path), Owner(tmp_path), Owner(tmp_path)
    leaving.close(leaves_work=True)
    tidy.close()
    assert heir.gone() == [leaving.name]
    heir.close()


def test_without_a_folder_for_locks_there_is_still_an_owner(tmp_path: Path) -> None:
    file = tmp_path / "a-file"
    file.touch()
    owner = Owner(file / "leases")
    assert owner.gone() == []
    owner.close()
