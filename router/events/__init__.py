"""The outbox of an ops database, and who hears of what is in it."""
