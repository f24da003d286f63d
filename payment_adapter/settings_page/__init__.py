"""Where a shop enters its payment credentials, and how the router hears which rails they are complete for."""
