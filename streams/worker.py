"""The process: waits for the topics, then runs the app with its agents, its health page and its watch."""

import gc
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import faust
from prometheus_client import REGISTRY

from clickhouse import client
from pulse import health
from pulse.errors import SettingError, Unavailable
from pulse.network.finder import Finder
from pulse.settings import Settings
from pulse.topics import EVENTS, METRICS, RAW, REFINING, REJECTED, SLOW
from streams import figures
from streams.agents.refine import Refine
from streams.agents.slow import Slow
from streams.app import GROUP, Worker, create_app
from streams.beat import Beat
from streams.broker import Broker, Where
from streams.elsewhere import Elsewhere
from streams.lane import Lane
from streams.memories import Memories
from streams.memory import Bounds
from streams.modes import Modes
from streams.ownership import Ownership
from streams.producer import Output
from streams.reading import Reading
from streams.refinement import steps_of
from streams.sinklag import SinkLag
from streams.unread import Highwater
from streams.warm import Source
from streams.watch import Watch

NEEDED = (RAW, SLOW, EVENTS, REJECTED, METRICS)
HOUR_MS = 3_600_000
ASK_EACH_S = 1.0

log = logging.getLogger(__name__)

Checks = Callable[[], dict[str, str]]


def run(settings: Settings) -> None:
    """Stream until stopped, and end the process. Raises SettingError for what waiting will not mend."""
    warn_of_no_secret(settings)
    finder = Finder(settings.networks_folder, settings.geo_database)
    modes = Modes(settings)
    steps = steps_of(settings, finder, modes.of)
    readiness = Readiness()
    health.serve(settings.host, settings.streams_port, readiness)
    broker = Broker(settings.kafka_url)
    ids = topics(broker, readiness)
    modes.begin_patiently()

    window_ms = int(settings.dedup_hours * HOUR_MS)
    app = create_app(settings)
    logs = {lane: ids[lane] for lane in REFINING}
    ownership = Ownership(broker, GROUP, logs | {EVENTS: ids[EVENTS]})
    bounds = bounds_of(settings, broker.partitions(EVENTS))
    source = Source(broker, client.connect(settings), logs, window_ms)
    elsewhere = Elsewhere(source.client, source.ids, window_ms, bounds.elsewhere_bytes)
    lane, live_end = Lane(settings, SLOW), highwater_of(app)
    reading = Reading(ownership, lane, live_end, tuple(REFINING))
    memories = Memories(source, ownership, elsewhere, RAW, bounds, reading.unread)
    output = Output(settings)
    beat = Beat(settings.session_timeout_ms / 2000)
    refine = Refine(source, ownership, memories, output, steps, broker.partitions(METRICS), beat)
    sink = SinkLag(settings.kafka_url)
    slow = Slow(broker, ownership, lane, refine, live_end, lambda: sink.seconds)

    attach(app, "refine", RAW, refine)
    beside(app, beat.run, slow, partial(sink.run, slow.behind))
    follow_assignment(app, ownership, refine, settings.session_timeout_ms / 2000)
    watch = watch_of(broker, ownership, memories, reading, slow)
    REGISTRY.register(figures.Now(reading.standing, reading.end, memories.sizes, lambda: bool(memories.waiting)))
    readiness.checks = partial(checks_of, watch, ownership, memories, elsewhere)
    REGISTRY.register(figures.Networks(finder))
    watch.start()
    finder.follow()
    modes.follow()
    collect_rarely()
    Worker(app).execute_from_commandline()


def bounds_of(settings: Settings, shares: int) -> Bounds:
    """What may be remembered, of a log of so many partitions."""
    older_bytes, devices_bytes = settings.dedup_mb * 1_000_000, settings.devices_mb * 1_000_000
    return Bounds(settings.dedup_recent, older_bytes, devices_bytes=devices_bytes, shares=shares)


def warn_of_no_secret(settings: Settings) -> None:
    """Say what comes of an empty secret."""
    if not settings.secret.get_secret_value():
        log.warning("PULSE_SECRET is empty: who knows an address can tell the visitor id that is derived from it")


def watch_of(broker: Broker, ownership: Ownership, memories: Memories, reading: Reading, slow: Slow) -> Watch:
    """Who looks whether the work goes on: memories that wait excuse it, and the lane that yields is looked at when it is silent."""
    return Watch(
        broker,
        ownership,
        NEEDED,
        lambda: bool(memories.reading or memories.waiting),
        lambda: reading.standing() if slow.is_silent else ownership.standing(),
    )


class Readiness:
    """What the health page asks; `checks` is replaced as the process gets further."""

    def __init__(self) -> None:
        self.checks: Checks = lambda: {"kafka": "not asked yet"}

    def __call__(self) -> dict[str, str]:
        return self.checks()


def checks_of(watch: Watch, ownership: Ownership, memories: Memories, elsewhere: Elsewhere) -> dict[str, str]:
    """What the health page says of a worker that runs."""
    return {
        "kafka": watch.kafka,
        "partitions": "ok" if ownership.is_settled else "waiting to be assigned partitions",
        "memory": f"reading what was seen of {sorted(memories.reading)}" if memories.reading else "ok",
        "log": "; ".join([*memories.cut.values(), *watch.cut.values()]) or "ok",
        "older_logs": elsewhere.state,
        "store": memories.waiting or "ok",
    }


def topics(broker: Broker, readiness: Readiness) -> dict[str, str]:
    """The ids of all topics, once they are there. Raises SettingError unless what is written is shared as what is read."""
    ids = await_topics(broker, readiness)
    counts = {topic: broker.partitions(topic) for topic in (RAW, SLOW, EVENTS, REJECTED)}
    if len(set(counts.values())) > 1:
        raise SettingError(f"topics must have the same number of partitions: {counts}")
    return ids


def await_topics(broker: Broker, readiness: Readiness) -> dict[str, str]:
    """The ids of all topics, once they are there."""
    said = ""
    while True:
        try:
            return broker.topic_ids(NEEDED)
        except Unavailable as error:
            now = str(error)
            readiness.checks = lambda now=now: {"kafka": now}  # type: ignore[misc]
            if now != said:
                log.warning("%s; trying again", now)
            said = now
            time.sleep(ASK_EACH_S)


def attach(app: faust.App, name: str, topic: str, work: Callable[[Any], Any]) -> None:
    """Make an agent of some work over a topic's records. One at a time: more would acknowledge out of order."""

    async def agent(stream: Any) -> None:
        await work(stream)

    app.agent(app.topic(topic, key_type=bytes, value_type=bytes), name=name, concurrency=1)(agent)


def beside(app: faust.App, *works: Callable[[], Awaitable[None]]) -> None:
    """Do some work beside the agents, for as long as the app runs."""
    for work in works:
        app.task(_bare(work))


def _bare(work: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """Work as a function without arguments, which is what Faust can tell it by."""

    async def task() -> None:
        await work()

    return task


def follow_assignment(app: faust.App, ownership: Ownership, refine: Refine, rest_s: float) -> None:
    """Tell who owns what as the group decides it. What is under way may come to its end first, within `rest_s` seconds."""

    @app.on_partitions_revoked.connect  # type: ignore[untyped-decorator]
    async def revoked(sender: Any, partitions: Any, **_: Any) -> None:
        ownership.revoke()
        await refine.rest(rest_s)

    @app.on_partitions_assigned.connect  # type: ignore[untyped-decorator]
    async def assigned(sender: Any, partitions: Any, **_: Any) -> None:
        ownership.assign(partitions)


def highwater_of(app: faust.App) -> Highwater:
    """Where a partition ends, as far as the consumer was told with its last fetch."""

    def highwater(where: Where) -> int | None:
        ends: Mapping[Any, int] = app.monitor.tp_end_offsets
        return ends.get(where)

    return highwater


def collect_rarely() -> None:
    """What is here now stays for ever, and events have no cycles: the collector need hardly look."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
