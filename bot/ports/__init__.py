"""The three the bot calls: the router, the payment adapter, and Twilio."""
