"""Vouchers: what takes something off an order, how often, and by whom it was used."""
