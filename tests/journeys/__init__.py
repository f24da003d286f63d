"""Whole purchases through the real processes, with a phone in hand, the clock moved and things going wrong."""
