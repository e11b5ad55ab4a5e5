"""Patterns that are looked for in text of any case."""

import re


class AnyCase:
    """A pattern of small letters. ASCII is made small before it is searched, which is several times as fast as to ignore case."""

    def __init__(self, pattern: str) -> None:
        self._small = re.compile(pattern)
        self._any = re.compile(pattern, re.IGNORECASE)

    def is_in(self, text: str) -> bool:
        """Whether it is found somewhere in a text."""
        found = self._small.search(text.lower()) if text.isascii() else self._any.search(text)
        return found is not None
