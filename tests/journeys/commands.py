"""What an operator types while the real processes run."""

import subprocess
import sys

from tests.support.processes import ROOT, Shop


def dukani(shop: Shop, *words: str) -> str:
    """The command line, as an operator uses it; returns what it says."""
    ran = subprocess.run(
        [sys.executable, "-m", "dukani", *words],
        cwd=shop.folder,
        env={"PATH": "/usr/bin:/bin", **shop.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def reconcile(shop: Shop, statement: str) -> str:
    """Hold what M-Pesa's portal exports against the books of Mama Njeri's shop, and apply what is found."""
    file = shop.folder / "november.csv"
    file.write_text(statement)
    return dukani(shop, "reconcile", str(file), "--vendor", "mama", "--apply", "--yes")
