"""Recordings of sessions, over HTTP."""
