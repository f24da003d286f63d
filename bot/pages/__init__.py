"""What customers, and those who carry messages to them, fetch from the bot by its address."""
