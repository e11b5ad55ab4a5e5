"""Errors: the same fault grouped by its message and its page, when it was seen, how many it hit, and how it stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from clickhouse.client import Client
from clickhouse.reports.filter import Parameters
from clickhouse.reports.scope import Scope
from clickhouse.reports.source import TABLE
from clickhouse.reports.statement import text_of
from pulse.clock import to_ms
from pulse.event import MAX_MS

EVENT = "error"
HISTORY_MS = 90 * 86_400_000
"""So long before the range is looked for a fault that is told as new there."""
VERSION = r"^v?[0-9]+(\.[0-9]+)*([-+ _].*)?$"
"""Releases that look so are compared by their numbers, others not at all."""
NUMBERS = "arrayMap(n -> toUInt64OrZero(n), extractAll(replaceRegexpOne($release, '(\\\\.0+)+$', ''), '[0-9]+'))"

Status = Literal["new", "ongoing", "regressed", "resolved"]


class Resolved(NamedTuple):
    """When somebody said that a fault is resolved, in ms, and in which release; empty if none was named."""

    at_ms: int
    release: str


OPEN = Resolved(0, "")


@dataclass(frozen=True)
class Fault:
    """A fault on a page: its fingerprint, its message without what differs, one that was seen; first and last in the range, in ms.

    `release` is that of the last one, empty if it names none.
    """

    fingerprint: str
    path: str
    message: str
    example: str
    count: int
    visitors: int
    users: int
    first_ms: int
    last_ms: int
    release: str
    status: Status


@dataclass(frozen=True)
class ErrorsAnswer:
    """The most frequent faults, and how many there are; and of all errors how many there are, and how many they hit."""

    faults: tuple[Fault, ...]
    groups: int
    count: int
    visitors: int
    users: int
    rows_read: int
    ms: float
    source: str = TABLE


def answer(
    client: Client,
    scope: Scope,
    limit: int,
    resolved: Mapping[str, Resolved] | None = None,
    statuses: Sequence[Status] = (),
) -> ErrorsAnswer:
    """Answer for the errors of a scope: faults of some statuses where these are named.

    `resolved` is what was said of faults, by their fingerprints. Raises QueryError for a filter that cannot be, and as the client does.
    """
    bound = Parameters(scope.parameters() | _asked(scope, resolved or {}))
    bound |= {"limit": limit, "statuses": list(statuses)}
    statement = text_of(
        "errors",
        visitor=scope.who("visitors"),
        user=scope.who("users"),
        filtered=scope.filtered(bound),
        named=text_of("errors_named"),
        numbers_seen=NUMBERS.replace("$release", "release"),
        numbers_fixed=NUMBERS.replace("$release", "fixed"),
    )
    found = client.ask(statement, bound)
    faults = tuple(_fault(*row[1:12]) for row in found.rows if not row[0])
    whole = next(((row[12], row[5], row[6], row[7]) for row in found.rows if row[0]), (0, 0, 0, 0))
    groups, count, visitors, users = whole
    return ErrorsAnswer(faults, groups, count, visitors, users, found.rows_read, found.ms)


def is_known(client: Client, site_id: str, fingerprint: str) -> bool:
    """Whether a site has a fault, at whatever time. Raises as the client does."""
    statement = text_of("errors_known", named=text_of("errors_named"))
    return bool(client.ask(statement, {"site": site_id, "name": EVENT, "fingerprint": fingerprint}).rows)


def _asked(scope: Scope, resolved: Mapping[str, Resolved]) -> dict[str, Any]:
    prints = ["", *sorted(resolved)]
    return {
        "name": EVENT,
        "version": VERSION,
        "since": max(scope.start_ms - HISTORY_MS, 0),
        "until": MAX_MS if resolved else scope.end_ms,
        "resolved": prints,
        "resolved_at": [resolved.get(each, OPEN).at_ms for each in prints],
        "resolved_in": [resolved.get(each, OPEN).release for each in prints],
    }


def _fault(
    fingerprint: str,
    path: str,
    message: str,
    example: str,
    count: int,
    visitors: int,
    users: int,
    first: Any,
    last: Any,
    release: str,
    status: Status,
) -> Fault:
    return Fault(
        fingerprint, path, message, example, count, visitors, users, to_ms(first), to_ms(last), release, status
    )
