"""Carts and orders: from the first item to paid or cancelled."""
