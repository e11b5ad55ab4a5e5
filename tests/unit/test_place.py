"""Places: what is written is read back, and they grow along a partition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse.errors import PlaceError
from pulse.place import HEADER, MAX_OFFSET, Place, decode, place_of

places = st.builds(
    Place,
    log=st.text("abcXYZ019-_", min_size=1, max_size=22),
    partition=st.integers(0, 1023),
    offset=st.integers(0, MAX_OFFSET),
    part=st.integers(0, 1023),
)


@given(places)
def test_a_place_survives_its_header(place: Place) -> None:
    assert place_of([("other", b"x"), (HEADER, place.encode())]) == place


@given(places, places)
def test_the_number_orders_by_offset_and_then_part(a: Place, b: Place) -> None:
    assert (a.number < b.number) == ((a.offset, a.part) < (b.offset, b.part))


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"a:b",
        b"log:0:x:0",
        b"\xff:0:0:0",
        b"1:2:3",
        b"x:70000:1:0",
        b"x:-1:1:0",
        b"x:0:-1:0",
        b"x:0:99999999999999999999:0",
        b"x:0:1:1024",
        b"x:0:1:-1",
    ],
)
def test_what_is_no_place_is_refused(header: bytes) -> None:
    with pytest.raises(PlaceError):
        decode(header)


def test_a_record_without_a_place_says_so() -> None:
    with pytest.raises(PlaceError, match="no place"):
        place_of(None)
