"""Under which name a sink keeps its place in its group."""

from clickhouse.sink.reader import member


def test_a_place_in_the_group_outlives_its_process_and_not_its_log() -> None:
    ids = {"pulse.events": "one", "pulse.metrics": "two"}
    name = member("host", ids)
    assert name == member("host", dict(reversed(ids.items())))
    others = {
        member("other", ids),
        member("host", ids | {"pulse.metrics": "new"}),
        member("host", {"pulse.events": "one"}),
    }
    assert name not in others
    assert len(others) == 3
    assert name.startswith("host-")
