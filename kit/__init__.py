"""Plumbing that every process needs and that knows nothing of shops, chats or providers."""
