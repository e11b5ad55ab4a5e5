"""The recording process: enriched events, gathered by session, into objects. Faust has no part in it."""
