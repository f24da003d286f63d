"""Charges: one per payment intent, pushed at most once. What a provider reports moves them; news of it goes up."""
