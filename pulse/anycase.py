"""Patterns that are looked for in text of any case."""

import re


class AnyCase:
    """A pattern of small letters. ASCII is made small before it is searched, which is several times as fast as to ignore case.

    One of the `words`, if there are any, is in whatever fits: what has none of them is not searched, which is faster still.
    """

    def __init__(self, pattern: str, *words: str) -> None:
        self.pattern = pattern
        self.words = words
        self._small = re.compile(pattern)
        self._any = re.compile(pattern, re.IGNORECASE)

    def is_in(self, text: str) -> bool:
        """Whether it is found somewhere in a text."""
        if not text.isascii():
            return self._any.search(text) is not None
        small = text.lower()
        if self.words and not any(map(small.__contains__, self.words)):
            return False
        return self._small.search(small) is not None
