"""`./dev` sets up only what is missing, from anywhere, and says in a sentence what it can't do.

Each test runs the real script in a folder of its own, with a search path that holds only what the test puts there."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.processes import ROOT

TOOLS = ("dirname", "cksum", "tr", "rm", "mkdir", "cat", "sh", "chmod")

PYTHON = """#!/bin/sh
case "$1" in
  -c) exit {old} ;;
  *) echo "python $*"; echo "from $(pwd)" ;;
esac
"""
UV = """#!/bin/sh
echo "uv $*" >>"{log}"
case "$1" in
  venv)
    mkdir -p .venv/bin
    printf '#!/bin/sh\\necho "venv python $*"\\n' >.venv/bin/python
    chmod +x .venv/bin/python ;;
  pip) exit {sync} ;;
esac
"""


class Checkout:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "search-path"
        self.log = folder / "uv.log"
        self.bin.mkdir()
        for tool in TOOLS:
            found = shutil.which(tool)
            if found is not None:
                (self.bin / tool).symlink_to(found)
        shutil.copy(ROOT / "dev", folder / "dev")
        shutil.copytree(ROOT / "requirements", folder / "requirements")

    def program(self, name: str, text: str) -> None:
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)

    def python(self, name: str = "python3", *, old: bool = False) -> None:
        self.program(name, PYTHON.format(old=int(old)))

    def uv(self, *, sync: int = 0) -> None:
        self.program("uv", UV.format(log=self.log, sync=sync))

    def dev(
        self, *arguments: str, cwd: Path | None = None, user: int | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", self.folder / "dev", *arguments],
            cwd=cwd or self.folder,
            env={"PATH": str(self.bin), "HOME": str(self.folder)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            user=user,
        )

    def uv_calls(self) -> list[str]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line for line in lines if line != "uv --version"]


@pytest.fixture
def checkout() -> Generator[Checkout]:
    # Not pytest's own folder: that is closed to the other user whom one test needs. A space, as people's folders have.
    folder = Path(tempfile.mkdtemp(prefix="dukani dev ", dir="/tmp"))
    folder.chmod(0o755)
    yield Checkout(folder)
    shutil.rmtree(folder)


def test_without_a_python_it_says_what_to_install(checkout: Checkout) -> None:
    ran = checkout.dev("up")
    assert ran.returncode == 1
    assert "Python 3.11" in ran.stderr
    assert "apt install" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert not (checkout.folder / ".venv").exists()


def test_a_python_that_is_too_old_is_as_good_as_none(checkout: Checkout) -> None:
    checkout.python(old=True)
    ran = checkout.dev("up")
    assert ran.returncode == 1
    assert "Python 3.11" in ran.stderr


def test_a_shim_that_does_not_run_is_passed_over(checkout: Checkout) -> None:
    checkout.program("python3.13", "#!/bin/sh\nexit 127\n")
    checkout.python("python3")
    checkout.uv()
    assert checkout.dev("dukani", "clock").returncode == 0
    assert checkout.uv_calls()[0] == "uv venv -q --python python3 .venv"


def test_the_first_run_installs_by_hash_and_the_second_nothing(checkout: Checkout) -> None:
    checkout.python()
    checkout.uv()
    first = checkout.dev("dukani", "clock", "advance", "10m")
    assert first.returncode == 0
    assert first.stdout.splitlines() == ["venv python -m dukani clock advance 10m"]
    sync = checkout.uv_calls()[1]
    assert "--require-hashes" in sync
    assert sync.endswith("requirements/runtime.txt")
    checkout.log.unlink()
    second = checkout.dev("dukani", "clock")
    assert second.stdout.splitlines() == ["venv python -m dukani clock"]
    assert second.stderr == ""
    assert checkout.uv_calls() == []


def test_changed_requirements_are_installed_again(checkout: Checkout) -> None:
    checkout.python()
    checkout.uv()
    checkout.dev("dukani")
    with (checkout.folder / "requirements" / "runtime.txt").open("a") as file:
        file.write("# changed\n")
    checkout.log.unlink()
    checkout.dev("dukani")
    (sync,) = checkout.uv_calls()
    assert sync.endswith("requirements/runtime.txt")


def test_tests_add_their_packages_and_up_never_takes_them_away(checkout: Checkout) -> None:
    checkout.python()
    checkout.uv()
    checkout.dev("dukani")
    checkout.log.unlink()
    checkout.dev("test", "-k", "nothing")
    (sync,) = checkout.uv_calls()
    assert sync.endswith("requirements/test.txt")
    checkout.log.unlink()
    assert checkout.dev("up").stdout.splitlines() == ["venv python -m dukani up"]
    assert checkout.uv_calls() == []
    with (checkout.folder / "requirements" / "test.txt").open("a") as file:
        file.write("# changed\n")
    checkout.dev("up")
    (again,) = checkout.uv_calls()
    assert again.endswith("requirements/test.txt")


def test_up_in_productions_shape_brings_the_servers_that_come_with_the_tests(checkout: Checkout) -> None:
    checkout.python()
    checkout.uv()
    ran = checkout.dev("up", "--production-like")
    assert ran.stdout.splitlines() == ["venv python -m dukani up --production-like"]
    assert checkout.uv_calls()[1].endswith("requirements/test.txt")


def test_an_installation_that_fails_says_so_and_is_tried_again(checkout: Checkout) -> None:
    checkout.python()
    checkout.uv(sync=1)
    ran = checkout.dev("dukani")
    assert ran.returncode == 1
    assert "Could not install the packages" in ran.stderr
    checkout.uv()
    assert checkout.dev("dukani").returncode == 0


def test_a_broken_environment_is_made_anew(checkout: Checkout) -> None:
    checkout.python()
    checkout.uv()
    checkout.dev("dukani")
    (checkout.folder / ".venv" / "bin" / "python").unlink()
    (checkout.folder / ".venv" / "bin" / "python").symlink_to("/nowhere/python")
    assert checkout.dev("dukani").stdout.splitlines() == ["venv python -m dukani"]


def test_it_works_from_any_folder_and_runs_in_its_own(checkout: Checkout, tmp_path: Path) -> None:
    checkout.python()
    checkout.uv()
    ran = checkout.dev("dukani", "clock", cwd=tmp_path)
    assert ran.returncode == 0
    assert (checkout.folder / ".venv").exists()
    assert list(tmp_path.iterdir()) == []


def test_arguments_reach_pytest_as_they_were_written(checkout: Checkout) -> None:
    checkout.python()
    checkout.uv()
    ran = checkout.dev("test", "-k", "one or two", "tests/kit")
    assert ran.stdout.splitlines() == ["venv python -m pytest -k one or two tests/kit"]


def test_a_folder_that_cant_be_written_is_one_sentence(checkout: Checkout) -> None:
    checkout.python()
    checkout.uv()
    nobody = 65534 if os.geteuid() == 0 else None
    checkout.folder.chmod(0o555)
    ran = checkout.dev("up", user=nobody)
    checkout.folder.chmod(0o755)
    assert ran.returncode == 1
    assert str(checkout.folder) in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_an_unknown_verb_shows_what_there_is(checkout: Checkout) -> None:
    ran = checkout.dev("start")
    assert ran.returncode == 1
    assert "./dev up" in ran.stderr
    assert "Unknown verb: start" in ran.stderr


@pytest.mark.parametrize("verb", ["help", "--help", "-h", ""])
def test_help_needs_nothing_and_sets_nothing_up(checkout: Checkout, verb: str) -> None:
    ran = checkout.dev(*filter(None, [verb]))
    assert ran.returncode == 0
    for word in ("up", "test", "check", "proof", "bench", "dukani"):
        assert f"./dev {word} " in ran.stdout
    assert not (checkout.folder / ".venv").exists()


@pytest.mark.parametrize("script", ["dev", ".ci/run"])
def test_a_script_is_plain_sh_and_may_be_run(script: str) -> None:
    path = ROOT / script
    assert os.access(path, os.X_OK)
    assert path.read_text().startswith("#!/bin/sh\n")
    subprocess.run(["/bin/sh", "-n", path], check=True, timeout=10)
