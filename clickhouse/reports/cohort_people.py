"""The members of a cohort: how many, and who, in pages; and its list, kept by hand."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from clickhouse.client import Client
from clickhouse.reports.cohort import Cohort, Kind, lists_in
from clickhouse.reports.filter import Parameters
from clickhouse.reports.statement import text_of

Cohorts = Mapping[str, Cohort]
"""The cohorts that filters within a definition name, by their ids."""
NOBODY_NAMED: Mapping[Kind, str] = {"users": "v", "visitors": ""}
"""How an event without a visitor names whoever did it."""


def size(client: Client, cohort: Cohort, known: Cohorts, now: int) -> int:
    """How many members a cohort has; raises as the client does."""
    bound = _bound(cohort, known, now)
    people, member = cohort.told(bound, "definition", now)
    [[count]] = client.ask(text_of("cohort_size", known=people, member=member), bound).rows
    return int(count)


def members(client: Client, cohort: Cohort, known: Cohorts, now: int, after: str, limit: int) -> list[str]:
    """At most so many members beyond one of them, in their order; raises as the client does."""
    bound = _bound(cohort, known, now)
    people, member = cohort.told(bound, "definition", now)
    bound |= {"after": after, "limit": limit}
    found = client.ask(text_of("cohort_members", known=people, member=member), bound)
    return [str(who) for [who] in found.rows]


def put(client: Client, site_id: str, cohort_id: str, who: Sequence[str], listed: bool, now: int) -> None:
    """Put members on a cohort's list, or take them off; the last word counts. Raises as the client does."""
    table = pa.table(
        {
            "site_id": pa.array([site_id] * len(who), pa.string()),
            "cohort": pa.array([cohort_id] * len(who), pa.string()),
            "who": pa.array(list(who), pa.string()),
            "listed": pa.array([listed] * len(who), pa.bool_()),
            "changed": pa.array([now] * len(who), pa.timestamp("ms", "UTC")),
        }
    )
    client.insert("cohort_members", table)


def _bound(cohort: Cohort, known: Cohorts, now: int) -> Parameters:
    nobody = NOBODY_NAMED[cohort.kind]
    given = {"site": cohort.site_id, "lists": sorted(lists_in(cohort.members)), "now": now, "nobody": nobody}
    return Parameters(given, known)
