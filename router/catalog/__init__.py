"""What a shop sells: items, prices, search."""
