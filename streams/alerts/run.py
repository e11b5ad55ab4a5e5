"""The loop: read minute aggregates, look at what changed, close minutes, tell, and only then commit."""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from threading import Event
from typing import TypeVar

from confluent_kafka import KafkaException

from clickhouse.client import Client
from clickhouse.sink.identity import Identity
from pulse.alerting.rule import CATCH_UP
from pulse.alerting.site import Of, Site, Told
from pulse.alerting.state import TOLD, State
from pulse.alerting.telling import notice_of
from pulse.errors import QueryError, SettingError, Unavailable
from pulse.fencing import Fencing
from pulse.minute import MINUTE_MS
from pulse.settings import Settings
from pulse.topics import ALERTS, EVENTS, METRICS, partition_of
from streams.alerts import figures, load, told
from streams.alerts.asking import Asking, Sources
from streams.alerts.partition import Counted, Partition
from streams.alerts.reader import Evaluated, Reached, Reader
from streams.alerts.rulebook import Rulebook
from streams.alerts.teller import Teller
from streams.alerts.unrefined import Unrefined
from streams.alerts.waiting import Waiting
from streams.broker import Broker

LOOK_S = 0.5
"""How often is looked at what has changed."""
WAIT_S = 0.2
COMMIT_S = 1.0
AGAIN_S = 300.0
"""After which a site that could not be read is tried again."""
MOST_MINUTES = 30
"""How many minutes are closed before records are read again."""
SHORTEST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
REST = 10
"""So many times as long as the store took to fail it is not asked again for what was changed: meanwhile nothing is evaluated."""
UNASSIGNED = "waiting to be assigned partitions"

Got = TypeVar("Got")

log = logging.getLogger(__name__)


class Alerts:
    """Evaluates the rules of all sites whose partitions are ours, until `stop` is set."""

    def __init__(self, settings: Settings, client: Client, identity: Identity, stop: Event) -> None:
        self.clickhouse = "not asked yet"
        self.state = UNASSIGNED
        self._client = client
        self._identity = identity
        self._stop = stop
        self._grace_ms = int(settings.alerts_grace_seconds * 1000)
        self._broker = Broker(settings.kafka_url)
        self._reader = Reader(settings)
        self._fencing = Fencing(stop.wait)
        self._rulebook = Rulebook(settings)
        self._teller = Teller(settings)
        self._unrefined = Unrefined(self._broker, stop)
        sources = Sources(client, self._unrefined, Waiting(self._broker, EVENTS, load.SINK))
        self._store = Asking(sources, settings.alerts_ask_seconds, self._grace_ms)
        self._partitions: dict[int, Partition] = {}
        self._count = 0
        self._pause_s = SHORTEST_PAUSE_S
        self._looked = self._committed = 0.0
        self._passed_over: dict[str, float] = {}

    def run(self) -> None:
        """Return when `stop` is set. Raises ReplacedError where the log is another than at first, KafkaException where Kafka will not have us."""
        self._unrefined.start()
        self._reader.join()
        while not self._stop.is_set():
            try:
                self._turn()
            except KafkaException as error:
                self.state = f"joining Kafka anew: {error.args[0].str()}"
                self._fencing.bear(error)
                log.warning(self.state)
                self._reader.renew()
        self._reader.close({} if self._reader.moved else self._reached())
        self._rulebook.close()

    def checks(self) -> dict[str, str]:
        """What the process needs, each with "ok" or what is wrong with it."""
        return {"kafka": self._identity.state, "clickhouse": self.clickhouse, "state": self.state}

    def _turn(self) -> None:
        try:
            self._step()
        except (Unavailable, QueryError) as error:
            self._wait_after(error)

    def _step(self) -> None:
        self._identity.demand()
        if self._reader.moved:
            self._begin()
            return
        self._try_changes(self._rulebook.changes() | self._due())
        for message in self._reader.take(WAIT_S):
            self._partitions[message.partition() or 0].take(message)
        if not self._reader.moved:
            self._evaluate(time.time_ns() // 1_000_000)

    def _try_changes(self, names: AbstractSet[str]) -> None:
        """Take over the rules of sites. Where the minutes of one cannot be read the store is left in peace for a while, for all of them."""
        pause_s = 0.0
        for name in names:
            began = time.monotonic()
            try:
                if not pause_s:
                    self._change(name)
                    continue
            except (Unavailable, QueryError) as error:
                log.warning("changed rules wait: %s", error, extra={"site": name})
                pause_s = min(max(LONGEST_PAUSE_S, REST * (time.monotonic() - began)), AGAIN_S)
            self._put_off(name, pause_s)

    def _put_off(self, name: str, pause_s: float) -> None:
        """Watch on what a site had, until its rules are tried again."""
        self._passed_over[name] = time.monotonic() - AGAIN_S + pause_s
        partition = self._partitions.get(self._number_of(name))
        kept = self._rest(name, partition.sites.get(name)) if partition else None
        if partition and kept:
            partition.sites[name] = kept
            partition.changed.add(name)
        self._measure()

    def _due(self) -> set[str]:
        """Sites that were passed over so long ago that they are tried again."""
        return {site for site, since in self._passed_over.items() if time.monotonic() - since >= AGAIN_S}

    def _begin(self) -> None:
        """Learn the rules, what was told of them, and the minutes of their sites."""
        self._partitions = {}
        self._passed_over = {}
        if not self._reader.partitions:
            self.state = UNASSIGNED
            self._reader.demand_group()
            self._reader.take(LOOK_S)
            return
        self.state = "reading rules, states and minutes"
        self._count = self._equal_counts()
        self._asking(self._client.ping)
        self._rulebook.begin()
        evaluated = self._reader.evaluated()
        starts = load.starts(self._broker, self._reader.partitions)
        for number, start in starts.items():
            self._partitions[number] = self._partition(number, start, evaluated.get(number))
        self._asking(self._demand_some)
        for partition in self._partitions.values():  # the log went on while minutes were read
            partition.awaited = self._reader.end(partition.number, ask=True)
        self._reader.begin(starts)
        self._reader.commit(self._reached())
        self.state = "ok"
        self._pause_s = SHORTEST_PAUSE_S
        figures.BEGINNINGS.inc()
        log.info("begun", extra={"minutes": {n: each.minute for n, each in self._partitions.items()}})

    def _demand_some(self) -> None:
        """A store that refuses every site is at fault itself."""
        sites = [each.site for partition in self._partitions.values() for each in partition.sites.values()]
        if self._passed_over and not any(site.tallies for site in sites):
            raise QueryError("ClickHouse refuses the minutes of every site")

    def _equal_counts(self) -> int:
        counts = {topic: self._broker.partitions(topic) for topic in (METRICS, ALERTS)}
        if len(set(counts.values())) > 1:
            raise SettingError(f"topics must have the same number of partitions: {counts}")
        return counts[METRICS]

    def _partition(self, number: int, start: int, evaluated: Evaluated | None) -> Partition:
        """A partition, with all its sites that have rules; it goes on so early that what was pending is found again."""
        now = time.time_ns() // 1_000_000 // MINUTE_MS
        last, asked = evaluated or (now - 2 - self._grace_ms // MINUTE_MS,) * 2
        if last < now - CATCH_UP:
            log.warning("rules were not evaluated for %d minutes; only the last %d are caught up", now - last, CATCH_UP)
        made = Partition(number, last, start)
        names = [name for name in self._rulebook.sites() if self._number_of(name) == number]
        before = self._told(number, names)
        made.sites |= self._loaded({name: Site(self._rulebook.of(name), before.get(name)) for name in names}, now)
        self._passed_over |= dict.fromkeys(set(names) - set(made.sites), time.monotonic())
        held = max((each.rule.holds_for for c in made.sites.values() for each in c.site.rules.values()), default=0)
        made.evaluated, made.evaluated_asked = max(last, now - CATCH_UP), max(asked, now - CATCH_UP)
        made.minute, made.asked, made.lagged = made.evaluated - held, made.evaluated_asked - held, now - 1
        made.changed = set(made.sites)
        return made

    def _loaded(self, sites: dict[str, Site], now: int) -> dict[str, Counted]:
        return self._asking(lambda: load.from_store(self._client, sites, now))

    def _asking(self, ask: Callable[[], Got]) -> Got:
        try:
            found = ask()
        except (Unavailable, QueryError) as error:
            self.clickhouse = str(error)
            raise
        self.clickhouse = "ok"
        return found

    def _change(self, name: str) -> None:
        """Take over the rules of a site as they are now; only series that are not there yet are read."""
        partition = self._partitions.get(self._number_of(name))
        if partition is None:
            return
        old = partition.sites.get(name)
        site = Site(self._rulebook.of(name), old.site.states if old else self._states_of(partition, name))
        if old is not None and site.adopt(old.site):
            made = Counted(site, old.applied)
            self._passed_over.pop(name, None)
        else:
            found = self._read(partition, name, site) or self._rest(name, old)
            if found is None:
                return
            made = found
        partition.sites[name] = made
        partition.changed.add(name)
        self._measure()

    def _states_of(self, partition: Partition, name: str) -> dict[Of, State] | None:
        """What was told of a site that was passed over; of one that is new nothing was."""
        return self._told(partition.number, [name]).get(name) if name in self._passed_over else None

    def _told(self, number: int, names: Sequence[str]) -> told.States:
        """What was told before of some sites that lie in a partition."""
        known, now_ms = told.states(self._broker, number), time.time_ns() // 1_000_000
        if not self._broker.has_forgotten((ALERTS, number)):
            return known
        return told.together(self._asking(lambda: told.older(self._client, names, now_ms)), known)

    def _read(self, partition: Partition, name: str, site: Site) -> Counted | None:
        """A site with its minutes from store and log, None if they cannot be read."""
        start = load.starts(self._broker, [partition.number])[partition.number]
        made = self._loaded({name: site}, time.time_ns() // 1_000_000 // MINUTE_MS).get(name)
        if made is None:
            self._passed_over[name] = time.monotonic()
            return None
        self._passed_over.pop(name, None)
        load.from_log(self._broker, partition.number, start, partition.offset, name, made)
        return made

    def _rest(self, name: str, old: Counted | None) -> Counted | None:
        """A site with those of its rules whose series are there already."""
        if old is None:
            return None
        known = {r.id for r in self._rulebook.of(name) if r.is_asked or old.site.reach_of(r.selector) >= r.rule.reach}
        rules = [r for r in self._rulebook.of(name) if not r.is_on or r.id in known]
        site = Site(rules, old.site.states)
        site.adopt(old.site)
        return Counted(site, old.applied)

    def _evaluate(self, now_ms: int) -> None:
        if time.monotonic() - self._looked < LOOK_S:
            return
        began = self._looked = time.monotonic()
        self._count_down(now_ms)
        figures.EVALUATION.labels("changed").observe(time.monotonic() - began)
        if time.monotonic() - self._committed >= COMMIT_S:
            self._committed = time.monotonic()
            self._reader.commit(self._reached())
            self._measure()

    def _count_down(self, now_ms: int) -> None:
        for partition in self._partitions.values():
            if partition.offset < partition.awaited:
                continue
            self._tell(partition, partition.run(now_ms), now_ms)
            until = self._closed(partition, now_ms)
            if until > partition.minute:
                began = time.monotonic()
                self._tell(partition, partition.close(until, MOST_MINUTES), now_ms)
                figures.EVALUATION.labels("closed").observe(time.monotonic() - began)
        for partition, changes in self._store.told(self._partitions, now_ms):
            self._tell(partition, changes, now_ms)

    def _closed(self, partition: Partition, now_ms: int) -> int:
        """The last minute of which no more is awaited."""
        sure = partition.sure_ms(self._reader.end(partition.number), now_ms, self._unrefined.ms)
        return (sure - self._grace_ms) // MINUTE_MS - 1

    def _tell(self, partition: Partition, changes: Iterable[Told], now_ms: int) -> None:
        notices = [notice_of(change, now_ms) for change in changes]
        if not notices:
            return
        self._teller.tell(partition.number, notices)
        for notice in notices:
            figures.NOTICES.labels(notice.kind).inc()
        self._reader.commit(self._reached())

    def _reached(self) -> dict[int, Reached]:
        return {number: each.reached for number, each in self._partitions.items()}

    def _number_of(self, site: str) -> int:
        return partition_of(site, "", self._count)

    def _measure(self) -> None:
        sites = [counted.site for partition in self._partitions.values() for counted in partition.sites.values()]
        figures.SITES.set(len(sites))
        figures.PASSED_OVER.set(len(self._passed_over))
        figures.RULES.set(sum(rule.is_on for site in sites for rule in site.rules.values()))
        figures.BYTES.set(sum(site.nbytes for site in sites))
        figures.LEFT_OUT.set(sum(site.left_out for site in sites))
        figures.FIRING.set(sum(state.status in TOLD for site in sites for state in site.states.values()))
        last = min((partition.minute for partition in self._partitions.values()), default=None)
        if last is not None:
            figures.BEHIND.set(time.time() - (last + 1) * 60)

    def _wait_after(self, error: Exception) -> None:
        log.warning("%s; beginning anew in %.1f s", error, self._pause_s)
        self.state = str(error)
        self._reader.pause()
        self._partitions = {}
        until = time.monotonic() + self._pause_s
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)
        while not self._stop.is_set() and (left := until - time.monotonic()) > 0:
            self._reader.take(min(left, LOOK_S))
