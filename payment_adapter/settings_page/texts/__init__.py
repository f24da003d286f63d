"""What the settings page says, in the languages of those who read it."""
