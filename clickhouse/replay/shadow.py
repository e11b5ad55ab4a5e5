"""The tables of one replay: made, filled, told of, dropped. What is stored is only read here."""

from collections.abc import Iterable, Iterator
from uuid import uuid4

import msgspec
import pyarrow as pa
from msgspec import json

from clickhouse.client import Client, text_of
from pulse.errors import NotFound, PulseError
from pulse.replaying.about import About, Month, Print
from pulse.replaying.span import demand_name

PARTS = ("rows", "made", "fresh", "refused", "month", "about")
"""What each of its tables is for, as the queries name it; that which says what is known of it is the last to go."""

SPILLED_BYTES = 500_000_000
SETTINGS: dict[str, object] = {
    "max_threads": 2,
    "max_partitions_per_insert_block": 0,
    "max_bytes_before_external_group_by": SPILLED_BYTES,
    "max_bytes_before_external_sort": SPILLED_BYTES,
    "insert_deduplicate": 0,
}
"""The store has others to answer, and what does not fit into memory goes to its disk."""

ARROW = {"output_format_arrow_string_as_string": 1, "output_format_arrow_low_cardinality_as_dictionary": 0}


class Shadow:
    """The tables of a replay in the client's database; `about` is what is known of it."""

    def __init__(self, client: Client, about: About) -> None:
        self.client = client
        self.about = about
        self.tables = {part: table_of(about.name, part) for part in PARTS}

    def create(self) -> None:
        """Make the tables, that of what is known first. Raises PulseError if there is such a replay."""
        if self.about.name in names(self.client):
            raise PulseError(f"there is a replay {self.about.name} already: choose another --name, or drop that one")
        self.run("about_table")
        self.note()
        self.run("rows_table")
        self.run("refused_table")
        for part in ("made", "fresh"):
            self.run("plain_table", table=self.tables[part])

    def note(self) -> None:
        """Write down what is known."""
        self.run("note", value=json.encode(self.about).decode())

    def insert(self, part: str, rows: pa.Table) -> None:
        """Put rows into one of the tables; raises as Client.insert does."""
        self.client.insert(self.tables[part], rows)

    def empty(self, part: str) -> None:
        """Take all rows out of one of the tables."""
        self.client.command(f"TRUNCATE TABLE IF EXISTS {self.tables[part]} SYNC")

    def drop(self, parts: Iterable[str] = PARTS) -> None:
        """Remove tables, all of them unless told which."""
        for part in parts:
            self.client.command(f"DROP TABLE IF EXISTS {self.tables[part]} SYNC")

    def count(self, part: str) -> int:
        """How many rows one of the tables has."""
        return int(self.client.query("replay/count", {"table": self.tables[part]}).rows[0][0])

    def run(self, name: str, **more: object) -> None:
        """Run the statement of a file."""
        self.command(text_of(f"replay/{name}"), self._given(more))

    def command(self, statement: str, parameters: dict[str, object] | None = None) -> None:
        """Run a statement under an id that tells whose it is, so that it can be waited for if who sent it has died."""
        self.client.command(statement, parameters, **SETTINGS, query_id=queries_of(self.client) + uuid4().hex)

    def ask(self, name: str, **more: object) -> list[tuple[object, ...]]:
        """The rows that the question of a file brings."""
        answer = self.client.query(f"replay/{name}", self._given(more), **SETTINGS)
        return [tuple(row) for row in answer.rows]

    def blocks(self, name: str) -> Iterator[pa.Table]:
        """The rows that the question of a file brings, as Arrow, block by block."""
        return self.client.tables(f"replay/{name}", self._given({}), **SETTINGS, **ARROW)

    def prints(self) -> list[Month]:
        """The months of the range, as they are stored and as they would be."""
        stored, made = self._prints("prints_stored"), self._prints("prints_made")
        return [Month(month, stored.get(month, Print()), made.get(month, Print())) for month in sorted(stored | made)]

    def _prints(self, name: str) -> dict[int, Print]:
        return {int(str(month)): Print(int(str(n)), int(str(total))) for month, n, total in self.ask(name)}

    def _given(self, more: dict[str, object]) -> dict[str, object]:
        tables = {part if part != "month" else "month_table": name for part, name in self.tables.items()}
        return {**tables, **self.about.parameters(), "window": self.about.window_ms, **more}


def table_of(name: str, part: str) -> str:
    """The name of one of a replay's tables."""
    return f"replay_{name}_{part}"


def queries_of(client: Client) -> str:
    """What the query ids of the statements of all replays of a database begin with."""
    return f"pulse-replay-{client.database}-"


def names(client: Client) -> list[str]:
    """The replays there are."""
    return [str(row[0]) for row in client.query("replay/names").rows]


def find(client: Client, name: str) -> Shadow:
    """A replay by its name; raises NotFound."""
    if demand_name(name) not in names(client):
        raise NotFound(f"there is no replay {name}: `pulse replay --list` tells which there are")
    rows = client.query("replay/about", {"about": table_of(name, "about")}).rows
    return Shadow(client, msgspec.json.decode(rows[0][0], type=About) if rows else unknown(name))


def unknown(name: str) -> About:
    """What is known of a replay that ended before anything was."""
    return msgspec.convert({"name": name, "span": {"since": 0, "until": 0}, "made_at": 0}, About)
