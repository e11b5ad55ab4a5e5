"""Rows of a replay in the place of the stored ones: a month at a time, whole or not at all, while the sink stores on.

A month is built beside: the rows that the replay does not touch, and those that it made. What the sink stores meanwhile is
copied after, the last of it behind a fence: a setting of the table for which ClickHouse answers each insert that it has
too many parts, whereupon the sink waits and asks anew what is stored. Then the month is replaced as a whole. Whatever
dies when, a month is either as it was or as it is to be; the fence may be left standing, and the next run takes it away.
The rows of saved funnels are not trusted from before the first month until they are built anew after the last; those of
`activity` of the quarter of a month are dropped with its rows, and made anew at last. So is who was named as whom, by the
events there are then.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from clickhouse import activity
from clickhouse.client import Client
from clickhouse.funnels import build as funnels
from clickhouse.replay.shadow import Shadow, queries_of
from clickhouse.sink import stored
from pulse.errors import PulseError
from pulse.replaying.about import Month

RAISE = "ALTER TABLE events MODIFY SETTING max_parts_in_total = 0"
LOWER = "ALTER TABLE events RESET SETTING max_parts_in_total"
LONGEST_S = 600
CATCH_UPS = 3
"""So often what was stored meanwhile is copied before the fence goes up: it need stand the shorter."""

Told = Callable[[str, int, int], None]
"""Told what is done, the how-manieth it is, and of how many."""


def swap(shadow: Shadow, told: Told = lambda what, done, of: None) -> int:
    """Put a finished replay in the place of what is stored; the number of months that were changed now.

    Running it again completes what was cut short. Raises PulseError if what is stored is no longer what was compared.
    """
    about = shadow.about
    if about.state == "unfinished":
        raise PulseError(f"the replay {about.name} was not finished: drop it and replay again")
    tidy(shadow)
    todo = _todo(shadow)
    if todo:
        funnels.distrust(shadow.client)
    for number, month in enumerate(todo):
        told(f"month {month.month}", number, len(todo))
        _swap_month(shadow, month)
    if todo:
        funnels.distrust(shadow.client)
    funnels.mend(shadow.client)
    activity.complete(shadow.client, about.changed)
    if about.changed:
        _link(shadow)
    about.state = "swapped"
    shadow.note()
    told("swapped", len(todo), len(todo))
    return len(todo)


def _link(shadow: Shadow) -> None:
    """Have people be who the events say; first those who came, that nobody who is named is unknown for longer than need be."""
    shadow.run("link")
    shadow.run("unlink")
    # of an insert that runs, what the view wrote may have been deleted before its events are there
    stored.await_running(shadow.client, stored.queries_of(shadow.client), LONGEST_S)
    shadow.run("link")


def tidy(shadow: Shadow) -> None:
    """Wait for what a swap that died has left running, take the fence away, and remove the month that it was building."""
    stored.await_running(shadow.client, queries_of(shadow.client), LONGEST_S)
    lower(shadow.client)
    shadow.drop(("month",))


def lower(client: Client) -> None:
    """Let the sink store again."""
    if stands(client):
        client.command(LOWER)


def stands(client: Client) -> bool:
    """Whether the sink is kept from storing."""
    return bool(client.query("replay/fence").rows)


def _todo(shadow: Shadow) -> list[Month]:
    """The months that are as they were before; those that are as they are to be are done."""
    now = {month.month: month.before for month in shadow.prints()}
    todo = [month for month in shadow.about.months if month.differs and now[month.month] != month.after]
    changed = [str(month.month) for month in todo if now[month.month] != month.before]
    if changed:
        raise PulseError(
            f"the stored rows of {', '.join(changed)} have changed since the replay {shadow.about.name} was compared "
            "with them (deleted, merged with a repetition, or swapped for another replay): replay again"
        )
    return todo


def _swap_month(shadow: Shadow, month: Month) -> None:
    shadow.drop(("month",))
    shadow.run("month_table")
    try:
        shadow.run("month_rest", month=month.month)
        shadow.run("month_made", month=month.month)
        for _ in range(CATCH_UPS):
            shadow.run("month_later", month=month.month)
        with _fence(shadow.client):
            shadow.run("month_later", month=month.month)
            _demand_whole(shadow, month)
            activity.forget(shadow.client, month.month)
            shadow.command(f"ALTER TABLE events REPLACE PARTITION {month.month} FROM {shadow.tables['month']}")
    finally:
        shadow.drop(("month",))


def _demand_whole(shadow: Shadow, month: Month) -> None:
    counts: Any = shadow.ask("month_counts", month=month.month)[0]
    there, here = map(int, counts)
    if here != there - month.before.rows + month.after.rows:
        raise PulseError(
            f"the stored rows of {month.month} changed while they were copied ({there:,} are there, {here:,} were copied): "
            "nothing was swapped of that month; try again"
        )


@contextmanager
def _fence(client: Client) -> Iterator[None]:
    try:
        client.command(RAISE)
        stored.await_running(client, stored.queries_of(client), 120)
        yield
    finally:
        # a statement whose answer was lost may still be at work: the fence stands until it has ended
        stored.await_running(client, queries_of(client), LONGEST_S)
        client.command(LOWER)
