"""The one image of all processes."""
