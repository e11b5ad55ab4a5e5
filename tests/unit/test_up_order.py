"""Steps begin as soon as what they need is done."""

from threading import Barrier

import pytest

from deploy.local.up import order


def test_a_step_comes_after_those_it_needs() -> None:
    done: list[str] = []
    steps = {name: lambda name=name: done.append(name) for name in "cab"}
    order.run(steps, {"c": ["b"], "b": ["a", "not a step"]})
    assert done == ["a", "b", "c"]


def test_steps_that_need_nothing_of_each_other_run_side_by_side() -> None:
    meeting = Barrier(3)
    order.run({name: lambda: meeting.wait(60) for name in "abc"}, {})
    assert not meeting.broken


def test_the_first_error_is_raised_and_nothing_else_begins() -> None:
    done: list[str] = []

    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        order.run({"a": fail, "b": lambda: done.append("b")}, {"b": ["a"]})
    assert done == []


def test_what_looks_on_may_end_it() -> None:
    def look() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        order.run({"a": lambda: None}, {}, look)
