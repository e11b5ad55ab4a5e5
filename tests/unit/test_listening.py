"""Hosts to listen on."""

import pytest

from pulse import health
from pulse.errors import SettingError
from pulse.listening import demand, fault_of


@pytest.mark.parametrize(
    ("host", "fault"),
    [
        ("127.0.0.1", ""),
        ("0.0.0.0", ""),
        ("", ""),
        ("localhost", ""),
        ("nope.invalid", "cannot be resolved to an address"),
        ("a" * 70 + ".b", "cannot be resolved to an address"),
        ("192.0.2.1", "is no address of this machine"),
    ],
)
def test_whether_this_machine_can_listen_there(host: str, fault: str) -> None:
    assert fault_of(host) == fault


def test_the_sentence_names_the_setting_and_not_the_port() -> None:
    with pytest.raises(SettingError, match=r"^PULSE_HOST: nope\.invalid cannot be resolved") as told:
        demand("nope.invalid")
    assert "port" not in str(told.value)
    with pytest.raises(SettingError, match="PULSE_HOST"):
        health.serve("nope.invalid", 0, dict)
