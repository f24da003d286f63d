"""Safaricom's Daraja: M-Pesa Express (STK push) in Kenya."""
