"""Storing records: one insert a table and month, each with the places it came from, and seen to be there afterwards."""

import time
from collections.abc import Callable, Iterable, Sequence
from logging import getLogger
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from xxhash import xxh3_128_hexdigest

from clickhouse.client import Client
from clickhouse.sink import account, again, awake, ledger, meters, poison, refusals, stored
from clickhouse.sink.events import EVENTS
from clickhouse.sink.kind import Kind, months, unstored, wrong
from clickhouse.sink.ledger import LEDGER
from clickhouse.sink.lines import Bad, Numbers, Parsed, parse
from clickhouse.sink.metrics import METRICS
from clickhouse.sink.record import Record, lines_of
from clickhouse.sink.refused import REJECTED
from pulse.errors import QueryError, Unavailable

KINDS = (EVENTS, REJECTED, METRICS)
TRUSTED_S = 1.0
"""After so long without a word from ClickHouse it is asked again whether it still has what it had."""
Note = Callable[[Iterable[str]], None]
"""Told of which sites something was stored; of none, where it may be any: what was sent before may have been stored since."""
StoodStill = Callable[[float], bool]
"""Whether this process stood still after a moment of its clock, `awake.now`; see `Awake`."""

log = getLogger(__name__)


def always_awake(since: float) -> bool:
    """Where nobody looks."""
    return False


def nobody(sites: Iterable[str]) -> None:
    """Nobody wants to know."""


class Writer:
    """Stores records in ClickHouse beyond what it has of them already.

    After any failure what is stored is unknown, until `begin` has asked again. So it is after `most_s` seconds without
    a word from ClickHouse, and after it stood still since then: another sink may have gone on in its place, and what is
    heard of one table afterwards says nothing of the others. `note` is told of which sites events or minute aggregates
    were stored.
    """

    def __init__(
        self, client: Client, most_s: float = 3.0, note: Note = nobody, stood_still: StoodStill = always_awake
    ) -> None:
        self.stored: stored.Stored = {}
        self._client = client
        self._most_s = most_s
        self._note = note
        self._stood_still = stood_still
        self._begun = 0.0
        self._touched: set[str] = set()
        self._repeated: list[Record] = []
        self._queries = stored.queries_of(client)
        self._again = 0
        self._heard = 0.0

    def begin(self) -> None:
        """Ask ClickHouse what it has; raises Unavailable, QueryError."""
        self._begun = awake.now()
        stored.await_running(self._client, self._queries)
        asked = time.monotonic()
        self.stored = stored.read(self._client)
        self._heard = asked
        self._note(())

    def store(self, records: Sequence[Record]) -> None:
        """Store the records of all kinds, of each only what is not there; raises Unavailable, QueryError."""
        self._look()
        self._repeated = []
        try:
            for kind in KINDS:
                own = [record for record in records if record.topic == kind.topic]
                if own:
                    self._store(kind, own)
        finally:
            self._tell()
        self._account([record for record in records if record.topic == EVENTS.topic])
        # at last, as it takes time in which another sink may go on: what is new would never be stored
        again.write(self._client, self._repeated)

    def _tell(self) -> None:
        """Tell of what was stored once the aggregates of it are there as well: who asks anew then finds both."""
        sites, self._touched = self._touched, set()
        if sites:
            self._note(sites)

    def has(self, record: Record) -> bool:
        """Whether everything of a record is stored, or kept among the refused."""
        for kind in KINDS:
            if record.topic == kind.topic:
                return self._holds(kind, record) and (kind is not EVENTS or self._has_account(record))
        return True

    def _holds(self, kind: Kind, record: Record) -> bool:
        parsed, bad = _checked(kind, [record])
        return not self._unstored_refusals(kind.table, bad) and not any(
            self._lacks(kind, int(month), record) for month in np.unique(_months(kind, parsed))
        )

    def _has_account(self, record: Record) -> bool:
        """A store that keeps no ledger yet need not begin with what it stored before; a record without events says nothing else."""
        began = any(table == LEDGER.table and mark == LEDGER.mark(record) for table, _, mark in self.stored)
        if not record.ledger or (record.value and not began):
            return True
        return self._holds(LEDGER, record._replace(value=record.ledger, fault=""))

    def _account(self, records: Sequence[Record]) -> None:
        """Enter records of events in the ledger, after what can be stored of them is, and the rest kept as refused."""
        without = [record if record.ledger is None else record._replace(value=b"") for record in records]
        counted, _ = _checked(EVENTS, without)
        entries = account.accounts(self._client, records, counted, self.stored)
        if entries:
            self._store(LEDGER, entries)

    def _look(self) -> None:
        """A store that was emptied while there was nothing to do must be noticed before a new block hides it."""
        if time.monotonic() - self._heard >= TRUSTED_S:
            self._ask()

    def _ask(self) -> None:
        asked = time.monotonic()
        found = stored.read(self._client)
        if any(found.get(key, -1) < place for key, place in self.stored.items()):
            raise Unavailable("ClickHouse has less than it had")
        self.stored = found
        self._heard = asked

    def _demand_current(self) -> None:
        """What is stored must have been heard a moment ago: an insert cannot be taken back."""
        silent = time.monotonic() - self._heard
        if silent > self._most_s:
            raise Unavailable(f"nothing was heard of ClickHouse for {silent:.1f} s: another sink may have gone on")
        if self._stood_still(self._begun):
            raise Unavailable("this process stood still for a while: another sink may have gone on")

    def _lacks(self, kind: Kind, month: int, record: Record) -> bool:
        refused = self._unstored_refusals(f"{kind.table}-{month}", [Bad(record, b"", "")])
        return bool(refused) and record.place.number > self.stored.get((kind.table, month, kind.mark(record)), -1)

    def _store(self, kind: Kind, records: Sequence[Record]) -> None:
        parsed, bad = _checked(kind, records)
        self._refuse(kind.table, bad)
        when = _months(kind, parsed)
        for month in np.unique(when):
            of_month = np.flatnonzero(when == month)
            new = unstored(kind, int(month), parsed.origin[of_month], records, self.stored)
            if kind is EVENTS:
                self._repeated += [records[n] for n in np.unique(parsed.origin[of_month[~new]])]
            if new.any():
                self._store_month(kind, int(month), _taken(parsed, of_month[new]), records)

    def _store_month(self, kind: Kind, month: int, parsed: Parsed, records: Sequence[Record]) -> None:
        try:
            self._insert(kind, month, parsed, records)
        except QueryError as error:
            if not poison.is_refusal(error):
                raise
            good = self._without_refused(kind, month, parsed, records)
            if len(good.origin):
                self._insert(kind, month, good, records)
        if kind is LEDGER:
            ledger.measure(parsed.rows)
        if kind in (EVENTS, METRICS):
            self._touched.update(pc.unique(parsed.rows["site_id"]).to_pylist())
        if kind is EVENTS:
            ages = time.time() - parsed.rows["received_at"].to_numpy(zero_copy_only=False).astype(np.float64) / 1000
            meters.FRESHNESS.observe(ages[~np.isnan(ages)])

    def _insert(self, kind: Kind, month: int, parsed: Parsed, records: Sequence[Record]) -> None:
        used = [records[number] for number in np.unique(parsed.origin)]
        rows = kind.columns(parsed.rows, parsed.origin, records)
        self._put(kind.table, month, rows, [(kind.mark(record), record.place.number) for record in used])

    def _without_refused(self, kind: Kind, month: int, parsed: Parsed, records: Sequence[Record]) -> Parsed:
        def made(numbers: Numbers) -> pa.Table:
            part = _taken(parsed, numbers)
            return kind.columns(part.rows, part.origin, records)

        found = poison.refused_rows(self._client, kind.table, len(parsed.origin), made)
        self._ask()  # looking for them takes its time, in which another sink may have gone on
        if not unstored(kind, month, parsed.origin, records, self.stored).all():
            raise Unavailable("another sink has gone on while refused rows were looked for")
        self._refuse(f"{kind.table}-{month}", [_bad(parsed, records, number, why) for number, why in found.items()])
        return _taken(parsed, np.setdiff1d(np.arange(len(parsed.origin)), list(found)))

    def _refuse(self, stage: str, bad: Sequence[Bad]) -> None:
        """Keep lines that cannot be stored; before the rows around them, whose places would hide them after a crash."""
        new = self._unstored_refusals(stage, bad)
        if not new:
            return
        log.warning("lines that cannot be stored", extra={"stage": stage, "lines": len(new), "first": new[0].why})
        marks = [(refusals.mark(stage, each.record), each.record.place.number) for each in new]
        self._put(REJECTED.table, 0, refusals.rows_of(stage, new), marks)
        meters.REFUSED.labels(stage.partition("-")[0]).inc(len(new))

    def _unstored_refusals(self, stage: str, bad: Sequence[Bad]) -> list[Bad]:
        def limit(record: Record) -> int:
            return self.stored.get((REJECTED.table, 0, refusals.mark(stage, record)), -1)

        return [each for each in bad if each.record.place.number > limit(each.record)]

    def _put(self, table: str, month: int, rows: pa.Table, places: Sequence[tuple[str, int]]) -> None:
        """Insert one block and look that it is there."""
        first, last = _ends(places)
        named = repr((table, month, sorted(first.items()), sorted(last.items()), self._again))
        token = xxh3_128_hexdigest(named.encode())
        began = time.perf_counter()
        self._client.insert(table, rows, token, self._queries + uuid4().hex, self._demand_current)
        meters.INSERT_SECONDS.labels(table).observe(time.perf_counter() - began)
        asked = time.monotonic()
        self.stored |= stored.read_table(self._client, table)
        self._heard = asked
        if all(self.stored.get((table, month, mark), -1) < place for mark, place in last.items()):
            self._again += 1
            raise Unavailable(f"ClickHouse took a block of {table} for a repetition and has it not: {token}")
        meters.ROWS.labels(table).inc(len(rows))


def _checked(kind: Kind, records: Sequence[Record]) -> tuple[Parsed, list[Bad]]:
    parsed = parse(records, kind.schema)
    found = wrong(parsed.rows, kind.checks)
    if not found:
        return parsed, parsed.bad
    bad = [_bad(parsed, records, number, why) for number, why in found.items()]
    good = np.setdiff1d(np.arange(len(parsed.origin)), list(found))
    return _taken(parsed, good), parsed.bad + bad


def _bad(parsed: Parsed, records: Sequence[Record], number: int, why: str) -> Bad:
    record = records[int(parsed.origin[number])]
    return Bad(record, lines_of(record.value)[int(parsed.line[number])], why)


def _taken(parsed: Parsed, numbers: Numbers) -> Parsed:
    if len(numbers) == len(parsed.origin):
        return parsed
    return Parsed(parsed.rows.take(numbers), parsed.origin[numbers], parsed.line[numbers], [])


def _months(kind: Kind, parsed: Parsed) -> Numbers:
    if kind.month is None:
        return np.zeros(len(parsed.origin), np.int64)
    return months(parsed.rows[kind.month].to_numpy())


def _ends(places: Sequence[tuple[str, int]]) -> tuple[dict[str, int], dict[str, int]]:
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for mark, place in places:
        first[mark] = min(first.get(mark, place), place)
        last[mark] = max(last.get(mark, place), place)
    return first, last
