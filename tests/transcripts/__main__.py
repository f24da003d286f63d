"""`python -m tests.transcripts [--update] [files]`: `dukani transcript replay` with a new shop of its own, gone
afterwards. Without files all of them."""

import os
import sys
import tempfile
from pathlib import Path

from dukani.transcript_cli import transcript
from dukani.up import make_contents
from tests.support.processes import Shop
from tests.support.transcripts import FOLDER, Ledger


def main(arguments: list[str]) -> None:
    options = [one for one in arguments if one.startswith("-")]
    named = [one for one in arguments if one not in options] or [str(FOLDER)]
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(Path(folder))
        shop.prepare()
        ledger = Ledger(shop.settings)
        ledger.stock_up()
        ledger.close()
        try:
            shop.start()
            make_contents(shop.settings)
            os.environ.update(shop.environ)
            transcript.main(["replay", *options, *named], standalone_mode=True)
        finally:
            shop.stop_all()


if __name__ == "__main__":
    main(sys.argv[1:])
