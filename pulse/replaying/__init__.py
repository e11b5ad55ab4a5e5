"""Replaying: what a range is, what is known of a replay, and how its outcome is told."""
