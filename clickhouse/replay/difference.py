"""What differs between a replay and what is stored: asked day by day, so that no question grows with the range."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from clickhouse.replay.shadow import Shadow
from pulse.replaying.report import Column, Day, Example, Rejected, Report


def report_of(shadow: Shadow) -> Report:
    """The report of a finished replay; raises as Client.query does."""
    columns = [str(row[0]) for row in shadow.ask("columns")]
    days = [day for row in shadow.ask("days_received") for day in _day(shadow, str(row[0]), columns)]
    rejected: list[Any] = shadow.ask("rejected")
    return Report(shadow.about, days, [Rejected(reason, int(then), int(now)) for reason, then, now in rejected])


def _day(shadow: Shadow, day: str, names: list[str]) -> Iterator[Day]:
    rows: list[Any] = shadow.ask("rows_differing", day=day)
    found = [_read(day, site, *map(int, counts)) for site, *counts in rows]
    if any(each.differing for each in found):
        columns = _columns(shadow, day, names)
        for each in found:
            each.columns = columns[each.site_id]
    yield from found


def _read(day: str, site: str, stored: int, made: int, only_there: int, only_here: int, differing: int) -> Day:
    return Day(day, site, stored, made, only_there, only_here, differing)


def _columns(shadow: Shadow, day: str, names: list[str]) -> dict[str, list[Column]]:
    """The columns that differ, by site; values are looked up for the few events that are shown."""
    found: dict[str, dict[str, tuple[int, list[str]]]] = defaultdict(dict)
    rows: list[Any] = shadow.ask("columns_differing", day=day, names=names)
    for site, name, differ, first in rows:
        found[site][name] = int(differ), [str(each) for each in first]
    columns: dict[str, list[Column]] = defaultdict(list)
    for site, by_name in found.items():
        ids = sorted({each for _, first in by_name.values() for each in first})
        values: list[Any] = shadow.ask("columns_examples", day=day, site_id=site, ids=ids)
        texts = {each: (there, here) for each, there, here in values}
        for name, (differ, first) in by_name.items():
            at = names.index(name)
            examples = [Example(each, texts[each][0][at], texts[each][1][at]) for each in first if each in texts]
            columns[site].append(Column(name, differ, examples))
    return columns
