"""Filters against a reference by hand, over random events; and what is refused."""

import random
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.query.filters import EXAMPLE, filter_of, form_of
from clickhouse.client import Client
from clickhouse.reports.filter import AllOf, AnyOf, Condition, Filter, Not, Parameters, sql_of
from pulse.errors import QueryError
from tests.migrated import migrate
from tests.reports.events import Event, fill, some
from tests.reports.filtering import passes

TEXTS = (
    "",
    "pro",
    "PRO",
    "5",
    "true",
    "AT",
    "/a",
    "a",
    "'; DROP TABLE events; --",
    "{p0:String}",
    "\\",
    "[a-z]+",
    "^$",
)
LITERAL = ("", "pro", "PRO", "5", "true", "AT", "/a", "a", "'; DROP TABLE events; --", "{p0:String}", "\\")
texts = st.lists(st.sampled_from(LITERAL), min_size=1, max_size=3).map(tuple)
patterns = st.lists(st.sampled_from(("[a-z]+", "^/a", "o$", "^$", "a|b", "p.o")), min_size=1, max_size=2).map(tuple)
numbers = st.sampled_from((0.0, 1.0, 2.5, 5.0, 10.0))
any_field = st.sampled_from(
    ("country", "path", "event", "user_id", "properties.plan", "properties.price", "properties.none")
)
conditions = st.one_of(
    st.builds(
        Condition,
        any_field,
        st.sampled_from(("eq", "ne", "contains", "not_contains", "starts_with", "ends_with")),
        texts,
    ),
    st.builds(Condition, any_field, st.sampled_from(("matches", "not_matches")), patterns),
    st.builds(
        Condition,
        st.sampled_from(("revenue", "properties.price", "properties.plan")),
        st.sampled_from(("gt", "gte", "lt", "lte")),
        numbers.map(lambda n: (n,)),
    ),
    st.builds(
        Condition,
        st.sampled_from(("revenue", "properties.price", "properties.plan")),
        st.sampled_from(("eq", "ne")),
        st.lists(numbers, min_size=1, max_size=2).map(tuple),
    ),
    st.builds(Condition, st.sampled_from(("bot", "properties.plan")), st.just("eq"), st.booleans().map(lambda b: (b,))),
    st.builds(
        Condition,
        st.sampled_from(("country", "bot", "revenue", "properties.plan", "properties.none")),
        st.sampled_from(("is_set", "is_not_set")),
    ),
)
filters: st.SearchStrategy[Filter] = st.recursive(
    conditions,
    lambda inner: st.one_of(
        st.builds(AllOf, st.lists(inner, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return some(random.Random(3), 400)


@pytest.fixture
def client(clickhouse: str, events: list[Event]) -> Iterator[Client]:
    made = Client(clickhouse)
    migrate(made)
    fill(made, events)
    yield made
    made.close()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some=filters)
def test_a_filter_lets_pass_what_passes_by_hand(client: Client, events: list[Event], some: Filter) -> None:
    bound = Parameters()
    statement = f"SELECT toString(event_id) FROM events WHERE {sql_of(some, bound)} ORDER BY 1"
    found = [row[0] for row in client.ask(statement, bound).rows]
    assert found == sorted(event.event_id for event in events if passes(event, some))


@pytest.mark.parametrize(
    ("some", "said"),
    [
        (Condition("nothing", "eq", ("a",)), "filter.field: there is no field 'nothing'"),
        (
            AllOf((Condition("country", "eq", ("AT",)), Condition("country", "gt", (5.0,)))),
            r"filter.and\[1\]: gt takes a field of numbers",
        ),
        (Condition("revenue", "eq", ("five",)), "filter: eq takes a number for revenue"),
        (Condition("revenue", "contains", ("5",)), "contains takes a field of text"),
        (Condition("country", "eq", ()), "filter.value: eq takes 1 to"),
        (Condition("country", "is_set", ("AT",)), "filter.value: is_set takes none"),
        (Condition("properties.a..b", "eq", ("AT",)), "is no path"),
        (Not(Condition("bot", "eq", ("yes",))), "filter.not: eq takes true or false for bot"),
        (AllOf(tuple(Condition("country", "eq", ("AT",)) for _ in range(201))), "more than 200 conditions"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_its_place(some: Filter, said: str) -> None:
    with pytest.raises(QueryError, match=said):
        sql_of(some, Parameters())


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ([], "filter: must be an object"),
        ({"and": {}}, "filter.and: must be a list"),
        ({"or": [{"field": 5}]}, r"filter.or\[0\].field: must be the name"),
        ({"field": "country", "op": "is"}, "filter.op: must be one of eq, ne"),
        ({"field": "country", "value": None}, "filter.value: must be text"),
        ({"field": "country", "is": "AT"}, "filter: has is;"),
    ],
)
def test_what_is_no_filter_is_refused_by_its_place(raw: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        filter_of(raw)


def test_the_documented_example_is_a_filter() -> None:
    found = filter_of(EXAMPLE)
    assert isinstance(found, AllOf)
    assert found.parts[0] == Condition("country", "eq", ("AT", "DE"))


@given(some=filters)
def test_a_filter_is_what_its_form_says(some: Filter) -> None:
    assert filter_of(form_of(some)) == some
