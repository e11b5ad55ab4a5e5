"""How Pulse is put onto machines."""
