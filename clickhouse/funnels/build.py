"""The rows of saved funnels: written by a view from now on, and of what was stored before.

A saving of a funnel is a build, told by a number. First a view writes the rows of what is stored from now on; once every
insert that had begun before has ended, the rows of all that is stored are added. An event in both is one row, since both
have its key, and the table is read with FINAL. So nothing is missing and nothing counts twice, whatever died when.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from string import Template
from uuid import uuid4

from msgspec import json
from xxhash import xxh3_128_hexdigest

from clickhouse.client import Client, text_of
from clickhouse.funnels import view
from clickhouse.funnels.entry import LONG, Entry, statement
from clickhouse.reports.filter import Parameters
from pulse.errors import QueryError, Unavailable

MOST_TRIES = 5
AT_ONCE = 1_000_000
"""Events of which rows are made by one statement."""
MOST_TEXT = 16_000
"""Letters of a funnel's expression and its values: those of all funnels stand in one statement."""
SETTINGS: dict[str, object] = {
    "max_threads": 2,
    "insert_deduplicate": 0,
    "max_partitions_per_insert_block": 0,
    **LONG,
}
"""The store has others to answer; what is there of a build is told by its rows' key, not by what a block holds."""


@dataclass(frozen=True)
class Kept:
    """A saved funnel as the store knows it: which steps and exclusions an event fits, as an expression of numbered parameters."""

    site: str
    id: str
    entry: Entry
    print: str
    state: str = "building"


def kept_of(site: str, funnel: str, fits: str, bound: Parameters) -> Kept:
    """A funnel that is about to be saved, as a new build."""
    return Kept(site, funnel, Entry(_number(), site, fits, dict(bound)), print_of(site, fits, bound))


def print_of(site: str, fits: str, bound: Parameters) -> str:
    """What tells the steps and exclusions of a site's funnel from others."""
    return xxh3_128_hexdigest(json.encode([site, fits, dict(bound)]))


def every(client: Client) -> list[Kept]:
    """The saved funnels; raises as Client.query does."""
    return [
        Kept(site, id_, Entry(int(build), site, fits, json.decode(bound)), print_, state)
        for site, id_, build, fits, bound, print_, state in client.query("funnels/all").rows
    ]


def check(client: Client, kept: Kept) -> None:
    """Raise QueryError for steps that the store will not ask of an event: a view that fails would keep events from being stored."""
    if len(kept.entry.fits) + len(json.encode(kept.entry.bound)) > MOST_TEXT:
        raise QueryError("steps: these, with their filters, are too long for a saved funnel; ask without saving")
    client.ask(Template(text_of("funnels/nothing")).substitute(fits=kept.entry.fits), kept.entry.bound)


def save(client: Client, kept: Kept) -> None:
    """Let a funnel be known by these steps, in place of those that it had; `mend` builds it. Raises QueryError, Unavailable."""
    _say(client, kept)


def remove(client: Client, site: str, funnel: str) -> None:
    """Drop a funnel's rows, and what writes them."""
    _say(client, Kept(site, funnel, Entry(0, site, "", {}), "", "gone"))
    view.renew(client, [each.entry for each in every(client)], lambda: _builds(client))
    sweep(client)


def mend(client: Client, is_ended: Callable[[], bool] = lambda: False) -> None:
    """Build every saved funnel that is not ready, until it is; one that is refused keeps none of the others. Raises QueryError, Unavailable."""
    waiting = [each for each in every(client) if each.state == "building"]
    refused = None
    for kept in waiting:
        if not is_ended():
            try:
                _build(client, kept)
            except QueryError as error:
                refused = refused or error
    if waiting:
        sweep(client)
    if refused:
        raise refused


def distrust(client: Client) -> None:
    """Have no funnel's rows trusted until they are built anew: events that are stored are about to be others, or have become so."""
    _say(client, Kept("", "", Entry(_number(), "", "", {}), ""))
    for kept in every(client):
        _say(client, _again(kept), kept.entry.build)


def sweep(client: Client) -> None:
    """Delete the rows of builds that are no more."""
    stored = client.query("funnels/stored").rows
    alive = _builds(client)
    for site, build in stored:
        if int(build) not in alive:
            client.command(
                "ALTER TABLE funnel_steps DELETE WHERE site_id = {site:String} AND build = {build:UInt64}",
                {"site": site, "build": int(build)},
            )


def _build(client: Client, kept: Kept) -> None:
    for _ in range(MOST_TRIES):
        before = _replaced(client)
        view.renew(client, [each.entry for each in every(client)], lambda: _builds(client))
        _add_stored(client, kept)
        if before == _replaced(client):
            _say(client, replace(kept, state="ready"), kept.entry.build)
            return
        again = _again(kept)
        _say(client, again, kept.entry.build)
        kept = again
    raise Unavailable(f"the stored events were replaced while the rows of the funnel {kept.id} were made of them")


def _add_stored(client: Client, kept: Kept) -> None:
    """Some days at a time, so that no statement grows with the history."""
    days = [(day, int(count)) for day, count in client.query("funnels/days", {"site": kept.site}).rows]
    for since, until in spans(days, AT_ONCE):
        made, bound = statement([kept.entry], " AND toDate(ts) BETWEEN {since:Date} AND {until:Date}")
        client.command(f"INSERT INTO funnel_steps\n{made}", {**bound, "since": since, "until": until}, **SETTINGS)


def spans(days: Sequence[tuple[date, int]], most: int) -> Iterator[tuple[date, date]]:
    """First and last days of spans that hold no more than `most` of what is counted, or are one day."""
    begin, held = 0, 0
    for n, (_, count) in enumerate(days):
        if held and held + count > most:
            yield days[begin][0], days[n - 1][0]
            begin, held = n, 0
        held += count
    if days:
        yield days[begin][0], days[-1][0]


def _say(client: Client, kept: Kept, instead: int = 0) -> None:
    given = {
        "site": kept.site,
        "id": kept.id,
        "build": kept.entry.build,
        "fits": kept.entry.fits,
        "bound": json.encode(kept.entry.bound).decode(),
        "print": kept.print,
        "state": kept.state,
        "instead": instead,
    }
    client.command(text_of("funnels/say"), given)


def _again(kept: Kept) -> Kept:
    return replace(kept, entry=replace(kept.entry, build=_number()), state="building")


def _builds(client: Client) -> set[int]:
    return {each.entry.build for each in every(client)}


def _replaced(client: Client) -> int:
    return int(client.query("funnels/replaced").rows[0][0])


def _number() -> int:
    return uuid4().int >> 66
