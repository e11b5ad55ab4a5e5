"""A key that cannot be one is told so, before anybody is asked."""

import pytest

from pulse.command.wire import call
from pulse.errors import PulseError


@pytest.mark.parametrize("key", ["pulse_prod_\u2026", "\u00fc", "a\nb"])
def test_a_key_that_no_header_holds(key: str) -> None:
    with pytest.raises(PulseError, match="the key has characters") as told:
        call("GET", "http://127.0.0.1:9/", key, "the collector")
    assert key not in str(told.value)
