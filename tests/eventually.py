"""Waiting for what becomes true by itself."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Found = TypeVar("Found")


def eventually(look: Callable[[], Found], within: float = 60, every: float = 0.05) -> Found:
    """Call `look` until it returns something true without raising, and return that.

    After `within` seconds the last look's error is raised, or an AssertionError with its last answer.
    """
    deadline = time.monotonic() + within
    while True:
        try:
            found = look()
            if found:
                return found
            failed: Exception | None = None
        except Exception as error:
            failed = error
        if time.monotonic() > deadline:
            raise failed or AssertionError(f"still {found!r} after {within} s")
        time.sleep(every)


async def eventually_told(look: Callable[[], Awaitable[bool]], within: float = 60, every: float = 0.1) -> None:
    """As `eventually`, of what is asked of an app in the same loop."""
    deadline = time.monotonic() + within
    while not await look():
        assert time.monotonic() < deadline, f"it did not become true within {within} s"
        await asyncio.sleep(every)
