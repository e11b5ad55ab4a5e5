"""Waiting until what was accepted is stored."""

from collections.abc import Callable, Iterator

from deploy.local.up.drain import drain, remains, spooled
from pulse.errors import Unavailable


def counting(*answers: int | None) -> Callable[[], int]:
    """Finds these numbers one after the other, the last for ever; None is a Kafka that does not answer."""
    left: Iterator[int | None] = iter(answers)
    last: list[int | None] = [None]

    def measure() -> int:
        last[0] = next(left, last[0])
        if last[0] is None:
            raise Unavailable("away")
        return last[0]

    return measure


def ignore(_: str) -> None:
    return None


def test_it_ends_when_nothing_is_left() -> None:
    shown: list[str] = []
    left = drain(counting(1200, None, 3, 0), lambda: False, shown.append, ignore, keeps_log=False)
    assert left == 0
    assert shown[0] == "storing what was accepted: 1,200 records left"
    assert "Kafka does not answer" in shown[1]


def test_a_log_that_is_kept_is_waited_for_up_to_the_deadline() -> None:
    assert drain(counting(7), lambda: False, ignore, ignore, keeps_log=True, deadline_s=0.2) == 7
    assert "stored after the next start" in remains(7, keeps_log=True)


def test_a_log_in_memory_is_waited_for_until_the_user_has_enough_of_it() -> None:
    told: list[str] = []
    asked = iter([False] * 5)
    left = drain(counting(7), lambda: next(asked, True), ignore, told.append, keeps_log=False, deadline_s=0.1)
    assert left == 7
    (sentence,) = told
    assert sentence.startswith("7 records are not stored yet and would be lost")
    assert "lost" in remains(7, keeps_log=False)


def test_nothing_is_said_when_nothing_is_left() -> None:
    assert remains(0, keeps_log=False) == remains(0, keeps_log=True) == ""


def test_what_lies_in_the_spool_is_told() -> None:
    assert spooled(0) == ""
    assert spooled(3_210_000).startswith("3.2 MB of accepted events remain on disk in the collector's spool")
