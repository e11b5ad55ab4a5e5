"""Which services `make up` uses."""

import pytest

from deploy.local.up.choice import URLS, Kind, choose, keeps_log
from pulse.errors import SettingError

KAFKA = {"PULSE_KAFKA_URL": "broker:9092"}
ALL = dict.fromkeys(URLS.values(), "somewhere")


@pytest.mark.parametrize(
    ("wanted", "environ", "kafka", "clickhouse", "redis"),
    [
        ("embedded", {}, "embedded", "embedded", "embedded"),
        ("native", {}, "native", "embedded", "embedded"),
        ("docker", {}, "docker", "docker", "docker"),
        ("embedded", KAFKA, "own", "embedded", "embedded"),
        ("docker", KAFKA, "own", "docker", "docker"),
        ("embedded", {"PULSE_KAFKA_URL": ""}, "embedded", "embedded", "embedded"),
        ("embedded", ALL, "own", "own", "own"),
        ("own", ALL, "own", "own", "own"),
    ],
)
def test_what_is_given_is_used_and_the_rest_is_started(
    wanted: str, environ: dict[str, str], kafka: str, clickhouse: str, redis: str
) -> None:
    assert choose(wanted, environ) == {"kafka": kafka, "clickhouse": clickhouse, "redis": redis}


def test_an_unknown_choice_is_told_with_the_known_ones() -> None:
    with pytest.raises(SettingError, match="one of embedded, native, docker, own, not 'podman'"):
        choose("podman", {})


def test_own_services_need_all_urls() -> None:
    with pytest.raises(SettingError, match=r"set PULSE_CLICKHOUSE_URL, PULSE_REDIS_URL$"):
        choose("own", KAFKA)


@pytest.mark.parametrize("kind", Kind)
def test_only_the_embedded_log_is_gone_when_it_stops(kind: Kind) -> None:
    assert keeps_log({"kafka": kind}) == (kind != "embedded")
