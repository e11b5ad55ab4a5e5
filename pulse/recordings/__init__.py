"""Recordings: what sessions did, kept as objects of a store and played again, apart from the events' own tables.

`pulse replay` is another thing: it judges the log anew.
"""
