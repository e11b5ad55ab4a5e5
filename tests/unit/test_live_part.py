"""Events counted by record come to the same as events counted one by one."""

from hypothesis import given, settings
from hypothesis import strategies as st

from api.live.counting import Counting
from api.live.event import Brief
from api.live.part import parts_of

NOW = 1_763_640_030_000
events = st.builds(
    Brief,
    event=st.sampled_from(("page_view", "buy")),
    ts=st.integers(NOW - 400_000, NOW + 100_000),
    site_id=st.sampled_from(("shop", "blog")),
    visitor_id=st.sampled_from(("", "a", "b", "c")),
    path=st.sampled_from(("", "/a", "/b")),
    bot=st.booleans(),
    revenue=st.sampled_from((0, 1.5, -0.25)),
    currency=st.sampled_from(("", "EUR")),
)


def told(counting: Counting) -> list[object]:
    found: list[object] = []
    for site in ("shop", "blog"):
        aggregate = counting.aggregate(site, NOW)
        for minute in (aggregate["current"], aggregate["previous"]):
            minute["pages"], minute["names"] = dict(minute["pages"]), dict(minute["names"])
        found += [aggregate, counting.second(site, NOW), counting.total(site)]
    return found


@settings(max_examples=200)
@given(st.lists(st.lists(events, max_size=12), max_size=3))
def test_however_events_are_gathered_they_count_the_same(records: list[list[Brief]]) -> None:
    gathered, single = Counting(1_000), Counting(1_000)
    for record in records:
        gathered.take(parts_of(record), NOW)
        for event in record:
            single.add([event], NOW)
    assert told(gathered) == told(single)


def test_a_part_has_what_its_events_have() -> None:
    some = [
        Brief("page_view", NOW + n, "shop", "ab"[n % 2], "/a" if n else "", n == 1, 0.5 * n, "EUR") for n in range(4)
    ]
    [part] = parts_of(some)
    assert (part.site, part.begins, part.events, part.bots) == ("shop", NOW - NOW % 60_000, 4, 1)
    assert part.visitors == {"a": NOW + 2, "b": NOW + 3}
    assert (dict(part.pages), dict(part.names), dict(part.revenue)) == ({"/a": 3}, {"page_view": 4}, {"EUR": 30_000})
