"""Lifelike traffic, made without any input or output: the same seed gives the same events."""
