"""New and returning visitors."""

from dataclasses import dataclass

from clickhouse.client import Client
from clickhouse.reports.filter import Parameters
from clickhouse.reports.scope import Scope
from clickhouse.reports.statement import text_of


@dataclass(frozen=True)
class Newness:
    """How many visitors of the range have been there before it, and how many have not, with their events in the range."""

    new: int
    new_events: int
    returning: int
    returning_events: int
    rows_read: int
    ms: float


def newness(client: Client, scope: Scope) -> Newness:
    """Answer for a scope; any earlier event of the site makes a visitor a returning one. Raises as the client does."""
    bound = Parameters(scope.parameters())
    found = client.ask(text_of("newness", visitor=scope.who("visitors"), filtered=scope.filtered(bound)), bound)
    counts = {bool(row[0]): (int(row[1]), int(row[2])) for row in found.rows}
    return Newness(*counts.get(False, (0, 0)), *counts.get(True, (0, 0)), found.rows_read, found.ms)
