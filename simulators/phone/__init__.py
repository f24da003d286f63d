"""The page with phones on it."""
