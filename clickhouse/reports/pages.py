"""Pages: how often they were seen, by whom, and whether sessions began, went on or ended there."""

from dataclasses import dataclass

from clickhouse.client import Client
from clickhouse.reports.filter import Parameters
from clickhouse.reports.scope import Scope
from clickhouse.reports.source import rows_of, sessions_of
from clickhouse.reports.statement import hash_of, text_of


@dataclass(frozen=True)
class Page:
    """A page, or all of them; `seconds` is the mean time until the session's next page view, of the views that have one."""

    path: str
    views: int
    visitors: int
    entries: int
    exits: int
    bounce_rate: float | None
    seconds: float | None


@dataclass(frozen=True)
class Pages:
    """The pages with the most views, the whole, and how many pages there are."""

    pages: tuple[Page, ...]
    total: Page
    count: int
    rows_read: int
    ms: float


NONE = Page("", 0, 0, 0, 0, None, None)


def pages(client: Client, scope: Scope, limit: int) -> Pages:
    """Answer for the page views of a scope. Entries and exits are told from all page views of a session. Raises as the client does."""
    bound = Parameters(scope.parameters() | {"limit": limit})
    filtered = scope.filtered(bound)
    told = text_of("pages_told", hash=hash_of("path"), filtered=filtered)
    statement = text_of(
        "pages",
        hash=hash_of("path"),
        visitor=scope.who("visitors"),
        rows=rows_of(scope, "visitors"),
        filtered=filtered,
        views=text_of("pages_views", sessions=sessions_of(told)),
    )
    found = client.ask(statement, bound)
    whole = next((Page(*row[1:8]) for row in found.rows if row[0]), NONE)
    own = [row for row in found.rows if not row[0]]
    return Pages(tuple(Page(*row[1:8]) for row in own), whole, own[0][8] if own else 0, found.rows_read, found.ms)
