"""Vendors' credentials with providers, encrypted at rest. Knows nothing of what they open."""
