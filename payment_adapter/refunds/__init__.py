"""Money that goes back to whoever paid it: asked of the provider once, followed until somebody can say how it ended."""
