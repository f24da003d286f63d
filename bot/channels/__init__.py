"""Ways to reach customers. The conversation knows none of them; each keeps the contract of `bot.channels.channel`."""
