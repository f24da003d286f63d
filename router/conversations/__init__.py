"""Conversations as a shop's people see them: whose turn it is, what was said, what did not arrive."""
