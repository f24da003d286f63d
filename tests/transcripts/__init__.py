"""What the bot says (docs/transcripts.md)."""
