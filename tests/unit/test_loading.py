"""How seldom Python looks for garbage while a process loads, and that this ends."""

import gc
import sys
from collections.abc import Iterator

import pytest

from pulse import loading


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    gc.set_threshold(*loading.USUALLY)
    gc.unfreeze()


def test_a_process_that_is_starting_looks_seldom_until_all_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["-m", "--help"])
    loading.begin()
    assert gc.get_threshold() == loading.SELDOM
    loading.end()
    assert gc.get_threshold() == loading.USUALLY
    assert gc.get_freeze_count() > 0


def test_what_only_imports_a_package_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["pytest"])
    before = gc.get_threshold()
    loading.begin()
    assert gc.get_threshold() == before
