"""Who buys: one row per shop and channel address."""
