"""What reaches the bot from outside: checked, stored, answered. Nothing is decided here."""
