"""What rules ask of the stored events, and how far Pulse is behind: asked in rounds, by a thread that nobody waits for."""

import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from threading import Thread
from typing import NamedTuple

from clickhouse.client import Client
from pulse.alerting.rule import LAG, OF_STORE
from pulse.alerting.site import Site, Told
from pulse.alerting.windows import Answer, Question
from pulse.errors import PulseError
from pulse.minute import MINUTE_MS
from streams.alerts import figures, usual
from streams.alerts.lags import Lags
from streams.alerts.partition import Partition
from streams.alerts.refusals import Refusals
from streams.alerts.round import RUNNING, Found, Want, Wanted, go_round
from streams.alerts.unrefined import Unrefined
from streams.alerts.waiting import Waiting

REST = 10
"""A round is followed by a pause of so many times what it took: the store is busy with rules a tenth of the time at most."""
MOST_REST_S = 60.0
"""However long a round took: one question that the store is long at must not keep all others waiting."""

log = logging.getLogger(__name__)

Sites = dict[str, Site]
Changes = Iterator[tuple[Partition, Iterable[Told]]]


class Sources(NamedTuple):
    """Whom a round asks: the store, and how far refinement and the sink are."""

    client: Client
    unrefined: Unrefined
    unstored: Waiting


class Asking:
    """Rounds of questions, and what rules tell of the answers."""

    def __init__(self, sources: Sources, every_s: float, grace_ms: int) -> None:
        self._sources = sources
        self._every_s, self._grace_ms = every_s, grace_ms
        self._lags = Lags()
        self._thread: Thread | None = None
        self._found: Found | None = None
        self._of: Mapping[int, Partition] = {}
        self._due = 0.0
        self._refusals, self._put_off = Refusals(), Refusals()
        self._usual: usual.Usual = {}

    def told(self, partitions: Mapping[int, Partition], now_ms: int) -> Changes:
        """What rules tell of the round that has ended, if one has; the next is begun when its time has come."""
        if self._thread is not None and self._thread.is_alive():
            return
        found, self._found, self._thread = self._found, None, None
        if found is not None:
            yield from self._take(found, partitions)
        if time.monotonic() >= self._due:
            self._begin(partitions, now_ms)

    def _begin(self, partitions: Mapping[int, Partition], now_ms: int) -> None:
        self._of = dict(partitions)
        for each in partitions.values():
            each.follow()
        self._due = time.monotonic() + self._every_s
        if any(map(_asking, partitions.values())):
            wanted = [self._wanted(each) for each in partitions.values()]
            figures.QUESTIONS.set(len({(w.site_id, w.question) for each in wanted for w in each.wants}))
            self._thread = Thread(target=self._run, args=(wanted, now_ms), name="asking", daemon=True)
            self._thread.start()

    def _wanted(self, partition: Partition) -> Wanted:
        now = time.monotonic()
        waiting = self._refusals.waiting(now)
        wants = [want for name, site in _asking(partition).items() for want in _wants(name, site, self._usual)]
        asked = [want for want in wants if (want.site_id, want.question) not in waiting]
        return Wanted(partition.asked, asked, self._put_off.waiting(now))

    def _run(self, wanted: list[Wanted], now_ms: int) -> None:
        client, unrefined, unstored = self._sources
        try:
            behind = [ms for ms in (unrefined.ask(), unstored.oldest()) if ms is not None]
            began = time.monotonic()
            self._found = go_round(client, wanted, now_ms, min(behind, default=None), self._grace_ms)
            took = time.monotonic() - began
            figures.ASKING.observe(took)
            self._due = max(self._due, time.monotonic() + min(REST * took, MOST_REST_S))
        except PulseError as error:
            log.warning("rules on stored events wait: %s", error)
        except Exception:
            log.exception("rules on stored events wait")

    def _take(self, found: Found, partitions: Mapping[int, Partition]) -> Changes:
        self._lags.add(found.now_ms, found.lag_s)
        figures.LAG.set(found.lag_s)
        figures.REFUSALS.inc(len(found.refused) + len(found.put_off))
        self._refusals.note(found.refused, found.answers, time.monotonic())
        self._put_off.note(found.put_off, found.usual, time.monotonic())
        figures.REFUSED.set(len(self._refusals) + len(self._put_off))
        self._note_usual(found)
        if found.fault:
            log.warning("rules on stored events wait: %s", found.fault)
        now = found.now_ms // MINUTE_MS
        answers = _by_site(found, self._usual)
        for number, partition in partitions.items():
            if self._of.get(number) is not partition:
                continue  # read anew meanwhile: the next round asks from where it stands now
            sites = _asking(partition)
            for name, site in sites.items():
                # what a rule that was changed meanwhile asks has no answer, and tells nothing
                site.take(answers[name])
                site.take({each: self._lags.answer(each) for each in site.asked if each.selector.metric == LAG})
            yield partition, self._evaluated(partition, sites, found, now)

    def _note_usual(self, found: Found) -> None:
        """Keep what is usual of those that still ask; what was refused in part is asked for anew."""
        put_off = set(found.put_off)
        if not found.fault:
            self._usual |= {key: answer for key, answer in found.usual.items() if key not in put_off}
        asking = {(name, each) for of in self._of.values() for name, site in _asking(of).items() for each in site.asked}
        self._usual = {key: answer for key, answer in self._usual.items() if key in asking}

    def _evaluated(self, partition: Partition, sites: Sites, found: Found, now: int) -> Iterator[Told]:
        """What the rules of a partition tell, minute by minute."""
        if not found.fault:
            yield from partition.close_asked(sites, found.until, OF_STORE)
        yield from partition.close_lag(sites, (found.now_ms - self._grace_ms) // MINUTE_MS - 1, LAG)
        open_minutes = range(max(found.until + 1, now - RUNNING + 1), now + 1)
        for site in sites.values():
            yield from site.run_asked(open_minutes, found.now_ms)


def _by_site(found: Found, known: usual.Usual) -> dict[str, dict[Question, Answer]]:
    made: dict[str, dict[Question, Answer]] = defaultdict(dict)
    for (name, question), answer in found.answers.items():
        made[name][question] = usual.joined(answer, known.get((name, question)))
    return made


def _asking(partition: Partition) -> Sites:
    """The sites of a partition with rules that ask."""
    return {name: counted.site for name, counted in partition.sites.items() if counted.site.asked}


def _wants(name: str, site: Site, known: usual.Usual) -> Iterator[Want]:
    for each in site.rules.values():
        if each.is_on and each.rule.is_of_store:
            question = each.question
            of_usual = usual.known(known.get((name, question))) if each.rule.is_anomaly else None
            yield Want(
                name, question, each.begins, each.rule.shift, each.rule.is_instant, site.firing(question), of_usual
            )
