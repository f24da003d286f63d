"""The conversations database: what arrived, where each conversation stands, what is to be sent. The bot's alone."""
