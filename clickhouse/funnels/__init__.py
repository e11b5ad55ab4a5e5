"""Saved funnels: the rows that each keeps of the events which fit its steps."""
