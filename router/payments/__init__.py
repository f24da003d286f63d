"""The payment core: what is asked for, each try to collect it, what arrived, and what that money did."""
