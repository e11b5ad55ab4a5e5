"""Formulas over metrics."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickhouse.reports.formula import computed, formula_of
from pulse.errors import QueryError

NAMES = frozenset({"events", "users", "sum:properties.price"})


def value(text: str, **values: float | None) -> float | None:
    return computed(formula_of("f", text, NAMES, "formulas[0]").tree, {"events": 6, "users": 4, **values})


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("events / users", 1.5),
        ("events + users * 2", 14),
        ("(events + users) * 2", 20),
        ("events - users - 1", 1),
        ("-events", -6),
        (" 1e3 ", 1000),
        ('"events" / 2', 3),
        ("events / 0", None),
        ("events / (users - 4)", None),
        ("1e308 * 10", None),
        ("1e999", None),
    ],
)
def test_a_formula_is_computed(text: str, wanted: float | None) -> None:
    assert value(text) == wanted


def test_what_has_no_value_has_none_in_a_formula() -> None:
    assert value("events / users", users=None) is None
    assert value("events / users", users=0) is None


def test_a_metric_whose_name_is_no_word_stands_in_quotes() -> None:
    tree = formula_of("f", '"sum:properties.price" / users', NAMES, "f").tree
    assert computed(tree, {"sum:properties.price": 10.0, "users": 4}) == 2.5


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "events +",
            "events ** 2",
            "events // 2",
            "events % 2",
            "events if 1 else 2",
            "nobody",
            "events.real",
            "+events",
        ),
        *(
            "__import__('os')",
            "open('x')",
            "events[0]",
            "(lambda: 1)()",
            "True",
            "None",
            "1j",
            "b'a'",
            "f'{events}'",
            "x := 1",
        ),
        *(
            "[events]",
            "events < 1",
            "not events",
            "events and users",
            "events; users",
            "\0",
            "1_0" * 300,
            "(" * 400,
            "-" * 400 + "1",
        ),
        *("9" * 480, "*".join("1" * 60), "await events", "events # users\n+ x"),
    ],
)
def test_anything_else_is_refused_by_its_place(text: str) -> None:
    with pytest.raises(QueryError, match=r"formulas\[0\]"):
        value(text)


@given(st.text(max_size=80))
def test_no_text_does_harm(text: str) -> None:
    try:
        found = value(text)
    except QueryError:
        return
    assert found is None or math.isfinite(found)
