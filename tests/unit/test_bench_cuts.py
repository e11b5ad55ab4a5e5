"""What the measurement of clients that are cut off says of what they saw."""

import pytest

from bench.cuts import Judged, Seen, judged

SENT = [("v0", "a"), ("v1", "b"), ("v0", "c"), ("v1", "d")]


@pytest.mark.parametrize(
    ("seen", "wrong"),
    [
        (SENT, ()),
        ([SENT[1], SENT[0], SENT[3], SENT[2]], ()),
        ([*SENT, SENT[0]], ("twice", "disordered")),
        (SENT[:3], ("never", "disordered")),
        ([SENT[2], SENT[1], SENT[0], SENT[3]], ("disordered",)),
    ],
    ids=["whole", "of another visitor before", "twice", "never", "of a visitor before"],
)
def test_a_client_must_see_everything_once_and_each_visitors_in_order(
    seen: list[tuple[str, str]], wrong: tuple[str, ...]
) -> None:
    found: Judged = judged(SENT, Seen(events=list(seen)))
    assert {name: getattr(found, name) for name in ("twice", "never", "disordered")} == {
        name: int(name in wrong) for name in ("twice", "never", "disordered")
    }
    assert found.is_exact is not bool(wrong)


def test_a_gap_is_no_exactness() -> None:
    assert not judged(SENT, Seen(events=list(SENT), gaps=1)).is_exact
