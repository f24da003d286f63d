"""The words and wire types that every process shares. Knows no framework, no database, no process."""
