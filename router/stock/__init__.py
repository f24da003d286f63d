"""How many of an item are left, and for which order some are held."""
