"""The agents: each takes batches of records, calls the pure function of its concern, and delivers what that made."""
