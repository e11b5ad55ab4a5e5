"""What was told before, read back from the log, and from the store what the log has forgotten: a rule's state is that of its last notice."""

import logging
from collections.abc import Iterable

from msgspec import DecodeError, json

from clickhouse.alerting import firing
from clickhouse.client import Client
from pulse.alerting.site import Of
from pulse.alerting.state import State, Status
from pulse.alerting.telling import state_of
from pulse.notice import Notice
from pulse.topics import ALERTS, DAY_MS, TOPICS
from streams.broker import Broker

log = logging.getLogger(__name__)

States = dict[str, dict[Of, State]]
"""By site."""

FORGOTTEN_MS = next(each.kept_ms or 0 for each in TOPICS if each.name == ALERTS) - DAY_MS
"""How old a notice is, in ms, before the log forgets it; a day less, so that there is always one of both that has it."""


def states(broker: Broker, partition: int) -> States:
    """The states that the notices of a partition tell of, as far as the log has them; raises Unavailable."""
    return last(message.value() or b"" for message in broker.read((ALERTS, partition), 0))


def together(before: States, states: States) -> States:
    """Older states and those that were told since."""
    return {name: before.get(name, {}) | states.get(name, {}) for name in before.keys() | states.keys()}


def older(client: Client, sites: Iterable[str], now_ms: int) -> States:
    """What fires for so long that the log may have forgotten it; raises Unavailable, QueryError.

    To be asked only where the log has forgotten something: one that was made anew never told what has ended meanwhile.
    """
    found: States = {}
    for each in firing(client, sites, now_ms - FORGOTTEN_MS):
        status = Status.no_data if each.is_silent else Status.firing
        found.setdefault(each.site_id, {})[each.rule_id, each.group] = State(status, each.minute, each.minute)
    return found


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
