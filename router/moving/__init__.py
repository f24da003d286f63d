"""Databases and who lives in them: how far each is migrated, and moving a vendor between them while it trades."""
