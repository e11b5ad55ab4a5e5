"""Comparing what is derived from the events with the events themselves, day by day, and mending it."""
