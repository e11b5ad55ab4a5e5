"""Addresses that cannot be read."""

import pytest

from clickhouse.client import Client
from pulse.address import demand, fault_of
from pulse.diagnosis import network
from pulse.errors import SettingError


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://user:first/second@host:8123/pulse", "its port is no number up to 65535"),
        ("http://user:first#second@host:8123/pulse", "its port is no number up to 65535"),
        ("http://user:first?second@host:8123/pulse", "its port is no number up to 65535"),
        ("http://host:99999/pulse", "its port is no number up to 65535"),
        ("http://[user:first@host:8123/pulse", "its host is none"),
        ("first second", "it names no host"),
        ("http://:8123/pulse", "it names no host"),
    ],
)
def test_what_is_wrong_is_told_without_a_word_of_the_address(url: str, fault: str) -> None:
    assert fault_of(url) == fault
    assert network.clickhouse(url) == fault
    for asked in (lambda: demand("PULSE_CLICKHOUSE_URL", url), lambda: Client(url)):
        with pytest.raises(SettingError, match=f"^PULSE_CLICKHOUSE_URL: {fault}: write it as") as told:
            asked()
        assert not any(word in str(told.value) for word in ("first", "second"))


@pytest.mark.parametrize("url", ["http://host", "https://u:p%2Fq@host:8443/pulse", "http://[::1]:8123/pulse"])
def test_what_can_be_read_is_taken(url: str) -> None:
    demand("PULSE_CLICKHOUSE_URL", url)
    assert Client(url).database == "pulse"
