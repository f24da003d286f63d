"""`python -m dukani`."""

from dukani.cli import main

main()
