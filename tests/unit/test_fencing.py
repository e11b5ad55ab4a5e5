"""How often a fenced member joins its group anew."""

from threading import Event
from time import monotonic

import pytest
from confluent_kafka import KafkaError, KafkaException

from pulse.fencing import MOST, PAUSE_S, WITHIN_S, Fencing

FENCED = KafkaException(KafkaError(KafkaError.FENCED_INSTANCE_ID))
FATAL = KafkaException(KafkaError(KafkaError._FATAL, "Static consumer fenced"))
REFUSED = KafkaException(KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED))


def no_pause(_: float) -> None:
    """Go on at once."""


def test_a_fenced_member_joins_anew_a_few_times_within_minutes() -> None:
    fencing = Fencing(no_pause, lambda: 5.0)
    for error in (FENCED, FATAL, FENCED):
        fencing.bear(error)
    with pytest.raises(KafkaException):
        fencing.bear(FENCED)


def test_what_is_long_ago_does_not_count() -> None:
    now, pauses = [0.0], list[float]()
    fencing = Fencing(pauses.append, lambda: now[0])
    for _ in range(4 * MOST):
        now[0] += WITHIN_S / MOST
        fencing.bear(FATAL)
    assert pauses == [1, 2, *[4] * (4 * MOST - 2)]
    now[0] += WITHIN_S
    fencing.bear(FATAL)
    assert pauses[-1] == 1


def test_each_time_is_waited_for_longer_and_not_at_all_before_giving_up() -> None:
    pauses: list[float] = []
    fencing = Fencing(pauses.append, lambda: 5.0)
    for _ in range(MOST):
        fencing.bear(FENCED)
    for error in (FENCED, REFUSED):
        with pytest.raises(KafkaException):
            fencing.bear(error)
    assert pauses == [1, 2, 4]


def test_the_pause_ends_with_the_process() -> None:
    stop = Event()
    stop.set()
    began = monotonic()
    Fencing(stop.wait).bear(FENCED)
    assert monotonic() - began < PAUSE_S / 2


def test_another_error_is_not_borne() -> None:
    with pytest.raises(KafkaException, match="GROUP_AUTHORIZATION"):
        Fencing(no_pause).bear(REFUSED)
