"""A replay from its beginning to its report."""

import time
from collections.abc import Callable
from functools import partial

from clickhouse.client import Client
from clickhouse.replay.block import put_events, put_refused
from clickhouse.replay.difference import report_of
from clickhouse.replay.judge import judge_all, judge_slice
from clickhouse.replay.shadow import Shadow
from clickhouse.replay.swap import stands
from pulse.errors import NotFound, PulseError, SettingError
from pulse.lag import Log, await_passed
from pulse.replaying.about import About
from pulse.replaying.report import Report
from pulse.replaying.span import Span, demand_name
from pulse.settings import Settings
from pulse.topics import EVENTS, RAW
from streams.broker import Broker
from streams.devices import KEPT_MS, Devices
from streams.met_before import Before, load_devices
from streams.modes import Modes
from streams.record import Taken
from streams.refinement import steps_of
from streams.replay.raw import MARGIN_MS, Raw, Slice
from streams.replay.stored import gathered, renewed, steps_of_stored

PASSED = ((("pulse-streams", (RAW,)),), (("pulse-sink", (EVENTS,)),))
"""Through whom a raw record passes to the store: only what has is replayed."""
PASSED_S = 120.0
HOUR_MS = 3_600_000

Told = Callable[[str, int, int], None]
"""Told what is done, how much of it is, and of how much."""


class Replay:
    """A replay of a range into tables of its own."""

    def __init__(self, settings: Settings, client: Client, told: Told) -> None:
        self._settings = settings
        self._client = client
        self._broker = Broker(settings.kafka_url)
        self._told = told

    def make(self, name: str, span: Span) -> Report:
        """Run it; raises PulseError. What it has made until then stays, and can be dropped."""
        demand_no_cluster(self._settings)
        self._demand_no_fence()
        modes = Modes(self._settings)
        steps, steps_of_rows = steps_of(self._settings, None, modes.of), steps_of_stored(self._settings)
        modes.begin()
        modes.close()
        self._demand_site(span.site)
        about = About(name=demand_name(name), span=span, made_at=int(time.time() * 1000))
        about.window_ms = int(self._settings.dedup_hours * HOUR_MS)
        self._bound(about)
        shadow = Shadow(self._client, about)
        shadow.create()
        self._read(shadow, Raw(self._broker, about.log, steps, span, partial(self._devices, about.log)))
        self._renew(shadow, partial(renewed, steps=steps_of_rows))
        self._told("judging", 0, 1)
        judge_all(shadow)
        return self._finish(shadow)

    def _bound(self, about: About) -> None:
        """Which records of which log: those that have passed through refinement and sink when this is asked."""
        about.log = self._broker.topic_ids([RAW])[RAW]
        wheres = [(RAW, partition) for partition in range(self._broker.partitions(RAW))]
        log = Log(self._settings.kafka_url)
        ends = {(lag.topic, lag.partition): lag.high for lag in log.lags(PASSED[0])}
        self._told("waiting for what is on its way to the store", 0, 1)
        await_passed(log, PASSED, PASSED_S)
        since = about.span.since - int(self._settings.early_seconds * 1000) - MARGIN_MS
        about.cuts = [ends[where] for where in wheres]
        firsts = [self._broker.begin_of(where, since)[1] for where in wheres]
        about.firsts = [min(first, cut) for first, cut in zip(firsts, about.cuts, strict=True)]
        about.others = [str(log) for (log,) in self._client.query("replay/logs").rows if log != about.log]

    def _read(self, shadow: Shadow, raw: Raw) -> None:
        about, done = shadow.about, 0
        total = sum(about.cuts) - sum(about.firsts)

        def passed(records: int) -> None:
            nonlocal done
            done += records
            self._told("records of the raw log", done, total)

        for partition, (first, cut) in enumerate(zip(about.firsts, about.cuts, strict=True)):
            for made in raw.slices(partition, first, cut, passed):
                self._judge(shadow, made)

    def _devices(self, log: str, record: Taken) -> Devices:
        """Where devices of a record's partition were seen before it, by what is stored."""
        shares = self._broker.partitions(RAW)
        devices = Devices(lambda: self._settings.devices_mb * 1_000_000, lambda: shares)
        before = Before(log, record.offset)
        load_devices(self._client, devices, record.partition, record.timestamp - KEPT_MS, record.timestamp, before)
        return devices

    def _judge(self, shadow: Shadow, made: Slice) -> None:
        shadow.about.read += made.taken
        shadow.about.duplicates += made.repeated
        if made.events:
            put_events(shadow, made.events)
        if made.refused:
            put_refused(shadow, made.refused)
        judge_slice(shadow, made.partition, made.begin, made.end)

    def _renew(self, shadow: Shadow, renew: Callable[..., object]) -> None:
        """What the raw log does not reach is taken from the table."""
        [[total]] = shadow.ask("uncovered_count")
        for rows in gathered(shadow.blocks("uncovered")) if total else iter(()):
            shadow.insert("made", renew(rows))
            shadow.run("these")
            shadow.empty("made")
            shadow.about.taken += len(rows)
            self._told("rows of the table", shadow.about.taken, int(str(total)))

    def _finish(self, shadow: Shadow) -> Report:
        about = shadow.about
        about.months = shadow.prints()
        about.days = [str(day) for (day,) in shadow.ask("days")]
        about.state = "finished"
        shadow.note()
        self._told("comparing", 0, 1)
        return report_of(shadow)

    def _demand_no_fence(self) -> None:
        if stands(self._client):
            raise PulseError(
                "a swap was killed and keeps the sink waiting: run `pulse replay --swap` of it again first"
            )

    def _demand_site(self, site: str) -> None:
        if site and not int(self._client.query("replay/site", {"site": site}).rows[0][0]):
            raise NotFound(f"there is no site {site}: `pulse sites list` tells which there are")


def demand_no_cluster(settings: Settings) -> None:
    """Raise SettingError on a ClickHouse cluster."""
    if settings.clickhouse_cluster:
        raise SettingError("pulse replay knows a single ClickHouse only: PULSE_CLICKHOUSE_CLUSTER is set")
