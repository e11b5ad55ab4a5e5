"""What was found lately is remembered for a while, and not of more than a thousand."""

import time

import pytest

from clickhouse.reports import lately
from clickhouse.reports.lately import Lately


def test_the_last_thing_is_remembered_until_it_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    some = Lately[str, int](60.0)
    assert some.of("a") is None
    some.note("a", 1)
    some.note("a", 2)
    some.note("b", 3)
    assert (some.of("a"), some.of("b")) == (2, 3)
    some.note("b", None)
    assert some.of("b") is None
    now += 60.0
    assert some.of("a") is None


def test_the_oldest_go_first() -> None:
    some = Lately[int, int](60.0)
    for n in range(lately.MOST + 1):
        some.note(n, n)
    assert (some.of(0), some.of(1), some.of(lately.MOST)) == (None, 1, lately.MOST)
