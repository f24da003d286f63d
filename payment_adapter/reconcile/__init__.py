"""Asks providers about charges that nobody has told us the end of."""
