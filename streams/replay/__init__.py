"""A range of the raw log, or of stored events, through today's rules: `python -m streams.replay`."""
