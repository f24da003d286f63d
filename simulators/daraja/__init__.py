"""A stand-in for Safaricom's Daraja API: OAuth, M-Pesa Express (STK push), its query and its callbacks."""
