"""The `pulse` command: it starts processes by name and talks to them over the wire."""
