"""Tenants: the shops, their words, and what each may do."""
