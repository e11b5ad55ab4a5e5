"""How often a fenced member joins its group anew."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from pulse.fencing import MOST, WITHIN_S, Fencing

FENCED = KafkaException(KafkaError(KafkaError.FENCED_INSTANCE_ID))
FATAL = KafkaException(KafkaError(KafkaError._FATAL, "Static consumer fenced"))
REFUSED = KafkaException(KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED))


def test_a_fenced_member_joins_anew_a_few_times_within_minutes() -> None:
    fencing = Fencing(lambda: 5.0)
    for error in (FENCED, FATAL, FENCED):
        fencing.bear(error)
    with pytest.raises(KafkaException):
        fencing.bear(FENCED)


def test_what_is_long_ago_does_not_count() -> None:
    now = [0.0]
    fencing = Fencing(lambda: now[0])
    for _ in range(4 * MOST):
        now[0] += WITHIN_S / MOST
        fencing.bear(FATAL)


def test_another_error_is_not_borne() -> None:
    with pytest.raises(KafkaException, match="GROUP_AUTHORIZATION"):
        Fencing().bear(REFUSED)
