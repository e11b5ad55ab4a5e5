"""Requests to addresses that users name: what may be called, how it is signed, and when it is tried again."""
