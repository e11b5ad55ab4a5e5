"""What was told before, read back from the log: the state of each rule is that of its last notice."""

import logging
from collections.abc import Iterable

from msgspec import DecodeError, json

from pulse.alerting.site import Of
from pulse.alerting.state import State
from pulse.alerting.telling import state_of
from pulse.notice import Notice
from pulse.topics import ALERTS
from streams.broker import Broker

log = logging.getLogger(__name__)

States = dict[str, dict[Of, State]]
"""By site."""


def states(broker: Broker, partition: int) -> States:
    """The states that the notices of a partition tell of; raises Unavailable."""
    return last(message.value() or b"" for message in broker.read((ALERTS, partition), 0))


def last(values: Iterable[bytes]) -> States:
    """The states that some notices tell of, in their order; a notice that stands there twice counts once."""
    found: States = {}
    seen: set[str] = set()
    for value in values:
        try:
            notice = json.decode(value, type=Notice)
        except (DecodeError, UnicodeDecodeError):
            continue
        told = state_of(notice)
        if told is not None and notice.id not in seen:
            seen.add(notice.id)
            of, state = told
            found.setdefault(notice.site_id, {})[of] = state
    return found
