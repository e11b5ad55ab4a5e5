"""The store: its schema, what writes it, and what it is asked."""

from pulse import loading

loading.begin()
