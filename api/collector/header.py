"""What headers may cost: a request's are bounded together, and long ones are not remembered."""

from collections.abc import Callable, Iterable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar, cast

from api.collector.answer import Header, Problem

MAX_BLOCK_BYTES = 32 * 1024
REMEMBERED_BYTES = 256
SEPARATORS = 4
"""Bytes of a header beside its name and value: the colon, the space, the end of the line."""

P = ParamSpec("P")
T = TypeVar("T")


def demand_short(headers: Iterable[Header]) -> None:
    """Raises Problem 431 for headers of more than 32 kB together."""
    if sum([len(name) + len(value) + SEPARATORS for name, value in headers]) > MAX_BLOCK_BYTES:
        raise Problem(431, "headers_too_large", f"the headers are larger than {MAX_BLOCK_BYTES:,} bytes together")


def remembered(most: int, by: int = 0) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Remember a pure function's latest `most` results, but none for a long text or bytes as argument number `by`."""

    def around(function: Callable[P, T]) -> Callable[P, T]:
        cached = lru_cache(most)(function)
        known = cast(Callable[P, T], cached)

        @wraps(function)
        def call(*given: P.args, **named: P.kwargs) -> T:
            if len(cast(str | bytes, given[by])) > REMEMBERED_BYTES:
                return function(*given, **named)
            return known(*given, **named)

        call.cache_info = cached.cache_info  # type: ignore[attr-defined]
        return call

    return around
