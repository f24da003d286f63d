"""What is said and decided in a conversation: pure functions over a persisted state."""
