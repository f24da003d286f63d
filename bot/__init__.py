"""The chat: what customers say comes in, what they are told goes out. Holds no payment secret and no commerce data."""
