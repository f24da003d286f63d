"""What providers send on their own: stored first, answered, then understood."""
